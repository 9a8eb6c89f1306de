"""When an artifact last was in effect: a fold over deployment evidence (45 CFR 164.316(b)(2)(i))."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from wardline.canonical import Digest
from wardline.deployments.history import Moved, serving
from wardline.environments.observations import EnvironmentKey
from wardline.ids import RunId


def last_in_effect(history: Sequence[Moved], *, now: datetime) -> Mapping[Digest, datetime]:
    """Return the last moment at which each artifact was in front of callers somewhere; now, where it is still.

    A deployment that has not ended keeps both its releases in effect: either may be the one that stays.
    """
    until: dict[Digest, datetime] = {}
    newest: dict[EnvironmentKey, Moved] = {}
    before: dict[EnvironmentKey, Digest | None] = {}  # what served until the newest statement
    for moved in history:
        newest[moved.environment] = moved
        leaving = before.get(moved.environment)
        for artifact in {*_named(moved), *(() if leaving is None else (leaving,))}:
            until[artifact] = max(moved.at, until.get(artifact, moved.at))
        if moved.ended:
            before[moved.environment] = _serves(moved)
    for environment, moved in newest.items():
        serves = serving(history, environment)
        still = () if serves is None else (serves[0].artifact,)
        for artifact in still if moved.ended else (*still, *_named(moved)):
            until[artifact] = now
    return until


def runs_in_effect(history: Sequence[Moved], *, now: datetime) -> Mapping[RunId, datetime]:
    """Return for each run that deployed something when an artifact of it last was in effect."""
    until = last_in_effect(history, now=now)
    found: dict[RunId, datetime] = {}
    for moved in history:
        if moved.run is not None:
            latest = until[moved.release.artifact]
            found[moved.run] = max(latest, found.get(moved.run, latest))
    return found


def _named(moved: Moved) -> tuple[Digest, ...]:
    return (moved.release.artifact,) if moved.previous is None else (moved.release.artifact, moved.previous.artifact)


def _serves(moved: Moved) -> Digest | None:
    releases = {moved.release.id: moved.release.artifact}
    if moved.previous is not None:
        releases[moved.previous.id] = moved.previous.artifact
    return None if moved.serving is None else releases.get(moved.serving)

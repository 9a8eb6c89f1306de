"""Prove complete: hold a stretch of the log against everything that tells what should be in it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from wardline.canonical import Digest
from wardline.delivery.check_things import Places, check_things
from wardline.errors import IntegrityViolation, InvalidInput, Unavailable
from wardline.evidence.log import Blobs, EvidenceLog
from wardline.evidence.retention.completeness import Completeness, Looked, Named, Walk, Window
from wardline.evidence.retention.purges import Purges, read_purges
from wardline.gates.predicates import DECISION
from wardline.ids import RunId
from wardline.metrics.audit import AuditTrail, allows, audit_trail
from wardline.metrics.records import Records, read
from wardline.pipelines.run import Run

_LOG = "Every leaf, root and signature holds"
_INDICES = "The log has no gap"
_TIMES = "Times go forward"
_RUNS = "Every run is sealed, and its count is right"
_DEPLOYMENTS = "Every deployment has its Allow"
_THINGS = "Everything that is named is there, or was purged"
_NOTHING = "nothing was ever recorded: an empty log proves nothing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Where to look.

    Attributes:
        check: Derives the whole log again and returns its size; see `wardline log check`.
        artifact: Raises where an artifact is not kept, or is not what its digest says.
        runs: The table of runs: a projection, so what it knows more than the log is a question to the log.
        under_way: Whether a run may still go on.
    """

    log: EvidenceLog
    blobs: Blobs
    check: Callable[[], int]
    artifact: Callable[[Digest], object]
    runs: Iterable[Run]
    under_way: Callable[[RunId], bool]


def prove_complete(window: Window, sources: Sources) -> Completeness:
    """Return what is missing of `window`, and where nobody could look. Nothing is raised for what is found."""
    checked = _check(sources)
    walk = Walk(window=window)
    try:
        records = read(walk.through(sources.log.every()))
        known = allows(sources.log.every(DECISION))
        purges = read_purges(sources.log, sources.blobs)
    except (IntegrityViolation, InvalidInput) as error:
        return _unread(walk, checked, Looked(title=_INDICES, counted=walk.size, missing=(error.what,)))
    except Unavailable as error:
        return _unread(walk, checked, Looked(title=_INDICES, counted=walk.size, unseen=(error.what,)))
    inside = Records(
        runs=tuple(run for run in records.runs if window.overlaps(run.began_at, run.ended_at)),
        deployments=tuple(moved for moved in records.deployments if window.holds(moved.at)),
    )
    trail = audit_trail(inside, under_way=sources.under_way, allows=known)
    seen = frozenset(run.run for run in records.runs)
    return Completeness(
        window=window,
        size=walk.size,
        statements=walk.statements,
        first=walk.first,
        last=walk.last,
        looked=(
            checked,
            _indices(walk, checked),
            Looked(title=_TIMES, counted=walk.statements, missing=tuple(walk.steps_back)),
            _runs(inside, trail, seen, window=window, sources=sources),
            _deployments(trail),
            _things(walk.things(), purges, sources),
        ),
    )


def _check(sources: Sources) -> Looked:
    try:
        return Looked(title=_LOG, counted=sources.check())
    except IntegrityViolation as error:
        return Looked(title=_LOG, counted=0, missing=(error.what,))
    except Unavailable as error:
        return Looked(title=_LOG, counted=0, unseen=(error.what,))


def _unread(walk: Walk, checked: Looked, why: Looked) -> Completeness:
    rest = (_TIMES, _RUNS, _DEPLOYMENTS, _THINGS)
    unseen = (f"not looked at: the log could be read up to index {walk.size} only",)
    return Completeness(
        window=walk.window,
        size=walk.size,
        statements=walk.statements,
        first=walk.first,
        last=walk.last,
        looked=(checked, why, *(Looked(title=title, counted=0, unseen=unseen) for title in rest)),
    )


def _indices(walk: Walk, checked: Looked) -> Looked:
    missing = list(walk.gaps)
    if not checked.missing and not checked.unseen and checked.counted > walk.size:
        missing.append(f"the checked log has {checked.counted} statements, {walk.size} could be read")
    return Looked(
        title=_INDICES,
        counted=walk.size,
        missing=tuple(missing),
        unseen=(_NOTHING,) if walk.size == 0 else (),
    )


def _runs(inside: Records, trail: AuditTrail, seen: frozenset[RunId], *, window: Window, sources: Sources) -> Looked:
    missing = [gap for gap in trail.gaps if gap.startswith("run ")]
    notes = [f"run {run.run} is under way" for run in inside.runs if run.stated is None and sources.under_way(run.run)]
    for run in sources.runs:
        # What left nothing in the log has only the table to tell of it.
        if run.id in seen or not window.holds(run.started_at):
            continue
        if run.ended:
            missing.append(f"run {run.id}: {run.status} says the table of runs, and the log has nothing of it")
        else:
            notes.append(f"run {run.id} is under way and has left nothing yet")
    return Looked(title=_RUNS, counted=trail.runs + trail.under_way, missing=tuple(missing), notes=tuple(notes))


def _deployments(trail: AuditTrail) -> Looked:
    missing = tuple(gap for gap in trail.gaps if not gap.startswith("run "))
    return Looked(title=_DEPLOYMENTS, counted=trail.deployments, missing=missing)


def _things(things: Iterable[Named], purges: Purges, sources: Sources) -> Looked:
    found = check_things(things, Places(blobs=sources.blobs, artifact=sources.artifact), lambda: purges)
    notes = (f"{found.purged} of them were purged when their period was over",) if found.purged else ()
    return Looked(title=_THINGS, counted=found.mentions, missing=found.missing, unseen=found.unseen, notes=notes)

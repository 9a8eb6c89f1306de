"""The four DORA figures, folded from deployment statements (https://dora.dev/guides/dora-metrics-four-keys/)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from wardline.deployments.history import Moved
from wardline.deployments.predicates import Phase
from wardline.environments.observations import EnvironmentKey
from wardline.ids import ReleaseId, RunId
from wardline.metrics.records import Records

_BASIS_POINTS = 10_000
_NO_CHANGE = frozenset({"rehearsal", "bring-to-production", "cancelled"})  # reasons of moves that are no change
_OPERATOR = "operator"


@dataclass(frozen=True, slots=True, kw_only=True)
class DORA:
    """`None` means that there is nothing to say, never zero.

    deployments: changes that reached the environment's callers and stayed.
    window: from the first to the last of them.
    lead_time: median from commit to serving.
    change_failure_rate_bp: of all changes that met callers, how many had to be taken back, in basis points.
    time_to_recovery: median from the moment a change met callers to the moment the previous release served alone.
    """

    deployments: int
    window: timedelta | None
    lead_time: timedelta | None
    change_failure_rate_bp: int | None
    time_to_recovery: timedelta | None


def dora(records: Records, environment: EnvironmentKey) -> DORA:
    """Return the figures of one environment, usually production.

    A deployment that failed before any caller met it is not a failed change: nobody was served by it.
    """
    here = [moved for moved in records.deployments if moved.environment == environment]
    met = _met_callers(here)
    succeeded = [moved for moved in here if moved.phase is Phase.SUCCEEDED and moved.reason not in _NO_CHANGE]
    by_people = _NO_CHANGE | {_OPERATOR}
    withdrawn = [moved for moved in here if moved.phase is Phase.ROLLED_BACK and moved.reason not in by_people]
    taken_back = [*((moved, moved) for moved in withdrawn), *_undone(here)]
    committed = {run.run: run.committed_at for run in records.runs if run.committed_at is not None}
    return DORA(
        deployments=len(succeeded),
        window=succeeded[-1].at - succeeded[0].at if succeeded else None,
        lead_time=_median([at for moved in succeeded if (at := _lead(moved, committed)) is not None]),
        change_failure_rate_bp=_rate(len(taken_back), len(succeeded) + len(withdrawn)),
        time_to_recovery=_median(
            [back.at - met[change.deployment] for change, back in taken_back if change.deployment in met]
        ),
    )


def _met_callers(moves: Sequence[Moved]) -> dict[str, datetime]:
    """When each deployment first sent callers to its release."""
    met: dict[str, datetime] = {}
    for moved in moves:
        if moved.phase is Phase.SHIFTED:
            met.setdefault(moved.deployment, moved.at)
    return met


def _undone(moves: Sequence[Moved]) -> list[tuple[Moved, Moved]]:
    """Return the changes that an operator took back, each once, with the rollback that did.

    Starting again what was stopped, or going forward to what was taken back before, takes no change back.
    """
    standing: dict[ReleaseId, Moved] = {}
    undone = []
    for moved in moves:
        if moved.phase is Phase.SUCCEEDED and moved.reason not in _NO_CHANGE:
            standing[moved.release.id] = moved
        if moved.phase is not Phase.ROLLED_BACK or moved.reason != _OPERATOR or moved.previous is None:
            continue
        away, to = moved.previous.id, moved.release.id
        if away != to and away in standing and to in standing:
            undone.append((standing.pop(away), moved))
    return undone


def _lead(moved: Moved, committed: Mapping[RunId, datetime]) -> timedelta | None:
    at = None if moved.run is None else committed.get(moved.run)
    return None if at is None else moved.at - at


def _rate(failures: int, attempts: int) -> int | None:
    return round(failures * _BASIS_POINTS / attempts) if attempts else None


def _median(durations: Sequence[timedelta]) -> timedelta | None:
    return timedelta(seconds=median(each.total_seconds() for each in durations)) if durations else None

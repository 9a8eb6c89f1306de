"""Audit-trail completeness: what the log itself shows to be missing (45 CFR 164.312(b), 164.316(b)(1))."""

from collections.abc import Callable
from dataclasses import dataclass

from wardline.deployments.predicates import Phase
from wardline.ids import RunId
from wardline.metrics.records import Records

_BASIS_POINTS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditTrail:
    """`runs` have ended; `sealed` of them say how and left exactly what they say.

    `under_way` runs are driven or wait; they are neither complete nor a gap.
    `deployments` reached callers; `consented` of them name an Allow earlier in the log.
    """

    runs: int
    sealed: int
    under_way: int
    deployments: int
    consented: int
    gaps: tuple[str, ...]

    @property
    def completeness_bp(self) -> int | None:
        """Share of what should be there that is, in basis points; None: nothing happened yet."""
        expected = self.runs + self.deployments
        return round((self.sealed + self.consented) * _BASIS_POINTS / expected) if expected else None


def audit_trail(records: Records, *, under_way: Callable[[RunId], bool], allows: frozenset[int]) -> AuditTrail:
    """Fold `records`. `allows` are the log indices of Allow decisions; `under_way` tells runs that may still go on."""
    open_runs = {run.run for run in records.runs if run.stated is None and under_way(run.run)}
    ended = [run for run in records.runs if run.run not in open_runs]
    sealed = [run for run in ended if run.stated == run.statements]
    reached = [moved for moved in records.deployments if moved.phase is Phase.STARTED or moved.ended]
    consented = [moved for moved in reached if moved.decision in allows and moved.decision < moved.index]
    gaps = [
        f"run {run.run}: {'not sealed' if run.stated is None else f'{run.statements} of {run.stated} statements'}"
        for run in ended
        if run.stated != run.statements
    ]
    gaps += [f"log index {moved.index}: no Allow before it" for moved in reached if moved not in consented]
    return AuditTrail(
        runs=len(ended),
        sealed=len(sealed),
        under_way=len(open_runs),
        deployments=len(reached),
        consented=len(consented),
        gaps=tuple(gaps),
    )

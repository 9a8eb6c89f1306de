"""Audit-trail completeness: what the log itself shows to be missing (45 CFR 164.312(b), 164.316(b)(1))."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from wardline.canonical import Digest
from wardline.deployments.history import Moved
from wardline.deployments.predicates import Phase
from wardline.errors import InvalidInput
from wardline.evidence.log import Evidence
from wardline.gates.decisions import Allow
from wardline.gates.predicates import DECISION, parse_decision
from wardline.ids import EnvironmentName, RunId
from wardline.metrics.records import Records
from wardline.outcomes import Outcome

_BASIS_POINTS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowed:
    """What an Allow covers: this artifact in this environment."""

    artifact: Digest
    environment: EnvironmentName


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditTrail:
    """`runs` have ended; `sealed` of them say how and left exactly what they say.

    `under_way` runs are driven or wait; they are neither complete nor a gap.
    `deployments` reached callers; `consented` of them name an Allow earlier in the log, for the same artifact
    in the same environment.
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


def allows(evidence: Iterable[Evidence]) -> Mapping[int, Allowed]:
    """Return the Allow decisions among `evidence`, by log index; what cannot be read allows nothing."""
    found: dict[int, Allowed] = {}
    for item in evidence:
        if item.statement.predicate_type != DECISION or item.statement.context.outcome is not Outcome.PASSED:
            continue
        if len(item.statement.subjects) != 1 or item.statement.body.get("verificationResult") != "PASSED":
            continue
        artifact = item.statement.subjects[0].digest
        try:
            decision = parse_decision(item.statement.body, artifact=artifact)
        except InvalidInput:
            continue
        if isinstance(decision, Allow):
            found[item.index] = Allowed(artifact=artifact, environment=decision.judgement.environment)
    return found


def audit_trail(records: Records, *, under_way: Callable[[RunId], bool], allows: Mapping[int, Allowed]) -> AuditTrail:
    """Fold `records`. `allows` as `allows()` tells them; `under_way` tells runs that may still go on."""
    open_runs = {run.run for run in records.runs if run.stated is None and under_way(run.run)}
    ended = [run for run in records.runs if run.run not in open_runs]
    sealed = [run for run in ended if run.stated == run.statements]
    reached = [moved for moved in records.deployments if moved.phase is Phase.STARTED or moved.ended]
    consented = [moved for moved in reached if _is_consented(moved, allows)]
    gaps = [
        f"run {run.run}: {'not sealed' if run.stated is None else f'{run.statements} of {run.stated} statements'}"
        for run in ended
        if run.stated != run.statements
    ]
    gaps += [f"log index {moved.index}: no Allow for it before it" for moved in reached if moved not in consented]
    return AuditTrail(
        runs=len(ended),
        sealed=len(sealed),
        under_way=len(open_runs),
        deployments=len(reached),
        consented=len(consented),
        gaps=tuple(gaps),
    )


def _is_consented(moved: Moved, known: Mapping[int, Allowed]) -> bool:
    """Return whether the decision that a deployment names came before it and allows this, not something else."""
    if moved.decision >= moved.index:
        return False
    this = Allowed(artifact=moved.release.artifact, environment=moved.environment.name)
    return known.get(moved.decision) == this

"""How often the glass is broken: of all releases that were begun, those under rules that were set aside."""

from collections.abc import Iterable
from dataclasses import dataclass

from wardline.deployments.predicates import Phase
from wardline.environments.observations import EnvironmentKey
from wardline.errors import InvalidInput
from wardline.evidence.log import Evidence
from wardline.gates.predicates import DECISION, parse_decision
from wardline.metrics.records import Records

_BASIS_POINTS = 10_000
_NO_CHANGE = frozenset({"rehearsal", "bring-to-production", "operator"})  # reasons of moves that release nothing new


@dataclass(frozen=True, slots=True, kw_only=True)
class Emergencies:
    """`releases` were begun in an environment, `under_glass` of them under break-glass."""

    releases: int
    under_glass: int

    @property
    def rate_bp(self) -> int | None:
        """Their share in basis points; None: nothing was released yet."""
        return round(self.under_glass * _BASIS_POINTS / self.releases) if self.releases else None


def emergencies(records: Records, environment: EnvironmentKey, *, under_glass: frozenset[int]) -> Emergencies:
    """Return the figures of one environment. `under_glass` as `decided_under_glass` tells it."""
    begun = {
        moved.deployment: moved.decision
        for moved in records.deployments
        if moved.environment == environment and moved.phase is Phase.STARTED and moved.reason not in _NO_CHANGE
    }
    return Emergencies(releases=len(begun), under_glass=sum(index in under_glass for index in begun.values()))


def decided_under_glass(evidence: Iterable[Evidence]) -> frozenset[int]:
    """Return the log indices of the decisions that set something aside."""
    found = set()
    for item in evidence:
        if item.statement.predicate_type != DECISION:
            continue
        try:
            decision = parse_decision(item.statement.body, artifact=item.statement.subjects[0].digest)
        except InvalidInput:
            continue  # it allowed nothing either: the audit trail says so
        if decision.judgement.emergency is not None:
            found.add(item.index)
    return frozenset(found)

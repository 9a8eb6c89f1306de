"""The last statement of a run: how it ended and how many statements it left, so that a gap shows."""

from dataclasses import dataclass
from typing import ClassVar

from wardline import canonical
from wardline.canonical import JSONObject
from wardline.ids import RunId
from wardline.outcomes import Outcome
from wardline.pipelines.run import RunStatus
from wardline.predicates import NAMESPACE, Subject

SEAL = f"{NAMESPACE}/seal/v1"

_OUTCOMES = {
    RunStatus.SUCCEEDED: Outcome.PASSED,
    RunStatus.UNDECIDED: Outcome.INCONCLUSIVE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSealed:
    """`statements` counts this one; `first` is the log index of the run's first statement."""

    predicate_type: ClassVar[str] = SEAL

    run: RunId
    journey: str
    service: str
    status: RunStatus
    statements: int
    first: int | None

    @property
    def outcome(self) -> Outcome:
        return _OUTCOMES.get(self.status, Outcome.FAILED)

    def subjects(self) -> tuple[Subject, ...]:
        return (Subject(name=f"run/{self.run}", digest=canonical.digest_of({"run": self.run})),)

    def body(self) -> JSONObject:
        return {
            "journey": self.journey,
            "service": self.service,
            "status": self.status.value,
            "statements": self.statements,
            "first": self.first,
        }

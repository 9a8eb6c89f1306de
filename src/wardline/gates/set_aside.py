"""What break-glass changes in a decision: which objections are set aside, and that something is always kept. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from wardline.canonical import JSON
from wardline.gates.break_glass import TOGETHER
from wardline.gates.decisions import Reason
from wardline.gates.policy import Emergency, Policy, Severity

SET_ASIDE = "set-aside"


@dataclass(frozen=True, slots=True, kw_only=True)
class InForce:
    """The break-glass that a gate's input document tells of. `log`: where it was said; `people`: by how many."""

    log: int
    people: int

    def sets_aside(self, policy: Policy) -> bool:
        """Return whether `policy` is one that yields to it."""
        match policy.emergency:
            case Emergency.KEPT:
                return False
            case Emergency.SET_ASIDE:
                return True
            case Emergency.TWO_PEOPLE:
                return self.people >= TOGETHER

    def after(self, policy: Policy, reason: Reason) -> Reason:
        """Return what becomes of a reason of `policy`: its no or its doubt is told, and does not count."""
        if reason.verdict not in {"deny", "undecided"} or not self.sets_aside(policy):
            return reason
        told = f"EMERGENCY: set aside by the break-glass at log index {self.log}; {reason.verdict}: {reason.message}"
        return replace(reason, verdict=SET_ASIDE, message=told)

    def keeps_none(self, policies: Sequence[Policy]) -> bool:
        """Return whether nothing that decides would be left: an emergency has fewer gates, never none."""
        return all(policy.severity is Severity.WARN or self.sets_aside(policy) for policy in policies)


def in_force(document: JSON) -> InForce | None:
    """Return the break-glass that stands by a gate's input `document`; None: there is none."""
    match document:
        case {"emergency": {"log": int(log), "people": int(people)}} if people > 0:
            return InForce(log=log, people=people)
        case _:
            return None

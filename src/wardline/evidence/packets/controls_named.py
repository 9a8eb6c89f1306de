"""Which requirements of the law the decisions of a run speak to, and what the last one at each gate said."""

from dataclasses import dataclass

from wardline.evidence.log import Evidence
from wardline.evidence.mentions import DECISION, member
from wardline.evidence.packets.markup import plain
from wardline.evidence.packets.told import Told, items_of

_LAWS = {
    "hipaa": "HIPAA Security Rule, 45 CFR Part 164 Subpart C",
    "gdpr": "General Data Protection Regulation, (EU) 2016/679",
}
# One policy that objects outweighs those that do not; one that could not look leaves it open; a warning is no yes, and
# neither is what an emergency set aside.
_WEIGHTS = {"allow": 0, "warn": 1, "undecided": 2, "set-aside": 3, "deny": 4}


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlNamed:
    """`verdict` is the gravest that a policy gave which names this control."""

    control: str
    verdict: str
    policies: tuple[str, ...]
    environments: tuple[str, ...]
    decisions: tuple[int, ...]


def controls_named(told: Told) -> list[ControlNamed]:
    """Return every control that the last decision at each gate names, by id."""
    last: dict[str, Evidence] = {}
    for item in told.of(DECISION):
        last[plain(member(item.statement.body, "wardline_decision", "environment"))] = item
    named: dict[str, list[tuple[str, str, str, int]]] = {}
    for environment, item in last.items():
        for reason in items_of(item.statement.body, "wardline_decision", "reasons"):
            spoke = (plain(member(reason, "verdict")), plain(member(reason, "policy")), environment, item.index)
            for control in items_of(reason, "controls"):
                named.setdefault(plain(control), []).append(spoke)
    return [_gathered(control, named[control]) for control in sorted(named)]


def law_of(control: str) -> str:
    """Return the name of the law that `control` is from, by the part before its colon."""
    law = control.partition(":")[0]
    return _LAWS.get(law, law)


def _gathered(control: str, spoke: list[tuple[str, str, str, int]]) -> ControlNamed:
    # What is no verdict we know weighs most: nobody should read a yes from it.
    verdicts = sorted({each[0] for each in spoke}, key=lambda verdict: (_WEIGHTS.get(verdict, 5), verdict))
    return ControlNamed(
        control=control,
        verdict=verdicts[-1],
        policies=tuple(sorted({each[1] for each in spoke})),
        environments=tuple(dict.fromkeys(each[2] for each in spoke)),
        decisions=tuple(sorted({each[3] for each in spoke})),
    )

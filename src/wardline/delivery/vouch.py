"""Vouch: what stands behind a decision that is about to be made."""

from collections.abc import Sequence
from dataclasses import dataclass

from wardline.delivery.collect_evidence import Collector
from wardline.delivery.self_test import try_policies
from wardline.gates.door import Door
from wardline.gates.judge import Question
from wardline.gates.policy import Policy, PolicyEngine
from wardline.gates.trials import SELF_TEST, Tool
from wardline.gates.vouched import with_trials


@dataclass(frozen=True, slots=True, kw_only=True)
class Proving:
    """Tries policies before they first decide. `tool`: the engine; `wardline`: version."""

    tool: Tool
    wardline: str

    def prove(self, policies: Sequence[Policy], *, engine: PolicyEngine, collect: Collector) -> None:
        try_policies(policies, engine=engine, tool=self.tool, collect=collect, wardline=self.wardline)


def vouched(question: Question, asked: Sequence[Policy], door: Door, *, collect: Collector) -> Question:
    """Return `question` with how the self-tests of all that its answer rests on came out."""
    return with_trials(
        question,
        asked,
        collect.log.youngest(SELF_TEST),
        run=collect.log.of_run(door.run),
        now=collect.clock.now(),
    )

"""Decide: ask the gate of one environment, and keep the answer as evidence."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from wardline.canonical import encode
from wardline.controls.catalogue import Catalogue
from wardline.delivery.collect_evidence import Collector
from wardline.delivery.read_for_gate import evidence_for
from wardline.delivery.read_policies import adopted_in
from wardline.delivery.vouch import Proving, vouched
from wardline.errors import IntegrityViolation, InvalidInput
from wardline.evidence.log import Evidence
from wardline.gates.decisions import Decision
from wardline.gates.door import Door
from wardline.gates.enrolled import directory
from wardline.gates.facts import Facts, gather
from wardline.gates.judge import applying, judge
from wardline.gates.overlays import Overlays
from wardline.gates.policy import Policy, PolicyEngine, policy_document
from wardline.gates.predicates import DECISION, DecisionMade, parse_decision
from wardline.ids import EnvironmentName

INPUT_DOCUMENT = "application/vnd.wardline.gate-input+json"
POLICIES = "application/vnd.wardline.policies+json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """The policies of this installation, the engine that evaluates them, and the laws that they speak to."""

    collect: Collector
    engine: PolicyEngine
    policies: Sequence[Policy]
    catalogues: Sequence[Catalogue] = ()
    proving: Proving | None = None  # None: policies are asked untried, and the decision says so

    def judged(self, door: Door, *, deadline: datetime | None = None) -> DecisionMade:
        """Return what the policies say of `door` now; the input document is kept, nothing is recorded yet.

        `deadline` is until when people were asked.
        """
        facts = look(door, self.collect, deadline=deadline, base=self.policies)
        question, policies = facts.question, (*self.policies, *facts.overlays.policies)
        asked = applying(policies, question)
        named = {control.partition(":")[0] for policy in asked for control in policy.controls}
        if self.proving is not None:
            self.proving.prove(policies, engine=self.engine, collect=self.collect)
        question = vouched(question, asked, door, collect=self.collect)
        return DecisionMade(
            service=door.pipeline.service.name,
            decision=judge(policies, question, engine=self.engine),
            decided_at=self.collect.clock.now(),
            input=self.collect.blobs.put(encode(question.document), INPUT_DOCUMENT),
            policies=self.collect.blobs.put(encode(policy_document(asked)), POLICIES),
            catalogues=tuple(catalogue for catalogue in self.catalogues if catalogue.id in named),
        )


def gate_step(environment: EnvironmentName) -> str:
    """Return the step under which a run's gate at `environment` leaves its decision."""
    return f"{environment}/gate"


def decide(gate: Gate, door: Door, *, step: str, deadline: datetime | None = None) -> tuple[Decision, int]:
    """Return the decision that `step` recorded, made now if it recorded none yet, and its place in the log."""
    evidence = gate.collect.once(step, door.run, lambda: gate.judged(door, deadline=deadline))
    return decision_of(evidence), evidence.index


def decision_of(evidence: Evidence) -> Decision:
    """Return the decision that `evidence` records.

    Raises:
        IntegrityViolation: It records none.
    """
    statement = evidence.statement
    if statement.predicate_type != DECISION:
        raise IntegrityViolation(f"log index {evidence.index}: expected a decision, got {statement.predicate_type}")
    try:
        return parse_decision(statement.body, artifact=statement.subjects[0].digest)
    except InvalidInput as error:
        raise IntegrityViolation(f"log index {evidence.index}: {error.what}") from error


def look(door: Door, collect: Collector, *, deadline: datetime | None = None, base: Sequence[Policy] = ()) -> Facts:
    """Return what the log says about `door` now; `base` are the policies that none added may stand in for."""
    evidence = evidence_for(door, collect.log)
    adopted = adopted_in(evidence, collect.blobs, people=directory(evidence))
    overlays = Overlays(base=frozenset(policy.id for policy in base), added=(*adopted, *door.policies))
    return gather(door, evidence, now=collect.clock.now(), deadline=deadline, overlays=overlays)

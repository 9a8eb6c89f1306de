"""Replay: hold recorded decisions against what was kept of them."""

from collections.abc import Iterator
from dataclasses import dataclass

from wardline.canonical import JSON, Digest, decode
from wardline.delivery.decide import decision_of
from wardline.errors import InvalidInput, NotFound, WardlineError
from wardline.evidence.log import Blobs, Evidence, EvidenceLog
from wardline.gates.decisions import Decision
from wardline.gates.judge import Question
from wardline.gates.policy import Policy, PolicyEngine, policies_of
from wardline.gates.predicates import DECISION
from wardline.gates.replay import PolicyExplained, asked_again, decide_again, differences, explained
from wardline.ids import RunId
from wardline.outcomes import Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """Where decisions are, and what they were made of."""

    log: EvidenceLog
    blobs: Blobs


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """A decision made again.

    Attributes:
        outcome: PASSED: it comes to the same, from documents with the recorded digests. FAILED: it does not.
            ERRORED: what it was made of is not here, or cannot be read.
        details: How it differs, or why nobody could look.
    """

    evidence: Evidence
    decision: Decision
    outcome: Outcome
    details: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    evidence: Evidence
    decision: Decision
    policies: tuple[PolicyExplained, ...]


def decisions(archive: Archive, *, run: RunId | None = None, index: int | None = None) -> Iterator[Evidence]:
    """Yield the decisions of `run`, the one at `index`, or all there are, in log order.

    Raises:
        NotFound: The run left no decision, or the statement at `index` is none.
    """
    if index is not None:
        found = archive.log.read(index)
        if found.statement.predicate_type != DECISION:
            raise NotFound(f"log index {index} is no decision of a gate", remedy="See `wardline log list`.")
        yield found
    elif run is not None:
        mine = [item for item in archive.log.of_run(run) if item.statement.predicate_type == DECISION]
        if not mine:
            raise NotFound(f"run {run} left no decision of a gate", remedy="See `wardline runs list`.")
        yield from mine
    else:
        yield from archive.log.every(DECISION)


def replay(evidence: Evidence, archive: Archive, *, engine: PolicyEngine) -> Replayed:
    """Return the decision in `evidence`, made again by the policies and from the input that were kept.

    Raises:
        IntegrityViolation: The statement records no decision.
    """
    decision = decision_of(evidence)
    try:
        policies, question = _kept(decision, archive)
        found = differences(decision, decide_again(policies, question, engine=engine))
    except WardlineError as error:
        return Replayed(evidence=evidence, decision=decision, outcome=Outcome.ERRORED, details=(error.what,))
    outcome = Outcome.FAILED if found else Outcome.PASSED
    return Replayed(evidence=evidence, decision=decision, outcome=outcome, details=found)


def explain_decision(evidence: Evidence, archive: Archive, *, engine: PolicyEngine) -> Explained:
    """Return which values made the decision in `evidence` what it is.

    Raises:
        NotFound: What it was made of was purged, or is missing.
        InvalidInput, IntegrityViolation: It is not what was recorded.
        Unavailable: Nothing can be evaluated here.
    """
    decision = decision_of(evidence)
    policies, question = _kept(decision, archive)
    return Explained(
        evidence=evidence, decision=decision, policies=explained(policies, question.document, engine=engine)
    )


def _kept(decision: Decision, archive: Archive) -> tuple[tuple[Policy, ...], Question]:
    judgement = decision.judgement
    policies = policies_of(_read(judgement.policy_digest, archive, what="policies"))
    document = _read(judgement.input_digest, archive, what="input")
    return policies, asked_again(document, artifact=judgement.artifact, evidence=judgement.evidence)


def _read(digest: Digest, archive: Archive, *, what: str) -> JSON:
    try:
        return decode(archive.blobs.get(digest))
    except NotFound as error:
        raise NotFound(f"the {what} of the decision: {error.what}", remedy=error.remedy) from error
    except InvalidInput as error:
        raise InvalidInput(f"the {what} of the decision: {error.what}") from error

"""Verify a packet with nothing but the packet and a key that did not come with it.

The plan, in the order of the checks that are shown:
1. the file is a packet in its one canonical form;
2. the whole of it is signed by the installation;
3. its checkpoint is signed by the installation, for the log that the key is named after;
4. every statement is signed by who may say it, people by keys that administrators enrolled before;
5. every statement is in the log under that checkpoint;
6. the run is complete: its seal is last and counts as many statements as are here;
7. nothing was deployed without an Allow for it, and what a decision rests on is here;
8. the page says what the statements say;
9. the blobs that were taken along are those that statements name.
"""

from collections.abc import Callable
from dataclasses import dataclass

from wardline.canonical import Digest
from wardline.errors import IntegrityViolation, InvalidInput
from wardline.evidence.envelopes import verify_signature
from wardline.evidence.log import Evidence
from wardline.evidence.mentions import DECISION, DEPLOYMENT, SEAL, blobs_of, member, rests_on
from wardline.evidence.packet import Packet
from wardline.evidence.signatories import Signatories
from wardline.identity.principals import PublicKey
from wardline.outcomes import Outcome
from wardline.tlog.checkpoint import Checkpoint, open_checkpoint
from wardline.tlog.merkle import leaf_hash, verify_inclusion
from wardline.tlog.note import VerifierKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One check. `errored`: it could not be made, because one before it failed; that is never a pass."""

    number: int
    title: str
    outcome: Outcome
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """Every check, in order. `run` None: the file could not be read as a packet."""

    checks: tuple[Check, ...]
    run: str | None

    @property
    def holds(self) -> bool:
        return all(check.outcome is Outcome.PASSED for check in self.checks)


def verify_packet(content: bytes, key: VerifierKey) -> Verification:
    """Return what holds of the packet in `content`, for somebody who trusts `key` and nothing else.

    `key` is the installation's, named after its log. Nothing is raised: what does not hold is a failed check.
    """
    try:
        packet = Packet.decode(content)
    except InvalidInput as error:
        unread = [_could_not(number, title) for number, (title, _) in enumerate(_CHECKS, start=2)]
        return Verification(checks=(_failed(1, _FORM, error.what), *unread), run=None)
    made = [_passed(1, _FORM, f"{len(content)} bytes, {len(packet.contents.statements)} statements")]
    for number, (title, check) in enumerate(_CHECKS, start=2):
        try:
            made.append(_passed(number, title, check(packet, key)))
        except (IntegrityViolation, InvalidInput) as error:
            made.append(_failed(number, title, error.what))
    return Verification(checks=tuple(made), run=packet.contents.run)


_FORM = "The file is a packet in its canonical form"


def _passed(number: int, title: str, detail: str) -> Check:
    return Check(number=number, title=title, outcome=Outcome.PASSED, detail=detail)


def _failed(number: int, title: str, why: str) -> Check:
    return Check(number=number, title=title, outcome=Outcome.FAILED, detail=why)


def _could_not(number: int, title: str) -> Check:
    return Check(number=number, title=title, outcome=Outcome.ERRORED, detail="not checked: the file could not be read")


# (2) signature of the whole
def _check_signature(packet: Packet, key: VerifierKey) -> str:
    verify_signature(packet.envelope, PublicKey.of(key.raw))
    return f"by {key.name} with key {key.hash.hex()}"


# (3) checkpoint
def _check_checkpoint(packet: Packet, key: VerifierKey) -> str:
    checkpoint = _checkpoint(packet, key)
    return f"{checkpoint.size} statements under root {checkpoint.root.hex()}"


# (4) signatories
def _check_signatories(packet: Packet, key: VerifierKey) -> str:
    signatories = Signatories(PublicKey.of(key.raw))
    for statement in packet.contents.statements:
        objection = signatories.admit(statement.evidence)
        if objection is not None:
            who = statement.evidence.statement.context.actor
            raise IntegrityViolation(f"statement {statement.evidence.index}: {who} may not say it: {objection}")
    return f"{len(packet.contents.statements)} signatures"


# (5) inclusion
def _check_inclusion(packet: Packet, key: VerifierKey) -> str:
    checkpoint = _checkpoint(packet, key)
    for statement in packet.contents.statements:
        index, leaf = statement.evidence.index, leaf_hash(statement.evidence.envelope.encode())
        verify_inclusion(leaf, index, checkpoint.size, statement.proof, checkpoint.root)
    return f"{len(packet.contents.statements)} proofs"


# (6) completeness
def _check_completeness(packet: Packet, _key: VerifierKey) -> str:
    own = _own(packet)
    seals = [item for item in own if item.statement.predicate_type == SEAL]
    if not seals:
        raise IntegrityViolation("the run is not sealed: more may have been said of it")
    if len(seals) > 1 or own[-1] != seals[0]:
        raise IntegrityViolation("the seal is not the run's only one and last statement")
    stated, first = seals[0].statement.body.get("statements"), seals[0].statement.body.get("first")
    if (stated, first) != (len(own), own[0].index):
        raise IntegrityViolation(
            f"the seal counts {stated} statements from {first} on; here are {len(own)} from {own[0].index} on"
        )
    if len({item.key for item in own}) != len(own):
        raise IntegrityViolation("two statements of the run have the same key")
    return f"{len(own)} statements, the last one the seal"


# (7) decisions
def _check_decisions(packet: Packet, _key: VerifierKey) -> str:
    here = {statement.evidence.index: statement.evidence for statement in packet.contents.statements}
    deployments = 0
    for item in _own(packet):
        missing = sorted(index for index in rests_on(item) if index not in here or index >= item.index)
        if missing:
            raise IntegrityViolation(f"statement {item.index} rests on {missing[0]}, which is not here before it")
        if item.statement.predicate_type == DEPLOYMENT:
            _check_allowed(item, here)
            deployments += 1
    return f"{deployments} statements of deployments, each under an Allow"


# (8) page
def _check_page(packet: Packet, _key: VerifierKey) -> str:
    if Digest.of(packet.page) != packet.page_digest:
        raise IntegrityViolation(f"the page has digest {Digest.of(packet.page)}, signed was {packet.page_digest}")
    if packet.page != packet.contents.page():
        raise IntegrityViolation("the page is not what the statements say")
    return f"digest {packet.page_digest.hex}"


# (9) blobs
def _check_blobs(packet: Packet, _key: VerifierKey) -> str:
    named = {reference for statement in packet.contents.statements for reference in blobs_of(statement.evidence)}
    for blob in packet.contents.blobs:
        if (Digest.of(blob.content), len(blob.content)) != (blob.reference.digest, blob.reference.size_bytes):
            raise IntegrityViolation(f"blob {blob.reference.digest} is not what its digest says")
        if blob.reference not in named:
            raise IntegrityViolation(f"no statement here names blob {blob.reference.digest}")
    return f"{len(packet.contents.blobs)} blobs"


_CHECKS: tuple[tuple[str, Callable[[Packet, VerifierKey], str]], ...] = (
    ("The packet is signed by the installation", _check_signature),
    ("The checkpoint is signed by the installation", _check_checkpoint),
    ("Every statement is signed by who may say it", _check_signatories),
    ("Every statement is in the log under the checkpoint", _check_inclusion),
    ("The run is complete and sealed", _check_completeness),
    ("Nothing was deployed without an Allow", _check_decisions),
    ("The page says what the statements say", _check_page),
    ("The blobs taken along are those that are named", _check_blobs),
)


def _checkpoint(packet: Packet, key: VerifierKey) -> Checkpoint:
    if packet.contents.origin != key.name:
        raise IntegrityViolation(f"the packet is of log {packet.contents.origin[:80]}, the key of {key.name}")
    return open_checkpoint(packet.contents.checkpoint, key)


def _own(packet: Packet) -> list[Evidence]:
    run = packet.contents.run
    every = [statement.evidence for statement in packet.contents.statements]
    own = [item for item in every if item.statement.context.run == run]
    if not own:
        raise IntegrityViolation("the packet holds no statement of its run")
    return own


def _check_allowed(item: Evidence, here: dict[int, Evidence]) -> None:
    """Check that a deployment names an Allow for the same artifact in the same environment."""
    body = item.statement.body
    index = next(iter(rests_on(item)), None)
    decision = None if index is None else here[index]
    if decision is None or decision.statement.predicate_type != DECISION:
        raise IntegrityViolation(f"statement {item.index}: a deployment that names no decision")
    said = decision.statement.body
    verdict = (member(said, "wardline_decision", "verdict"), said.get("verificationResult"))
    if verdict != ("allow", "PASSED") or decision.statement.context.outcome is not Outcome.PASSED:
        raise IntegrityViolation(f"statement {item.index}: a deployment under decision {index}, which is no Allow")
    judged = [subject.digest.hex for subject in decision.statement.subjects]
    shipped = [subject.digest.hex for subject in item.statement.subjects]
    if judged != shipped or shipped != [member(body, "release", "artifact", "sha256")]:
        raise IntegrityViolation(f"statement {item.index}: decision {index} is about another artifact")
    if body.get("environment") != member(said, "wardline_decision", "environment"):
        raise IntegrityViolation(f"statement {item.index}: decision {index} is about another environment")

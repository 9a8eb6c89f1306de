"""Verify a packet with nothing but the packet and a key that did not come with it.

The plan, in the order of the checks that are shown:
1. the file is a packet in its one canonical form;
2. every statement is of a published predicate and keeps to its schema;
3. every statement is signed by who may say it: people by keys that administrators enrolled before, the installation by
   the trusted key or by one that this key leads to;
4. the whole of it is signed by such a key of the installation;
5. so is its checkpoint, for the log that the trusted key is named after;
6. as many of the named witnesses cosigned the checkpoint as are asked for;
7. every statement is in the log under that checkpoint;
8. the run is complete: its seal is last and counts as many statements as are here;
9. nothing was deployed without an Allow for it, and what a decision rests on is here;
10. the policies that decided, and what they were asked about, are here, or were purged;
11. the page says what the statements say;
12. the blobs that were taken along are those that statements name.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

from wardline.canonical import Digest
from wardline.clock import to_rfc3339
from wardline.errors import IntegrityViolation, InvalidInput
from wardline.evidence.envelopes import verify_signature
from wardline.evidence.log import Evidence
from wardline.evidence.mentions import SEAL, TAKEN_ALONG, blobs_of
from wardline.evidence.packets.decisions_held import check_decisions, check_policies
from wardline.evidence.packets.packet import Packet
from wardline.evidence.schemas import check_predicate
from wardline.evidence.signatories import REGISTERED, Signatories
from wardline.outcomes import Outcome
from wardline.tlog.checkpoint import Checkpoint
from wardline.tlog.cosignature import WitnessKey, cosigned_by
from wardline.tlog.merkle import leaf_hash, verify_inclusion
from wardline.tlog.note import VerifierKey, take_apart


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """What somebody trusts who did not get it from the packet.

    Attributes:
        key: The installation's, named after its log.
        witnesses: Those whose cosignatures count.
        needed: How many of them; None: all.
    """

    key: VerifierKey
    witnesses: tuple[WitnessKey, ...] = ()
    needed: int | None = None


def verify_packet(content: bytes, trust: Trust) -> Verification:
    """Return what holds of the packet in `content`, for somebody who trusts `trust` and nothing else.

    Nothing is raised: what does not hold is a failed check.
    """
    try:
        packet = Packet.decode(content)
    except InvalidInput as error:
        unread = [_could_not(number, title) for number, (title, _) in enumerate(_CHECKS, start=2)]
        return Verification(checks=(_failed(1, _FORM, error.what), *unread), run=None)
    examined = _Examined(packet, trust)
    made = [_passed(1, _FORM, f"{len(content)} bytes, {len(packet.contents.statements)} statements")]
    for number, (title, check) in enumerate(_CHECKS, start=2):
        try:
            made.append(_passed(number, title, check(examined)))
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


class _Examined:
    """A packet that could be read, and what is known of it so far."""

    def __init__(self, packet: Packet, trust: Trust) -> None:
        self.packet, self.trust = packet, trust
        self.evidence = packet.contents.evidence()

    @cached_property
    def signatories(self) -> tuple[Signatories, str]:
        """Return who may sign after the last statement, and what was found on the way.

        Raises:
            IntegrityViolation: A statement is not signed by who may say it.
        """
        signatories = Signatories(self.trust.key, told=self.evidence)
        idle = []
        for item in self.evidence:
            objection = signatories.admit(item)
            # Who was not entitled to enrol or to revoke has enrolled and revoked nobody: the rest is read so.
            if objection is not None and item.statement.predicate_type in REGISTERED:
                idle.append(f"{item.index} ({objection})")
            elif objection is not None:
                who = item.statement.context.actor
                raise IntegrityViolation(f"statement {item.index}: {who} may not say it: {objection}")
        return signatories, f"; without effect: statement {', '.join(idle)}" if idle else ""

    @property
    def keys(self) -> Signatories:
        """Who may sign; where that cannot be told, the trusted key alone."""
        try:
            return self.signatories[0]
        except (IntegrityViolation, InvalidInput):
            return Signatories(self.trust.key)

    @cached_property
    def checkpoint(self) -> Checkpoint:
        origin, key = self.packet.contents.origin, self.trust.key
        if origin != key.name:
            raise IntegrityViolation(f"the packet is of log {origin[:80]}, the key of {key.name}")
        return self.keys.open_checkpoint(self.packet.contents.checkpoint)

    @cached_property
    def own(self) -> list[Evidence]:
        run = self.packet.contents.run
        return [item for item in self.evidence if item.statement.context.run == run]


# (2) predicates
def _check_predicates(examined: _Examined) -> str:
    for item in examined.evidence:
        try:
            check_predicate(item.statement)
        except InvalidInput as error:
            remedy = "" if error.remedy is None else f" {error.remedy}"
            raise InvalidInput(f"statement {item.index}: {error.what}.{remedy}") from error
    kinds = {item.statement.predicate_type for item in examined.evidence}
    return f"{len(examined.evidence)} statements of {len(kinds)} predicates"


# (3) signatories
def _check_signatories(examined: _Examined) -> str:
    _, noted = examined.signatories
    return f"{len(examined.evidence)} statements{noted}"


# (4) signature of the whole
def _check_signature(examined: _Examined) -> str:
    keyid = examined.packet.signature.keyid
    key = next((key for key in examined.keys.statement_keys() if key.keyid == keyid), None)
    if key is None:
        raise IntegrityViolation(f"signed with key {keyid[:16]}, which does not sign for the installation")
    verify_signature(examined.packet.envelope, key)
    return f"by {examined.trust.key.name} with key {keyid[:16]}"


# (5) checkpoint
def _check_checkpoint(examined: _Examined) -> str:
    return f"{examined.checkpoint.size} statements under root {examined.checkpoint.root.hex()}"


# (6) witnesses
def _check_witnesses(examined: _Examined) -> str:
    note, trust = examined.packet.contents.checkpoint, examined.trust
    _, signatures = take_apart(note)
    if not trust.witnesses:
        others = sum(1 for name, _ in signatures if name != trust.key.name)
        return f"no witness was asked for; signature lines by others, which were not looked at: {others}"
    needed = len({key.raw for key in trust.witnesses}) if trust.needed is None else trust.needed
    times = cosigned_by(note, trust.witnesses, needed=needed)
    return "; ".join(f"{name} at {to_rfc3339(when)}" for name, when in sorted(times.items())) or "none was needed"


# (7) inclusion
def _check_inclusion(examined: _Examined) -> str:
    checkpoint = examined.checkpoint
    for statement in examined.packet.contents.statements:
        index, leaf = statement.evidence.index, leaf_hash(statement.evidence.envelope.encode())
        verify_inclusion(leaf, index, checkpoint.size, statement.proof, checkpoint.root)
    return f"{len(examined.evidence)} proofs"


# (8) completeness
def _check_completeness(examined: _Examined) -> str:
    own = examined.own
    if not own:
        raise IntegrityViolation("the packet holds no statement of its run")
    seals = [item for item in own if item.statement.predicate_type == SEAL]
    if not seals:
        raise IntegrityViolation("the run is not sealed: more may have been said of it")
    if len(seals) > 1 or own[-1] != seals[0]:
        raise IntegrityViolation("the seal is not the run's only one and last statement")
    stated, first = seals[0].statement.body.get("statements"), seals[0].statement.body.get("first")
    begun = own[0].index if len(own) > 1 else None  # a seal alone was written before its own index was known
    if (stated, first) != (len(own), begun):
        raise IntegrityViolation(
            f"the seal counts {stated} statements from {first} on; here are {len(own)} from {begun} on"
        )
    if len({item.key for item in own}) != len(own):
        raise IntegrityViolation("two statements of the run have the same key")
    return f"{len(own)} statements, the last one the seal"


# (9) decisions
def _check_decisions(examined: _Examined) -> str:
    deployments = check_decisions(examined.own, examined.evidence)
    return f"{deployments} statements of deployments, each under an Allow"


# (10) policies
def _check_policies(examined: _Examined) -> str:
    return check_policies(examined.packet.contents)


# (11) page
def _check_page(examined: _Examined) -> str:
    packet = examined.packet
    if Digest.of(packet.page) != packet.page_digest:
        raise IntegrityViolation(f"the page has digest {Digest.of(packet.page)}, signed was {packet.page_digest}")
    if packet.page != packet.contents.page():
        raise IntegrityViolation("the page is not what the statements say")
    return f"digest {packet.page_digest.hex}"


# (12) blobs
def _check_blobs(examined: _Examined) -> str:
    contents = examined.packet.contents
    named = {reference for item in examined.evidence for reference in blobs_of(item)}
    for blob in contents.blobs:
        if (Digest.of(blob.content), len(blob.content)) != (blob.reference.digest, blob.reference.size_bytes):
            raise IntegrityViolation(f"blob {blob.reference.digest} is not what its digest says")
    here, gone = [blob.reference for blob in contents.blobs], [absent.reference for absent in contents.absent]
    for reference in (*here, *gone):
        if reference not in named:
            raise IntegrityViolation(f"no statement here names blob {reference.digest}")
    both = {reference.digest for reference in here} & {reference.digest for reference in gone}
    if both:
        raise IntegrityViolation(f"blob {min(both)} is here and is said to be absent")
    filed = {reference.digest for reference in (*here, *gone)}
    left = {reference.digest for reference in named if reference.media_type in TAKEN_ALONG} - filed
    if left:
        raise IntegrityViolation(f"blob {min(left)} always travels, and is neither here nor said to be absent")
    absent = f", {len(contents.absent)} no longer kept" if contents.absent else ""
    return f"{len(contents.blobs)} blobs{absent}"


_CHECKS: Sequence[tuple[str, Callable[[_Examined], str]]] = (
    ("Every statement keeps to its published schema", _check_predicates),
    ("Every statement is signed by who may say it", _check_signatories),
    ("The packet is signed by the installation", _check_signature),
    ("The checkpoint is signed by the installation", _check_checkpoint),
    ("Witnesses saw the checkpoint", _check_witnesses),
    ("Every statement is in the log under the checkpoint", _check_inclusion),
    ("The run is complete and sealed", _check_completeness),
    ("Nothing was deployed without an Allow", _check_decisions),
    ("The policies that decided are here", _check_policies),
    ("The page says what the statements say", _check_page),
    ("The blobs taken along are those that are named", _check_blobs),
)

"""Assemble the packet of a run from the log: its statements, what they rest on, and the proofs of all."""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from wardline.errors import NotFound, Refused
from wardline.evidence.log import OUTPUT, SALTED_TEXT, Blobs, Evidence, EvidenceLog
from wardline.evidence.mentions import ERASURE, KEY_CHANGE, SEAL, TAKEN_ALONG, blobs_of, rests_on
from wardline.evidence.packets.packet import Contents, Proven
from wardline.evidence.packets.told import Absent, Enclosed
from wardline.evidence.private_texts import PRIVATE_TEXT
from wardline.evidence.retention.purges import read_purges
from wardline.evidence.signatories import Signatories
from wardline.identity.predicates import Enrolment
from wardline.ids import RunId
from wardline.predicates import BlobRef
from wardline.tlog.checkpoint import Checkpoint
from wardline.tlog.cosignature import Cosignatures, with_cosignatures
from wardline.tlog.note import VerifierKey, take_apart

# The words of people stay behind whatever is chosen: a copy outside could not be erased (GDPR Art. 17).
NEVER = frozenset({SALTED_TEXT, PRIVATE_TEXT})
_BY_CHOICE = {
    "sbom": frozenset({"application/vnd.cyclonedx+json"}),
    "outputs": frozenset({OUTPUT}),
    "reports": frozenset({"application/json", "application/xml", "application/vnd.wardline.findings+json"}),
}


class Choice(StrEnum):
    """What else to take along, beyond TAKEN_ALONG."""

    REPORTS = "reports"
    SBOM = "sbom"
    OUTPUTS = "outputs"
    ALL = "all"

    def takes(self, reference: BlobRef) -> bool:
        if self is Choice.ALL:
            return reference.media_type not in NEVER
        return reference.media_type in _BY_CHOICE[self.value]


class ProvableLog(EvidenceLog, Protocol):
    """A log that proves what it holds."""

    @property
    def key(self) -> VerifierKey:
        """The key that signs its checkpoints, named after the log's origin."""
        ...

    def checkpoint(self, size: int | None = None) -> str:
        """Return the kept signed note of the first `size` leaves; None: of all."""
        ...

    def checkpoint_covering(self, size: int) -> str:
        """Return the smallest kept signed note of `size` leaves or more."""
        ...

    def inclusion_proof(self, index: int, size: int) -> tuple[bytes, ...]:
        """Return the proof that leaf `index` is among the first `size` leaves."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """What a packet is taken from. `cosignatures` None: this installation asks no witness."""

    log: ProvableLog
    blobs: Blobs
    cosignatures: Cosignatures | None = None


def assemble(run: RunId, archive: Archive, *, along: Collection[Choice] = ()) -> Contents:
    """Return the contents of the packet of a sealed run.

    The checkpoint is the smallest one that covers the seal and is cosigned, or else the smallest that covers it: the
    same at every call, until a witness cosigns, a key changes, a person is erased or a blob is purged. What was said of
    the run after its seal stays out.

    Raises:
        NotFound: The run left nothing.
        Refused: The run is not sealed.
    """
    own = archive.log.of_run(run)
    seal = next((item for item in own if item.statement.predicate_type == SEAL), None)
    if own and seal is None:
        raise Refused(
            f"run {run} is not sealed: more may be said of it",
            remedy="Wait for its end, or give it up with `wardline runs cancel`.",
        )
    return _assemble(run, own if seal is None else own[: own.index(seal) + 1], archive, frozenset(along))


def assemble_unsealed(run: RunId, archive: Archive, *, along: Collection[Choice] = ()) -> Contents:
    """Return the contents of the packet of a run that is under way. Its page says so, and it does not verify.

    Raises:
        NotFound: The run left nothing.
    """
    return _assemble(run, archive.log.of_run(run), archive, frozenset(along))


def _assemble(run: RunId, own: tuple[Evidence, ...], archive: Archive, along: frozenset[Choice]) -> Contents:
    if not own:
        raise NotFound(f"run {run} left nothing in the log", remedy="See `wardline runs list`.")
    log = archive.log
    # Who may sign follows from all of these, in order. Every key change is covered: the packet is signed by the key of
    # today, and whoever trusts an older one has to be led to it.
    people = tuple(log.every(Enrolment.predicate_type))
    keys = tuple(log.every(KEY_CHANGE))
    erasures = _erasures(log, told=(*people, *keys))
    note = _checkpoint(max(item.index for item in (own[-1], *keys, *erasures)) + 1, archive)
    size = Checkpoint.parse(take_apart(note)[0]).size
    wanted = {item.index: item for item in (*own, *people, *keys, *erasures) if item.index < size}
    for item in own:
        for index in rests_on(item) - wanted.keys():
            wanted[index] = log.read(index)
    statements = tuple(
        Proven(evidence=wanted[index], proof=log.inclusion_proof(index, size)) for index in sorted(wanted)
    )
    taken, absent = _collected(tuple(wanted.values()), archive, along)
    return Contents(
        run=run,
        origin=log.key.name,
        checkpoint=note,
        statements=statements,
        blobs=taken,
        absent=absent,
    )


def _erasures(log: ProvableLog, *, told: tuple[Evidence, ...]) -> tuple[Evidence, ...]:
    """Return the erasures that were said by somebody entitled to: of them the page tells, and they are covered."""
    erasures = tuple(log.every(ERASURE))
    if not erasures:
        return ()
    signatories = Signatories(log.key, told=sorted(told, key=lambda item: item.index))
    in_order = sorted((*told, *erasures), key=lambda item: item.index)
    entitled = {item.index for item in in_order if signatories.admit(item) is None}
    return tuple(item for item in erasures if item.index in entitled)


def _checkpoint(size: int, archive: Archive) -> str:
    witnessed = None if archive.cosignatures is None else archive.cosignatures.smallest_from(size)
    if archive.cosignatures is None or witnessed is None:
        return archive.log.checkpoint_covering(size)
    return with_cosignatures(archive.log.checkpoint(witnessed), archive.cosignatures.of(witnessed))


def _collected(
    evidence: tuple[Evidence, ...], archive: Archive, along: frozenset[Choice]
) -> tuple[tuple[Enclosed, ...], tuple[Absent, ...]]:
    named = {reference for item in evidence for reference in blobs_of(item)}
    taken: list[Enclosed] = []
    absent: list[Absent] = []
    for reference in sorted({each.digest: each for each in sorted(named, key=_order)}.values(), key=_order):
        if reference.media_type not in TAKEN_ALONG and not any(choice.takes(reference) for choice in along):
            continue
        try:
            taken.append(Enclosed(reference=reference, content=archive.blobs.get(reference.digest)))
        except NotFound:
            absent.append(_gone(reference, archive))
    return tuple(taken), tuple(absent)


def _order(reference: BlobRef) -> tuple[str, str, int]:
    return reference.digest.hex, reference.media_type, reference.size_bytes


def _gone(reference: BlobRef, archive: Archive) -> Absent:
    purge = read_purges(archive.log, archive.blobs).by_digest.get(reference.digest)
    if purge is None:
        return Absent(reference=reference, why="missing", statement=None)
    return Absent(reference=reference, why="purged", statement=purge.index)

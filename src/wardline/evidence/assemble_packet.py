"""Assemble the packet of a run from the log: its statements, what they rest on, and the proofs of all."""

from collections.abc import Iterable
from typing import Protocol

from wardline.errors import NotFound, Refused
from wardline.evidence.log import Blobs, Evidence, EvidenceLog
from wardline.evidence.mentions import SEAL, blobs_of, rests_on
from wardline.evidence.packet import Contents, Enclosed, Proven
from wardline.identity.predicates import Enrolment
from wardline.ids import RunId
from wardline.tlog.note import VerifierKey

# What people and policies were shown: documents made of digests, counts and codes. Everything else (reports,
# outputs, private texts) stays behind unless somebody chooses to take it along.
TAKEN_ALONG = frozenset({"application/vnd.wardline.consent+json", "application/vnd.wardline.gate-input+json"})


class ProvableLog(EvidenceLog, Protocol):
    """A log that proves what it holds."""

    @property
    def key(self) -> VerifierKey:
        """The key that signs its checkpoints, named after the log's origin."""
        ...

    def checkpoint(self, size: int | None = None) -> str:
        """Return the signed note of the first `size` leaves; None: of all."""
        ...

    def inclusion_proof(self, index: int, size: int) -> tuple[bytes, ...]:
        """Return the proof that leaf `index` is among the first `size` leaves."""
        ...


def assemble(run: RunId, log: ProvableLog, blobs: Blobs) -> Contents:
    """Return the contents of the packet of a sealed run: at every call the same.

    The checkpoint is the one that ends with the run's seal, and what was said of the run after it stays out.

    Raises:
        NotFound: The run left nothing.
        Refused: The run is not sealed.
    """
    own = log.of_run(run)
    seal = next((item for item in own if item.statement.predicate_type == SEAL), None)
    if own and seal is None:
        raise Refused(
            f"run {run} is not sealed: more may be said of it",
            remedy="Wait for its end, or give it up with `wardline runs cancel`.",
        )
    return _assemble(run, own if seal is None else own[: own.index(seal) + 1], log, blobs)


def assemble_unsealed(run: RunId, log: ProvableLog, blobs: Blobs) -> Contents:
    """Return the contents of the packet of a run that is under way. Its page says so, and it does not verify.

    Raises:
        NotFound: The run left nothing.
    """
    return _assemble(run, log.of_run(run), log, blobs)


def _assemble(run: RunId, own: tuple[Evidence, ...], log: ProvableLog, blobs: Blobs) -> Contents:
    if not own:
        raise NotFound(f"run {run} left nothing in the log", remedy="See `wardline runs list`.")
    size = own[-1].index + 1
    wanted = {item.index: item for item in own}
    # Every enrolment so far: who may sign follows from all of them, in order.
    wanted |= {item.index: item for item in log.every(Enrolment.predicate_type) if item.index < size}
    for item in own:
        for index in rests_on(item) - wanted.keys():
            wanted[index] = log.read(index)
    statements = tuple(
        Proven(evidence=wanted[index], proof=log.inclusion_proof(index, size)) for index in sorted(wanted)
    )
    return Contents(
        run=run,
        origin=log.key.name,
        checkpoint=log.checkpoint(size),
        statements=statements,
        blobs=tuple(_enclosed(own, blobs)),
    )


def _enclosed(own: tuple[Evidence, ...], blobs: Blobs) -> Iterable[Enclosed]:
    named = {reference for item in own for reference in blobs_of(item)}
    for reference in sorted(named, key=lambda reference: reference.digest):
        if reference.media_type in TAKEN_ALONG:
            yield Enclosed(reference=reference, content=blobs.get(reference.digest))

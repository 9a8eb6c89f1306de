"""Cosign: ask witnesses to say that they have seen the newest head of the log, and keep what they say."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from wardline.errors import IntegrityViolation, InvalidInput, Refused, Unavailable
from wardline.tlog.add_checkpoint import AddCheckpoint, Answer, Cosigned, HasSeen
from wardline.tlog.checkpoint import read_checkpoint
from wardline.tlog.cosignature import Cosignatures, WitnessKey, verify_cosignature
from wardline.tlog.note import read_signature, take_apart

_TRIES = 3  # a second one with the size that the witness has; a third, if somebody else asked meanwhile


class Head(Protocol):
    """The log's newest head, and what proves that it extends an older one."""

    def checkpoint(self) -> str:
        """Return the newest signed checkpoint.

        Raises:
            NotFound: The log is empty.
        """
        ...

    def consistency_proof(self, size1: int, size2: int) -> tuple[bytes, ...]:
        """Return the proof that the first `size1` leaves begin the first `size2`; from nothing, an empty one."""
        ...


class Askable(Protocol):
    """A witness that can be asked."""

    def add(self, request: AddCheckpoint) -> Answer:
        """Return what it answers.

        Raises:
            Unavailable: It does not answer, or not as a witness does.
            Refused: It does not know this log, or not its key.
        """
        ...


class Standing(StrEnum):
    """How a witness stands to the log.

    conflict: it saw another history of this log. Either it, or this installation, is not what it was.
    """

    COSIGNED = "cosigned"
    UNANSWERED = "unanswered"
    REFUSED = "refused"
    CONFLICT = "conflict"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What came of asking one witness about the first `size` leaves."""

    witness: str
    size: int
    standing: Standing
    detail: str
    at: datetime | None = None  # of the cosignature


def ask_witnesses(log: Head, kept: Cosignatures, witnesses: Sequence[tuple[WitnessKey, Askable]]) -> tuple[Asked, ...]:
    """Ask each of `witnesses` for a cosignature of the newest head and keep it. None that fails keeps others from it.

    Raises:
        NotFound: The log is empty.
    """
    return tuple(_ask(log, kept, key, witness) for key, witness in witnesses)


def take_cosignatures(note: str, head: str, kept: Cosignatures, witnesses: Sequence[WitnessKey]) -> tuple[Asked, ...]:
    """Keep the cosignatures in `note`, by witnesses that looked themselves; `head` is our checkpoint of that size.

    Raises:
        InvalidInput: It is no signed checkpoint, or none of `witnesses` cosigned it.
        IntegrityViolation: It is not our checkpoint, or a cosignature does not hold.
    """
    if take_apart(note)[0] != take_apart(head)[0]:
        raise IntegrityViolation("the cosigned checkpoint is not the one that this log had of that size")
    _, signatures = take_apart(note)
    present = {(name, content[:4]) for name, content in signatures}
    found = [_keep(head, note.rpartition("\n\n")[2], key, kept) for key in witnesses if (key.name, key.hash) in present]
    if not found:
        raise InvalidInput("none of the listed witnesses cosigned this checkpoint", remedy="List it first.")
    return tuple(found)


def _ask(log: Head, kept: Cosignatures, key: WitnessKey, witness: Askable) -> Asked:
    note = log.checkpoint()
    size = read_checkpoint(note).size
    try:
        return _exchange(log, kept, key, witness)
    except Unavailable as error:
        return Asked(witness=key.name, size=size, standing=Standing.UNANSWERED, detail=error.what)
    except Refused as error:
        return Asked(witness=key.name, size=size, standing=Standing.REFUSED, detail=error.what)
    except (IntegrityViolation, InvalidInput) as error:
        detail = f"its answer is no cosignature of this log: {error.what}"
        return Asked(witness=key.name, size=size, standing=Standing.REFUSED, detail=detail)


def _exchange(log: Head, kept: Cosignatures, key: WitnessKey, witness: Askable) -> Asked:
    old = kept.newest_by(key.name)
    for _ in range(_TRIES):
        # Read again each time: others append and ask meanwhile.
        note = log.checkpoint()
        size = read_checkpoint(note).size
        if old > size:
            return _conflict(key, size, f"it has seen {old} leaves of this log, which now has {size}")
        answer = witness.add(AddCheckpoint(old=old, proof=log.consistency_proof(old, size), note=note))
        match answer:
            case Cosigned(lines=lines):
                return _keep(note, lines, key, kept)
            case HasSeen(size=seen) if seen == size == old:
                return _conflict(key, size, f"it has seen another head of {size} leaves")
            case HasSeen(size=seen):
                old = seen
            case _:
                return _conflict(key, size, f"what it has seen ({old} leaves) does not begin this log: {answer.said}")
    if old > read_checkpoint(log.checkpoint()).size:
        return _conflict(key, size, f"it has seen {old} leaves of this log, which now has {size}")
    raise Unavailable(f"witness {key.name}: after {_TRIES} tries it still goes on from elsewhere")


def _keep(note: str, lines: str, key: WitnessKey, kept: Cosignatures) -> Asked:
    checkpoint = read_checkpoint(note)
    text, _ = take_apart(note)
    for line in lines.splitlines(keepends=True):
        name, content = read_signature(line.removesuffix("\n"))
        if name == key.name and content[:4] == key.hash:
            at = verify_cosignature(f"{text}\n{line}", key)
            kept.keep(checkpoint.size, key.name, line)
            return Asked(witness=key.name, size=checkpoint.size, standing=Standing.COSIGNED, detail="", at=at)
    raise IntegrityViolation(f"it did not sign with the key that is listed for {key.name}")


def _conflict(key: WitnessKey, size: int, detail: str) -> Asked:
    return Asked(witness=key.name, size=size, standing=Standing.CONFLICT, detail=detail)

"""What a witness does with a checkpoint: cosign it, or keep the proof that the log has two histories.

A witness cosigns a head only if it extends every head of that log that it cosigned before, and remembers it durably
before it answers. So nobody can be shown a history by it that another was not shown (https://c2sp.org/tlog-witness).
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from wardline.clock import Clock
from wardline.errors import IntegrityViolation, InvalidInput, NotFound, Refused
from wardline.tlog.add_checkpoint import AddCheckpoint, Answer, Cosigned, HasSeen, NotConnected
from wardline.tlog.checkpoint import Checkpoint, open_checkpoint, read_checkpoint
from wardline.tlog.cosignature import WitnessKey, cosign
from wardline.tlog.merkle import EMPTY_ROOT, roots_behind, verify_consistency
from wardline.tlog.note import VerifierKey, take_apart


class AlarmKind(StrEnum):
    """What a witness holds against a log.

    fork: two heads, both signed by the log, that cannot be of one history. This is proof, for anybody.
    rollback: the log shows a smaller head as its newest than it had signed before.
    unconnected: a signed head came without a proof that it extends the one before. Either the log has forked, or
        somebody else sent its head with a wrong proof: looking at the log itself tells.
    """

    FORK = "fork"
    ROLLBACK = "rollback"
    UNCONNECTED = "unconnected"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A head that the witness cosigned. `line` is the cosignature that it answered first."""

    size: int
    root: bytes
    note: str
    line: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """Two notes signed by the log that do not go together: the one cosigned before, and the one that came.

    `proof` leads from the size of the one to the other, where there is one. `settled_at`: a later look showed that
    the head was of the one history after all; only an unconnected one can be settled.
    """

    kind: AlarmKind
    seen: str
    came: str
    proof: tuple[bytes, ...]
    at: datetime
    settled_at: datetime | None = None


class Recollection(Protocol):
    """All that the witness remembers of one log, while nobody else may change it."""

    def newest(self) -> Seen | None:
        """Return the largest head that was cosigned."""
        ...

    def of_size(self, size: int) -> Seen | None:
        """Return the head of that size that was cosigned, if one was."""
        ...

    def remember(self, seen: Seen) -> None:
        """Keep a head that is larger than every one before."""
        ...

    def raise_alarm(self, alarm: Alarm) -> None:
        """Keep an alarm; the same two notes once only."""
        ...

    def alarms(self) -> Sequence[Alarm]:
        """Return every alarm, oldest first."""
        ...

    def settle(self, alarm: Alarm, at: datetime) -> None:
        """Keep that an unconnected head was found to be of the one history."""
        ...


class Memory(Protocol):
    """Remembers logs by their origin."""

    def of(self, origin: str) -> AbstractContextManager[Recollection]:
        """Open what is remembered of one log; others who want the same wait.

        MUST be durable when the context ends, and MUST keep all of what was done in it or nothing.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Witness:
    """Cosigns heads of the logs it knows. `logs`: by origin, the keys of which one must have signed."""

    key: WitnessKey
    sign: Callable[[bytes], bytes]
    logs: Mapping[str, Sequence[VerifierKey]]
    memory: Memory
    clock: Clock

    def add(self, request: AddCheckpoint) -> Answer:
        """Answer a log that asks for a cosignature.

        Raises:
            NotFound: The witness does not know the log.
            Refused: None of the log's keys signed the checkpoint.
            InvalidInput: The checkpoint is none.
        """
        checkpoint = self.opened(request.note)
        with self.memory.of(checkpoint.origin) as recollection:
            # Nobody sees the answer before the context has ended: by then what it says is remembered, and durable.
            return self._judge(request, checkpoint, recollection)

    def opened(self, note: str) -> Checkpoint:
        """Return the checkpoint in `note`, if it is of a known log and signed by it.

        Raises:
            NotFound: The witness does not know the log.
            Refused: None of the log's keys signed it.
            InvalidInput: The note holds no checkpoint.
        """
        origin = read_checkpoint(note).origin
        keys = self.logs.get(origin, ())
        if not keys:
            raise NotFound(f"log {origin[:200]} is not one that this witness knows")
        refusals = []
        for key in keys:
            try:
                return open_checkpoint(note, key)
            except IntegrityViolation as error:
                refusals.append(error.what)
        raise Refused(f"checkpoint of log {origin}: {refusals[0]}")

    def _judge(self, request: AddCheckpoint, checkpoint: Checkpoint, recollection: Recollection) -> Answer:
        newest = recollection.newest()
        size = 0 if newest is None else newest.size
        # (1) Two signed roots of one size are a fork, whatever else was asked.
        same = recollection.of_size(checkpoint.size)
        if same is not None and same.root != checkpoint.root:
            self.alarm(AlarmKind.FORK, same, request.note, recollection)
            return HasSeen(size=size)
        # (2) An older head alone is nothing: anybody may send it again.
        if request.old != size:
            return HasSeen(size=size)
        # (3) It must extend the newest that was cosigned.
        if newest is None:
            return self._first(request, checkpoint, recollection)
        try:
            verify_consistency(newest.size, checkpoint.size, request.proof, newest.root, checkpoint.root)
        except IntegrityViolation as error:
            if (newest.size, newest.root) == (checkpoint.size, checkpoint.root):
                return NotConnected(said=error.what)  # the same head: nothing can be wrong but the request
            kind = AlarmKind.FORK if _shows_another(request, newest, checkpoint) else AlarmKind.UNCONNECTED
            self.alarm(kind, newest, request.note, recollection, proof=request.proof)
            return NotConnected(said=error.what)
        return Cosigned(lines=self.accept(request.note, checkpoint, recollection))

    def _first(self, request: AddCheckpoint, checkpoint: Checkpoint, recollection: Recollection) -> Answer:
        if request.proof:
            return NotConnected(said="the proof from an empty log has no hashes")
        if checkpoint.size == 0 and checkpoint.root != EMPTY_ROOT:
            return NotConnected(said="the root of an empty log is the hash of nothing")
        return Cosigned(lines=self.accept(request.note, checkpoint, recollection))

    def accept(self, note: str, checkpoint: Checkpoint, recollection: Recollection) -> str:
        """Remember a head that extends every one before, and return its cosignature, to be shown once that is durable.

        A head that is remembered already is cosigned again, with the time of now.
        """
        text, _ = take_apart(note)
        at = self.clock.now()
        line = cosign(text, self.key, at=at, sign=self.sign)
        newest = recollection.newest()
        if checkpoint.size > (0 if newest is None else newest.size):
            recollection.remember(Seen(size=checkpoint.size, root=checkpoint.root, note=note, line=line, at=at))
        for alarm in recollection.alarms():
            if alarm.kind is AlarmKind.UNCONNECTED and take_apart(alarm.came)[0] == text:
                recollection.settle(alarm, at)
        return line

    def alarm(
        self, kind: AlarmKind, seen: Seen, came: str, recollection: Recollection, *, proof: Sequence[bytes] = ()
    ) -> None:
        """Keep two signed notes that do not go together."""
        recollection.raise_alarm(Alarm(kind=kind, seen=seen.note, came=came, proof=tuple(proof), at=self.clock.now()))


def _shows_another(request: AddCheckpoint, newest: Seen, checkpoint: Checkpoint) -> bool:
    """Return whether the proof leads to the head that came, and so from another one than was cosigned."""
    try:
        old, new = roots_behind(newest.size, checkpoint.size, request.proof, newest.root)
    except (IntegrityViolation, InvalidInput):
        return False
    return new == checkpoint.root and old != newest.root

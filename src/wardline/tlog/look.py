"""A witness that goes and looks at a log itself: its checkpoint and its tiles, as it serves them to everybody.

So a witness needs no open port, and can hold any log that publishes tiles (https://c2sp.org/tlog-tiles).
"""

from dataclasses import dataclass
from typing import Protocol

from wardline.errors import Conflict, IntegrityViolation, InvalidInput
from wardline.tlog import tree
from wardline.tlog.add_checkpoint import AddCheckpoint, Cosigned
from wardline.tlog.checkpoint import Checkpoint
from wardline.tlog.merkle import verify_consistency
from wardline.tlog.tiles import Tile, TiledNodes
from wardline.tlog.witness import Alarm, AlarmKind, Recollection, Seen, Witness

_TRIES = 3  # how often another witness process with the same memory may be faster


class Served(Protocol):
    """A log as somebody serves it. Nothing that it gives is believed without a proof."""

    def checkpoint(self) -> str:
        """Return the newest signed checkpoint.

        Raises:
            Unavailable: It cannot be had.
        """
        ...

    def tile(self, tile: Tile) -> bytes:
        """Return the bytes of a tile, as far as it is asked for.

        Raises:
            Unavailable: It cannot be had.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What a look at a log came to: `line` cosigns the checkpoint in `note`; None where there are new `alarms`."""

    checkpoint: Checkpoint
    note: str
    line: str | None
    alarms: tuple[Alarm, ...]


def look_at(log: Served, witness: Witness, origin: str) -> Looked:
    """Cosign the newest head of `log`, if it extends all that was cosigned before; otherwise keep an alarm.

    Raises:
        Unavailable: Something of the log cannot be had: nothing is said of it.
        Refused, NotFound: The checkpoint is not signed by the log of this `origin`, or not known.
        IntegrityViolation: The tiles are not those of the checkpoint. That is no proof against the log: whoever
            serves them may have mixed them up.
        Conflict: Another process looked at the same time, again and again.
    """
    for _ in range(_TRIES):
        # What was seen before the look: a head that somebody adds meanwhile makes none of this a rollback.
        with witness.memory.of(origin) as recollection:
            before, known = recollection.newest(), len(recollection.alarms())
        note = log.checkpoint()
        checkpoint = witness.opened(note)
        if checkpoint.origin != origin:
            raise IntegrityViolation(f"the checkpoint is of log {checkpoint.origin}, expected {origin}")
        line = _judge(log, witness, note, before)
        with witness.memory.of(origin) as recollection:
            alarms = tuple(recollection.alarms()[known:])
        if line is not None or alarms:
            return Looked(checkpoint=checkpoint, note=note, line=line, alarms=alarms)
    raise Conflict(f"log {origin}: another process of this witness was faster each time", remedy="Look again.")


def _judge(log: Served, witness: Witness, note: str, before: Seen | None) -> str | None:
    checkpoint = witness.opened(note)
    if before is not None and checkpoint.size < before.size:
        with witness.memory.of(checkpoint.origin) as recollection:
            witness.alarm(AlarmKind.ROLLBACK, before, note, recollection)
        return None
    nodes = TiledNodes(checkpoint.size, log.tile)
    if tree.root(nodes, checkpoint.size) != checkpoint.root:
        raise IntegrityViolation(
            f"log {checkpoint.origin}: its tiles do not have the root of its checkpoint of {checkpoint.size} leaves",
            remedy="Ask who serves it: tiles and checkpoint come from different places, or one of them was changed.",
        )
    proof: tuple[bytes, ...] = ()
    if before is not None and before.size < checkpoint.size:
        proof = tree.consistency_proof(nodes, before.size, checkpoint.size)
        root = tree.root(nodes, before.size)
        verify_consistency(before.size, checkpoint.size, proof, root, checkpoint.root)
        if root != before.root:
            # The head that came commits to another root of that size than the one that was cosigned.
            with witness.memory.of(checkpoint.origin) as recollection:
                witness.alarm(AlarmKind.FORK, before, note, recollection, proof=(root, *proof))
            return None
    with witness.memory.of(checkpoint.origin) as recollection:
        _settle(witness, nodes, checkpoint, recollection)
    answer = witness.add(AddCheckpoint(old=0 if before is None else before.size, proof=proof, note=note))
    return answer.lines if isinstance(answer, Cosigned) else None


def _settle(witness: Witness, nodes: TiledNodes, checkpoint: Checkpoint, recollection: Recollection) -> None:
    """Settle the doubts about heads that this checkpoint's tree has."""
    for alarm in recollection.alarms():
        if alarm.kind is not AlarmKind.UNCONNECTED or alarm.settled_at is not None:
            continue
        doubted = witness.opened(alarm.came)
        if not 1 <= doubted.size <= checkpoint.size:
            continue
        try:
            proof = tree.consistency_proof(nodes, doubted.size, checkpoint.size)
            verify_consistency(doubted.size, checkpoint.size, proof, doubted.root, checkpoint.root)
        except (IntegrityViolation, InvalidInput):
            continue  # still not of this history: the doubt stays
        recollection.settle(alarm, witness.clock.now())

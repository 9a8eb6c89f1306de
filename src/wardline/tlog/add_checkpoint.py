"""What a log sends to a witness: `add-checkpoint` of https://c2sp.org/tlog-witness."""

import base64
import re
from dataclasses import dataclass
from typing import Self

from wardline.errors import InvalidInput
from wardline.tlog.checkpoint import Checkpoint, read_checkpoint
from wardline.tlog.merkle import HASH_BYTES
from wardline.tlog.note import decode_base64

PATH = "add-checkpoint"  # under the witness's submission prefix
SIZE_TYPE = "text/x.tlog.size"  # media type of the answer that says which size the witness has
MAX_BYTES = 131_072  # 63 hashes, and a checkpoint with dozens of signatures
_MAX_HASHES = 63
_OLD = re.compile(r"old (0|[1-9][0-9]{0,15})", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class AddCheckpoint:
    """Asks for a cosignature of the signed note `note`, which extends what the witness saw of `old` leaves."""

    old: int
    proof: tuple[bytes, ...]
    note: str

    def encode(self) -> str:
        """Return the body of the request."""
        hashes = "".join(f"{base64.b64encode(step).decode()}\n" for step in self.proof)
        return f"old {self.old}\n{hashes}\n{self.note}"

    @classmethod
    def parse(cls, body: str) -> Self:
        """Return what is asked for; nothing of it is verified yet.

        Raises:
            InvalidInput: It is no such request.
        """
        head, separator, note = body.partition("\n\n")
        first, *lines = head.split("\n")
        match = _OLD.fullmatch(first)
        if not separator or match is None:
            raise InvalidInput("not a request: expected `old SIZE`, proof lines, an empty line and a checkpoint")
        if len(lines) > _MAX_HASHES:
            raise InvalidInput(f"a consistency proof of {len(lines)} hashes; expected at most {_MAX_HASHES}")
        proof = tuple(decode_base64(line) for line in lines)
        if any(len(step) != HASH_BYTES for step in proof):
            raise InvalidInput(f"a hash of the consistency proof has not {HASH_BYTES} bytes")
        request = cls(old=int(match[1]), proof=proof, note=note)
        if request.old > request.claimed.size:
            raise InvalidInput(f"old size {request.old} is beyond the checkpoint's {request.claimed.size}")
        return request

    @property
    def claimed(self) -> Checkpoint:
        """The checkpoint as the note has it, whoever signed it.

        Raises:
            InvalidInput: The note is none, or no checkpoint.
        """
        return read_checkpoint(self.note)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cosigned:
    """The witness cosigned: whole signature lines, newlines included."""

    lines: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HasSeen:
    """The witness does not go on from `old`: the newest that it cosigned has `size` leaves (409)."""

    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NotConnected:
    """The witness says that the proof does not lead from what it saw to this checkpoint (422)."""

    said: str


Answer = Cosigned | HasSeen | NotConnected

"""One file that proves an entry to be in the log (https://c2sp.org/tlog-proof)."""

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from wardline.errors import IntegrityViolation, InvalidInput
from wardline.tlog.checkpoint import Checkpoint, open_checkpoint_of
from wardline.tlog.cosignature import WitnessKey, cosigned_by
from wardline.tlog.merkle import HASH_BYTES, leaf_hash, verify_inclusion
from wardline.tlog.note import VerifierKey, decode_base64

MAX_CHARACTERS = 1_100_000  # a note's limit and the hashes; a usual one has a few thousand
_HEADER = "c2sp.org/tlog-proof@v1"
_MAX_HASHES = 63
_INDEX = re.compile(r"index (0|[1-9][0-9]{0,15})", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofFile:
    """The entry at `index` is in the tree of `checkpoint`, a signed note with its cosignatures, by `hashes`.

    `extra` is signed by nobody: it MUST NOT be believed.
    """

    index: int
    hashes: tuple[bytes, ...]
    checkpoint: str
    extra: bytes | None = None

    def encode(self) -> str:
        """Return the text of the file."""
        lines = [_HEADER]
        if self.extra is not None:
            lines.append(f"extra {base64.b64encode(self.extra).decode()}")
        lines += [f"index {self.index}", *(base64.b64encode(step).decode() for step in self.hashes)]
        return "".join(f"{line}\n" for line in lines) + "\n" + self.checkpoint

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return what `text` says; nothing of it is verified yet.

        Raises:
            InvalidInput: It is no proof of this format.
        """
        if len(text) > MAX_CHARACTERS:
            raise InvalidInput(f"a proof of {len(text)} characters; expected at most {MAX_CHARACTERS}")
        head, separator, checkpoint = text.partition("\n\n")
        header, *lines = head.split("\n")
        if not separator or header != _HEADER:
            raise InvalidInput(f"not a proof file: expected {_HEADER}, proof lines, an empty line and a checkpoint")
        extra = decode_base64(lines.pop(0).removeprefix("extra ")) if lines and lines[0].startswith("extra ") else None
        match = _INDEX.fullmatch(lines[0]) if lines else None
        if match is None:
            raise InvalidInput("proof file: expected a line with the index of the entry")
        if len(lines) - 1 > _MAX_HASHES:
            raise InvalidInput(f"proof file: {len(lines) - 1} hashes; no log needs more than {_MAX_HASHES}")
        hashes = tuple(decode_base64(line) for line in lines[1:])
        if any(len(step) != HASH_BYTES for step in hashes):
            raise InvalidInput(f"proof file: a hash has not {HASH_BYTES} bytes")
        return cls(index=int(match[1]), hashes=hashes, checkpoint=checkpoint, extra=extra)

    def verify(
        self, entry: bytes, *keys: VerifierKey, witnesses: Sequence[WitnessKey] = (), needed: int = 0
    ) -> Checkpoint:
        """Return the checkpoint, if one of `keys` signed it, as many as needed cosigned it, and it proves `entry`.

        `keys`: all that the log has had and that are trusted; which of them signed depends on when it was proven.

        Raises:
            InvalidInput: The checkpoint is none, the keys are of several logs, or more witnesses are needed than named.
            IntegrityViolation: A signature or the proof does not hold, or too few witnesses cosigned.
        """
        checkpoint = open_checkpoint_of(self.checkpoint, keys)
        cosigned_by(self.checkpoint, witnesses, needed=needed)
        if self.index >= checkpoint.size:
            raise IntegrityViolation(f"no entry {self.index} under a checkpoint of {checkpoint.size}")
        verify_inclusion(leaf_hash(entry), self.index, checkpoint.size, self.hashes, checkpoint.root)
        return checkpoint

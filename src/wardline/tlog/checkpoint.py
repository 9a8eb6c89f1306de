"""Checkpoints: the signed head of a log (https://c2sp.org/tlog-checkpoint)."""

import base64
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Self

from wardline.errors import IntegrityViolation, InvalidInput
from wardline.tlog.merkle import HASH_BYTES
from wardline.tlog.note import VerifierKey, decode_base64, open_note, sign_note, take_apart

_SIZE = re.compile(r"0|[1-9][0-9]{0,15}", re.ASCII)  # no leading zero: one text for one size


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """The log named `origin` had `size` leaves under `root`."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()  # lines of others' checkpoints; ours have none

    def encode(self) -> str:
        """Return the text that is signed."""
        lines = (self.origin, str(self.size), base64.b64encode(self.root).decode(), *self.extensions)
        return "".join(f"{line}\n" for line in lines)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the checkpoint that `text` spells.

        Raises:
            InvalidInput: Not an origin, a size and a 32-byte root, one on each line.
        """
        lines = text.split("\n")
        match lines:
            case [origin, size, root, *extensions, ""] if origin and _SIZE.fullmatch(size) and all(extensions):
                pass
            case _:
                raise InvalidInput("not a checkpoint: expected origin, size and root, one on each line")
        checkpoint = cls(origin=origin, size=int(size), root=decode_base64(root), extensions=tuple(extensions))
        if len(checkpoint.root) != HASH_BYTES:
            raise InvalidInput(f"checkpoint: a root of {len(checkpoint.root)} bytes; expected {HASH_BYTES}")
        return checkpoint

    def sign(self, key: VerifierKey, *, sign: Callable[[bytes], bytes]) -> str:
        """Return the signed note. The key's name MUST be the origin (tlog-checkpoint)."""
        if key.name != self.origin:
            raise InvalidInput(f"checkpoint of {self.origin}: the key is named {key.name}")
        return sign_note(self.encode(), key, sign=sign)


def open_checkpoint(note: str, key: VerifierKey) -> Checkpoint:
    """Return the checkpoint in `note` if `key` signed it and it is of the log that `key` is named after.

    Raises:
        InvalidInput: It is no signed checkpoint.
        IntegrityViolation: Not signed by `key`, or of another log.
    """
    checkpoint = Checkpoint.parse(open_note(note, key))
    if checkpoint.origin != key.name:
        raise IntegrityViolation(f"the checkpoint is of log {checkpoint.origin}, expected {key.name}")
    return checkpoint


def open_checkpoint_of(note: str, keys: Sequence[VerifierKey]) -> Checkpoint:
    """Return the checkpoint in `note` if one of `keys` signed it: those that one log has had, one after another.

    Raises:
        InvalidInput: It is no signed checkpoint, or the keys are not those of one log.
        IntegrityViolation: None of `keys` signed it, the signature of one of them does not hold, or of another log.
    """
    names = {key.name for key in keys}
    if len(names) != 1:
        raise InvalidInput(f"keys of {len(names)} logs; expected those of one", remedy="Name only keys of this log.")
    signed = signers(note, keys)
    if not signed:
        tried = ", ".join(key.hash.hex() for key in keys)
        raise IntegrityViolation(f"the checkpoint is not signed by {names.pop()} with any of the keys {tried}")
    # A signature in the name of a key is never passed over, whatever another one says.
    return [open_checkpoint(note, key) for key in signed][-1]


def signers(note: str, keys: Iterable[VerifierKey]) -> tuple[VerifierKey, ...]:
    """Return those of `keys` in whose name `note` is signed. Whether a signature holds is not looked at.

    Raises:
        InvalidInput: It is no signed note.
    """
    _, signatures = take_apart(note)
    return tuple(
        key for key in keys if any(name == key.name and said.startswith(key.hash) for name, said in signatures)
    )


def read_checkpoint(note: str) -> Checkpoint:
    """Return the checkpoint in `note`, whoever signed it: of one's own log, or to know whose signature to ask for.

    Raises:
        InvalidInput: It is no signed checkpoint.
    """
    text, _ = take_apart(note)
    return Checkpoint.parse(text)

"""Cosignatures: what a witness says of a checkpoint (https://c2sp.org/tlog-cosignature, cosignature/v1, Ed25519).

By one the witness says: at this time, this was the largest head of this log that I have seen, and every smaller one
that I cosigned is a prefix of it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from wardline.errors import IntegrityViolation, InvalidInput
from wardline.tlog.note import check_key, key_hash, read_key, read_signature, signature_line, take_apart, write_key

_COSIGNATURE = b"\x04"  # the signature type of cosignature/v1
_HASH_BYTES = 4
_TIME_BYTES = 8
_SIGNATURE_BYTES = 64
_LAST_SECOND = int(datetime(9999, 12, 31, tzinfo=UTC).timestamp())  # the last day that a date here can name


@dataclass(frozen=True, slots=True, kw_only=True)
class WitnessKey:
    """The public key of a witness, with its name; written as a vkey of type 0x04. It signs no checkpoint of its own.

    The name is not signed: one key MUST serve one witness only (tlog-cosignature).

    Raises:
        InvalidInput: The name is empty, too long, or has a space or a plus; the key is not 32 bytes.
    """

    name: str
    raw: bytes

    def __post_init__(self) -> None:
        check_key(self.name, self.raw)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the key that `text` spells.

        Raises:
            InvalidInput: It is no vkey of a witness, or its hash is of another key or name.
        """
        name, raw = read_key(text, _COSIGNATURE)
        return cls(name=name, raw=raw)

    @property
    def hash(self) -> bytes:
        """Four bytes that tell keys apart; never proof of anything."""
        return key_hash(self.name, _COSIGNATURE, self.raw)

    def __str__(self) -> str:
        return write_key(self.name, _COSIGNATURE, self.raw)


class Cosignatures(Protocol):
    """Keeps what witnesses said of a log's checkpoints: whole signature lines, newline included."""

    def of(self, size: int) -> tuple[str, ...]:
        """Return the lines over the checkpoint of `size` leaves, by name of the witness."""
        ...

    def smallest_from(self, size: int) -> int | None:
        """Return the smallest size of at least `size` leaves that a witness cosigned; None: there is none yet."""
        ...

    def newest_by(self, witness: str) -> int:
        """Return the largest size that `witness` cosigned; 0: none yet."""
        ...

    def keep(self, size: int, witness: str, line: str) -> None:
        """Keep one line durably. Of two lines by one witness over one size the first stays."""
        ...


def cosign(text: str, key: WitnessKey, *, at: datetime, sign: Callable[[bytes], bytes]) -> str:
    """Return the line, newline included, by which the witness cosigns the checkpoint with this `text`.

    `at` is aware; whole seconds are signed. Whoever calls MUST have checked the checkpoint and remembered it.
    """
    seconds = int(at.timestamp())
    signature = sign(_message(text, seconds))
    return signature_line(key.name, key.hash + seconds.to_bytes(_TIME_BYTES, "big") + signature)


def verify_cosignature(note: str, key: WitnessKey) -> datetime:
    """Return when the witness with `key` cosigned `note`, a signed checkpoint with its cosignature lines.

    Nothing is said of the log's own signature: see `open_checkpoint`.

    Raises:
        InvalidInput: It is no signed note.
        IntegrityViolation: `key` did not cosign it, or a cosignature in its name does not hold.
    """
    text, signatures = take_apart(note)
    mine = [content for name, content in signatures if name == key.name and content[:_HASH_BYTES] == key.hash]
    if not mine:
        raise IntegrityViolation(f"the checkpoint is not cosigned by witness {key.name} with key {key.hash.hex()}")
    return max(_verify(text, key, content) for content in mine)


def cosigned_by(note: str, witnesses: Sequence[WitnessKey], *, needed: int) -> dict[str, datetime]:
    """Return which of `witnesses` cosigned `note` and when; one key counts once, whatever names it is given.

    Raises:
        InvalidInput: It is no signed note, or more are needed than named.
        IntegrityViolation: Fewer than `needed` did, or a cosignature of one of them does not hold.
    """
    distinct = {key.raw for key in witnesses}
    if not 0 <= needed <= len(distinct):
        raise InvalidInput(f"{needed} witnesses are needed, but {len(distinct)} are named")
    _, signatures = take_apart(note)
    present = {(name, content[:_HASH_BYTES]) for name, content in signatures}
    found: dict[bytes, WitnessKey] = {}
    for key in witnesses:
        if (key.name, key.hash) in present:
            found.setdefault(key.raw, key)
    times = {key.name: verify_cosignature(note, key) for key in found.values()}
    if len(found) < needed:
        missing = ", ".join(dict.fromkeys(key.name for key in witnesses if key.raw not in found))
        raise IntegrityViolation(
            f"{len(found)} of {len(distinct)} named witnesses cosigned the checkpoint, {needed} are needed: "
            f"nothing by {missing}"
        )
    return times


def with_cosignatures(note: str, lines: Sequence[str]) -> str:
    """Return the signed checkpoint `note` with the cosignature `lines` that it does not have yet."""
    _, signatures = take_apart(note)
    held = set(signatures)
    return note + "".join(line for line in lines if read_signature(line.removesuffix("\n")) not in held)


def _verify(text: str, key: WitnessKey, content: bytes) -> datetime:
    expected = _HASH_BYTES + _TIME_BYTES + _SIGNATURE_BYTES
    if len(content) != expected:
        raise IntegrityViolation(f"the cosignature by {key.name} has {len(content)} bytes; expected {expected}")
    seconds = int.from_bytes(content[_HASH_BYTES : _HASH_BYTES + _TIME_BYTES], "big")
    try:
        Ed25519PublicKey.from_public_bytes(key.raw).verify(
            content[_HASH_BYTES + _TIME_BYTES :], _message(text, seconds)
        )
    except (InvalidSignature, ValueError) as error:
        raise IntegrityViolation(f"the cosignature by {key.name} does not hold over this checkpoint") from error
    if seconds > _LAST_SECOND:
        raise IntegrityViolation(f"the cosignature by {key.name} is of second {seconds}, which no calendar has")
    return datetime.fromtimestamp(seconds, tz=UTC)


def _message(text: str, seconds: int) -> bytes:
    return f"cosignature/v1\ntime {seconds}\n{text}".encode()

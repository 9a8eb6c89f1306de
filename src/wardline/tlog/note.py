"""Signed notes and their verification keys (https://c2sp.org/signed-note), Ed25519 only.

A key of a log is a `VerifierKey`; that of a witness, whose signatures say something else, is in `cosignature.py`.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from wardline.errors import IntegrityViolation, InvalidInput

_ED25519 = b"\x01"  # the signature type of signed-note
_KEY_BYTES = 32
_SIGNATURE_BYTES = 64
_HASH_BYTES = 4
_MAX_NOTE_CHARACTERS = 1_000_000  # a checkpoint has a few hundred; witnesses add about a hundred each
# signed-note: no Unicode space, no plus; and no lone surrogate, which has no UTF-8 form to hash
_NAME = re.compile(r"[^\s+\ud800-\udfff]{1,255}")
_WRITTEN_KEY = re.compile(r"([^\s+\ud800-\udfff]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+={0,2})", re.ASCII)
_SIGNATURE_LINE = re.compile(r"— ([^\s+]+) ([A-Za-z0-9+/]+={0,2})")
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f]")


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifierKey:
    """A public key with the name it answers to; written `name+hash+base64`, called a vkey.

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
            InvalidInput: It is no vkey, no Ed25519 key, or its hash is of another key or name.
        """
        name, raw = read_key(text, _ED25519)
        return cls(name=name, raw=raw)

    @property
    def hash(self) -> bytes:
        """Four bytes that tell keys apart; never proof of anything."""
        return key_hash(self.name, _ED25519, self.raw)

    def __str__(self) -> str:
        return write_key(self.name, _ED25519, self.raw)


def sign_note(text: str, key: VerifierKey, *, sign: Callable[[bytes], bytes]) -> str:
    """Return the note: `text` (whole lines) and the signature that `sign` makes over it.

    Raises:
        InvalidInput: `text` does not end a line, or holds control characters.
    """
    _check_text(text)
    return f"{text}\n{signature_line(key.name, key.hash + sign(text.encode()))}"


def open_note(note: str, key: VerifierKey) -> str:
    """Return the text of `note` if `key` signed it. Signatures by other keys (witnesses) are not looked at.

    Raises:
        InvalidInput: It is no signed note.
        IntegrityViolation: `key` did not sign it, or the signature does not hold.
    """
    text, signatures = take_apart(note)
    mine = [content for name, content in signatures if name == key.name and content[:_HASH_BYTES] == key.hash]
    if not mine:
        raise IntegrityViolation(
            f"the note is not signed by {key.name} with key {key.hash.hex()}; "
            f"it is signed by {', '.join(f'{name} with {content[:4].hex()}' for name, content in signatures[:4])}"
        )
    public_key = Ed25519PublicKey.from_public_bytes(key.raw)
    for content in mine:
        try:
            public_key.verify(content[_HASH_BYTES:], text.encode())
        except InvalidSignature as error:
            raise IntegrityViolation(f"the signature by {key.name} does not hold over this note") from error
    return text


def decode_base64(text: str) -> bytes:
    """Return what `text` stands for.

    Raises:
        InvalidInput: Not base64, or with loose trailing bits, so that two texts would stand for the same bytes.
    """
    try:
        content = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidInput("not base64") from error
    if base64.b64encode(content).decode() != text:
        raise InvalidInput("base64 is not in its canonical form")
    return content


def take_apart(note: str) -> tuple[str, tuple[tuple[str, bytes], ...]]:
    """Return the text of `note` and its signatures: the name, and the key's hash with the signature. Checks none.

    Raises:
        InvalidInput: It is no signed note.
    """
    if len(note) > _MAX_NOTE_CHARACTERS:
        raise InvalidInput(f"a note of {len(note)} characters; expected at most {_MAX_NOTE_CHARACTERS}")
    body, separator, tail = note.rpartition("\n\n")
    if not separator or not tail.endswith("\n"):
        raise InvalidInput("not a signed note: expected text, an empty line and signature lines")
    _check_text(note)
    return f"{body}\n", tuple(read_signature(line) for line in tail.removesuffix("\n").split("\n"))


def signature_line(name: str, content: bytes) -> str:
    """Return the line of a note, newline included, that says `content` (key hash and signature) in `name`."""
    return f"— {name} {base64.b64encode(content).decode()}\n"


def read_signature(line: str) -> tuple[str, bytes]:
    """Return the name and the content of a signature line, which comes without its newline.

    Raises:
        InvalidInput: It is no signature line.
    """
    match = _SIGNATURE_LINE.fullmatch(line)
    if match is None:
        raise InvalidInput(f"not a signature line of a note: {line[:80]!r}")
    content = decode_base64(match[2])
    if len(content) <= _HASH_BYTES:
        raise InvalidInput("a signature line of a note holds no signature")
    return match[1], content


def check_key(name: str, raw: bytes) -> None:
    """Return if a key of Ed25519 may be called `name`.

    Raises:
        InvalidInput: The name is empty, too long, or has a space or a plus; the key is not 32 bytes.
    """
    if _NAME.fullmatch(name) is None or _CONTROL.search(name):
        raise InvalidInput(f"key name {name[:80]!r}: expected 1 to 255 characters without spaces or '+'")
    if len(raw) != _KEY_BYTES:
        raise InvalidInput(f"key {name}: {len(raw)} bytes; expected the {_KEY_BYTES} of Ed25519")


def read_key(text: str, kind: bytes) -> tuple[str, bytes]:
    """Return the name and the key that the vkey `text` of signature type `kind` spells.

    Raises:
        InvalidInput: It is no vkey, one of another type, or its hash is of another key or name.
    """
    match = _WRITTEN_KEY.fullmatch(text)
    if match is None:
        raise InvalidInput(f"not a verification key: {text[:80]!r}; expected name+hash+base64 (C2SP signed-note)")
    name, content = match[1], decode_base64(match[3])
    if not content.startswith(kind):
        raise InvalidInput(
            f"key {name[:80]}: its signature type is 0x{content[:1].hex()}{_whose(content[:1])}, "
            f"expected 0x{kind.hex()}{_whose(kind)}"
        )
    expected = key_hash(name, kind, content[1:])
    if expected.hex() != match[2]:
        raise InvalidInput(f"key {name[:80]}: its hash is {match[2]}, expected {expected.hex()}: it was mistyped")
    return name, content[1:]


def _whose(kind: bytes) -> str:
    """Return in words who signs so: the two kinds of keys look alike, and are easily swapped."""
    return {_ED25519: ", as of a log", b"\x04": ", as of a witness"}.get(kind, "")


def write_key(name: str, kind: bytes, raw: bytes) -> str:
    """Return the vkey of the key `raw` of signature type `kind`."""
    return f"{name}+{key_hash(name, kind, raw).hex()}+{base64.b64encode(kind + raw).decode()}"


def key_hash(name: str, kind: bytes, raw: bytes) -> bytes:
    """Return the four bytes that tell keys apart (signed-note calls them the key ID)."""
    return hashlib.sha256(name.encode() + b"\n" + kind + raw).digest()[:_HASH_BYTES]


def _check_text(text: str) -> None:
    if not text.endswith("\n") or _CONTROL.search(text):
        raise InvalidInput("the text of a note must be whole lines without control characters")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InvalidInput("the text of a note has no UTF-8 form") from error

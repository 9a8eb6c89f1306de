"""What people wrote, encrypted under their own key before it reaches a disk: AES-256-GCM, NIST SP 800-38D.

The leaf names the blob by its digest: a commitment to one ciphertext and one key, so to one text (GCM alone does
not commit to its key). Without the key neither leaf nor blob confirms a guess: destroying it erases the text
(GDPR Art. 17) and moves no proof. docs/decisions/0014-erasure-by-destroying-keys.md.
"""

import base64
import binascii
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from wardline import canonical
from wardline.errors import IntegrityViolation, InvalidInput
from wardline.identity.subject_keys import SubjectKey
from wardline.ids import SubjectId

PRIVATE_TEXT = "application/vnd.wardline.private-text+json"
NONCE_BYTES = 12  # SP 800-38D §8.3: random 96-bit nonces are good for 2^32 texts under one key


class Readable(StrEnum):
    """What has become of a private text."""

    READ = "read"
    ERASED = "erased"
    NOT_KEPT = "not-kept"  # the blob or its key is not here, and no erasure says why


@dataclass(frozen=True, slots=True, kw_only=True)
class PrivateText:
    """A private text as somebody may see it. `text` only if READ, `erased_at` only if ERASED.

    `subject`: under whose key it is; None where no key is left, or it is a program's.
    """

    state: Readable
    text: str | None = None
    erased_at: datetime | None = None
    subject: SubjectId | None = None

    def __str__(self) -> str:
        match self.state:
            case Readable.READ:
                return self.text or ""
            case Readable.ERASED:
                return "erased" if self.erased_at is None else f"erased on {self.erased_at:%Y-%m-%d}"
            case Readable.NOT_KEPT:
                return "not kept here"


def lock(text: str, *, key: SubjectKey, nonce: bytes) -> bytes:
    """Return the blob that holds `text`. `nonce`: 12 bytes never used with this key; `text` passed the redactor."""
    if len(nonce) != NONCE_BYTES:
        raise InvalidInput(f"private text: expected a nonce of {NONCE_BYTES} bytes, got {len(nonce)}")
    ciphertext = AESGCM(key.secret).encrypt(nonce, text.encode(), _bound(key))
    return canonical.encode(
        {"key": key.id, "nonce": _to_base64(nonce), "ciphertext": _to_base64(ciphertext), "cipher": _CIPHER}
    )


def unlock(content: bytes, *, key: SubjectKey) -> str:
    """Return the text in the blob `content`.

    Raises:
        IntegrityViolation: It is no such blob, was changed, or is not of this subject and key.
    """
    locked = _read(content)
    if locked.key_id != key.id:
        raise IntegrityViolation(f"private text: it is under key {locked.key_id[:12]}, not {key.id[:12]}")
    try:
        return AESGCM(key.secret).decrypt(locked.nonce, locked.ciphertext, _bound(key)).decode()
    except (InvalidTag, UnicodeDecodeError) as error:
        raise IntegrityViolation(
            f"private text: it does not open with key {locked.key_id[:12]} of its subject: it or the key was changed"
        ) from error


def key_id_of(content: bytes) -> str:
    """Return the id of the key that the blob `content` is under; raises as `unlock`."""
    return _read(content).key_id


_CIPHER = "AES-256-GCM"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Locked:
    key_id: str
    nonce: bytes
    ciphertext: bytes


def _bound(key: SubjectKey) -> bytes:
    # Authenticated, not stored: a text cannot pass for another person's, and the blob names nobody.
    return canonical.encode({"type": PRIVATE_TEXT, "subject": key.subject, "key": key.id})


def _read(content: bytes) -> _Locked:
    try:
        document = canonical.decode(content)
        match document:
            case {
                "key": str(key_id),
                "nonce": str(nonce),
                "ciphertext": str(ciphertext),
                "cipher": str(cipher),
                **rest,
            } if cipher == _CIPHER and not rest:
                locked = _Locked(key_id=key_id, nonce=_from_base64(nonce), ciphertext=_from_base64(ciphertext))
                if len(locked.nonce) == NONCE_BYTES:
                    return locked
    except (InvalidInput, binascii.Error, ValueError) as error:
        raise IntegrityViolation(_NO_TEXT) from error
    raise IntegrityViolation(_NO_TEXT)


_NO_TEXT = f"private text: expected exactly key, nonce of {NONCE_BYTES} bytes, ciphertext and cipher {_CIPHER}"


def _to_base64(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")


def _from_base64(text: str) -> bytes:
    content = base64.b64decode(text, validate=True)
    # One text form for one ciphertext: loose trailing bits would be a change that nobody sees.
    if _to_base64(content) != text:
        raise InvalidInput("base64 is not in its canonical form")
    return content

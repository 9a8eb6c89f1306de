"""One secret key per person and text that can be destroyed: cryptographic erase, NIST SP 800-88r1 §2.6.

A subject is a principal's id, `address:<hex>` for an author nobody mapped to a principal, or `text:<id>` for one
text that nobody put their name to. Neither can be taken for a principal's id: those hold no colon.
"""

import hashlib
import hmac
from dataclasses import dataclass, field
from typing import Protocol

from wardline.errors import InvalidInput
from wardline.identity.principals import parse_principal_id
from wardline.ids import PrincipalId, SubjectId

KEY_BYTES = 32  # AES-256

_ADDRESS, _TEXT = "address:", "text:"


@dataclass(frozen=True, slots=True, kw_only=True)
class SubjectKey:
    """A subject's secret. Its id commits to it and, the secret being 256 random bits, gives nothing of it away."""

    subject: SubjectId
    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.secret) != KEY_BYTES:
            raise InvalidInput(f"subject key: expected {KEY_BYTES} bytes, got {len(self.secret)}")

    @property
    def id(self) -> str:
        """64 hexadecimal digits; what a text and an erasure name the key by."""
        return hashlib.sha256(b"wardline/subject-key/v1\x00" + self.secret).hexdigest()


class SubjectKeys(Protocol):
    """Keeps the secrets beside the log, never in it. Several processes MAY use it at once."""

    def of(self, subject: SubjectId) -> SubjectKey:
        """Return the key of `subject`, made at random at first use.

        A key MUST be durable before it is returned: a text whose key is lost is lost. After `destroy` a new
        one is made, which opens nothing that was written before.
        """
        ...

    def of_address(self, email: str) -> SubjectId:
        """Return the subject of an author who is no principal: the same for the same address, without regard to case.

        A keyed hash (HMAC-SHA-256) under a secret of the installation: whoever lacks that cannot try addresses out.
        """
        ...

    def held(self) -> tuple[SubjectKey, ...]:
        """Return every key there is."""
        ...

    def destroy(self, key_ids: frozenset[str]) -> None:
        """Destroy these keys so that no file of the database holds them any more. Destroying twice changes nothing.

        Raises:
            Unavailable: They are deleted, but their bytes could not be wiped yet; call again.
        """
        ...


def principal_subject_id(principal: PrincipalId) -> SubjectId:
    return SubjectId(principal)


def address_subject_id(email: str, *, secret: bytes) -> SubjectId:
    """Return the subject of an unmapped address, under the installation's `secret`."""
    return SubjectId(_ADDRESS + hmac.new(secret, email.strip().casefold().encode(), hashlib.sha256).hexdigest())


def text_subject_id(identity: str) -> SubjectId:
    """Return a subject that is no more than one text."""
    return SubjectId(_TEXT + identity)


def parse_subject_id(text: str) -> SubjectId:
    """Return the subject that `text` spells.

    Raises:
        InvalidInput: It is neither a principal's id nor `address:…` nor `text:…`.
    """
    for prefix in (_ADDRESS, _TEXT):
        if text.startswith(prefix):
            parse_principal_id(text.removeprefix(prefix))  # the same letters, and at most 64 of them
            return SubjectId(text)
    return SubjectId(parse_principal_id(text))

"""Principals: people and machines, known in evidence by pseudonymous ids only (45 CFR 164.312(a)(2)(i))."""

import hashlib
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from wardline.errors import InvalidInput
from wardline.ids import KeyId, PrincipalId

_ED25519_BYTES = 32
_P256_BYTES = 65  # SEC 1 §2.3.3, uncompressed: 0x04, x, y
_P256_P = 2**256 - 2**224 + 2**192 + 2**96 - 1  # SP 800-186 §3.2.1.3, as is the next
_P256_B = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
# Short and without "@": an e-mail address or a full name is no pseudonym.
_PSEUDONYM = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?", re.ASCII)


class Role(StrEnum):
    """What a principal may be asked to answer for."""

    DEVELOPER = "developer"
    OPERATOR = "operator"
    CLINICAL_SAFETY = "clinical-safety"
    COMPLIANCE = "compliance"
    DATA_PROTECTION = "data-protection"
    AUDITOR = "auditor"
    ADMINISTRATOR = "administrator"


class Kind(StrEnum):
    """A machine acts and signs, but never answers for anything."""

    PERSON = "person"
    MACHINE = "machine"


class Scheme(StrEnum):
    """How a key signs, in the words of securesystemslib and TUF."""

    ED25519 = "ed25519"
    ECDSA_P256 = "ecdsa-sha2-nistp256"


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicKey:
    """A verification key. `keyid` is the sha256 of the raw bytes, in hex.

    Attributes:
        raw: 32 bytes of Ed25519 (RFC 8032), or the 65 of an uncompressed point of P-256: the length tells the
            scheme, and no key has two forms.
    """

    keyid: KeyId
    raw: bytes

    @classmethod
    def of(cls, raw: bytes) -> Self:
        """Return the key with these raw bytes.

        Raises:
            InvalidInput: They are neither 32, nor a point of P-256.
        """
        if len(raw) != _ED25519_BYTES and not _is_on_p256(raw):
            raise InvalidInput(
                f"public key of {len(raw)} raw bytes: expected {_ED25519_BYTES} of Ed25519, "
                f"or the {_P256_BYTES} of an uncompressed point of P-256"
            )
        return cls(keyid=KeyId(hashlib.sha256(raw).hexdigest()), raw=raw)

    @property
    def scheme(self) -> Scheme:
        return Scheme.ED25519 if len(self.raw) == _ED25519_BYTES else Scheme.ECDSA_P256


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Someone who acts. Name and e-mail live in one erasable table, never here."""

    id: PrincipalId
    key: PublicKey | None
    roles: frozenset[Role]
    kind: Kind = Kind.PERSON

    @property
    def departed(self) -> bool:
        """Neither roles nor a key are left: whoever leaves is enrolled so."""
        return not self.roles and self.key is None


def parse_principal_id(text: str) -> PrincipalId:
    """Return the pseudonymous id that `text` spells.

    Raises:
        InvalidInput: It is not 1-64 lower-case letters, digits and inner hyphens.
    """
    if _PSEUDONYM.fullmatch(text) is None:
        raise InvalidInput("principal id: expected 1-64 lower-case letters, digits and inner hyphens, such as p-7f3k")
    return PrincipalId(text)


def parse_role(text: str) -> Role:
    """Return the role that `text` names.

    Raises:
        InvalidInput: It names none.
    """
    known = {role.value: role for role in Role}
    if text not in known:
        raise InvalidInput(f"role {text!r}: expected one of {', '.join(known)}")
    return known[text]


def _is_on_p256(raw: bytes) -> bool:
    if len(raw) != _P256_BYTES or raw[0] != 4:  # noqa: PLR2004  # the mark of an uncompressed point
        return False
    x, y = int.from_bytes(raw[1:33], "big"), int.from_bytes(raw[33:], "big")
    return x < _P256_P and y < _P256_P and (y * y - (x * x * x - 3 * x + _P256_B)) % _P256_P == 0

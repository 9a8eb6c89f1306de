"""Principals: people and machines, known in evidence by pseudonymous ids only (45 CFR 164.312(a)(2)(i))."""

import hashlib
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from wardline.errors import InvalidInput
from wardline.ids import KeyId, PrincipalId

_ED25519_BYTES = 32
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


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicKey:
    """An Ed25519 verification key. `keyid` is the sha256 of the 32 raw bytes, in hex."""

    keyid: KeyId
    raw: bytes

    @classmethod
    def of(cls, raw: bytes) -> Self:
        """Return the key with these raw bytes.

        Raises:
            InvalidInput: They are not 32.
        """
        if len(raw) != _ED25519_BYTES:
            raise InvalidInput(f"Ed25519 public key: expected {_ED25519_BYTES} raw bytes, got {len(raw)}")
        return cls(keyid=KeyId(hashlib.sha256(raw).hexdigest()), raw=raw)


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

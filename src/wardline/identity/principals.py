"""Principals: people and machines, known in evidence by pseudonymous ids only (45 CFR 164.312(a)(2)(i))."""

from dataclasses import dataclass
from enum import StrEnum

from wardline.ids import KeyId, PrincipalId


class Role(StrEnum):
    """What a principal may be asked to answer for."""

    DEVELOPER = "developer"
    OPERATOR = "operator"
    CLINICAL_SAFETY = "clinical-safety"
    COMPLIANCE = "compliance"
    AUDITOR = "auditor"
    ADMINISTRATOR = "administrator"


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicKey:
    """An Ed25519 verification key. `keyid` is the sha256 of the 32 raw bytes, in hex."""

    keyid: KeyId
    raw: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Someone who acts. Name and e-mail live in one erasable table, never here."""

    id: PrincipalId
    key: PublicKey | None
    roles: frozenset[Role]

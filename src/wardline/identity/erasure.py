"""What is said when a person is forgotten: what was destroyed, what stays, and on which ground (GDPR Art. 17).

It names no address and no name, and of a person who was no principal nothing but the destroyed keys.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Self

from wardline.canonical import JSON, JSONObject, digest_of
from wardline.clock import from_rfc3339, to_rfc3339
from wardline.errors import InvalidInput
from wardline.identity.predicates import principal_subject
from wardline.identity.principals import Role, parse_principal_id
from wardline.ids import PrincipalId
from wardline.outcomes import Outcome
from wardline.predicates import NAMESPACE, BlobRef, Subject

ERASURE = f"{NAMESPACE}/erasure/v1"
GROUND = "gdpr-17-3-b"  # "for compliance with a legal obligation which requires processing"

_KEY_ID = re.compile(r"[0-9a-f]{64}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Destroyed:
    """What is gone. `keys`: ids, sorted; `texts`: how many texts they opened; `manifest` lists those by digest."""

    name: bool
    addresses: int
    keys: tuple[str, ...]
    texts: int
    manifest: BlobRef | None

    def to_json(self) -> JSONObject:
        return {
            "name": self.name,
            "addresses": self.addresses,
            "keys": list(self.keys),
            "texts": self.texts,
            "manifest": None if self.manifest is None else self.manifest.to_json(),
        }

    @classmethod
    def parse(cls, document: JSON) -> Self:
        match document:
            case {
                "name": bool(name),
                "addresses": int(addresses),
                "keys": list(keys),
                "texts": int(texts),
                "manifest": manifest,
                **rest,
            } if not rest:
                return cls(
                    name=name,
                    addresses=addresses,
                    keys=tuple(_key_id(key) for key in keys),
                    texts=texts,
                    manifest=None if manifest is None else BlobRef.parse(manifest),
                )
            case _:
                raise InvalidInput("erasure: expected destroyed as name, addresses, keys, texts and manifest")


@dataclass(frozen=True, slots=True, kw_only=True)
class Remaining:
    """What the law keeps: statements by or about the pseudonym, and how many of them the person signed.

    `law` asks for them until `until`; None: there are none. Leaves are never removed, so they stay longer.
    """

    statements: int
    signed: int
    law: str
    until: datetime | None

    def to_json(self) -> JSONObject:
        return {
            "statements": self.statements,
            "signed": self.signed,
            "ground": GROUND,
            "law": self.law,
            "until": None if self.until is None else to_rfc3339(self.until),
        }

    @classmethod
    def parse(cls, document: JSON) -> Self:
        match document:
            case {
                "statements": int(statements),
                "signed": int(signed),
                "ground": str(ground),
                "law": str(law),
                "until": str() | None as until,
                **rest,
            } if not rest and ground == GROUND:
                end = None if until is None else from_rfc3339(until)
                return cls(statements=statements, signed=signed, law=law, until=end)
            case _:
                raise InvalidInput(f"erasure: expected kept as statements, signed, ground {GROUND}, law and until")


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasure:
    """Signed by somebody with the role data-protection before anything is destroyed.

    `principal` None: somebody who was no principal, known by an address that is not said.
    """

    predicate_type: ClassVar[str] = ERASURE
    principal: PrincipalId | None
    destroyed: Destroyed
    kept: Remaining

    @property
    def outcome(self) -> Outcome:
        return Outcome.PASSED

    def subjects(self) -> tuple[Subject, ...]:
        if self.principal is not None:
            return (principal_subject(self.principal),)
        return (Subject(name="subject-keys", digest=digest_of({"keys": list(self.destroyed.keys)})),)

    def body(self) -> JSONObject:
        return {
            "role": Role.DATA_PROTECTION.value,
            "principal": self.principal,
            "destroyed": self.destroyed.to_json(),
            "kept": self.kept.to_json(),
        }

    @classmethod
    def parse(cls, body: JSONObject) -> Self:
        """Return the erasure that `body` holds.

        Raises:
            InvalidInput: It holds none.
        """
        match body:
            case {
                "role": str(role),
                "principal": str() | None as principal,
                "destroyed": destroyed,
                "kept": kept,
                **rest,
            } if not rest and role == Role.DATA_PROTECTION.value:
                return cls(
                    principal=None if principal is None else parse_principal_id(principal),
                    destroyed=Destroyed.parse(destroyed),
                    kept=Remaining.parse(kept),
                )
            case _:
                raise InvalidInput("erasure: expected exactly role, principal, destroyed and kept")


def _key_id(document: JSON) -> str:
    if not isinstance(document, str) or _KEY_ID.fullmatch(document) is None:
        raise InvalidInput("erasure: expected key ids of 64 lower-case hex digits")
    return document

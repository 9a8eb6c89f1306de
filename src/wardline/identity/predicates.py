"""What this room says: who was enrolled, which keys count, and who was refused."""

import base64
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar, Self

from wardline.canonical import JSON, Digest, JSONObject, digest_of
from wardline.errors import InvalidInput
from wardline.identity.principals import Kind, Principal, PublicKey, Role, Scheme, parse_principal_id
from wardline.ids import PrincipalId
from wardline.outcomes import Outcome
from wardline.predicates import NAMESPACE, Subject


def principal_subject(principal: PrincipalId) -> Subject:
    return Subject(name="principal", digest=digest_of({"principal": principal}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolment:
    """From here on `principal` has this key and these roles; it replaces what was enrolled before.

    Attributes:
        founding: The first enrolment of a log: an administrator's own, signed with the key it names.
    """

    predicate_type: ClassVar[str] = f"{NAMESPACE}/enrolment/v1"
    principal: Principal
    founding: bool = False

    @property
    def outcome(self) -> Outcome:
        return Outcome.PASSED

    def subjects(self) -> tuple[Subject, ...]:
        return (principal_subject(self.principal.id),)

    def body(self) -> JSONObject:
        key = self.principal.key
        return {
            "principal": self.principal.id,
            "kind": self.principal.kind.value,
            "roles": [role.value for role in sorted(self.principal.roles)],
            "key": None if key is None else _key_to_json(key),
            "founding": self.founding,
        }

    @classmethod
    def parse(cls, body: JSONObject) -> Self:
        """Return the enrolment that `body` holds.

        Raises:
            InvalidInput: A member is missing or unknown, a role is none of ours, or the key id is not the key's.
        """
        match body:
            case {
                "principal": str(principal),
                "kind": str(kind),
                "roles": list(roles),
                "key": key,
                "founding": bool(founding),
                **rest,
            } if not rest:
                return cls(
                    principal=Principal(
                        id=parse_principal_id(principal),
                        kind=_kind(kind),
                        roles=frozenset(_role(role) for role in roles),
                        key=_key(key),
                    ),
                    founding=founding,
                )
            case _:
                raise InvalidInput("enrolment: expected exactly principal, kind, roles, key and founding")


class Purpose(StrEnum):
    """What a key of the installation may sign."""

    CHECKPOINTS = "checkpoints"
    STATEMENTS = "statements"


class Change(StrEnum):
    """What becomes of a key."""

    ADDED = "added"
    RETIRED = "retired"
    REVOKED = "revoked"


class RevocationReason(StrEnum):
    """Why a key is revoked: the reason codes of RFC 5280 §5.3.1 that fit."""

    UNSPECIFIED = "unspecified"
    KEY_COMPROMISE = "key-compromise"
    AFFILIATION_CHANGED = "affiliation-changed"
    SUPERSEDED = "superseded"
    CESSATION_OF_OPERATION = "cessation-of-operation"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyChange:
    """A key of the installation is added or retired, or any key revoked.

    Attributes:
        origin: The log it is about, so that it cannot be moved to another.
        holder: Whose key it is; None: the installation's.
        purposes: What an added key may sign; empty for what is taken away.
        by: The key that vouches for an added one and signs beside it; else None.
        since: Nothing that a revoked key signed at or after this log index counts; else None.
    """

    predicate_type: ClassVar[str] = f"{NAMESPACE}/key-change/v1"
    change: Change
    origin: str
    key: PublicKey
    holder: PrincipalId | None = None
    purposes: frozenset[Purpose] = frozenset()
    by: PublicKey | None = None
    since: int | None = None
    reason: RevocationReason | None = None

    @property
    def outcome(self) -> Outcome:
        return Outcome.PASSED

    def subjects(self) -> tuple[Subject, ...]:
        return (key_subject(self.key),)

    def body(self) -> JSONObject:
        return {
            "change": self.change.value,
            "origin": self.origin,
            "key": _key_to_json(self.key),
            "holder": self.holder,
            "purposes": [purpose.value for purpose in sorted(self.purposes)],
            "by": None if self.by is None else _key_to_json(self.by),
            "since": self.since,
            "reason": None if self.reason is None else self.reason.value,
        }

    @classmethod
    def parse(cls, body: JSONObject) -> Self:
        """Return the change that `body` holds.

        Raises:
            InvalidInput: A member is missing, unknown, or does not go with this kind of change.
        """
        match body:
            case {
                "change": str(change),
                "origin": str(origin),
                "key": key,
                "holder": str() | None as holder,
                "purposes": list(purposes),
                "by": by,
                "since": int() | None as since,
                "reason": str() | None as reason,
                **rest,
            } if not rest and change in _CHANGES and (reason is None or reason in _REASONS):
                found = _key(key)
                if found is None:
                    raise InvalidInput("key change: expected a key")
                parsed = cls(
                    change=_CHANGES[change],
                    origin=origin,
                    key=found,
                    holder=None if holder is None else parse_principal_id(holder),
                    purposes=frozenset(_purpose(purpose) for purpose in purposes),
                    by=_key(by),
                    since=since,
                    reason=None if reason is None else _REASONS[reason],
                )
                if parsed.body() != body or not _goes_together(parsed):
                    raise InvalidInput(f"key change: its members do not go with {change}")
                return parsed
            case _:
                raise InvalidInput("key change: expected change, origin, key, holder, purposes, by, since and reason")


def key_subject(key: PublicKey) -> Subject:
    return Subject(name="key", digest=Digest(key.keyid))


def _goes_together(change: KeyChange) -> bool:
    revoked = change.change is Change.REVOKED
    if (change.since is not None, change.reason is not None) != (revoked, revoked):
        return False
    if change.since is not None and (change.since < 0 or isinstance(change.since, bool)):
        return False
    if not revoked and change.holder is not None:  # a person's new key is an enrolment
        return False
    added = change.change is Change.ADDED
    if (change.by is not None, bool(change.purposes)) != (added, added) or change.by == change.key:
        return False
    # A checkpoint is a C2SP signed note, and those know Ed25519.
    return Purpose.CHECKPOINTS not in change.purposes or change.key.scheme is Scheme.ED25519


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Somebody tried what a rule forbids. Refusals are evidence too.

    Attributes:
        action: The verb that was refused, e.g. `approve`.
        code: Why, as a short fixed code.
        principal: Who tried; None: nobody enrolled, and what they called themselves is not written down.
        about: What it would have been done to.
    """

    predicate_type: ClassVar[str] = f"{NAMESPACE}/refusal/v1"
    action: str
    code: str
    principal: PrincipalId | None
    about: Subject

    @property
    def outcome(self) -> Outcome:
        return Outcome.FAILED

    def subjects(self) -> tuple[Subject, ...]:
        return (self.about,)

    def body(self) -> JSONObject:
        return {"action": self.action, "code": self.code, "principal": self.principal}


_KINDS = {kind.value: kind for kind in Kind}
_ROLES = {role.value: role for role in Role}
_CHANGES = {change.value: change for change in Change}
_REASONS = {reason.value: reason for reason in RevocationReason}
_PURPOSES = {purpose.value: purpose for purpose in Purpose}


def _kind(text: str) -> Kind:
    if text not in _KINDS:
        raise InvalidInput(f"enrolment kind: expected one of {', '.join(_KINDS)}")
    return _KINDS[text]


def _role(text: JSON) -> Role:
    if not isinstance(text, str) or text not in _ROLES:
        raise InvalidInput(f"enrolment role: expected one of {', '.join(_ROLES)}")
    return _ROLES[text]


def _purpose(text: JSON) -> Purpose:
    if not isinstance(text, str) or text not in _PURPOSES:
        raise InvalidInput(f"key change purpose: expected one of {', '.join(_PURPOSES)}")
    return _PURPOSES[text]


def _key_to_json(key: PublicKey) -> JSONObject:
    return {"keyid": key.keyid, "raw": base64.b64encode(key.raw).decode("ascii")}


def _key(document: JSON) -> PublicKey | None:
    match document:
        case None:
            return None
        case {"keyid": str(keyid), "raw": str(raw), **rest} if not rest:
            try:
                key = PublicKey.of(base64.b64decode(raw, validate=True))
            except ValueError as error:
                raise InvalidInput("key: raw is not base64") from error
            if key.keyid != keyid:
                raise InvalidInput("key: keyid is not the sha256 of the raw key")
            return key
        case _:
            raise InvalidInput("key: expected null, or keyid and raw")

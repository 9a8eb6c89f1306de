"""What this room says: who was enrolled, and who was refused."""

import base64
from dataclasses import dataclass
from typing import ClassVar, Self

from wardline.canonical import JSON, JSONObject, digest_of
from wardline.errors import InvalidInput
from wardline.identity.principals import Kind, Principal, PublicKey, Role, parse_principal_id
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
            "key": None if key is None else {"keyid": key.keyid, "raw": base64.b64encode(key.raw).decode("ascii")},
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


def _kind(text: str) -> Kind:
    if text not in _KINDS:
        raise InvalidInput(f"enrolment kind: expected one of {', '.join(_KINDS)}")
    return _KINDS[text]


def _role(text: JSON) -> Role:
    if not isinstance(text, str) or text not in _ROLES:
        raise InvalidInput(f"enrolment role: expected one of {', '.join(_ROLES)}")
    return _ROLES[text]


def _key(document: JSON) -> PublicKey | None:
    match document:
        case None:
            return None
        case {"keyid": str(keyid), "raw": str(raw), **rest} if not rest:
            try:
                key = PublicKey.of(base64.b64decode(raw, validate=True))
            except ValueError as error:
                raise InvalidInput("enrolment key: raw is not base64") from error
            if key.keyid != keyid:
                raise InvalidInput("enrolment key: keyid is not the sha256 of the raw key")
            return key
        case _:
            raise InvalidInput("enrolment key: expected null, or keyid and raw")

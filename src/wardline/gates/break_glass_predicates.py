"""Break-glass: a person's word that a release may not wait. Published as docs/predicates/break-glass.md."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import ClassVar, Self

from wardline.canonical import JSON, Digest, JSONObject
from wardline.clock import from_rfc3339, to_rfc3339
from wardline.controls.said import parse_word
from wardline.errors import InvalidInput
from wardline.identity.principals import Role
from wardline.ids import EnvironmentName, RunId
from wardline.outcomes import Outcome
from wardline.predicates import NAMESPACE, BlobRef, Subject

BREAK_GLASS = f"{NAMESPACE}/break-glass/v1"

LONGEST_GLASS = timedelta(hours=1)  # an elevated right that outlives its emergency is a standing one

# The meaning of a signature is part of it (21 CFR 11.50(a)(3)).
BROKE = "broke-glass-for-emergency"
JOINED = "joined-break-glass"

_ROLES = {role.value: role for role in Role}


class EmergencyCode(StrEnum):
    """Why a release cannot wait for what it should wait for."""

    PATIENT_SAFETY = "patient-safety"
    OUTAGE = "outage"
    ACTIVE_EXPLOIT = "active-exploit"
    DATA_LOSS = "data-loss"


@dataclass(frozen=True, slots=True, kw_only=True)
class DoorNamed:
    """A door the glass is broken for, with the digest of what would be deployed beside the artifact there."""

    environment: EnvironmentName
    configuration: Digest

    def to_json(self) -> JSONObject:
        return {"environment": self.environment, "release_configuration": {"sha256": self.configuration.hex}}

    @classmethod
    def parse(cls, document: JSON) -> Self:
        """Return the door that `document` names.

        Raises:
            InvalidInput: It names none.
        """
        match document:
            case {
                "environment": str(environment),
                "release_configuration": {"sha256": str(configuration), **more},
                **rest,
            } if not rest and not more:
                return cls(environment=EnvironmentName(environment), configuration=Digest(configuration))
            case _:
                raise InvalidInput("break-glass: a door has exactly environment and release_configuration")


@dataclass(frozen=True, slots=True, kw_only=True)
class EmergencyRelease:
    """What the glass is broken for: exactly this artifact, of this run, at these doors."""

    run: RunId
    artifact: Digest
    doors: tuple[DoorNamed, ...]

    def to_json(self) -> JSONObject:
        return {
            "run": self.run,
            "artifact": {"sha256": self.artifact.hex},
            "doors": [door.to_json() for door in self.doors],
        }

    @classmethod
    def parse(cls, document: JSON) -> Self:
        """Return the release that `document` describes.

        Raises:
            InvalidInput: It describes none.
        """
        match document:
            case {
                "run": str(run),
                "artifact": {"sha256": str(artifact), **more},
                "doors": [_, *_] as doors,
                **rest,
            } if not rest and not more:
                return cls(run=RunId(run), artifact=Digest(artifact), doors=tuple(map(DoorNamed.parse, doors)))
            case _:
                raise InvalidInput("break-glass: expected run, artifact and at least one door")


@dataclass(frozen=True, slots=True, kw_only=True)
class GlassBroken:
    """A person's word that this release may not wait, or (`joins`) a second person's that they say so too.

    Attributes:
        joins: Log index of the word that is joined; None: this is the first.
        shown: The document the person was shown: what would be set aside, what is kept, what is owed for it.
        reason: Why, in their own words: encrypted under their own key.
    """

    predicate_type: ClassVar[str] = BREAK_GLASS
    service: str
    role: Role
    release: EmergencyRelease
    code: EmergencyCode
    expires_at: datetime
    joins: int | None
    shown: BlobRef
    reason: BlobRef

    @property
    def outcome(self) -> Outcome:
        return Outcome.PASSED

    def subjects(self) -> tuple[Subject, ...]:
        return (Subject(name="artifact", digest=self.release.artifact),)

    def body(self) -> JSONObject:
        return {
            "meaning": BROKE if self.joins is None else JOINED,
            "service": self.service,
            "role": self.role.value,
            "subject": self.release.to_json(),
            "code": self.code.value,
            "expires_at": to_rfc3339(self.expires_at),
            "joins": self.joins,
            "shown": self.shown.to_json(),
            "reason": self.reason.to_json(),
        }

    @classmethod
    def parse(cls, body: JSONObject) -> Self:
        """Return the word that `body` holds.

        Raises:
            InvalidInput: It holds none.
        """
        match body:
            case {
                "meaning": str(meaning),
                "service": str(service),
                "role": str(role),
                "subject": release,
                "code": str(code),
                "expires_at": str(expires_at),
                "joins": int() | None as joins,
                "shown": shown,
                "reason": reason,
                **rest,
            } if not rest and role in _ROLES and meaning == (BROKE if joins is None else JOINED):
                return cls(
                    service=service,
                    role=_ROLES[role],
                    release=EmergencyRelease.parse(release),
                    code=parse_code(code),
                    expires_at=from_rfc3339(expires_at),
                    joins=joins,
                    shown=BlobRef.parse(shown),
                    reason=BlobRef.parse(reason),
                )
            case _:
                raise InvalidInput(f"expected a predicate that means {BROKE} or {JOINED}")


def parse_code(text: str) -> EmergencyCode:
    """Return the emergency that `text` names.

    Raises:
        InvalidInput: It names none.
    """
    return parse_word(text, EmergencyCode, "break-glass code")

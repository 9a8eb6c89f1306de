"""What can be said about evidence itself: it is held for a legal reason, no longer held, purged."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Self

from wardline.canonical import JSON, Digest, JSONObject, digest_of
from wardline.clock import from_rfc3339, to_rfc3339
from wardline.errors import InvalidInput
from wardline.identity.principals import Role
from wardline.ids import RunId
from wardline.outcomes import Outcome
from wardline.predicates import NAMESPACE, BlobRef, Subject

LEGAL_HOLD = f"{NAMESPACE}/legal-hold/v1"
LEGAL_HOLD_RELEASE = f"{NAMESPACE}/legal-hold-release/v1"
PURGE = f"{NAMESPACE}/purge/v1"


class HoldReason(StrEnum):
    """Why something is held, as a code; the words are kept outside the log."""

    LITIGATION = "litigation"  # a dispute, or one that is to be expected
    INVESTIGATION = "investigation"  # our own
    INCIDENT = "incident"  # somebody came to harm or might have; a breach
    AUDIT = "audit"
    AUTHORITY = "authority"  # an authority asks for it, or investigates


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What is held: what meets all that is said here; with nothing said, everything.

    `since` and `until` are times of recording, from the first to just before the second.
    """

    service: str | None = None
    run: RunId | None = None
    since: datetime | None = None
    until: datetime | None = None

    def __post_init__(self) -> None:
        if self.since is not None and self.until is not None and self.until <= self.since:
            raise InvalidInput(f"legal hold: until {to_rfc3339(self.until)} is not after {to_rfc3339(self.since)}")

    def covers(self, *, run: RunId | None, service: str | None, recorded_at: datetime) -> bool:
        """Return whether a statement is in it. One of no known service is in the scope of every service."""
        return (
            (self.run is None or run == self.run)
            and (self.service is None or service in (None, self.service))
            and (self.since is None or recorded_at >= self.since)
            and (self.until is None or recorded_at < self.until)
        )

    def to_json(self) -> JSONObject:
        return {
            "service": self.service,
            "run": self.run,
            "since": None if self.since is None else to_rfc3339(self.since),
            "until": None if self.until is None else to_rfc3339(self.until),
        }

    @classmethod
    def parse(cls, document: JSON) -> Self:
        match document:
            case {
                "service": str() | None as service,
                "run": str() | None as run,
                "since": str() | None as since,
                "until": str() | None as until,
                **rest,
            } if not rest:
                return cls(
                    service=service,
                    run=None if run is None else RunId(run),
                    since=None if since is None else from_rfc3339(since),
                    until=None if until is None else from_rfc3339(until),
                )
            case _:
                raise InvalidInput("legal hold: a scope has service, run, since and until")

    def __str__(self) -> str:
        parts = [
            None if self.service is None else f"service {self.service}",
            None if self.run is None else f"run {self.run}",
            None if self.since is None else f"since {to_rfc3339(self.since)}",
            None if self.until is None else f"until {to_rfc3339(self.until)}",
        ]
        return ", ".join(part for part in parts if part) or "everything"


@dataclass(frozen=True, slots=True, kw_only=True)
class LegalHold:
    """Nothing in `scope` may be purged, however old, until the hold is released.

    `blocks_erasure`: nor may a person be forgotten who is in it, as far as the law lets us refuse
    (GDPR Art. 17(3)(e): legal claims).
    """

    predicate_type: ClassVar[str] = LEGAL_HOLD
    role: Role
    scope: Scope
    code: HoldReason
    reason: BlobRef
    blocks_erasure: bool

    @property
    def outcome(self) -> Outcome:
        return Outcome.PASSED

    def subjects(self) -> tuple[Subject, ...]:
        return (Subject(name="legal-hold", digest=digest_of(self.scope.to_json())),)

    def body(self) -> JSONObject:
        return {
            "role": self.role.value,
            "scope": self.scope.to_json(),
            "code": self.code.value,
            "reason": self.reason.to_json(),
            "blocks_erasure": self.blocks_erasure,
        }

    @classmethod
    def parse(cls, body: JSONObject) -> Self:
        """Return the legal hold that `body` holds.

        Raises:
            InvalidInput: It holds none.
        """
        match body:
            case {
                "role": str(role),
                "scope": scope,
                "code": str(code),
                "reason": reason,
                "blocks_erasure": bool(blocks_erasure),
                **rest,
            } if not rest and role in _ROLES and code in _CODES:
                return cls(
                    role=_ROLES[role],
                    scope=Scope.parse(scope),
                    code=_CODES[code],
                    reason=BlobRef.parse(reason),
                    blocks_erasure=blocks_erasure,
                )
            case _:
                raise InvalidInput("legal hold: expected exactly role, scope, code, reason and blocks_erasure")


@dataclass(frozen=True, slots=True, kw_only=True)
class LegalHoldReleased:
    """The legal hold at log index `hold` is over."""

    predicate_type: ClassVar[str] = LEGAL_HOLD_RELEASE
    role: Role
    hold: int
    reason: BlobRef

    @property
    def outcome(self) -> Outcome:
        return Outcome.PASSED

    def subjects(self) -> tuple[Subject, ...]:
        return (legal_hold_subject(self.hold),)

    def body(self) -> JSONObject:
        return {"role": self.role.value, "hold": self.hold, "reason": self.reason.to_json()}

    @classmethod
    def parse(cls, body: JSONObject) -> Self:
        """Return the release that `body` holds.

        Raises:
            InvalidInput: It holds none.
        """
        match body:
            case {"role": str(role), "hold": int(hold), "reason": reason, **rest} if (
                not rest and role in _ROLES and not isinstance(hold, bool)
            ):
                return cls(role=_ROLES[role], hold=hold, reason=BlobRef.parse(reason))
            case _:
                raise InvalidInput("release of a legal hold: expected exactly role, hold and reason")


@dataclass(frozen=True, slots=True, kw_only=True)
class Purged:
    """What `manifest` lists was past its period and held by nobody, and is removed. The leaves that name it stay.

    Attributes:
        at_size: The decision follows from so many leaves, the first ones of the log, and from nothing else.
        before: What was past its period then.
        schedule: Digest of the periods that counted; the manifest has them in full.
        classes: For each class how many things and how many bytes; a class with none is not named.
    """

    predicate_type: ClassVar[str] = PURGE
    manifest: BlobRef
    at_size: int
    before: datetime
    schedule: Digest
    classes: Mapping[str, tuple[int, int]]

    @property
    def outcome(self) -> Outcome:
        return Outcome.PASSED

    def subjects(self) -> tuple[Subject, ...]:
        return (Subject(name="purge-manifest", digest=self.manifest.digest),)

    def body(self) -> JSONObject:
        return {
            "manifest": self.manifest.to_json(),
            "at_size": self.at_size,
            "before": to_rfc3339(self.before),
            "schedule": {"sha256": self.schedule.hex},
            "classes": [
                {"class": kept, "count": count, "bytes": size} for kept, (count, size) in sorted(self.classes.items())
            ],
        }


def parse_hold_reason(text: str) -> HoldReason:
    """Return the reason that `text` names.

    Raises:
        InvalidInput: It names none.
    """
    if text not in _CODES:
        raise InvalidInput(f"code {text[:80]!r}: expected one of {', '.join(_CODES)}")
    return _CODES[text]


def legal_hold_subject(index: int) -> Subject:
    """Return the subject for the legal hold at this log index."""
    return Subject(name="legal-hold", digest=digest_of({"legal_hold": index}))


_ROLES = {role.value: role for role in Role}
_CODES = {code.value: code for code in HoldReason}

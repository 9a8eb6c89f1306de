"""Statements that leave the installation: how much of the log, in which format, to whom, and that it was done."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ClassVar, Protocol, Self

from wardline.canonical import Digest, JSONObject, digest_of
from wardline.clock import from_rfc3339
from wardline.errors import InvalidInput
from wardline.evidence.audit.audit_codes import EXPORT_TYPE, ExportFormat
from wardline.evidence.log import Evidence
from wardline.outcomes import Outcome
from wardline.predicates import Subject


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which statements: from `since` to just before `until`, each a log index or a time.

    A time stands for the first statement recorded then or later.
    `service`: only what names this service or belongs to its runs. People and keys, which concern
    the whole installation, are then left out.
    """

    since: int | datetime | None = None
    until: int | datetime | None = None
    service: str | None = None


def parse_bound(text: str) -> int | datetime:
    """Return the log index, or the time, that `text` spells; a date means its first moment in UTC.

    Raises:
        InvalidInput: It is neither.
    """
    if text.isascii() and text.isdigit() and len(text) < 16:  # noqa: PLR2004  # below 2^53
        return int(text)
    try:
        day = datetime.strptime(text, "%Y-%m-%d")  # noqa: DTZ007  # its zone is given next
        return day.replace(tzinfo=UTC)
    except ValueError:
        pass  # so it is a time, or nothing
    try:
        return from_rfc3339(text)
    except InvalidInput as error:
        raise InvalidInput(
            f"{text[:40]!r} is no place in the log; expected an index such as 41, a date such as 2026-11-23, or an "
            "RFC 3339 time such as 2026-11-23T01:02:03Z"
        ) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """Which part of a log of `size` leaves: `first` to just before `end`, of one service or of all."""

    size: int
    first: int
    end: int
    service: str | None


class AuditFormat(Protocol):
    """A form in which others read statements. Pure: the same statement always gives the same bytes."""

    name: ClassVar[ExportFormat]

    def message(self, evidence: Evidence) -> bytes:
        """Return one statement on its own, in UTF-8 and without a line break."""
        ...

    def document(self, extent: Extent, evidence: Iterator[Evidence]) -> Iterator[bytes]:
        """Yield a whole file, piece by piece; it MUST take `evidence` one by one."""
        ...


class Draft(Protocol):
    """A file that is being written. Nobody sees it before `keep`; closed without, nothing of it stays."""

    def write(self, piece: bytes) -> None: ...

    def keep(self) -> None:
        """Put it in place, whole and durable; what was there is replaced.

        Raises:
            Unavailable: It cannot be put there; what was there is untouched.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Outbound:
    """One message for a receiver. `grave`: what it tells did not go well."""

    message: bytes
    recorded_at: datetime
    grave: bool


class Line(Protocol):
    """An open connection to a receiver."""

    def deliver(self, messages: Sequence[Outbound]) -> None:
        """Hand over all of `messages`; once.

        MUST return only when the receiver has said that it read to the end.

        Raises:
            Unavailable: It did not say so. It may have some of them, the first ones, or all.
        """
        ...


class Receiver(Protocol):
    """An audit repository elsewhere."""

    @property
    def address(self) -> str:
        """Where it is, as a person would write it."""
        ...

    def connect(self) -> AbstractContextManager[Line]:
        """Open a connection.

        Raises:
            Refused: It cannot prove that it is the one that was named. Nothing was sent.
            Unavailable: It does not answer. Nothing was sent.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """How far a receiver has been served, and what of it is not yet on record.

    Attributes:
        origin, format, service: What is sent; a cursor serves one stream.
        next: Index of the first leaf that it has not been handed.
        leaf: Hash of the leaf before that, in hex: what was handed over must still be what the log holds.
        statement: The id under which the next record of an export will stand, so that it stands there once.
        first: From here on something may have left that is not yet on record; None: nothing.
        last, count: Of that, what the receiver was handed for certain.
    """

    origin: str
    format: str
    service: str | None
    next: int
    leaf: str | None
    statement: str
    first: int | None = None
    last: int | None = None
    count: int = 0

    def to_json(self) -> JSONObject:
        return {
            "origin": self.origin,
            "format": self.format,
            "service": self.service,
            "next": self.next,
            "leaf": self.leaf,
            "statement": self.statement,
            "first": self.first,
            "last": self.last,
            "count": self.count,
        }

    @classmethod
    def parse(cls, document: object) -> Self:
        """Return the cursor that `document` holds.

        Raises:
            InvalidInput: It holds none.
        """
        match document:
            case {
                "origin": str(origin),
                "format": str(form),
                "service": str() | None as service,
                "next": int(following),
                "leaf": str() | None as leaf,
                "statement": str(statement),
                "first": int() | None as first,
                "last": int() | None as last,
                "count": int(count),
                **rest,
            } if not rest:
                return cls(
                    origin=origin,
                    format=form,
                    service=service,
                    next=following,
                    leaf=leaf,
                    statement=statement,
                    first=first,
                    last=last,
                    count=count,
                )
            case _:
                raise InvalidInput("expected exactly origin, format, service, next, leaf, statement and what is open")


class Cursors(Protocol):
    """Where cursors are kept, by name."""

    def held(self, name: str) -> AbstractContextManager[None]:
        """Keep every other process away from this cursor.

        Raises:
            Conflict: Another one is at it.
            InvalidInput: The name cannot be one.
        """
        ...

    def load(self, name: str) -> Cursor | None:
        """Return the cursor.

        Raises:
            IntegrityViolation: What is kept is none.
        """
        ...

    def save(self, name: str, cursor: Cursor) -> None:
        """Keep `cursor`, durably, in place of what was there."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """Statements left the installation: into a file, whose `content` is known, or to a `receiver`.

    Attributes:
        format: fhir, dicom or jsonl.
        first, last: Log indices of the first and the last one; None: none for certain.
        size: So many leaves the log had.
        complete: All that was wanted; otherwise it broke off, and some more than `count` may have left.
    """

    predicate_type: ClassVar[str] = EXPORT_TYPE
    format: str
    first: int | None
    last: int | None
    count: int
    service: str | None
    size: int
    content: Digest | None = None
    receiver: Digest | None = None
    complete: bool = True

    @property
    def outcome(self) -> Outcome:
        return Outcome.PASSED if self.complete else Outcome.ERRORED

    def subjects(self) -> tuple[Subject, ...]:
        scope: JSONObject = {"first": self.first, "last": self.last, "service": self.service}
        return (Subject(name="log", digest=digest_of(scope)),)

    def body(self) -> JSONObject:
        return {
            "format": self.format,
            "medium": "file" if self.receiver is None else "syslog",
            "first": self.first,
            "last": self.last,
            "count": self.count,
            "service": self.service,
            "size": self.size,
            "content": None if self.content is None else {"sha256": self.content.hex},
            "receiver": None if self.receiver is None else {"sha256": self.receiver.hex},
        }


def receiver_digest(address: str) -> Digest:
    """Return how evidence names the receiver at `address`: checkable by who knows it, and not its name."""
    return digest_of({"receiver": address})

"""What a room can say: the Predicate Protocol and the parts that every statement shares."""

from dataclasses import dataclass
from typing import ClassVar, Protocol, Self

from wardline.canonical import JSON, Digest, JSONObject
from wardline.errors import InvalidInput
from wardline.outcomes import Outcome

# Ours are published under docs/predicates/ and versioned by the last path segment.
NAMESPACE = "https://wardline.dev/predicates"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What a statement is about (in-toto ResourceDescriptor: a name and a digest)."""

    name: str
    digest: Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class BlobRef:
    """A large or private thing, kept outside the log and known by its digest."""

    digest: Digest
    media_type: str
    size_bytes: int

    def to_json(self) -> JSONObject:
        return {"digest": {"sha256": self.digest.hex}, "mediaType": self.media_type, "size": self.size_bytes}

    @classmethod
    def parse(cls, document: JSON) -> Self:
        """Return the blob that `document` names.

        Raises:
            InvalidInput: It names none.
        """
        match document:
            case {
                "digest": {"sha256": str(digest)},
                "mediaType": str(media_type),
                "size": int(size),
                **rest,
            } if not rest:
                return cls(digest=Digest(digest), media_type=media_type, size_bytes=size)
            case _:
                raise InvalidInput("expected digest, mediaType and size of a blob")


class Predicate(Protocol):
    """One thing a room has to say. Values only: no I/O, no clock, no person's name, no free text."""

    predicate_type: ClassVar[str]

    @property
    def outcome(self) -> Outcome:
        """How what is described ended."""
        ...

    def subjects(self) -> tuple[Subject, ...]:
        """What it is about; at least one."""
        ...

    def body(self) -> JSONObject:
        """The predicate in the form its predicate type publishes."""
        ...

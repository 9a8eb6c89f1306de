"""The evidence log and its blobs, as the use cases see them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from wardline import canonical
from wardline.canonical import Digest
from wardline.evidence.envelopes import Envelope
from wardline.evidence.signed import SignedStatement
from wardline.evidence.statements import Statement
from wardline.ids import EvidenceKey, RunId
from wardline.predicates import BlobRef


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """A signed statement at its place in the log."""

    index: int
    key: EvidenceKey
    envelope: Envelope
    statement: Statement


class EvidenceLog(Protocol):
    """The append-only log, read and written as evidence. Nothing in it is ever changed or removed."""

    def append(self, envelope: Envelope | SignedStatement, *, at: int | None = None) -> Evidence:
        """Add one leaf; return only once it is durable and covered by a signed checkpoint.

        Many may append at once, threads and processes: leaves that come together share one checkpoint.

        The statement's own key makes it once: a second append with the same key changes nothing
        and returns what is there. `at`: the index the leaf must get, for statements that say
        something of all before them.

        Raises:
            InvalidInput: It is no statement, or larger than the 65,535 bytes that a tile can say.
            Conflict: The leaf would get another index than `at`.
            Unavailable: The disk is full or the database does not answer; nothing was acknowledged.
            IntegrityViolation: The stored log does not match its own checkpoint.
        """
        ...

    def find(self, key: EvidenceKey) -> Evidence | None: ...

    def read(self, index: int) -> Evidence:
        """Return the evidence at `index`.

        Raises:
            NotFound: There is no such leaf.
        """
        ...

    def size(self) -> int: ...

    def of_run(self, run: RunId) -> tuple[Evidence, ...]:
        """Return all that `run` left, in log order."""
        ...

    def every(self, *predicate_types: str) -> Iterator[Evidence]:
        """Yield all evidence of these types (of every type, if none is named), in log order.

        Types that are named MUST be found without going through the rest of the log.
        """
        ...

    def youngest(self, *predicate_types: str) -> Iterator[Evidence]:
        """Yield what `every` yields of these types, the last first: for who stops where enough is known.

        At least one type is named.
        """
        ...


class Blobs(Protocol):
    """Content-addressed storage of what is too large or too private for a leaf."""

    def put(self, content: bytes, media_type: str) -> BlobRef:
        """Keep `content` durably; putting it twice changes nothing."""
        ...

    def get(self, digest: Digest) -> bytes:
        """Return the content.

        Raises:
            NotFound: It is not kept here (or was erased).
            IntegrityViolation: What is kept has another digest.
        """
        ...


OUTPUT = "text/plain; charset=utf-8"  # what a program wrote, masked before it was kept
SALTED_TEXT = "application/vnd.wardline.salted-text+json"


def salted(text: str, *, salt: str) -> bytes:
    """Return the bytes of a private text whose digest, in a leaf, gives nothing away.

    The salt is inside the blob, so the blob's own digest is the commitment: without the blob
    nobody can confirm a guess, and destroying the blob erases the text (GDPR Art. 17).
    `text` MUST have passed the redactor.
    """
    return canonical.encode({"salt": salt, "text": text})

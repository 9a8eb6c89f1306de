"""The streaming redactor, as those who write output see it."""

from typing import Protocol


class Redactor(Protocol):
    """Masks identifiers and secrets in a stream of bytes before it reaches a disk.

    One redactor serves one stream. It MAY hold back bytes until it is sure of them, across any
    chunk boundary, and MUST hold back a bounded number.
    """

    def feed(self, chunk: bytes) -> bytes:
        """Take the next bytes; return those that are safe to write now."""
        ...

    def finish(self) -> bytes:
        """Return the rest, masked. The redactor is not used again."""
        ...


class RedactorFactory(Protocol):
    """Makes one redactor per stream."""

    def __call__(self) -> Redactor: ...

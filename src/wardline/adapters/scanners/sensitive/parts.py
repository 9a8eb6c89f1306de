"""What can be looked at one at a time, and what could not be looked at."""

from dataclasses import dataclass
from typing import Final

from wardline.findings.sensitive.sighting import Spot

MAX_DEPTH: Final = 5  # archives in archives; an image holds layers that hold wheels
MAX_MEMBERS: Final = 100_000  # of one archive
MAX_MEMBER: Final = 64 << 20  # bytes of one member; it is held in memory once
MAX_EXPANDED: Final = 1 << 30  # bytes of all members of one file, at any depth
MAX_RATIO: Final = 250  # unpacked to packed; DEFLATE of ordinary text stays below 20
RATIO_FROM: Final = 16 << 20  # bytes from which the ratio counts: small files of zeros are no bombs


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A piece of text. Where a member is cut in pieces, `first_line` says where this one begins."""

    name: str
    content: bytes
    first_line: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a format that has fields of its own gave away."""

    name: str
    spots: tuple[Spot, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unread:
    """A file, or a member of one, that could not be looked at. `reason` is a code."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """A file that holds no text, e.g. a picture; nobody claims to have looked into it."""

    name: str
    reason: str


@dataclass(slots=True)
class Budget:
    """How many bytes may still come out of one file."""

    left: int = MAX_EXPANDED
    packed: int = 0
    unpacked: int = 0

    def take(self, amount: int) -> bool:
        """Count `amount` bytes that were unpacked; say whether that is still reasonable."""
        self.left -= amount
        self.unpacked += amount
        bomb = self.unpacked > RATIO_FROM and self.unpacked > MAX_RATIO * max(self.packed, 1)
        return self.left >= 0 and not bomb

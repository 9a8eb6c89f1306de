"""Commits: what was changed, known by its digests. Authors and messages are private and stay outside."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """A commit as Git knows it. `author_email` and `message` never enter a leaf."""

    sha: str  # 40 or 64 hex digits
    tree: str
    committed_at: datetime
    author_email: str
    message: str

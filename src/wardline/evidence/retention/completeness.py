"""Whether anything is missing of a stretch of time: what was looked at, what is missing, what nobody could look at."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Self

from wardline.canonical import JSON, Digest, JSONObject
from wardline.clock import from_rfc3339, to_rfc3339
from wardline.errors import InvalidInput
from wardline.evidence.log import Evidence
from wardline.evidence.mentions import blobs_of
from wardline.evidence.retention.keeping import artifacts_of
from wardline.evidence.retention.retention import Kept, class_of
from wardline.outcomes import Outcome

# Time servers step a clock by less; a larger step back would put effects before their causes. Nothing is recorded then.
TOLERATED_STEP_BACK = timedelta(seconds=5)
_IN_WORDS = {
    Outcome.PASSED: "nothing is missing",
    Outcome.FAILED: "something is missing",
    Outcome.ERRORED: "undecided: not everything could be looked at",
}
_CUT_BACK = "A log cut back as a whole shows only against a checkpoint that was kept elsewhere."
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


def parse_moment(text: str, *, end: bool = False) -> datetime:
    """Return the moment that an RFC 3339 time or a date in UTC spells; of a date that is an `end`, its end.

    Raises:
        InvalidInput: It spells none.
    """
    if _DATE.fullmatch(text) is None:
        try:
            return from_rfc3339(text)
        except InvalidInput as error:
            raise InvalidInput(
                f"{text[:40]!r} is no moment; expected a date such as 2026-11-23, or an RFC 3339 time such as "
                "2026-11-23T01:02:03Z"
            ) from error
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC) + timedelta(days=1 if end else 0)
    except (ValueError, OverflowError) as error:
        raise InvalidInput(f"{text!r} is no day of the calendar; expected a date such as 2026-11-23") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """From the first moment to just before the second, by when statements were recorded."""

    since: datetime
    until: datetime

    @classmethod
    def parse(cls, since: str, until: str, *, now: datetime) -> Self:
        """Return the window between two RFC 3339 times or dates (UTC; a date as the end is included).

        What has not happened yet cannot be missing: a window that ends later than now ends now.

        Raises:
            InvalidInput: One is no time, or the window is empty.
        """
        begin, end = parse_moment(since), parse_moment(until, end=True)
        window = cls(since=begin, until=min(end, now))
        if window.until <= window.since:
            raise InvalidInput(
                f"window from {since} to {until}: it is empty, or has not begun",
                remedy="Name two dates or RFC 3339 times, the earlier one first.",
            )
        return window

    def holds(self, moment: datetime) -> bool:
        return self.since <= moment < self.until

    def overlaps(self, first: datetime, last: datetime) -> bool:
        """Return whether something that went on from `first` to `last` has a part in it."""
        return first < self.until and last >= self.since


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """One thing that was looked at. `missing`: is not there or not right; `unseen`: nobody could look, and why."""

    title: str
    counted: int
    missing: tuple[str, ...] = ()
    unseen: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def outcome(self) -> Outcome:
        if self.missing:
            return Outcome.FAILED
        return Outcome.ERRORED if self.unseen else Outcome.PASSED

    def to_json(self) -> JSONObject:
        def listed(lines: tuple[str, ...]) -> list[JSON]:
            return list(lines)

        return {
            "check": self.title,
            "outcome": self.outcome.value,
            "counted": self.counted,
            "missing": listed(self.missing),
            "unseen": listed(self.unseen),
            "notes": listed(self.notes),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Completeness:
    """What was found of a window. `statements` of it lie between `first` and `last`; None: nothing was recorded."""

    window: Window
    size: int
    statements: int
    first: int | None
    last: int | None
    looked: tuple[Looked, ...]

    @property
    def outcome(self) -> Outcome:
        """`passed`: nothing is missing. `failed`: something is. `errored`: somewhere nobody could look."""
        outcomes = {looked.outcome for looked in self.looked}
        worst = (Outcome.FAILED, Outcome.ERRORED)
        return next((outcome for outcome in worst if outcome in outcomes), Outcome.PASSED)

    def lines(self) -> list[str]:
        """Return what people read."""
        between = "" if self.first is None else f", log index {self.first} to {self.last}"
        lines = [
            f"from {to_rfc3339(self.window.since)} to {to_rfc3339(self.window.until)}",
            f"{self.statements} of {self.size} statements{between}",
        ]
        for looked in self.looked:
            lines.append(f"{looked.outcome.value:>7}  {looked.title} ({looked.counted})")
            lines += [f"         missing: {line}" for line in looked.missing]
            lines += [f"         nobody could look: {line}" for line in looked.unseen]
            lines += [f"         {line}" for line in looked.notes]
        return [*lines, _IN_WORDS[self.outcome], _CUT_BACK]

    def to_json(self) -> JSONObject:
        return {
            "from": to_rfc3339(self.window.since),
            "to": to_rfc3339(self.window.until),
            "outcome": self.outcome.value,
            "log_size": self.size,
            "statements": self.statements,
            "first": self.first,
            "last": self.last,
            "checks": [looked.to_json() for looked in self.looked],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A thing that statement `index`, recorded inside the window, names."""

    index: int
    digest: Digest
    kept: Kept


@dataclass(slots=True, kw_only=True)
class Walk:
    """Watches a log go by, from its first leaf to its last."""

    window: Window
    size: int = 0
    statements: int = 0
    first: int | None = None
    last: int | None = None
    gaps: list[str] = field(default_factory=list)
    steps_back: list[str] = field(default_factory=list)
    named: dict[tuple[Digest, Kept], int] = field(default_factory=dict)  # the youngest statement of the window

    def through(self, evidence: Iterable[Evidence]) -> Iterator[Evidence]:
        """Yield `evidence` as it is, having looked at each."""
        before: Evidence | None = None
        for item in evidence:
            self._look(item, before)
            before = item
            yield item

    def things(self) -> tuple[Named, ...]:
        """Return what the statements of the window name, each once."""
        return tuple(Named(index=index, digest=digest, kept=kept) for (digest, kept), index in self.named.items())

    def _look(self, item: Evidence, before: Evidence | None) -> None:
        expected = 0 if before is None else before.index + 1
        if item.index != expected:
            self.gaps.append(f"log index {expected} is not there; the next one is {item.index}")
        self.size = item.index + 1
        at = item.statement.context.recorded_at
        newest = at if before is None else before.statement.context.recorded_at
        inside = self.window.holds(at)
        if at < newest - TOLERATED_STEP_BACK and (inside or self.window.holds(newest)):
            self.steps_back.append(
                f"log index {item.index}: recorded {to_rfc3339(at)}, after one recorded {to_rfc3339(newest)}"
            )
        if inside:
            self._count(item)

    def _count(self, item: Evidence) -> None:
        self.statements += 1
        self.first = item.index if self.first is None else self.first
        self.last = item.index
        for blob in blobs_of(item):
            self.named[blob.digest, class_of(blob.media_type)] = item.index
        for artifact in artifacts_of(item):
            self.named[artifact, Kept.ARTIFACTS] = item.index

"""Calendars: when changes may not go to an environment, as windows that recur in the local time of a place.

Local times and lengths are those of RFC 5545: a time that clocks skip is read with the offset before the gap, one
that they show twice is the first of the two (§3.3.5); days are nominal, hours and minutes exact, days first (§3.3.6).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from wardline.canonical import Digest
from wardline.gates.recurrences import Recurrence
from wardline.identity.principals import Role

LONGEST_WINDOW = timedelta(days=92)  # the weeks after a go-live; what lasts longer is no window but a decision
HORIZON = timedelta(days=5 * 366)  # a calendar that nobody has looked at for five years says nothing about care
_SLACK = timedelta(days=2)  # more than any offset from UTC, or any jump of a clock


class WindowKind(StrEnum):
    """Why changes are kept out."""

    FREEZE = "freeze"
    QUIET_HOURS = "quiet-hours"
    SHIFT_CHANGE = "shift-change"
    GO_LIVE = "go-live"


class Strength(StrEnum):
    """Who may pass a window."""

    HARD = "hard"  # nobody; in an emergency two people together
    SOFT = "soft"  # a release that a person in the named role has approved
    EMERGENCY_ONLY = "emergency-only"  # an emergency release alone: under break-glass


@dataclass(frozen=True, slots=True, kw_only=True)
class Length:
    """How long a window lasts: nominal days, and then exact time."""

    days: int
    exact: timedelta

    @property
    def longest(self) -> timedelta:
        return timedelta(days=self.days) + self.exact


@dataclass(frozen=True, slots=True, kw_only=True)
class Occurrence:
    """One time a window is in effect: from `began` until before `ends`, both in UTC."""

    began: datetime
    ends: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A time when changes are kept out.

    Attributes:
        starts: The first time, as the clock on the wall of `zone` shows it.
        repeats: None: it happens once.
        excepted: Days on which it would begin and does not.
        approval: Who may let a release pass; with `soft`, and only then.
        reason: For people; no part of what a gate decides from.
        downtime_plan: Where it is written what the ward does without the system; None: no outage is expected.
    """

    id: str
    kind: WindowKind
    strength: Strength
    starts: datetime
    lasts: Length
    zone: ZoneInfo
    repeats: Recurrence | None = None
    excepted: frozenset[date] = frozenset()
    approval: Role | None = None
    reason: str
    downtime_plan: str | None = None

    @property
    def blocks(self) -> bool:
        """Return whether no release passes, whoever approves it."""
        return self.strength is not Strength.SOFT

    def days(self) -> Iterator[date]:
        """Yield every day on which it begins, in the local time of its zone, in order."""
        first = self.starts.date()
        for day in (first,) if self.repeats is None else self.repeats.days(first):
            if self._ended(day):
                return
            if day not in self.excepted:
                yield day

    def occurrences(self, *, since: datetime, until: datetime) -> Iterator[Occurrence]:
        """Yield the occurrences that are in effect at some instant from `since` to `until`, in order."""
        earliest = (since - self.lasts.longest - _SLACK).date()
        latest = (until + _SLACK).date()
        for day in self.days():
            if day > latest:
                return
            if day >= earliest:
                found = self.occurrence(day)
                if found.began <= until and found.ends > since:
                    yield found

    def occurrence(self, day: date) -> Occurrence:
        """Return when it is in effect, if it begins on `day`."""
        began = datetime.combine(day, self.starts.time())
        ends = _instant(began + timedelta(days=self.lasts.days), self.zone) + self.lasts.exact
        return Occurrence(began=_instant(began, self.zone), ends=ends)

    def _ended(self, day: date) -> bool:
        if day - self.starts.date() > HORIZON:
            return True
        until = None if self.repeats is None else self.repeats.until
        return until is not None and self.occurrence(day).began > until


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """One calendar file, by its path below the repository and the digest of its bytes."""

    file: str
    digest: Digest
    windows: tuple[Window, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendars:
    """The calendars of one environment.

    Attributes:
        declared: The files that wardline.yaml names.
        read: Those of them that are calendars.
        problems: Why the others are not, all at once.
    """

    declared: tuple[str, ...] = ()
    read: tuple[Calendar, ...] = ()
    problems: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """Return whether every declared calendar was read: else nobody knows which windows are in effect."""
        return not self.problems and len(self.read) == len(self.declared)

    @property
    def roles(self) -> tuple[Role, ...]:
        """Return the roles that may let a release pass a soft window, each once."""
        named = (window.approval for calendar in self.read for window in calendar.windows)
        return tuple(sorted({role for role in named if role is not None}))


NO_CALENDARS = Calendars()


def _instant(local: datetime, zone: ZoneInfo) -> datetime:
    # fold is 0: the offset before a gap, and the first of two equal times (PEP 495), as RFC 5545 §3.3.5 wants it.
    return local.replace(tzinfo=zone).astimezone(UTC)

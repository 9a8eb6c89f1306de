"""Time. The only module that reads the clock or waits on it."""

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol

from wardline.errors import InvalidInput


class Clock(Protocol):
    """Tells the time, always aware and in UTC, and waits."""

    def now(self) -> datetime:
        """Return the wall-clock time in UTC."""
        ...

    def elapsed(self) -> timedelta:
        """Return the time since some fixed point; it MUST never go backwards."""
        ...

    def wait(self, duration: timedelta) -> None:
        """Return once `duration` has passed."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def elapsed(self) -> timedelta:
        return timedelta(seconds=time.monotonic())

    def wait(self, duration: timedelta) -> None:
        time.sleep(max(0.0, duration.total_seconds()))


class ManualClock:
    """A clock that moves only when told: waiting advances it at once."""

    def __init__(self, start: datetime) -> None:
        self._now = start
        self._elapsed = timedelta()

    def now(self) -> datetime:
        return self._now

    def elapsed(self) -> timedelta:
        return self._elapsed

    def wait(self, duration: timedelta) -> None:
        self.advance(duration)

    def advance(self, duration: timedelta) -> None:
        self._now += duration
        self._elapsed += max(duration, timedelta())


def to_rfc3339(moment: datetime) -> str:
    """Return `moment` as RFC 3339 in UTC with milliseconds, e.g. `2026-11-23T01:02:03.004Z`.

    Raises:
        InvalidInput: `moment` carries no time zone.
    """
    if moment.tzinfo is None:
        raise InvalidInput(f"time {moment.isoformat()} has no zone; expected an aware UTC time")
    universal = moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    return universal.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def from_rfc3339(text: str) -> datetime:
    """Return the aware UTC time that `text` spells.

    Raises:
        InvalidInput: `text` is not RFC 3339 or carries no zone.
    """
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            raise InvalidInput(f"time {text!r} has no zone; expected RFC 3339 with Z or an offset")
        return moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:  # some offsets lead out of the years 1 to 9999
        raise InvalidInput(f"{text[:80]!r} is not an RFC 3339 time such as 2026-11-23T01:02:03Z") from error

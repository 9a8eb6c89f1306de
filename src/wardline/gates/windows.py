"""Windows in effect: which there are at an instant, which come, and when the way is clear again. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from wardline.canonical import JSONObject
from wardline.clock import to_rfc3339
from wardline.gates.calendars import Calendar, Window


@dataclass(frozen=True, slots=True, kw_only=True)
class InEffect:
    """One time a window is in effect, from `began` until before `ends`."""

    calendar: str
    window: Window
    began: datetime
    ends: datetime

    @property
    def told(self) -> str:
        """Return what is in effect and until when, for people, in the window's own time."""
        return f"{self.window.kind} {self.window.id} until {self.local(self.ends)}"

    def local(self, moment: datetime) -> str:
        """Return `moment` as the clock where the window is declared shows it."""
        zone = self.window.zone
        return f"{moment.astimezone(zone):%Y-%m-%d %H:%M} {zone.key}"

    def to_json(self) -> JSONObject:
        """Return it as policies read it: without the reason, which is a text of people."""
        window = self.window
        section: JSONObject = {
            "calendar": self.calendar,
            "id": window.id,
            "kind": window.kind.value,
            "strength": window.strength.value,
            "began": to_rfc3339(self.began),
            "ends": to_rfc3339(self.ends),
            "told": self.told,
        }
        if window.approval is not None:
            section["approval"] = window.approval.value
        if window.downtime_plan is not None:
            section["downtime_plan"] = window.downtime_plan
        return section


def windows_at(calendars: Iterable[Calendar], now: datetime) -> tuple[InEffect, ...]:
    """Return the windows in effect at `now`, those that began first before the others."""
    return windows_between(calendars, now, now)


def windows_between(calendars: Iterable[Calendar], since: datetime, until: datetime) -> tuple[InEffect, ...]:
    """Return the windows in effect at some instant from `since` to `until`, in the order in which they begin."""
    found = [
        InEffect(calendar=calendar.file, window=window, began=occurrence.began, ends=occurrence.ends)
        for calendar in calendars
        for window in calendar.windows
        for occurrence in window.occurrences(since=since, until=until)
    ]
    return tuple(sorted(found, key=lambda each: (each.began, each.ends, each.calendar, each.window.id)))


def clear_from(calendars: Iterable[Calendar], now: datetime, *, within: timedelta) -> datetime | None:
    """Return the first instant from `now` on at which no window blocks; None: there is none until `now + within`."""
    found = windows_between(tuple(calendars), now, now + within)
    clear = now
    for each in found:  # they are sorted: what begins after a moment that nothing covers does not matter
        if each.window.blocks and each.began <= clear < each.ends:
            clear = each.ends
    return clear if clear <= now + within else None

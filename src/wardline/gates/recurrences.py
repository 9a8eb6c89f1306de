"""Recurrence rules: the part of RFC 5545 §3.3.10 that windows need, read strictly, evaluated by python-dateutil.

What is not read is refused on purpose (docs/decisions/0020): rules without end, rules that happen more than
once a day, and parts in which implementations differ.
"""

import re
from calendar import monthrange
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from itertools import islice
from types import MappingProxyType
from typing import Literal, TypeVar

from dateutil import rrule

from wardline.errors import InvalidInput

WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
MOST = 2_000  # occurrences: five years of days, and some
LONGEST_RULE = 300  # characters; the longest of the examples in RFC 5545 has 50

_FREQUENCIES: Mapping[str, Literal[0, 1, 2, 3]] = {
    "DAILY": rrule.DAILY,
    "WEEKLY": rrule.WEEKLY,
    "MONTHLY": rrule.MONTHLY,
    "YEARLY": rrule.YEARLY,
}
_NOT_READ = MappingProxyType({
    "BYSECOND": "a window begins at the time of day in starts; declare another window for another time",
    "BYMINUTE": "a window begins at the time of day in starts; declare another window for another time",
    "BYHOUR": "a window begins at the time of day in starts; declare another window for another time",
    "BYYEARDAY": "is not read; say the day with BYMONTH and BYMONTHDAY",
    "BYWEEKNO": "is not read, because implementations disagree about the weeks around new year; say it with BYMONTH",
})  # fmt: skip
_KNOWN = ("FREQ", "INTERVAL", "COUNT", "UNTIL", "BYMONTH", "BYMONTHDAY", "BYDAY", "BYSETPOS", "WKST")
_T = TypeVar("_T")
_PART = re.compile(r"([A-Z][A-Z-]*)=([^=]+)", re.ASCII)
_DAY = re.compile(r"([+-]?[1-5])?(MO|TU|WE|TH|FR|SA|SU)", re.ASCII)
_NUMBER = re.compile(r"[+-]?[0-9]{1,4}", re.ASCII)
_UNTIL = re.compile(r"[0-9]{8}T[0-9]{6}Z", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Weekday:
    """A day of the week, MO is 0; `nth` of its month, from the end where negative, or every one (0)."""

    day: int
    nth: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Recurrence:
    """A rule that ends. `text` is how it was written; exactly one of `count` and `until` is set."""

    text: str
    frequency: str
    interval: int = 1
    count: int | None = None
    until: datetime | None = None  # the last instant at which an occurrence may begin
    months: tuple[int, ...] = ()
    month_days: tuple[int, ...] = ()
    weekdays: tuple[Weekday, ...] = ()
    positions: tuple[int, ...] = ()
    week_start: int = 0

    def is_first(self, day: date) -> bool:
        """Return whether a recurrence that starts on `day` happens on `day`.

        Where it does not, RFC 5545 §3.8.5.3 leaves the set of occurrences undefined, and implementations differ.
        """
        if not self._allows(day):
            return False
        if not self.positions:
            return True
        month = [day.replace(day=number) for number in range(1, _length(day) + 1)]
        allowed = [each for each in month if self._allows(each)]
        return any(allowed[p - 1 if p > 0 else p] == day for p in self.positions if abs(p) <= len(allowed))

    def days(self, first: date) -> Iterator[date]:
        """Yield the days of the occurrences, from `first`, on which it MUST happen; without regard to `until`."""
        rule = rrule.rrule(
            _FREQUENCIES[self.frequency],
            dtstart=datetime.combine(first, time()),
            interval=self.interval,
            wkst=self.week_start,
            bymonth=self.months or None,
            bymonthday=self.month_days or None,
            byweekday=[rrule.weekday(each.day, each.nth or None) for each in self.weekdays] or None,
            bysetpos=self.positions or None,
        )
        for moment in islice(rule, MOST if self.count is None else self.count):
            yield moment.date()

    def _allows(self, day: date) -> bool:
        length = _length(day)
        return (
            (not self.months or day.month in self.months)
            and (not self.month_days or not {day.day, day.day - length - 1}.isdisjoint(self.month_days))
            and (not self.weekdays or any(_is(day, weekday, length) for weekday in self.weekdays))
        )


def parse_rule(text: str) -> Recurrence:
    """Return the recurrence that the text of an RRULE spells, e.g. `FREQ=WEEKLY;BYDAY=MO,TU;COUNT=20`.

    Raises:
        InvalidInput: It spells none, or one that is not read here; `problems` has everything that is wrong.
    """
    reading = _Reading()
    reading.split(text)
    found = reading.rule(text)
    if reading.problems:
        raise InvalidInput("not a recurrence rule that is read here", problems=reading.problems)
    return found


def _length(day: date) -> int:
    return monthrange(day.year, day.month)[1]


def _is(day: date, weekday: Weekday, length: int) -> bool:
    from_start, from_end = (day.day - 1) // 7 + 1, -((length - day.day) // 7 + 1)
    return day.weekday() == weekday.day and weekday.nth in (0, from_start, from_end)


@dataclass(slots=True)
class _Reading:
    """One rule on its way from text, with all that is wrong."""

    problems: list[str] = field(default_factory=list)
    parts: dict[str, str] = field(default_factory=dict)

    def split(self, text: str) -> None:
        if len(text) > LONGEST_RULE:
            self.problems.append(f"expected at most {LONGEST_RULE} characters, got {len(text)}")
            return
        for part in text.upper().removeprefix("RRULE:").split(";"):
            match = _PART.fullmatch(part)
            if match is None:
                self.problems.append(f"expected NAME=VALUE, got {part[:40]!r}")
            elif match[1] in self.parts:
                self.problems.append(f"{match[1]} is given twice")
            elif match[1] in _NOT_READ:
                self.problems.append(f"{match[1]}: {_NOT_READ[match[1]]}")
            elif match[1] not in _KNOWN:
                self.problems.append(f"{match[1]} is no part of a rule; known: {', '.join(_KNOWN)}")
            else:
                self.parts[match[1]] = match[2]

    def rule(self, text: str) -> Recurrence:
        found = Recurrence(
            text=text,
            frequency=self._one("FREQ", _FREQUENCIES, default=""),
            interval=self._number("INTERVAL", 1, 1_000) or 1,
            count=self._number("COUNT", 1, MOST),
            until=self._until(),
            months=self._numbers("BYMONTH", 12),
            month_days=self._numbers("BYMONTHDAY", 31, signed=True),
            weekdays=self._weekdays(),
            positions=self._numbers("BYSETPOS", 31, signed=True),
            week_start=WEEKDAYS.index(self._one("WKST", dict.fromkeys(WEEKDAYS), default="MO")),
        )
        self._judge_end()
        self._judge_together(found)
        return found

    def _judge_end(self) -> None:
        if "COUNT" in self.parts and "UNTIL" in self.parts:
            self.problems.append("COUNT and UNTIL cannot stand together (RFC 5545 §3.3.10); keep one")
        if not self.parts.keys() & {"COUNT", "UNTIL"}:
            self.problems.append(
                "it never ends; add UNTIL=… or COUNT=…, so that somebody looks at it again before it is wrong"
            )

    def _judge_together(self, rule: Recurrence) -> None:
        """Refuse what RFC 5545 forbids together, and where implementations are known to differ."""
        numbered = any(weekday.nth for weekday in rule.weekdays)
        monthly = rule.frequency == "MONTHLY" or (rule.frequency == "YEARLY" and bool(rule.months))
        if numbered and not monthly:
            self.problems.append("BYDAY: a numbered day such as 2MO goes with FREQ=MONTHLY, or YEARLY with BYMONTH")
        if numbered and not all(weekday.nth for weekday in rule.weekdays):
            # dateutil takes them for two conditions, and RFC 5545 for two ways to be chosen.
            self.problems.append("BYDAY: numbered days and days without a number cannot stand together")
        if numbered and rule.month_days:
            self.problems.append("BYDAY: a numbered day and BYMONTHDAY cannot stand together")
        if rule.month_days and rule.frequency == "WEEKLY":
            self.problems.append("BYMONTHDAY cannot stand with FREQ=WEEKLY (RFC 5545 §3.3.10)")
        if rule.positions and (rule.frequency != "MONTHLY" or not (rule.weekdays or rule.month_days)):
            self.problems.append("BYSETPOS goes with FREQ=MONTHLY, and BYDAY or BYMONTHDAY to choose from")

    def _one(self, name: str, known: Mapping[str, object], *, default: str) -> str:
        value = self.parts.get(name, default)
        if value in known:
            return value
        self.problems.append(f"{name}: expected one of {', '.join(known)}, got {value[:40] or 'nothing'}")
        return next(iter(known))

    def _number(self, name: str, least: int, most: int) -> int | None:
        value = self.parts.get(name)
        if value is None:
            return None
        if value.isascii() and value.isdigit() and least <= int(value[:9]) <= most:
            return int(value)
        self.problems.append(f"{name}: expected a whole number from {least} to {most}, got {value[:40]}")
        return None

    def _numbers(self, name: str, most: int, *, signed: bool = False) -> tuple[int, ...]:
        def read(value: str) -> int | None:
            number = int(value) if _NUMBER.fullmatch(value) else 0
            return number if 1 <= (abs(number) if signed else number) <= most else None

        either = f" or -{most} to -1" if signed else ""
        return self._each(name, read, f"a number from 1 to {most}{either}")

    def _weekdays(self) -> tuple[Weekday, ...]:
        def read(value: str) -> Weekday | None:
            match = _DAY.fullmatch(value)
            return None if match is None else Weekday(day=WEEKDAYS.index(match[2]), nth=int(match[1] or 0))

        return self._each("BYDAY", read, "a day such as MO, 2MO or -1FR")

    def _each(self, name: str, read: Callable[[str], _T | None], wanted: str) -> tuple[_T, ...]:
        found: list[_T] = []
        for value in self.parts[name].split(",") if name in self.parts else ():
            item = read(value)
            if item is None:
                self.problems.append(f"{name}: expected {wanted}, got {value[:40]!r}")
            elif item in found:
                self.problems.append(f"{name}: {value} is given twice")
            else:
                found.append(item)
        return tuple(found)

    def _until(self) -> datetime | None:
        value = self.parts.get("UNTIL")
        if value is None:
            return None
        if _UNTIL.fullmatch(value):
            try:
                return datetime.strptime(value, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
            except ValueError:
                pass
        self.problems.append(
            "UNTIL: expected an instant in UTC such as 20270101T045959Z, as RFC 5545 §3.3.10 demands beside a "
            f"time zone, got {value[:40]}"
        )
        return None

"""When a window is in effect, computed a second time: day by day and quarter by quarter, in the words of RFC 5545.

Knows nothing of python-dateutil and nothing of how Python resolves local times that clocks skip or repeat.
"""

from calendar import monthrange
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from wardline.gates.calendars import Window
from wardline.gates.recurrences import Recurrence

_STEP = timedelta(minutes=15)  # every offset there was since 1972 is a multiple, and so is every time in these tests


def in_effect(window: Window, now: datetime) -> bool:
    return any(began <= now < ends for began, ends in occurrences(window))


def occurrences(window: Window) -> Iterator[tuple[datetime, datetime]]:
    rule, first = window.repeats, window.starts.date()
    told = 0
    for number in range(5 * 366 + 1):
        day = first + timedelta(days=number)
        if rule is None and number > 0:
            return
        if rule is not None and not happens(rule, first, day):
            continue
        local = datetime.combine(day, window.starts.time())
        began = instant(local, window.zone)
        if rule is not None and rule.until is not None and began > rule.until:
            return
        told += 1
        if day not in window.excepted:
            yield began, instant(local + timedelta(days=window.lasts.days), window.zone) + window.lasts.exact
        if rule is not None and told == rule.count:
            return


def instant(local: datetime, zone: ZoneInfo) -> datetime:
    """The first instant at which the clock shows `local`; if none does, `local` less the offset before the gap."""
    moment = local.replace(tzinfo=UTC) - timedelta(hours=27)
    before = shown(moment, zone)
    while moment < local.replace(tzinfo=UTC) + timedelta(hours=27):
        now = shown(moment, zone)
        if now == local:
            return moment
        if before < local < now:  # skipped
            offset = before - (moment - _STEP).replace(tzinfo=None)
            return (local - offset).replace(tzinfo=UTC)
        before, moment = now, moment + _STEP
    raise AssertionError(f"{local} is at no instant in {zone}")


def shown(moment: datetime, zone: ZoneInfo) -> datetime:
    return moment.astimezone(zone).replace(tzinfo=None)


def happens(rule: Recurrence, first: date, day: date) -> bool:
    return day >= first and passed(rule, first, day) % rule.interval == 0 and chosen(rule, first, day)


def passed(rule: Recurrence, first: date, day: date) -> int:
    """How many days, weeks, months or years after that of `first` the one of `day` is."""
    match rule.frequency:
        case "DAILY":
            return (day - first).days
        case "WEEKLY":
            monday = [each - timedelta(days=(each.weekday() - rule.week_start) % 7) for each in (first, day)]
            return (monday[1] - monday[0]).days // 7
        case "MONTHLY":
            return (day.year - first.year) * 12 + day.month - first.month
        case _:
            return day.year - first.year


def chosen(rule: Recurrence, first: date, day: date) -> bool:
    if not rule.positions:
        return selected(rule, first, day)
    days = [d for n in range(monthrange(day.year, day.month)[1]) if selected(rule, first, d := day.replace(day=n + 1))]
    picked = {days[p - 1] if p > 0 else days[len(days) + p] for p in rule.positions if abs(p) <= len(days)}
    return day in picked


def selected(rule: Recurrence, first: date, day: date) -> bool:
    length = monthrange(day.year, day.month)[1]
    said = rule.month_days or rule.weekdays
    if rule.months and day.month not in rule.months:
        return False
    if rule.frequency == "YEARLY" and not said and not rule.months and day.month != first.month:
        return False
    if rule.frequency in {"MONTHLY", "YEARLY"} and not said and day.day != first.day:
        return False
    if rule.frequency == "WEEKLY" and not rule.weekdays and day.weekday() != first.weekday():
        return False
    if rule.month_days and not any(m == day.day or m == day.day - length - 1 for m in rule.month_days):
        return False
    return not rule.weekdays or any(is_weekday(day, w.day, w.nth) for w in rule.weekdays)


def is_weekday(day: date, weekday: int, nth: int) -> bool:
    length = monthrange(day.year, day.month)[1]
    same = [n for n in range(1, length + 1) if day.replace(day=n).weekday() == weekday]
    if nth == 0:
        return day.day in same
    return abs(nth) <= len(same) and day.day == (same[nth - 1] if nth > 0 else same[nth])

"""Which windows are in effect, held against a second computation and against what RFC 5545 says of local times."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import naive_windows as naive
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from wardline.canonical import Digest
from wardline.gates.calendars import Calendar, Length, Strength, Window, WindowKind
from wardline.gates.recurrences import Recurrence, Weekday, parse_rule
from wardline.gates.windows import clear_from, windows_at, windows_between

NEW_YORK = ZoneInfo("America/New_York")
ZONES = (
    "America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "America/St_Johns", "Africa/Casablanca",
    "Asia/Beirut", "Antarctica/Troll", "Pacific/Apia", "Asia/Kathmandu", "UTC",
)  # fmt: skip
# Days around which clocks of these zones change; Apia had no 30 December 2011.
CHANGES = (
    date(2026, 3, 8), date(2026, 11, 1), date(2026, 3, 29), date(2026, 10, 25), date(2026, 4, 5), date(2026, 10, 4),
    date(2027, 2, 7), date(2027, 3, 14), date(2011, 12, 30),
)  # fmt: skip


def window(starts: str, lasts: str, repeats: str | None = None, **changes: object) -> Window:
    days, _, rest = lasts.rpartition("d")
    declared: dict[str, object] = {
        "id": "nights",
        "kind": WindowKind.QUIET_HOURS,
        "strength": Strength.HARD,
        "starts": datetime.fromisoformat(starts),
        "lasts": Length(days=int(days or 0), exact=timedelta(minutes=int(rest or 0))),
        "zone": NEW_YORK,
        "repeats": None if repeats is None else parse_rule(repeats),
        "reason": "patients sleep",
    }
    return Window(**declared | changes)  # type: ignore[arg-type]


def calendar(*windows: Window) -> tuple[Calendar, ...]:
    return (Calendar(file="calendars/clinic.yaml", digest=Digest.of(b""), windows=windows),)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def in_effect(declared: Window, now: datetime) -> bool:
    return bool(windows_at(calendar(declared), now))


@st.composite
def rules(draw: st.DrawFn) -> Recurrence:
    frequency = draw(st.sampled_from(["DAILY", "WEEKLY", "MONTHLY", "YEARLY"]))
    some = lambda each: draw(st.one_of(st.just(()), st.lists(each, max_size=3, unique=True).map(tuple)))  # noqa: E731
    months = some(st.integers(1, 12))
    month_days = () if frequency == "WEEKLY" else some(st.integers(-31, 31).filter(bool))
    numbered = frequency == "MONTHLY" or (frequency == "YEARLY" and months)
    nth = st.integers(-5, 5).filter(bool) if numbered and not month_days and draw(st.booleans()) else st.just(0)
    weekdays = some(st.builds(lambda day, nth: Weekday(day=day, nth=nth), st.integers(0, 6), nth))
    may_choose = frequency == "MONTHLY" and (weekdays or month_days)
    return Recurrence(
        text="",
        frequency=frequency,
        interval=draw(st.integers(1, 5)),
        count=draw(st.integers(1, 60)),
        months=months,
        month_days=month_days,
        weekdays=weekdays,
        positions=some(st.integers(-6, 6).filter(bool)) if may_choose else (),
        week_start=draw(st.integers(0, 6)),
    )


@st.composite
def windows(draw: st.DrawFn) -> Window:
    near = draw(st.sampled_from(CHANGES)) + timedelta(days=draw(st.integers(-40, 2)))
    rule = draw(st.one_of(st.none(), rules()))
    first = near
    if rule is not None:
        beginnings = (near + timedelta(days=n) for n in range(-20, 60))
        found = next((day for day in beginnings if naive.chosen(rule, day, day)), None)
        assume(found is not None)
        assert found is not None
        first = found
        excepted = draw(st.sets(st.integers(0, 40), max_size=3))
    return Window(
        id="w",
        kind=WindowKind.FREEZE,
        strength=Strength.HARD,
        starts=datetime.combine(first, datetime.min.time()) + timedelta(minutes=30 * draw(st.integers(0, 47))),
        lasts=Length(days=draw(st.integers(0, 2)), exact=timedelta(minutes=30 * draw(st.integers(1, 60)))),
        zone=ZoneInfo(draw(st.sampled_from(ZONES))),
        repeats=rule,
        excepted=frozenset() if rule is None else frozenset(first + timedelta(days=n) for n in excepted),
        reason="why not",
    )


@settings(max_examples=60, deadline=None)
@given(windows(), st.data())
def test_a_window_is_in_effect_exactly_while_an_occurrence_contains_now(declared, data):
    expected = list(naive.occurrences(declared))
    edges = [edge for pair in expected[:40] for edge in pair]
    changes = [datetime.combine(day, datetime.min.time(), UTC) for day in CHANGES]
    base = data.draw(st.sampled_from(edges + changes))
    off = data.draw(st.sampled_from([timedelta(microseconds=n) for n in (-1, 0, 1)] + [timedelta(hours=h) for h in (-25, -1, 1, 23)]))  # fmt: skip  # noqa: E501
    now = base + off
    assert in_effect(declared, now) is any(began <= now < ends for began, ends in expected)


@settings(max_examples=60, deadline=None)
@given(windows())
def test_all_occurrences_are_those_of_the_second_computation(declared):
    every = windows_between(calendar(declared), utc("2009-01-01T00:00"), utc("2040-01-01T00:00"))
    assert sorted((each.began, each.ends) for each in every) == sorted(naive.occurrences(declared))


@settings(max_examples=150, deadline=None)
@given(rules(), st.dates(date(2026, 1, 1), date(2029, 12, 31)))
def test_whether_a_rule_happens_on_its_first_day_is_said_without_searching(rule, day):
    assert rule.is_first(day) is (
        naive.chosen(rule, day, day)
        if rule.weekdays or rule.month_days or rule.frequency in {"DAILY", "WEEKLY"}
        else not rule.months or day.month in rule.months
    )


@pytest.mark.parametrize(
    ("starts", "lasts", "began", "ends"),
    [
        ("2026-03-08T02:30", "60", "2026-03-08T07:30", "2026-03-08T08:30"),  # skipped: read as EST, shown as 03:30
        ("2026-11-01T01:30", "60", "2026-11-01T05:30", "2026-11-01T06:30"),  # shown twice: the first, in EDT
        ("2026-03-07T12:00", "1d", "2026-03-07T17:00", "2026-03-08T16:00"),  # a nominal day of 23 hours
        ("2026-10-31T12:00", "1d", "2026-10-31T16:00", "2026-11-01T17:00"),  # of 25 hours
        ("2026-10-31T12:00", "1440", "2026-10-31T16:00", "2026-11-01T16:00"),  # 24 exact hours
        ("2026-03-07T02:30", "1d60", "2026-03-07T07:30", "2026-03-08T08:30"),  # days first, into the gap, then hours
    ],
)
def test_local_times_are_read_as_rfc_5545_says(starts, lasts, began, ends):
    (found,) = windows_between(calendar(window(starts, lasts)), utc("2026-01-01T00:00"), utc("2027-01-01T00:00"))
    assert (found.began, found.ends) == (utc(began), utc(ends))


def test_quiet_hours_keep_to_the_wall_clock_when_clocks_change():
    nights = window("2026-10-30T22:00", "480", "FREQ=DAILY;COUNT=4")
    found = windows_between(calendar(nights), utc("2026-10-30T00:00"), utc("2026-11-04T00:00"))
    days = ("2026-10-30", "2026-10-31", "2026-11-01", "2026-11-02")
    assert [each.local(each.began) for each in found] == [f"{day} 22:00 America/New_York" for day in days]
    assert in_effect(nights, utc("2026-11-01T09:59"))  # 04:59 in EST: eight exact hours end at 05:00
    assert not in_effect(nights, utc("2026-11-01T10:00"))


def test_a_window_begins_with_its_first_instant_and_ends_before_its_last():
    night = window("2026-07-01T22:00", "480")
    for moment, expected in (("01:59:59", False), ("02:00:00", True), ("09:59:59", True), ("10:00:00", False)):
        assert in_effect(night, utc(f"2026-07-02T{moment}")) is expected


def test_until_is_an_instant_and_the_occurrence_that_begins_then_is_the_last():
    nights = window("2026-07-01T22:00", "60", "FREQ=DAILY;UNTIL=20260704T020000Z")
    assert [day.day for day in nights.days()] == [1, 2, 3]
    one_less = window("2026-07-01T22:00", "60", "FREQ=DAILY;UNTIL=20260704T015959Z")
    assert [day.day for day in one_less.days()] == [1, 2]


def test_a_window_of_weeks_is_in_effect_on_its_last_day():
    hypercare = window("2026-07-01T00:00", "60d0", "FREQ=YEARLY;COUNT=3")
    assert in_effect(hypercare, utc("2027-08-30T03:59"))
    assert not in_effect(hypercare, utc("2027-08-30T04:00"))


def test_an_exception_does_not_make_the_rule_longer():
    nights = window("2026-07-01T22:00", "60", "FREQ=DAILY;COUNT=3", excepted=frozenset({date(2026, 7, 2)}))
    assert [day.day for day in nights.days()] == [1, 3]


def test_the_way_is_clear_after_the_last_of_the_windows_that_touch():
    now = utc("2026-07-01T03:00")
    night = window("2026-06-30T22:00", "480")  # 02:00 to 10:00 UTC
    shift = window("2026-07-01T06:00", "60", id="shift", kind=WindowKind.SHIFT_CHANGE)  # 10:00 to 11:00 UTC
    later = window("2026-07-01T09:00", "60", id="later")
    soft = window("2026-07-01T07:00", "60", id="soft", strength=Strength.SOFT)
    every = calendar(night, shift, later, soft)
    assert clear_from(every, now, within=timedelta(hours=12)) == utc("2026-07-01T11:00")
    assert clear_from(every, now, within=timedelta(hours=7)) is None
    assert clear_from(every, utc("2026-07-01T11:00"), within=timedelta()) == utc("2026-07-01T11:00")
    assert clear_from(calendar(soft), utc("2026-07-01T11:30"), within=timedelta()) == utc("2026-07-01T11:30")


def test_what_policies_read_names_the_end_in_both_times_and_no_reason():
    declared = window("2026-06-30T22:00", "480", approval=None, downtime_plan="shelf 3")
    (found,) = windows_at(calendar(declared), utc("2026-07-01T03:00"))
    assert found.to_json() == {
        "calendar": "calendars/clinic.yaml",
        "id": "nights",
        "kind": "quiet-hours",
        "strength": "hard",
        "began": "2026-07-01T02:00:00.000Z",
        "ends": "2026-07-01T10:00:00.000Z",
        "told": "quiet-hours nights until 2026-07-01 06:00 America/New_York",
        "downtime_plan": "shelf 3",
    }

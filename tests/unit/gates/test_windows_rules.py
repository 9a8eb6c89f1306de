"""Recurrence rules: what is read, what is refused and why, and what RFC 5545 itself gives as examples."""

from datetime import UTC, date, datetime
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardline.errors import InvalidInput
from wardline.gates.recurrences import Recurrence, Weekday, parse_rule


def problems_of(text: str) -> str:
    with pytest.raises(InvalidInput) as caught:
        parse_rule(text)
    return "\n".join(caught.value.problems)


def test_every_part_is_read():
    rule = parse_rule("RRULE:freq=monthly;INTERVAL=2;COUNT=9;BYMONTH=1,3;BYDAY=MO,FR;BYSETPOS=1,-1;WKST=SU")
    assert (rule.frequency, rule.interval, rule.count, rule.until) == ("MONTHLY", 2, 9, None)
    assert (rule.months, rule.weekdays) == ((1, 3), (Weekday(day=0), Weekday(day=4)))
    assert (rule.positions, rule.week_start) == ((1, -1), 6)
    assert parse_rule("FREQ=DAILY;UNTIL=20270101T045959Z").until == datetime(2027, 1, 1, 4, 59, 59, tzinfo=UTC)
    assert parse_rule("FREQ=YEARLY;BYMONTH=11;BYDAY=+4TH;COUNT=2").weekdays == (Weekday(day=3, nth=4),)
    assert parse_rule("FREQ=MONTHLY;BYMONTHDAY=-1,15;COUNT=2").month_days == (-1, 15)


# RFC 5545 §3.8.5.3, with COUNT where the original goes on for ever.
@pytest.mark.parametrize(
    ("text", "first", "expected"),
    [
        ("FREQ=DAILY;INTERVAL=10;COUNT=5", "1997-09-02", "09-02 09-12 09-22 10-02 10-12"),
        ("FREQ=WEEKLY;INTERVAL=2;WKST=SU;COUNT=4", "1997-09-02", "09-02 09-16 09-30 10-14"),
        ("FREQ=WEEKLY;COUNT=5;WKST=SU;BYDAY=TU,TH", "1997-09-02", "09-02 09-04 09-09 09-11 09-16"),
        ("FREQ=MONTHLY;COUNT=4;BYDAY=1FR", "1997-09-05", "09-05 10-03 11-07 12-05"),
        ("FREQ=MONTHLY;INTERVAL=2;COUNT=5;BYDAY=1SU,-1SU", "1997-09-07", "09-07 09-28 11-02 11-30 01-04"),
        ("FREQ=MONTHLY;COUNT=4;BYMONTHDAY=-3", "1997-09-28", "09-28 10-29 11-28 12-29"),
        ("FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13;COUNT=3", "1998-02-13", "02-13 03-13 11-13"),
        ("FREQ=MONTHLY;COUNT=3;BYDAY=TU,WE,TH;BYSETPOS=3", "1997-09-04", "09-04 10-07 11-06"),
        ("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-2;COUNT=4", "1997-09-29", "09-29 10-30 11-27 12-30"),
        ("FREQ=YEARLY;COUNT=4;BYMONTH=6,7", "1997-06-10", "06-10 07-10 06-10 07-10"),
        ("FREQ=YEARLY;BYDAY=TH;BYMONTH=3;COUNT=4", "1997-03-13", "03-13 03-20 03-27 03-05"),
        ("FREQ=MONTHLY;BYMONTHDAY=15,30;COUNT=5", "2007-01-15", "01-15 01-30 02-15 03-15 03-30"),
        ("FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=MO", "1997-08-05", "08-05 08-10 08-19 08-24"),
        ("FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=SU", "1997-08-05", "08-05 08-17 08-19 08-31"),
    ],
)
def test_the_examples_of_rfc_5545_come_out_as_it_says(text, first, expected):
    days = parse_rule(text).days(date.fromisoformat(first))
    assert " ".join(f"{day:%m-%d}" for day in days) == expected


def test_the_29th_of_february_is_left_out_where_there_is_none():
    days = parse_rule("FREQ=YEARLY;COUNT=3").days(date(2024, 2, 29))
    assert [day.year for day in days] == [2024, 2028, 2032]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("FREQ=DAILY", "it never ends"),
        ("FREQ=DAILY;COUNT=3;UNTIL=20270101T000000Z", "cannot stand together"),
        ("FREQ=SECONDLY;COUNT=3", "FREQ: expected one of DAILY, WEEKLY, MONTHLY, YEARLY, got SECONDLY"),
        ("COUNT=3", "FREQ: expected one of DAILY, WEEKLY, MONTHLY, YEARLY, got nothing"),
        ("FREQ=DAILY;BYHOUR=1,2,3;COUNT=3", "BYHOUR: a window begins at the time of day in starts"),
        ("FREQ=YEARLY;BYWEEKNO=53;COUNT=3", "BYWEEKNO: is not read, because implementations disagree"),
        ("FREQ=YEARLY;BYEASTER=1;COUNT=3", "BYEASTER is no part of a rule"),
        ("FREQ=DAILY;COUNT=0", "COUNT: expected a whole number from 1 to 2000, got 0"),
        ("FREQ=DAILY;COUNT=99999999999", "COUNT: expected"),
        ("FREQ=DAILY;INTERVAL=0;COUNT=3", "INTERVAL: expected a whole number from 1 to 1000, got 0"),
        ("FREQ=DAILY;UNTIL=20261231", "UNTIL: expected an instant in UTC such as 20270101T045959Z"),
        ("FREQ=DAILY;UNTIL=20261231T235959", "UNTIL: expected an instant in UTC"),
        ("FREQ=DAILY;UNTIL=20261331T235959Z", "UNTIL: expected an instant in UTC"),
        ("FREQ=DAILY;BYMONTH=13;COUNT=3", "BYMONTH: expected a number from 1 to 12, got '13'"),
        ("FREQ=DAILY;BYMONTH=-1;COUNT=3", "BYMONTH: expected a number from 1 to 12, got '-1'"),
        ("FREQ=DAILY;BYMONTH=1,1;COUNT=3", "BYMONTH: 1 is given twice"),
        ("FREQ=DAILY;BYMONTHDAY=0;COUNT=3", "BYMONTHDAY: expected a number from 1 to 31 or -31 to -1, got '0'"),
        ("FREQ=DAILY;FREQ=DAILY;COUNT=3", "FREQ is given twice"),
        ("FREQ=WEEKLY;BYDAY=2MO;COUNT=3", "a numbered day such as 2MO goes with FREQ=MONTHLY"),
        ("FREQ=YEARLY;BYDAY=2MO;COUNT=3", "a numbered day such as 2MO goes with FREQ=MONTHLY"),
        ("FREQ=MONTHLY;BYDAY=MO,2TU;COUNT=3", "numbered days and days without a number cannot stand together"),
        ("FREQ=MONTHLY;BYDAY=0MO;COUNT=3", "BYDAY: expected a day such as MO, 2MO or -1FR, got '0MO'"),
        ("FREQ=MONTHLY;BYDAY=1MO;BYMONTHDAY=3;COUNT=3", "a numbered day and BYMONTHDAY cannot stand together"),
        ("FREQ=WEEKLY;BYMONTHDAY=3;COUNT=3", "BYMONTHDAY cannot stand with FREQ=WEEKLY"),
        ("FREQ=WEEKLY;BYDAY=MO,TU;BYSETPOS=1;COUNT=3", "BYSETPOS goes with FREQ=MONTHLY"),
        ("FREQ=MONTHLY;BYSETPOS=1;COUNT=3", "BYSETPOS goes with FREQ=MONTHLY, and BYDAY or BYMONTHDAY"),
        ("FREQ=DAILY;;COUNT=3", "expected NAME=VALUE, got ''"),
        ("every day", "expected NAME=VALUE"),
        ("FREQ=DAILY;COUNT=3;BYMONTH=" + "1," * 200 + "1", "expected at most 300 characters"),
        ("FREQ=DAILY;COUNT=²", "COUNT: expected a whole number"),
    ],
)
def test_a_rule_is_refused_for_its_reason(text, problem):
    assert problem in problems_of(text)


def test_all_that_is_wrong_with_a_rule_is_told_at_once():
    told = problems_of("FREQ=WEEKLY;BYMONTHDAY=40;BYDAY=XX;INTERVAL=x;BYHOUR=3")
    assert [told.count(part) for part in ("BYMONTHDAY", "BYDAY", "INTERVAL", "BYHOUR", "never ends")] == [1] * 5


@given(st.one_of(st.text(max_size=60), st.lists(st.sampled_from(
    ["FREQ=DAILY", "FREQ=MONTHLY", "COUNT=3", "UNTIL=20270101T000000Z", "BYDAY=1MO", "BYDAY=", "BYSETPOS=-7",
     "BYMONTHDAY=31", "WKST=SU", "INTERVAL=1000", "X-A=1", "=", "COUNT=٣"]), max_size=6).map(";".join)))  # fmt: skip
def test_a_text_is_a_rule_or_is_refused_with_reasons(text):
    try:
        rule = parse_rule(text)
    except InvalidInput as error:
        told = error.problems
    else:
        told = ("it ends",) if (rule.count is None) is not (rule.until is None) else ()
    assert told


def test_a_rule_that_hardly_ever_happens_does_not_search_for_ever():
    rule = Recurrence(text="", frequency="DAILY", interval=7, until=datetime(2031, 1, 1, tzinfo=UTC), months=(2,), month_days=(29,))  # fmt: skip  # noqa: E501
    assert rule.is_first(date(2028, 2, 29))
    assert list(islice(rule.days(date(2028, 2, 29)), 2)) == [date(2028, 2, 29), date(2056, 2, 29)]

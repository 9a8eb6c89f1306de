"""Calendar files: what they may say, and everything that is wrong with them at once."""

import re
from contextlib import suppress
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardline.canonical import Digest
from wardline.errors import InvalidInput
from wardline.gates.calendar_files import FILE, parse_calendar, read_calendars, refuse_unread
from wardline.gates.calendars import Strength, WindowKind
from wardline.identity.principals import Role
from wardline.pipelines.documents import MAX_BYTES

ROOT = Path(__file__).parents[3]
VECTORS = ROOT / "tests" / "vectors" / "calendars"
CLINIC = (VECTORS / "valid" / "clinic.yaml").read_bytes()
ONE = """\
calendar: 1
timezone: UTC
windows:
  - {id: a, kind: freeze, strength: hard, starts: 2026-03-05T12:00, lasts: 2d, reason: an inspection}
"""


def problems_of(content: str | bytes) -> tuple[str, ...]:
    with pytest.raises(InvalidInput) as caught:
        parse_calendar(content if isinstance(content, bytes) else content.encode(), file="f")
    return caught.value.problems or (caught.value.what,)


def test_every_key_reaches_its_field():
    calendar = parse_calendar(CLINIC, file="calendars/clinic.yaml")
    assert (calendar.file, calendar.digest) == ("calendars/clinic.yaml", Digest.of(CLINIC))
    nights, shift, month_end, go_live = calendar.windows
    assert (nights.kind, nights.strength, nights.zone.key) == (
        WindowKind.QUIET_HOURS, Strength.HARD, "America/New_York",
    )  # fmt: skip
    assert (nights.starts, nights.lasts.exact) == (datetime(2026, 11, 2, 22), timedelta(hours=8))  # noqa: DTZ001
    assert nights.excepted == {date(2026, 12, 24)}
    assert shift.repeats is not None
    assert shift.repeats.count == 200
    assert (month_end.approval, month_end.zone.key, month_end.lasts.days) == (Role.OPERATOR, "Europe/Berlin", 1)
    assert (go_live.lasts.longest, go_live.repeats) == (timedelta(days=21, hours=12), None)
    assert go_live.downtime_plan == "downtime binder, chapter 3"


@pytest.mark.parametrize("path", sorted((VECTORS / "invalid").iterdir()), ids=lambda path: path.stem)
def test_invalid_vector_is_refused_for_its_reasons_and_for_no_other(path):
    content = path.read_bytes()
    wanted = [line.decode() for line in re.findall(rb"^# expect: (.*)$", content, re.MULTILINE)]
    found = problems_of(content)
    assert all(any(reason in problem for problem in found) for reason in wanted)
    assert [problem for problem in found if not any(reason in problem for reason in wanted)] == []


@pytest.mark.parametrize(
    "zone", ["", "America", "america/new_york", "../../etc/passwd", "/etc/localtime", "posix/UTC", "right/Asia/Tokyo",
             "Factory", "EST", "localtime", "posixrules", "UTC\\0", "+01:00", "Europe/Berlin/x", "Mars/Olympus", "7"],
)  # fmt: skip
def test_what_is_no_time_zone_is_refused(zone):
    (problem,) = problems_of(ONE.replace("UTC", f'"{zone}"'))
    assert problem.startswith("f:2: timezone: expected a time zone by its IANA name")


@pytest.mark.parametrize("lasts", ["0m", "92d1m", "1w", "8", "-8h", "1h1d", "", "1.5h", "8 h", "99999m99999h"])
def test_a_length_that_is_none_or_too_long_is_refused(lasts):
    (problem,) = problems_of(ONE.replace("2d", f'"{lasts}"'))
    assert "windows[0].lasts: expected a length from 1m to 92d" in problem


@pytest.mark.parametrize("starts", ["2026-03-05T12:00:00", "2026-03-05 12:00", "2026-02-30T12:00", "2026-3-5T12:00",
                                    "1999-12-31T12:00", "2026-03-05T12:00Z", "2026-03-05T24:00"])  # fmt: skip
def test_a_start_is_a_local_time_to_the_minute(starts):
    (problem,) = problems_of(ONE.replace("2026-03-05T12:00", starts))
    assert "windows[0].starts: expected a local time such as 2026-12-21T22:00" in problem


def test_a_file_of_another_kind_is_refused():
    assert problems_of(b"\xff") == ("f:1: expected UTF-8, got byte 0xff",)
    assert problems_of("") == ("f:1: the file declares nothing",)
    assert "expected at most" in problems_of(b" " * (MAX_BYTES + 1))[0]


def test_every_problem_of_every_file_is_told_and_what_can_be_read_is():
    files = {"a.yaml": ONE.encode(), "b.yaml": ONE.replace("UTC", "Mars").encode(), "c.yaml": b": :"}
    found = read_calendars(("a.yaml", "b.yaml", "c.yaml", "d.yaml"), files.get)
    assert [calendar.file for calendar in found.read] == ["a.yaml"]
    assert not found.complete
    assert [problem.partition(":")[0] for problem in found.problems] == ["b.yaml", "c.yaml", "d.yaml"]
    with pytest.raises(InvalidInput, match="3 of 4 calendars cannot be read") as caught:
        refuse_unread(found)
    assert caught.value.problems == found.problems


def test_no_calendar_declared_is_nothing_to_refuse():
    assert refuse_unread(read_calendars((), {}.get)).complete


@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
def test_any_bytes_are_a_calendar_or_are_refused(content):
    with suppress(InvalidInput):
        assert parse_calendar(content, file="f").windows


CHANGES = st.sampled_from([
    ("UTC", "Pacific/Apia"), ("2d", "1d24h"), ("2026-03-05T12:00", "2199-12-31T23:59"), ("2d", "92d"),
    ("reason: an inspection", "repeats: FREQ=DAILY;COUNT=2000, reason: x"), ("hard", "soft"), ("hard", "[]"),
    ("reason: an inspection", "repeats: FREQ=YEARLY;UNTIL=99991231T235959Z, reason: x"), ("id: a", "id: {}"),
    ("reason: an inspection", "except: [2199-12-31], repeats: FREQ=WEEKLY;COUNT=1, reason: x"), ("UTC", "null"),
    ("reason: an inspection", "repeats: FREQ=YEARLY;UNTIL=00010101T000000Z, reason: x"), ("windows:", "windos:"),
])  # fmt: skip


@given(st.lists(CHANGES, max_size=3))
def test_any_changed_calendar_is_read_or_refused_with_its_places(changes):
    text = ONE
    for old, new in changes:
        text = text.replace(old, new)
    found = read_calendars(("f",), lambda _: text.encode())
    assert found.complete or found.problems
    assert all(re.match(r"f:[0-9]+: ", problem) for problem in found.problems)


def test_the_reference_has_a_row_for_every_key():
    page = (ROOT / "docs" / "reference" / "calendars.md").read_text()
    windows = next(key.shape.each for key in FILE.keys if key.name == "windows")
    for key in (*FILE.keys, *windows.keys):
        assert f"| {key.doc} |" in page, key.name

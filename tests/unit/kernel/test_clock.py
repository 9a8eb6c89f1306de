from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardline.clock import ManualClock, from_rfc3339, to_rfc3339
from wardline.errors import InvalidInput

BEYOND = ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00")  # found by fuzzing: no such times in UTC


@given(st.datetimes(timezones=st.just(UTC), min_value=datetime(1000, 1, 1)))  # noqa: DTZ001  # hypothesis wants it naive
def test_times_keep_their_milliseconds(moment: datetime) -> None:
    assert abs(from_rfc3339(to_rfc3339(moment)) - moment) < timedelta(milliseconds=1)


@pytest.mark.parametrize("text", ["", "yesterday", "2026-01-01T00:00:00", "2026-13-01T00:00:00Z", *BEYOND])
def test_a_time_without_zone_or_sense_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        from_rfc3339(text)


def test_elapsed_time_does_not_follow_a_clock_set_back() -> None:
    clock = ManualClock(datetime(2026, 1, 1, tzinfo=UTC))
    clock.advance(timedelta(seconds=5))
    before = clock.elapsed()
    clock.advance(timedelta(hours=-1))
    assert clock.elapsed() >= before

"""Windows of time, and a log watched as it goes by."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardline.canonical import Digest
from wardline.errors import InvalidInput
from wardline.evidence.envelopes import Envelope, Signature
from wardline.evidence.log import Evidence
from wardline.evidence.retention.completeness import Completeness, Looked, Walk, Window, parse_moment
from wardline.evidence.statements import Context, Statement
from wardline.ids import KeyId, PrincipalId
from wardline.outcomes import Outcome
from wardline.predicates import Subject

START = datetime(2026, 1, 1, tzinfo=UTC)
NOW = datetime(2026, 6, 1, tzinfo=UTC)


def leaf(index: int, *, second: int) -> Evidence:
    context = Context(
        run=None,
        step=str(index),
        attempt=1,
        recorded_at=START + timedelta(seconds=second),
        actor=PrincipalId("m"),
        outcome=Outcome.PASSED,
    )
    subject = Subject(name="x", digest=Digest.of(b"x"))
    statement = Statement(predicate_type="x", subjects=(subject,), context=context, body={})
    envelope = Envelope(payload_type="x", payload=b"x", signatures=(Signature(keyid=KeyId("k"), sig=b"s"),))
    return Evidence(index=index, key=context.key, envelope=envelope, statement=statement)


def walked(*leaves: Evidence, since: int = 0, until: int = 1_000_000) -> Walk:
    window = Window(since=START + timedelta(seconds=since), until=START + timedelta(seconds=until))
    walk = Walk(window=window)
    assert tuple(walk.through(leaves)) == leaves
    return walk


@pytest.mark.parametrize(
    ("since", "until", "begin", "end"),
    [
        ("2026-01-01", "2026-01-31", "2026-01-01T00:00:00", "2026-02-01T00:00:00"),
        ("2026-02-28", "2026-02-28", "2026-02-28T00:00:00", "2026-03-01T00:00:00"),
        ("2026-01-01T08:00:00Z", "2026-01-01T10:00:00+01:00", "2026-01-01T08:00:00", "2026-01-01T09:00:00"),
        ("2026-05-01", "2026-12-31", "2026-05-01T00:00:00", "2026-06-01T00:00:00"),
    ],
)
def test_a_window_is_half_open_in_utc_and_ends_now_at_the_latest(since: str, until: str, begin: str, end: str) -> None:
    window = Window.parse(since, until, now=NOW)
    assert (window.since, window.until) == (
        datetime.fromisoformat(begin).replace(tzinfo=UTC),
        datetime.fromisoformat(end).replace(tzinfo=UTC),
    )
    assert window.holds(window.since)
    assert not window.holds(window.until)


@pytest.mark.parametrize(
    ("since", "until"),
    [("2026-02-01", "2026-01-01"), ("2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z"), ("2026-06-02", "2026-06-03")],
)
def test_an_empty_window_or_one_to_come_is_refused(since: str, until: str) -> None:
    with pytest.raises(InvalidInput, match="empty, or has not begun"):
        Window.parse(since, until, now=NOW)


@pytest.mark.parametrize("text", ["", "now", "2026", "2026-02-30", "2026-1-1", "2026-01-01T08:00:00", "٢٠٢٦-01-01"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        parse_moment(text)


def test_the_last_day_of_the_calendar_has_no_end() -> None:
    with pytest.raises(InvalidInput, match="no day"):
        parse_moment("9999-12-31", end=True)


@given(st.lists(st.integers(0, 60), min_size=1, max_size=20), st.data())
def test_whatever_is_left_out_shows_as_a_gap(seconds: list[int], data: st.DataObject) -> None:
    whole = [leaf(index, second=second) for index, second in enumerate(sorted(seconds))]
    assert walked(*whole).gaps == []
    left_out = data.draw(st.integers(0, len(whole) - 1))
    walk = walked(*whole[:left_out], *whole[left_out + 1 :])
    if left_out < len(whole) - 1:
        assert walk.gaps == [f"log index {left_out} is not there; the next one is {left_out + 1}"]
    else:
        # What is cut off the end shows against the size of the checked log only.
        assert (walk.gaps, walk.size) == ([], len(whole) - 1)


def test_a_leaf_twice_shows_as_a_gap() -> None:
    assert walked(leaf(0, second=0), leaf(1, second=1), leaf(1, second=1)).gaps


@pytest.mark.parametrize(("back", "counts"), [(0, False), (5, False), (6, True)])
def test_a_clock_may_go_back_by_what_is_tolerated_and_no_more(back: int, counts: bool) -> None:
    walk = walked(leaf(0, second=100), leaf(1, second=100 - back))
    assert bool(walk.steps_back) is counts


def test_a_step_back_far_from_the_window_is_not_its_matter() -> None:
    leaves = (leaf(0, second=100), leaf(1, second=50), leaf(2, second=200))
    assert walked(*leaves, since=150).steps_back == []
    assert walked(*leaves, since=90, until=120).steps_back != []


def test_only_what_was_recorded_inside_is_counted() -> None:
    walk = walked(*(leaf(index, second=index * 10) for index in range(5)), since=10, until=30)
    assert (walk.statements, walk.first, walk.last, walk.size) == (2, 1, 2, 5)


def found(*looked: Looked) -> Outcome:
    window = Window(since=START, until=NOW)
    return Completeness(window=window, size=1, statements=1, first=0, last=0, looked=looked).outcome


def test_what_is_missing_outweighs_what_nobody_saw() -> None:
    good, missing = Looked(title="a", counted=1), Looked(title="b", counted=1, missing=("x",))
    unseen = Looked(title="c", counted=1, unseen=("y",))
    assert found(good) is Outcome.PASSED
    assert found(good, unseen) is Outcome.ERRORED
    assert found(unseen, missing, good) is Outcome.FAILED

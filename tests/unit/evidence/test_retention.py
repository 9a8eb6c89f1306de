"""Periods: never shorter than the law's, to the day; a file of one's own may only make them longer."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import wardline
from wardline.errors import InvalidInput
from wardline.evidence.retention.retention import (
    RULES,
    YEARS_BY_LAW,
    Kept,
    Schedule,
    add_years,
    class_of,
    period,
    retain_until,
)
from wardline.evidence.retention.retention_file import parse_schedule

DOCS = Path(__file__).parents[3] / "docs"
NO_BLOBS = {"application/vnd.wardline.packet+json", "application/vnd.wardline.backup+json"}  # types of envelopes
FOR_EVER = {Kept.STATEMENTS, Kept.PURGE_MANIFESTS, Kept.ERASURE_MANIFESTS}
MOMENTS = st.integers(0, 160 * 365 * 86_400).map(
    lambda seconds: datetime(1990, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
)


def when(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("begin", "years", "end"),
    [
        ("2026-11-23T08:00:00", 6, "2032-11-23T08:00:00"),
        ("2024-02-29T23:59:59", 6, "2030-03-01T23:59:59"),
        ("2024-02-29T00:00:00", 4, "2028-02-29T00:00:00"),
        ("2024-02-28T12:00:00", 6, "2030-02-28T12:00:00"),
        ("2096-02-29T12:00:00", 4, "2100-03-01T12:00:00"),  # 2100 is no leap year
        ("2026-12-31T23:59:59", 1, "2027-12-31T23:59:59"),
    ],
)
def test_years_are_calendar_years(begin: str, years: int, end: str) -> None:
    assert add_years(when(begin), years) == when(end)


@given(MOMENTS, st.integers(1, 100))
def test_so_many_years_are_never_less(moment: datetime, years: int) -> None:
    end = add_years(moment, years)
    assert (end.year, end.time()) == (moment.year + years, moment.time())
    assert (end.month, end.day) >= (moment.month, moment.day)
    assert end - moment >= timedelta(days=365 * years + (years // 4) - 2)


@given(MOMENTS, MOMENTS)
def test_a_period_begins_at_the_later_of_created_and_last_in_effect(created: datetime, last: datetime) -> None:
    end = retain_until(created, last)
    assert end == add_years(max(created, last), 6)
    assert end >= retain_until(created, created)


@given(MOMENTS, MOMENTS)
def test_who_begins_later_ends_no_earlier(one: datetime, other: datetime) -> None:
    early, late = sorted((one, other))
    assert add_years(early, 6) <= add_years(late, 6)


def test_without_a_file_the_law_counts() -> None:
    schedule = Schedule()
    for kept in Kept:
        expected = None if kept in FOR_EVER else YEARS_BY_LAW
        assert schedule.of(kept) == expected, kept
    assert schedule.until(Kept.STATEMENTS, created=when("2020-01-01"), last_in_effect=when("2020-01-01")) is None


def test_a_longer_period_counts_and_changes_the_digest() -> None:
    text = "retention: 1\nyears:\n  artifacts: 15\n  reports: for ever\n  outputs: 6\n"
    schedule = parse_schedule(text, where="retention.yaml")
    assert (schedule.of(Kept.ARTIFACTS), schedule.of(Kept.REPORTS)) == (15, None)
    assert (schedule.of(Kept.OUTPUTS), schedule.of(Kept.PRIVATE_TEXTS)) == (6, 6)
    assert schedule.digest != Schedule().digest
    assert parse_schedule("retention: 1\nyears: {}\n", where="retention.yaml").digest == Schedule().digest


@given(st.sampled_from([kept for kept, rule in RULES.items() if rule.years is not None]), st.integers(-10, 5))
def test_a_shorter_period_than_the_laws_is_refused_by_its_name(kept: Kept, years: int) -> None:
    with pytest.raises(InvalidInput, match=re.escape(RULES[kept].law)):
        Schedule(years={kept: years})
    with pytest.raises(InvalidInput) as refused:
        parse_schedule(f"retention: 1\nyears: {{{kept.value}: {years}}}\n", where="retention.yaml")
    assert RULES[kept].law in refused.value.problems[0]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "expected the keys retention and years, got nothing"),
        ("[]", "expected the keys"),
        ("retention: 2\nyears: {}", "retention: expected 1"),
        ("retention: true\nyears: {}", "retention: expected 1"),
        ("years: {}", "retention: expected 1, the version of this file; got nothing"),
        ("retention: 1", "years: expected classes with their periods, got nothing"),
        ("retention: 1\nyears: 6", "years: expected classes"),
        ("retention: 1\nyears: {output: 7}", "did you mean outputs?"),
        ("retention: 1\nyears: {7: 7}", "no such class"),
        ("retention: 1\nyears: {outputs: 6.5}", "expected whole years"),
        ("retention: 1\nyears: {outputs: true}", "expected whole years"),
        ("retention: 1\nyears: {outputs: '7'}", "expected whole years"),
        ("retention: 1\nyears: {outputs: 1000}", "whole years up to 100"),
        ("retention: 1\nyears: {statements: 6}", "45 CFR 164.312(c)(1) asks for: for ever"),
        ("retention: 1\nyears: {outputs: 10, outputs: 7}", "outputs: stands there twice"),
        ("retention: 1\nyears: {}\nyears: {}", "years: stands there twice"),
        ("retention: 1\nyears: {}\nextra: 1", "no such key"),
    ],
)
def test_what_is_wrong_with_a_file_is_named(text: str, problem: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse_schedule(text, where="retention.yaml")
    assert any(problem in found for found in refused.value.problems), refused.value.problems
    assert "retention.yaml" in refused.value.what


LAUGHS = "a0: &a0 {x: 1}\n" + "".join(f"a{i}: &a{i} {{x: *a{i - 1}, y: *a{i - 1}}}\n" for i in range(1, 60))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (LAUGHS, "anchors and aliases are not taken"),
        ("!!timestamp x", "tags are not taken"),  # the four that follow each came out as another error of Python's
        ("!!int ''", "tags are not taken"),
        ("!!bool x", "tags are not taken"),
        ("retention: !!float ''", "tags are not taken"),
        ("[" + "1," * 2000 + "]", "more values than there are classes"),
    ],
)
def test_what_yaml_can_and_periods_do_not_need_is_refused_unread(text: str, problem: str) -> None:
    with pytest.raises(InvalidInput, match=problem):
        parse_schedule(text, where="retention.yaml")


def test_a_number_of_thousands_of_digits_is_refused_as_such() -> None:
    huge = "0x" + "1" * 5000
    with pytest.raises(InvalidInput) as refused:
        parse_schedule(f"retention: {huge}\nyears: {{? {huge} : 1, outputs: {huge}}}", where="retention.yaml")
    assert len(refused.value.problems) == 3


@pytest.mark.parametrize("text", ["{", "a: [", "\x00", "&a [*a", "!!python/object:os.system {}", "? {a: b}\n: 1"])
def test_what_is_no_yaml_is_said_to_be_none(text: str) -> None:
    with pytest.raises(InvalidInput, match=r"retention\.yaml"):
        parse_schedule(text, where="retention.yaml")


@given(st.text(max_size=60))
def test_no_text_gets_past_the_reader_unread(text: str) -> None:
    try:
        schedule = parse_schedule(text, where="retention.yaml")
    except InvalidInput:
        return
    assert all((schedule.of(kept) or 100) >= (RULES[kept].years or 0) for kept in Kept)


def test_every_problem_is_told_at_once() -> None:
    with pytest.raises(InvalidInput) as refused:
        parse_schedule("retention: 2\nyears: {outputs: 5, nonsense: 7}\nmore: 1\n", where="retention.yaml")
    assert len(refused.value.problems) == 4


def test_a_class_follows_from_the_media_type_whatever_its_parameters() -> None:
    assert class_of("text/plain; charset=utf-8") is Kept.OUTPUTS
    assert class_of("Application/JSON") is Kept.REPORTS
    assert class_of("application/vnd.wardline.private-text+json") is Kept.PRIVATE_TEXTS
    assert class_of("application/x-unheard-of") is Kept.OTHERS


def test_the_reference_has_every_class_as_the_code_has_it() -> None:
    page = (DOCS / "reference" / "retention.md").read_text()
    rows = dict(re.findall(r"^\| `([a-z-]+)` \| (.*) \|$", page, flags=re.MULTILINE))
    for kept, rule in RULES.items():
        _, kept_for, law, why = rows[kept.value].split(" | ")
        assert (kept_for, law, why) == (period(rule.years), rule.law, rule.why), kept
    example = re.search(r"```yaml\n(.*?)```", page, flags=re.DOTALL)
    assert example is not None
    assert parse_schedule(example[1], where="the page").of(Kept.ARTIFACTS) == 15


def test_every_media_type_of_ours_has_a_class() -> None:
    """What is of no class is kept like the rest, but nobody decided so."""
    source = "\n".join(file.read_text() for file in Path(wardline.__file__).parent.rglob("*.py"))
    ours = set(re.findall(r'"(application/vnd\.wardline\.[a-z-]+\+(?:json|tar))"', source)) - NO_BLOBS
    assert len(ours) >= 8
    assert {kind for kind in ours if class_of(kind) is Kept.OTHERS} == set()

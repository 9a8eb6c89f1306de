"""What is said of evidence reads back as it was said, and keeps to what is published."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardline import canonical
from wardline.canonical import Digest, JSONObject
from wardline.errors import InvalidInput
from wardline.evidence.predicates import HoldReason, LegalHold, LegalHoldReleased, Purged, Scope
from wardline.evidence.retention.purges import Manifest, Removal
from wardline.evidence.retention.retention import RULES, Kept, Schedule
from wardline.evidence.schemas import check_predicate
from wardline.evidence.statements import Context, Statement
from wardline.identity.principals import Role
from wardline.ids import PrincipalId, RunId
from wardline.predicates import BlobRef, Predicate

DOCS = Path(__file__).parents[3] / "docs" / "predicates"
NOW = datetime(2026, 11, 23, 1, 2, 3, 4000, tzinfo=UTC)
DIGESTS = st.binary(max_size=8).map(Digest.of)
TIMES = st.integers(0, 2_000_000_000_000).map(lambda ms: datetime(1990, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms))
BLOBS = st.builds(BlobRef, digest=DIGESTS, media_type=st.just("text/plain"), size_bytes=st.integers(0, 10**9))
NAMES = st.none() | st.text(min_size=1, max_size=8).filter(str.isascii)


@st.composite
def scopes(draw: st.DrawFn) -> Scope:
    times = draw(st.lists(TIMES, min_size=2, max_size=2, unique=True).map(sorted))
    since, until = (draw(st.sampled_from([None, time])) for time in times)
    run = draw(NAMES)
    return Scope(service=draw(NAMES), run=None if run is None else RunId(run), since=since, until=until)


HOLDS = st.builds(
    LegalHold,
    role=st.sampled_from([Role.COMPLIANCE, Role.DATA_PROTECTION]),
    scope=scopes(),
    code=st.sampled_from(HoldReason),
    reason=BLOBS,
    blocks_erasure=st.booleans(),
)
RELEASES = st.builds(
    LegalHoldReleased,
    role=st.sampled_from([Role.COMPLIANCE, Role.DATA_PROTECTION]),
    hold=st.integers(0, 10**6),
    reason=BLOBS,
)
PURGEABLE = [kept for kept, rule in RULES.items() if rule.years is not None]
PURGES = st.builds(
    Purged,
    manifest=BLOBS,
    at_size=st.integers(0, 10**6),
    before=TIMES,
    schedule=DIGESTS,
    classes=st.dictionaries(
        st.sampled_from([kept.value for kept in PURGEABLE]),
        st.tuples(st.integers(1, 100), st.integers(0, 10**12)),
        min_size=1,
    ),
)


def stated(predicate: Predicate) -> Statement:
    context = Context(
        run=None, step="a/step", attempt=1, recorded_at=NOW, actor=PrincipalId("p"), outcome=predicate.outcome
    )
    return Statement.decode(Statement.of(predicate, context).encode())


@given(HOLDS)
def test_a_legal_hold_reads_back_and_keeps_to_its_schema(hold: LegalHold) -> None:
    statement = stated(hold)
    check_predicate(statement)
    assert LegalHold.parse(statement.body) == hold


@given(RELEASES)
def test_a_release_reads_back_and_keeps_to_its_schema(released: LegalHoldReleased) -> None:
    statement = stated(released)
    check_predicate(statement)
    assert LegalHoldReleased.parse(statement.body) == released


@given(PURGES)
def test_a_purge_keeps_to_its_schema(purged: Purged) -> None:
    check_predicate(stated(purged))


@given(HOLDS | RELEASES | PURGES, st.data())
def test_nothing_may_be_left_out_or_added_or_of_another_type(predicate: Predicate, data: st.DataObject) -> None:
    statement = stated(predicate)
    member = data.draw(st.sampled_from(sorted(statement.body)))
    less: JSONObject = {name: value for name, value in statement.body.items() if name != member}
    for body in (less, statement.body | {"extra": 1}, statement.body | {member: [[]]}):
        with pytest.raises(InvalidInput):
            check_predicate(replace(statement, body=body))
        if isinstance(predicate, LegalHold | LegalHoldReleased):
            with pytest.raises(InvalidInput):
                type(predicate).parse(body)


def test_a_hold_in_a_role_that_may_not_is_against_the_schema() -> None:
    reason = BlobRef(digest=Digest.of(b"x"), media_type="text/plain", size_bytes=1)
    released = LegalHoldReleased(role=Role.OPERATOR, hold=1, reason=reason)
    with pytest.raises(InvalidInput):
        check_predicate(stated(released))


def test_a_scope_that_holds_nothing_cannot_be_written() -> None:
    with pytest.raises(InvalidInput, match="not after"):
        Scope(since=NOW, until=NOW)


@given(scopes(), TIMES, NAMES, NAMES)
def test_a_scope_covers_what_meets_all_of_it(scope: Scope, at: datetime, run: str | None, service: str | None) -> None:
    known = None if run is None else RunId(run)
    covered = scope.covers(run=known, service=service, recorded_at=at)
    assert Scope().covers(run=known, service=service, recorded_at=at)
    parts = [
        Scope(service=scope.service),
        Scope(run=scope.run),
        Scope(since=scope.since),
        Scope(until=scope.until),
    ]
    assert covered == all(part.covers(run=known, service=service, recorded_at=at) for part in parts)


REMOVALS = st.lists(
    st.builds(
        Removal,
        digest=DIGESTS,
        kept=st.sampled_from(PURGEABLE),
        size_bytes=st.integers(0, 10**12),
        retain_until=TIMES,
        named_by=st.integers(0, 10**9),
    ),
    max_size=8,
    unique_by=lambda one: one.digest,
)


@given(REMOVALS)
def test_a_manifest_reads_back_in_one_form_whatever_the_order(removals: list[Removal]) -> None:
    content = Manifest.of(removals, Schedule()).encode()
    assert content == Manifest.of(list(reversed(removals)), Schedule()).encode()
    manifest = Manifest.decode(content)
    assert manifest.encode() == content
    assert set(manifest.removals) == set(removals)
    assert canonical.digest_of(manifest.schedule) == Schedule().digest


@given(st.binary(max_size=200))
def test_what_is_no_manifest_is_refused(content: bytes) -> None:
    with pytest.raises(InvalidInput):
        Manifest.decode(content)


@pytest.mark.parametrize(
    "content",
    [
        b'{"format":"wardline-purge/2","purged":[],"schedule":{}}',
        b'{"format":"wardline-purge/1","purged":[{}],"schedule":{}}',
        b'{"format":"wardline-purge/1","purged":[],"schedule":{},"x":1}',
    ],
)
def test_a_manifest_of_another_format_is_refused(content: bytes) -> None:
    with pytest.raises(InvalidInput):
        Manifest.decode(content)


def test_no_class_that_stays_for_ever_is_in_the_schema_of_a_purge() -> None:
    page = (DOCS / "purge.schema.json").read_text()
    for kept in Kept:
        assert (f'"{kept.value}"' in page) is (kept in PURGEABLE), kept


@pytest.mark.parametrize("name", ["legal-hold", "legal-hold-release", "purge"])
def test_every_page_names_every_member_and_code(name: str) -> None:
    page, _, _ = (DOCS / f"{name}.md").read_text().partition("## Example")
    schema = json.loads((DOCS / f"{name}.schema.json").read_text())
    for member in schema["properties"]:
        assert f"`{member}`" in page, member
    if name == "legal-hold":
        assert all(f"`{code.value}`" in page for code in HoldReason)

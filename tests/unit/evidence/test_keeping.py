"""What becomes of a kept thing follows from who names it, what rests on that, what serves, and what is held."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardline.canonical import Digest, JSONObject
from wardline.evidence.envelopes import Envelope, Signature
from wardline.evidence.log import Evidence
from wardline.evidence.predicates import LEGAL_HOLD, HoldReason, LegalHold, Scope
from wardline.evidence.retention.keeping import InEffect, Lying, State, fate, mentions
from wardline.evidence.retention.legal_holds import Ended, PlacedHold
from wardline.evidence.retention.retention import Kept, Schedule, add_years
from wardline.evidence.statements import Context, Statement
from wardline.identity.principals import Role
from wardline.ids import KeyId, PrincipalId, RunId
from wardline.outcomes import Outcome
from wardline.predicates import NAMESPACE, BlobRef, Subject

START = datetime(2020, 1, 1, tzinfo=UTC)
NOW = datetime(2026, 6, 1, tzinfo=UTC)
ENVELOPE = Envelope(payload_type="x", payload=b"x", signatures=(Signature(keyid=KeyId("k"), sig=b"s"),))
SCAN, SEAL, WAIVER, DEPLOYMENT = (f"{NAMESPACE}/{name}/v1" for name in ("scan", "seal", "waiver", "deployment"))
DECISION = "https://slsa.dev/verification_summary/v1"


def blob(text: str, media_type: str = "text/plain") -> BlobRef:
    return BlobRef(digest=Digest.of(text.encode()), media_type=media_type, size_bytes=len(text))


class Log:
    """Statements as they might stand in a log, a day apart; nobody signed them."""

    def __init__(self) -> None:
        self.items: list[Evidence] = []
        self.holds: list[PlacedHold] = []

    def say(self, kind: str, body: JSONObject, *, run: str | None = "r-1", day: int | None = None) -> int:
        index = len(self.items)
        context = Context(
            run=None if run is None else RunId(run),
            step=str(index),
            attempt=1,
            recorded_at=START + timedelta(days=index if day is None else day),
            actor=PrincipalId("m"),
            outcome=Outcome.PASSED,
        )
        subject = Subject(name="x", digest=Digest.of(b"subject"))
        statement = Statement(predicate_type=kind, subjects=(subject,), context=context, body=body)
        self.items.append(Evidence(index=index, key=context.key, envelope=ENVELOPE, statement=statement))
        return index

    def scan(self, text: str, *, run: str | None = "r-1", service: str | None = "eligibility") -> int:
        body: JSONObject = {"report": blob(text).to_json()}
        return self.say(SCAN, body if service is None else body | {"service": service}, run=run)

    def seal(self, run: str = "r-1", service: str = "eligibility") -> int:
        return self.say(SEAL, {"service": service}, run=run)

    def decide(self, *evidence: int, run: str = "r-1") -> int:
        return self.say(DECISION, {"wardline_decision": {"evidence": list(evidence)}}, run=run)

    def hold(self, *, ended: bool = False, **scope: object) -> int:
        index = self.say(LEGAL_HOLD, {"reason": blob(f"why {len(self.items)}").to_json()}, run=None)
        at = self.items[index].statement.context.recorded_at
        placing = LegalHold(
            role=Role.COMPLIANCE,
            scope=Scope(**scope),  # type: ignore[arg-type]
            code=HoldReason.LITIGATION,
            reason=blob("why"),
            blocks_erasure=False,
        )
        over = Ended(index=index, at=at + timedelta(days=1), by=PrincipalId("p")) if ended else None
        self.holds.append(PlacedHold(index=index, at=at, by=PrincipalId("p"), hold=placing, ended=over))
        return index

    def fate_of(self, text: str, *, serving: tuple[str, ...] = (), before: datetime = NOW, put_at: datetime = START):
        in_effect = InEffect(now=NOW, until={RunId(run): NOW for run in serving})
        named = mentions(self.items, in_effect=in_effect, holds=self.holds)
        thing = Lying(digest=Digest.of(text.encode()), size_bytes=len(text), put_at=put_at)
        return fate(
            thing, named.get(thing.digest, ()), schedule=Schedule(), before=before, put_before=NOW - timedelta(days=1)
        )

    def state_of(self, text: str, **known: object) -> State:
        return self.fate_of(text, **known).state  # type: ignore[arg-type]


@pytest.fixture
def log() -> Log:
    return Log()


def test_what_a_sealed_run_left_may_go_after_six_years(log: Log) -> None:
    log.scan("report")
    log.seal()
    found = log.fate_of("report")
    assert (found.state, found.kept, found.until) == (State.DUE, Kept.OUTPUTS, add_years(START, 6))
    assert log.state_of("report", before=add_years(START, 6)) is State.DUE
    assert log.state_of("report", before=add_years(START, 6) - timedelta(seconds=1)) is State.WITHIN


def test_what_serves_is_in_effect_now(log: Log) -> None:
    log.scan("report")
    log.seal()
    found = log.fate_of("report", serving=("r-1",))
    assert (found.state, found.until) == (State.WITHIN, add_years(NOW, 6))


def test_more_may_be_said_of_a_run_that_is_not_sealed(log: Log) -> None:
    log.scan("report")
    assert log.state_of("report") is State.WITHIN


def test_what_no_statement_names_is_nobodys_to_purge(log: Log) -> None:
    log.scan("report")
    assert log.state_of("stray") is State.UNNAMED


def test_what_a_younger_statement_names_too_stays(log: Log) -> None:
    log.scan("report")
    log.seal()
    for _ in range(200):
        log.scan("filler", run=None)
    log.scan("report", run="r-2")
    log.seal("r-2")
    found = log.fate_of("report")
    assert (found.state, found.named_by) == (State.WITHIN, 202)
    assert found.until == add_years(START + timedelta(days=202), 6)


def test_a_thing_goes_under_the_class_that_wants_it_longest(log: Log) -> None:
    log.say(SCAN, {"a": blob("same", "text/plain").to_json(), "b": blob("same", "application/json").to_json()})
    log.seal()
    named = mentions(log.items, in_effect=InEffect(now=NOW), holds=())
    thing = Lying(digest=Digest.of(b"same"), size_bytes=4, put_at=START)
    longer = Schedule(years={Kept.REPORTS: 50})
    found = fate(thing, named[thing.digest], schedule=longer, before=NOW, put_before=NOW)
    assert (found.kept, found.state) == (Kept.REPORTS, State.WITHIN)
    for_ever = Schedule(years={Kept.OUTPUTS: None})
    found = fate(thing, named[thing.digest], schedule=for_ever, before=NOW, put_before=NOW)
    assert (found.kept, found.state, found.until) == (Kept.OUTPUTS, State.FOR_EVER, None)


def test_what_a_decision_in_effect_was_made_from_is_in_effect(log: Log) -> None:
    waiver = log.say(WAIVER, {"reason": blob("reason").to_json(), "expires_at": "2020-02-01T00:00:00.000Z"}, run=None)
    other = log.scan("of an earlier run", run="r-0")
    log.seal("r-0")
    log.decide(waiver, other)
    log.seal()
    assert log.state_of("reason") is State.DUE
    assert log.state_of("reason", serving=("r-1",)) is State.WITHIN
    assert log.state_of("of an earlier run", serving=("r-1",)) is State.WITHIN


def test_what_lies_two_steps_below_is_not_kept_by_what_serves(log: Log) -> None:
    """Each release rests on the one before it: further down, all of them would stay for ever."""
    tests = log.scan("tests", run="r-0")
    decision = log.decide(tests, run="r-0")
    log.seal("r-0")
    log.say(DEPLOYMENT, {"decision": decision, "x": blob("words").to_json()}, run="r-1")
    log.seal()
    assert log.state_of("words", serving=("r-1",)) is State.WITHIN
    assert log.state_of("tests", serving=("r-1",)) is State.DUE


def test_a_waiver_is_in_effect_until_it_expires(log: Log) -> None:
    log.say(WAIVER, {"reason": blob("reason").to_json(), "expires_at": "2020-12-31T00:00:00.000Z"}, run=None)
    assert log.fate_of("reason").until == datetime(2026, 12, 31, tzinfo=UTC)


@pytest.mark.parametrize(
    ("scope", "held"),
    [
        ({}, True),
        ({"service": "eligibility"}, True),
        ({"service": "billing"}, False),
        ({"run": RunId("r-1")}, True),
        ({"run": RunId("r-2")}, False),
        ({"since": START, "until": START + timedelta(days=1)}, True),
        ({"since": START + timedelta(seconds=1)}, False),
        ({"until": START}, False),
        ({"service": "eligibility", "run": RunId("r-2")}, False),
    ],
)
def test_a_hold_keeps_what_is_in_its_scope_and_nothing_else(log: Log, scope: dict, held: bool) -> None:
    log.scan("report", service=None)
    log.seal()
    index = log.hold(**scope)
    found = log.fate_of("report")
    assert found.state is (State.HELD if held else State.DUE)
    assert found.holds == (frozenset({index}) if held else frozenset())


def test_a_released_hold_keeps_nothing(log: Log) -> None:
    log.scan("report")
    log.seal()
    log.hold(ended=True)
    assert log.state_of("report") is State.DUE


def test_of_two_holds_one_is_enough(log: Log) -> None:
    log.scan("report")
    log.seal()
    log.hold(ended=True)
    second = log.hold()
    assert log.fate_of("report").holds == {second}


def test_what_a_held_run_rests_on_is_held(log: Log) -> None:
    waiver = log.say(WAIVER, {"reason": blob("reason").to_json(), "expires_at": "2020-01-02T00:00:00.000Z"}, run=None)
    log.decide(waiver)
    log.seal()
    log.hold(run=RunId("r-1"))
    assert log.state_of("reason") is State.HELD


def test_what_belongs_to_no_service_is_held_for_every_service(log: Log) -> None:
    log.say(WAIVER, {"reason": blob("reason").to_json(), "expires_at": "2020-01-02T00:00:00.000Z"}, run=None)
    log.hold(service="eligibility")
    assert log.state_of("reason") is State.HELD


def test_the_reason_of_a_hold_stays_while_it_stands(log: Log) -> None:
    standing, released = log.hold(run=RunId("r-9")), log.hold(run=RunId("r-9"), ended=True)
    assert log.fate_of(f"why {standing}").until == add_years(NOW, 6)
    assert log.fate_of(f"why {released}").until == add_years(START + timedelta(days=released + 1), 6)


def test_what_was_kept_again_a_moment_ago_is_left_alone(log: Log) -> None:
    log.scan("report")
    log.seal()
    assert log.state_of("report", put_at=NOW - timedelta(hours=1)) is State.RECENT


SPOKEN = st.lists(
    st.tuples(st.sampled_from(["scan", "decide", "seal", "hold"]), st.integers(0, 3), st.integers(0, 30)), max_size=25
)


@given(SPOKEN, st.integers(0, 3))
def test_whatever_is_said_nothing_in_effect_or_held_is_ever_due(story: list[tuple[str, int, int]], serves: int) -> None:
    log = Log()
    for what, run, other in story:
        name = f"r-{run}"
        if what == "scan":
            log.scan(f"blob {other % 5}", run=name)
        elif what == "decide":
            log.decide(*(index for index in (other, other // 2) if index < len(log.items)), run=name)
        elif what == "seal":
            log.seal(name)
        else:
            log.hold(run=RunId(name), ended=other % 2 == 0)
    standing = {placed.hold.scope.run for placed in log.holds if placed.stands}
    last = {item.statement.context.run: item.statement.predicate_type for item in log.items}
    for number in range(5):
        found = log.fate_of(f"blob {number}", serving=(f"r-{serves}",))
        naming = {
            item.statement.context.run
            for item in log.items
            if item.statement.body.get("report") == blob(f"blob {number}").to_json()
        }
        if any(run == f"r-{serves}" or run in standing or last[run] != SEAL for run in naming):
            assert found.state is not State.DUE
        if found.state is State.DUE:
            assert found.until is not None
            assert found.until <= NOW

"""Decisions made again from what was kept of them, and explained by the values they rest on."""

from dataclasses import replace
from datetime import timedelta

import pytest
from gate_world import RUN, World, person
from hypothesis import given
from hypothesis import strategies as st

from wardline.adapters.policy.cel import CEL
from wardline.canonical import Digest, JSONObject, encode
from wardline.delivery.approve import Approvals
from wardline.delivery.decide import Gate, decide, decision_of
from wardline.delivery.replay import Archive, decisions, explain_decision, replay
from wardline.errors import InvalidInput, NotFound
from wardline.evidence.log import Evidence
from wardline.gates.matching import Match, Scope
from wardline.gates.policy import Emergency, Policy, Severity, policies_of, policy_digest, policy_document
from wardline.gates.policy_files import load_policies
from wardline.gates.replay import differences, values_in
from wardline.identity.principals import Role
from wardline.outcomes import Outcome
from wardline.pipelines.spec import Criticality, DataClass

ENGINE = CEL()
POLICIES = load_policies()


@pytest.fixture
def world() -> World:
    world = World()
    world.serve()
    world.ship()
    return world


def decided(world: World, *, policies: tuple[Policy, ...] = POLICIES, step: str = "production/gate") -> Evidence:
    gate = Gate(collect=world.collect, engine=ENGINE, policies=policies)
    return world.log.read(decide(gate, world.door(), step=step)[1])


def archive(world: World) -> Archive:
    return Archive(log=world.log, blobs=world.collect.blobs)


def approved(world: World) -> None:
    desk = Approvals(collect=world.collect, messenger=world.messenger)
    for who, role in (("ben", Role.CLINICAL_SAFETY), ("cleo", Role.COMPLIANCE)):
        desk.approve(desk.what_is_signed(world.door()), by=person(who), role=role, reason="Looked at it.")


def test_what_is_kept_of_policies_reads_back_as_what_decided():
    again = policies_of(policy_document(POLICIES))
    assert policy_digest(again) == policy_digest(POLICIES)
    assert [policy.cases.allowed for policy in again] == [()] * len(POLICIES)


def test_a_policy_kept_by_an_earlier_version_reads_back_to_the_same_digest():
    """As every document before `match`: environments beside the rest, and no severity."""
    then = {
        "id": "tests-passed",
        "title": "The tests passed",
        "controls": ["hipaa:164.308(a)(8)"],
        "environments": ["staging", "production"],
        "needs": [],
        "validations": [{"expression": "input.tests.failed == 0", "message": "tests failed", "shows": []}],
    }
    everywhere = then | {"id": "everywhere", "environments": "all"}
    again = policies_of([everywhere, then])
    assert policy_document(again) == [everywhere, then]
    assert [policy.match.environments for policy in again] == ["all", ("staging", "production")]


_NAMES = st.lists(st.text("abc", min_size=1, max_size=3), max_size=2).map(tuple)
_MATCHES = st.builds(
    Match,
    environments=st.one_of(st.sampled_from(Scope), _NAMES),
    services=_NAMES,
    criticality=st.lists(st.sampled_from(Criticality), max_size=2).map(tuple),
    data=st.lists(st.sampled_from(DataClass), max_size=2).map(tuple),
)


@given(
    where=_MATCHES,
    severity=st.sampled_from(Severity),
    emergency=st.sampled_from(Emergency),
    source=st.one_of(st.none(), st.text("abc", min_size=1)),
)
def test_what_is_kept_of_any_policy_reads_back(where, severity, emergency, source):
    one = replace(POLICIES[0], match=where, severity=severity, emergency=emergency, source=source)
    again = policies_of(policy_document([one]))
    assert again == (replace(one, cases=again[0].cases),)
    assert policy_digest(again) == policy_digest([one])


@pytest.mark.parametrize(
    "document",
    [
        {},
        [{}],
        ["x"],
        [policy_document(POLICIES)[0] | {"more": 1}],
        [
            policy_document(POLICIES)[0]
            | {"match": {"environments": "somewhere", "services": [], "criticality": [], "data": []}}
        ],
        [policy_document(POLICIES)[0] | {"match": {"environments": "all"}}],
        [policy_document(POLICIES)[0] | {"severity": "mild"}],
        [policy_document(POLICIES)[0] | {"emergency": None}],
        [policy_document(POLICIES)[0] | {"environments": "all"}],
        [policy_document(POLICIES)[0] | {"needs": [{"expression": "true"}]}],
        [{k: v for k, v in policy_document(POLICIES)[0].items() if k != "controls"}],
    ],
)
def test_what_is_no_kept_policy_is_refused(document):
    with pytest.raises(InvalidInput, match="kept polic"):
        policies_of(document)


def test_decisions_come_to_the_same_whatever_became_of_the_world(world):
    undecided = decided(world, step="before")
    approved(world)
    allowed = decided(world)
    world.clock.advance(timedelta(days=400))
    found = [replay(each, archive(world), engine=ENGINE) for each in decisions(archive(world), run=RUN)]
    assert [each.evidence.index for each in found] == [undecided.index, allowed.index]
    assert [each.decision.verdict for each in found] == ["undecided", "allow"]
    assert [(each.outcome, each.details) for each in found] == [(Outcome.PASSED, ())] * 2
    assert [each.index for each in decisions(archive(world))] == [undecided.index, allowed.index]
    assert [each.index for each in decisions(archive(world), index=allowed.index)] == [allowed.index]


def test_a_decision_that_does_not_follow_from_its_input_is_told(world):
    """As if somebody had recorded another verdict than the policies gave."""
    evidence = decided(world)
    body = evidence.statement.body
    lied = body["wardline_decision"] | {"verdict": "deny"}
    forged = replace(evidence, statement=replace(evidence.statement, body=body | {"wardline_decision": lied}))
    found = replay(forged, archive(world), engine=ENGINE)
    assert found.outcome is Outcome.FAILED
    assert found.details == ("verdict: deny then, undecided now",)


def test_every_difference_is_named():
    world = World()
    world.ship()
    one = decision_of(decided(world, step="one"))
    stricter = tuple(replace(p, title="Otherwise") if p.id == "approved" else p for p in POLICIES)
    other = decision_of(decided(world, policies=stricter, step="stricter"))
    assert differences(one, one) == ()
    assert [line.split(":")[0] for line in differences(one, other)] == ["policy_digest"]
    approved(world)
    third = decision_of(decided(world, step="third"))
    told = " ".join(differences(one, third))
    assert "input_digest" in told
    assert "approved then: " in told
    assert "approved now: " in told


@pytest.mark.parametrize("gone", ["policies", "input"])
def test_what_it_was_made_of_being_gone_is_no_pass(world, gone):
    evidence = decided(world)
    world.collect.blobs.kept.pop(Digest(evidence.statement.body["wardline_decision"][gone]["digest"]["sha256"]))
    found = replay(evidence, archive(world), engine=ENGINE)
    assert found.outcome is Outcome.ERRORED
    assert gone in found.details[0]
    with pytest.raises(NotFound, match=gone):
        explain_decision(evidence, archive(world), engine=ENGINE)


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b'{"environment":{"name":"production"}}', b"\xff"])
def test_an_input_that_cannot_be_read_is_no_pass(world, content):
    evidence = decided(world)
    world.collect.blobs.kept[decision_of(evidence).judgement.input_digest] = content
    assert replay(evidence, archive(world), engine=ENGINE).outcome is Outcome.ERRORED


def test_a_policy_that_was_not_asked_then_is_no_replay(world):
    evidence = decided(world)
    elsewhere = [replace(POLICIES[0], match=Match(environments=("elsewhere",)))]
    world.collect.blobs.kept[decision_of(evidence).judgement.policy_digest] = encode(policy_document(elsewhere))
    found = replay(evidence, archive(world), engine=ENGINE)
    assert found.outcome is Outcome.ERRORED
    assert "do not apply" in found.details[0]


def test_what_is_no_decision_or_no_run_is_not_found(world):
    with pytest.raises(NotFound, match="is no decision"):
        list(decisions(archive(world), index=0))
    with pytest.raises(NotFound, match="left no decision"):
        list(decisions(archive(world), run="r-nobody"))


def test_an_explanation_shows_the_values_that_decided(world):
    found = explain_decision(decided(world), archive(world), engine=ENGINE)
    checks = {check.expression: check for each in found.policies for check in each.checks}
    asked = checks["input.rehearsal.age_s <= input.rollback.max_age_s"]
    assert asked.answer.value is True
    assert asked.values == {"rehearsal.age_s": "0", "rollback.max_age_s": "345600"}
    assert {each.policy.id for each in found.policies} == {policy.id for policy in POLICIES}


@pytest.mark.parametrize(
    ("expression", "values"),
    [
        ("input.a.b == 1", {"a.b": "1"}),
        ("has(input.a.c)", {"a.c": None}),
        ("input.list.all(f, f.x == 1) && size(input.list) > 0", {"list": "2 of them"}),
        ("input.text.startsWith('x')", {"text": '"' + "x" * 98 + "…"}),
        ("inputs.a == 1 || my.input.a == 2", {"a": '{"b":1}'}),
        ("input == 1", {}),
        ("input.none.deep", {"none.deep": None}),
    ],
)
def test_values_are_found_by_path_and_short(expression: str, values: dict[str, str | None]):
    document: JSONObject = {"a": {"b": 1}, "list": [1, 2], "text": "x" * 200}
    assert values_in(expression, document) == values

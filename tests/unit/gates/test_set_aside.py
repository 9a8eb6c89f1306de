"""What break-glass changes in a decision, whatever policies say and whoever broke the glass."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardline.canonical import Digest, JSONObject
from wardline.gates.decisions import Allow, Deny, Undecided
from wardline.gates.judge import Question, judge
from wardline.gates.matching import Match
from wardline.gates.policy import Answer, Cases, Check, Emergency, Policy, Severity
from wardline.gates.policy_files import load_policies
from wardline.gates.predicates import DecisionMade, parse_decision
from wardline.ids import EnvironmentName
from wardline.predicates import BlobRef

ARTIFACT = Digest.of(b"artifact")
BLOB = BlobRef(digest=Digest.of(b"x"), media_type="text/plain", size_bytes=1)
ANSWERS = {"allow": True, "deny": False, "undecided": None}
# For ever, whatever else is made to yield: who built it, what of it is known to be bad, and the way back.
KEPT_FOR_EVER = {"provenance-present", "no-serious-finding", "way-back", "tests-passed", "not-rejected"}


@dataclass
class Told:
    """An engine whose policies say what their id begins with."""

    def evaluate(self, policies: Sequence[Policy], document: JSONObject) -> Sequence[Sequence[Answer]]:
        return [[Answer(value=ANSWERS[policy.id.partition("-")[0]], problem="so", shown=())] for policy in policies]


def policy(number: int, says: str, emergency: Emergency, severity: Severity) -> Policy:
    check = Check(expression="input.x", message="it is so")
    return Policy(
        id=f"{says}-{number}",
        title="A rule",
        controls=(),
        match=Match(),
        severity=severity,
        emergency=emergency,
        needs=(),
        validations=(check,),
        cases=Cases(allowed=(), denied=(), undecided=()),
    )


def question(people: int) -> Question:
    glass: JSONObject = {"emergency": {"log": 41, "people": people}} if people else {}
    return Question(
        environment=EnvironmentName("production"), production=True, artifact=ARTIFACT, document=glass, evidence=(41,)
    )


POLICIES = st.lists(
    st.tuples(st.sampled_from([*ANSWERS]), st.sampled_from(Emergency), st.sampled_from(Severity)), max_size=6
).map(lambda rows: [policy(number, *row) for number, row in enumerate(rows)])


def decide(policies: list[Policy], people: int):
    return judge(policies, question(people), engine=Told())


@given(policies=POLICIES, people=st.integers(0, 3))
def test_no_objection_or_doubt_of_a_kept_policy_is_let_pass(policies: list[Policy], people: int) -> None:
    decision = decide(policies, people)
    yields = {Emergency.SET_ASIDE} if people < 2 else {Emergency.SET_ASIDE, Emergency.TWO_PEOPLE}
    kept = [p for p in policies if p.severity is Severity.DENY and (not people or p.emergency not in yields)]
    assert isinstance(decision, Allow) == (bool(kept) and all(p.id.startswith("allow") for p in kept))
    if any(p.id.startswith("deny") for p in kept):
        assert isinstance(decision, Deny)


@given(policies=POLICIES, people=st.integers(0, 3))
def test_a_decision_names_the_glass_exactly_where_something_was_set_aside(policies: list[Policy], people: int) -> None:
    judgement = decide(policies, people).judgement
    aside = [reason for reason in judgement.reasons if reason.verdict == "set-aside"]
    assert judgement.emergency == (41 if aside else None)
    assert all("EMERGENCY" in reason.message and "log index 41" in reason.message for reason in aside)


@given(policies=POLICIES, people=st.integers(0, 3))
def test_what_is_recorded_of_a_decision_is_read_back_equal(policies: list[Policy], people: int) -> None:
    decision = decide(policies, people)
    made = DecisionMade(
        service="eligibility",
        decision=decision,
        decided_at=datetime(2026, 11, 25, tzinfo=UTC),
        input=BLOB,
        policies=BLOB,
    )
    assert parse_decision(made.body(), artifact=ARTIFACT) == decision


def test_where_no_policy_is_kept_the_gate_is_undecided() -> None:
    decision = decide([policy(0, "allow", Emergency.SET_ASIDE, Severity.DENY)], 1)
    assert isinstance(decision, Undecided)
    assert [reason.message for reason in decision.judgement.reasons if reason.policy == "none"] == [
        "every policy that decides here yields to break-glass: an emergency has fewer gates, never none"
    ]


def test_a_rule_for_two_people_does_not_yield_to_one() -> None:
    asked = [policy(0, "allow", Emergency.KEPT, Severity.DENY), policy(1, "deny", Emergency.TWO_PEOPLE, Severity.DENY)]
    assert isinstance(decide(asked, 1), Deny)
    assert isinstance(decide(asked, 2), Allow)


@pytest.mark.parametrize("emergency", [{}, {"log": 41}, {"log": "41", "people": 2}, {"log": 41, "people": 0}, None, 41])
def test_what_is_no_break_glass_sets_nothing_aside(emergency: object) -> None:
    asked = [policy(0, "allow", Emergency.KEPT, Severity.DENY), policy(1, "deny", Emergency.SET_ASIDE, Severity.DENY)]
    document: JSONObject = {"emergency": emergency}  # type: ignore[dict-item]  # nothing that facts write
    assert isinstance(judge(asked, replace(question(0), document=document), engine=Told()), Deny)


def test_what_ships_never_lets_an_emergency_go_round_these() -> None:
    assert {p.id for p in load_policies() if p.emergency is Emergency.KEPT} >= KEPT_FOR_EVER

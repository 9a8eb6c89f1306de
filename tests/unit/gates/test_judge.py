from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardline.canonical import Digest, JSONObject, digest_of
from wardline.errors import InvalidInput, Unavailable
from wardline.gates.decisions import Allow, Deny, Undecided
from wardline.gates.judge import Question, applying, judge
from wardline.gates.matching import Match, Scope
from wardline.gates.policy import Answer, Cases, Check, Policy, Severity, policy_digest
from wardline.ids import EnvironmentName
from wardline.pipelines.spec import Criticality, DataClass

QUESTION = Question(
    environment=EnvironmentName("production"),
    production=True,
    artifact=Digest.of(b"artifact"),
    document={"tests": {"executed": 41}},
    evidence=(3, 5),
)
TRUE, FALSE, UNKNOWN = (Answer(value=value, problem=None, shown=()) for value in (True, False, None))


@dataclass
class Answers:
    """An engine that says what it was given; a policy it was given nothing for gets no answer."""

    of: dict[str, tuple[Answer, ...]] = field(default_factory=dict)

    def evaluate(self, policies: Sequence[Policy], document: JSONObject) -> Sequence[Sequence[Answer]]:
        return [self.of.get(policy.id, ()) for policy in policies]


def policy(
    name: str,
    *,
    needs: int = 1,
    validations: int = 1,
    environments: object = Scope.ALL,
    severity: Severity = Severity.DENY,
) -> Policy:
    def checks(kind: str, count: int) -> tuple[Check, ...]:
        return tuple(Check(expression=f"input.{kind}", message=f"{kind} {i}", shows=("input.x",)) for i in range(count))

    return Policy(
        id=name,
        title=f"{name} holds",
        controls=("hipaa:164.312(c)(1)",),
        match=Match(environments=environments),
        severity=severity,
        needs=checks("need", needs),
        validations=checks("validation", validations),
        cases=Cases(allowed=(), denied=(), undecided=()),
    )


def decide(answers: dict[str, tuple[Answer, ...]], policies: Sequence[Policy] | None = None):
    return judge(policies or [policy(name) for name in answers], QUESTION, engine=Answers(answers))


@pytest.mark.parametrize(
    ("answers", "kind"),
    [
        ((TRUE, TRUE), Allow),
        ((TRUE, FALSE), Deny),
        ((TRUE, UNKNOWN), Undecided),
        ((FALSE, TRUE), Undecided),
        ((UNKNOWN, TRUE), Undecided),
        ((FALSE, FALSE), Undecided),  # without what it needs a validation says nothing
        ((TRUE,), Undecided),
        ((TRUE, TRUE, TRUE), Undecided),
        ((), Undecided),
    ],
)
def test_one_policy(answers, kind):
    assert isinstance(decide({"tests": answers}), kind)


def test_no_policy_at_all_is_undecided():
    decision = judge([], QUESTION, engine=Answers())
    assert isinstance(decision, Undecided)
    assert decision.judgement.reasons[0].policy == "none"


def test_no_policy_that_applies_here_is_undecided():
    elsewhere = policy("tests", environments=(EnvironmentName("staging"),))
    assert isinstance(judge([elsewhere], QUESTION, engine=Answers({"tests": (TRUE, TRUE)})), Undecided)


def test_a_policy_for_production_is_not_asked_elsewhere():
    both = [policy("tests"), policy("rehearsed", environments=Scope.PRODUCTION)]
    engine = Answers({"tests": (TRUE, TRUE), "rehearsed": (TRUE, FALSE)})
    assert isinstance(judge(both, QUESTION, engine=engine), Deny)
    staging = replace(QUESTION, environment=EnvironmentName("staging"), production=False)
    assert isinstance(judge(both, staging, engine=engine), Allow)


@pytest.mark.parametrize("said", [(TRUE, FALSE), (TRUE, UNKNOWN), (FALSE, TRUE), ()])
def test_a_policy_that_warns_is_heard_and_changes_nothing(said):
    both = [policy("tests"), policy("proposed", severity=Severity.WARN)]
    decision = judge(both, QUESTION, engine=Answers({"tests": (TRUE, TRUE), "proposed": said}))
    assert isinstance(decision, Allow)
    assert [(r.policy, r.verdict) for r in decision.judgement.reasons] == [("proposed", "warn"), ("tests", "allow")]


def test_a_content_policy_that_warns_says_so():
    decision = judge([policy("a", severity=Severity.WARN)], QUESTION, engine=Answers({"a": (TRUE, TRUE)}))
    assert [reason.verdict for reason in decision.judgement.reasons] == ["allow", "undecided"]


@pytest.mark.parametrize("said", [(TRUE, TRUE), (TRUE, FALSE)])
def test_warnings_alone_decide_nothing(said):
    decision = judge([policy("a", severity=Severity.WARN)], QUESTION, engine=Answers({"a": said}))
    assert isinstance(decision, Undecided)
    assert decision.judgement.reasons[-1].policy == "none"
    assert "only warns" in decision.judgement.reasons[-1].message


CLINICAL = {"name": "ehr", "criticality": "clinical", "data": ["phi"]}


@pytest.mark.parametrize(
    ("wanted", "service", "asked"),
    [
        (Match(services=("ehr",)), CLINICAL, True),
        (Match(services=("billing",)), CLINICAL, False),
        (Match(criticality=(Criticality.CLINICAL,)), CLINICAL, True),
        (Match(criticality=(Criticality.ADMINISTRATIVE,)), CLINICAL, False),
        (Match(data=(DataClass.PHI, DataClass.PII)), CLINICAL, True),
        (Match(data=(DataClass.NONE,)), CLINICAL, False),
        (Match(environments=Scope.PRODUCTION, data=(DataClass.PHI,)), CLINICAL, True),
        (Match(environments=("staging",), data=(DataClass.PHI,)), CLINICAL, False),
        # Who cannot tell what stands at the door asks.
        (Match(services=("billing",)), None, True),
        (Match(services=("billing",)), {"name": 7}, True),
        (Match(criticality=(Criticality.ADMINISTRATIVE,)), {"name": "ehr", "criticality": "huge"}, True),
        (Match(data=(DataClass.NONE,)), {"name": "ehr", "data": ["phi", "genome"]}, True),
        (Match(data=(DataClass.NONE,)), {"name": "ehr"}, True),
    ],
)
def test_a_policy_is_asked_where_it_matches(wanted, service, asked):
    question = replace(QUESTION, document={} if service is None else {"service": service})
    one = replace(policy("one"), match=wanted)
    assert applying([one], question) == ([one] if asked else [])


def test_an_engine_that_is_not_there_leaves_everything_undecided():
    class Gone:
        def evaluate(self, policies, document):
            raise Unavailable("no worker")

    assert isinstance(judge([policy("a"), policy("b")], QUESTION, engine=Gone()), Undecided)


def test_an_engine_that_answers_for_too_few_leaves_everything_undecided():
    class Short:
        def evaluate(self, policies, document):
            return [(TRUE, TRUE)]

    assert isinstance(judge([policy("a"), policy("b")], QUESTION, engine=Short()), Undecided)


def test_two_policies_with_one_id_are_refused():
    with pytest.raises(InvalidInput, match="same id"):
        judge([policy("a"), policy("a")], QUESTION, engine=Answers())


def test_a_reason_shows_the_values_and_names_the_controls():
    shown = (replace(TRUE, shown=("41",)), replace(FALSE, shown=("0",)))
    reason = decide({"tests": shown}).judgement.reasons[0]
    assert reason.message == "validation 0 [x = 0]"
    assert reason.controls == ("hipaa:164.312(c)(1)",)


def test_a_judgement_records_what_was_asked_of_what():
    judgement = decide({"tests": (TRUE, TRUE)}).judgement
    assert judgement.input_digest == digest_of(QUESTION.document)
    assert judgement.policy_digest == policy_digest([policy("tests")])
    assert judgement.evidence == (3, 5)


ANSWER = st.sampled_from([TRUE, FALSE, UNKNOWN])
ANSWERS = st.dictionaries(
    st.sampled_from("abcdef"), st.one_of(st.just(()), st.tuples(ANSWER, ANSWER), st.tuples(ANSWER)), min_size=1
)


@given(ANSWERS)
def test_only_yes_from_every_policy_allows(answers):
    decision = decide(answers)
    assert isinstance(decision, Allow) == all(given == (TRUE, TRUE) for given in answers.values())
    assert isinstance(decision, Deny) == any(given == (TRUE, FALSE) for given in answers.values())
    verdicts = {reason.verdict for reason in decision.judgement.reasons}
    assert isinstance(decision, Allow) == (verdicts == {"allow"})


@given(ANSWERS, st.randoms(use_true_random=False))
def test_the_order_of_policies_changes_nothing(answers, random):
    policies = [policy(name) for name in answers]
    shuffled = random.sample(policies, len(policies))
    assert decide(answers, policies) == decide(answers, shuffled)

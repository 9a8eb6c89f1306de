"""Faults planted before policies: the shipped ones catch every one, and a broken one is seen."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardline.adapters.policy.cel import CEL
from wardline.canonical import Digest, digest_of, encode
from wardline.errors import Unavailable
from wardline.gates.planted import faults, plant
from wardline.gates.policy import Cases, Check, Policy
from wardline.gates.policy_files import load_policies
from wardline.gates.self_test import faults as cases_against
from wardline.gates.self_test import spoil
from wardline.gates.trials import MOST_TOLD, Kind, Planted, SelfTested, Tool, Trial, parts
from wardline.outcomes import Outcome

CEL_TOOL = Tool(name="cel", version="0")
BLIND = (Check(expression="true", message="whatever it is, it passes"),)


@pytest.fixture(scope="module")
def engine():
    with CEL() as made:
        yield made


def named(name: str) -> Policy:
    return next(policy for policy in load_policies() if policy.id == name)


@pytest.mark.parametrize("policy", load_policies(), ids=lambda policy: policy.id)
def test_a_shipped_policy_catches_all_that_is_planted_before_it(policy, engine):
    trial = plant(policy, engine, tool=CEL_TOOL)
    assert (trial.outcome, trial.not_caught) == (Outcome.PASSED, ())
    assert trial.caught == len(trial.planted) >= 2
    assert trial.configuration == digest_of(policy.to_json())


@pytest.mark.parametrize("policy", load_policies(), ids=lambda policy: policy.id)
def test_a_policy_that_lets_pass_everything_is_seen(policy, engine):
    trial = plant(replace(policy, needs=(), validations=BLIND), engine, tool=CEL_TOOL)
    assert (trial.outcome, trial.caught) == (Outcome.FAILED, 0)


@pytest.mark.parametrize("policy", load_policies(), ids=lambda policy: policy.id)
def test_a_fault_that_is_mended_in_its_case_is_not_caught(policy, engine):
    mended = Cases(allowed=policy.cases.allowed, denied=policy.cases.allowed[:1], undecided=policy.cases.undecided)
    trial = plant(replace(policy, cases=mended), engine, tool=CEL_TOOL)
    assert trial.outcome is Outcome.FAILED
    assert [(each.fault, each.got) for each in trial.not_caught] == [("deny case 0", "allow")]


@pytest.mark.parametrize("name", ["tests-passed", "coverage-kept", "sbom-names-artifact", "no-serious-finding"])
def test_a_policy_that_no_longer_compares_the_artifact_is_seen(name, engine):
    policy = named(name)
    kept = tuple(check for check in policy.validations if "input.artifact.digest" not in check.expression)
    assert len(kept) == len(policy.validations) - 1
    trial = plant(replace(policy, validations=kept or BLIND), engine, tool=CEL_TOOL)
    assert trial.outcome is Outcome.FAILED


def test_a_policy_without_cases_was_not_looked_at(engine):
    bare = replace(named("not-rejected"), cases=Cases(allowed=(), denied=(), undecided=()))
    trial = plant(bare, engine, tool=CEL_TOOL)
    assert (trial.outcome, trial.planted) == (Outcome.ERRORED, ())


class Silent:
    """An engine that cannot be asked."""

    def evaluate(self, policies, document):
        raise Unavailable("no worker")


def test_an_engine_that_says_nothing_has_caught_nothing():
    trial = plant(named("not-rejected"), Silent(), tool=CEL_TOOL)
    assert trial.outcome is Outcome.ERRORED
    assert trial.not_caught[0].fault == "none: pass case 0"


def test_what_is_planted_has_a_name_of_its_own():
    for policy in load_policies():
        names = [fault.name for fault in faults(policy)]
        assert len(names) == len(set(names)), policy.id
        assert all(fault.document not in policy.cases.allowed for fault in faults(policy)), policy.id


def of_size(number: int, *, words: int) -> Trial:
    fault = Planted(fault="x" * words, expected="deny", got="allow", outcome=Outcome.FAILED)
    return Trial(
        kind=Kind.CHECK,
        name=f"check-{number}",
        tool=CEL_TOOL,
        configuration=Digest.of(str(number).encode()),
        planted=(fault,) * 9,
    )


@given(st.lists(st.integers(min_value=0, max_value=400), min_size=1, max_size=120))
def test_every_trial_is_told_once_in_statements_that_fit(words):
    trials = [of_size(number, words=length) for number, length in enumerate(words)]
    told = parts(trials, wardline="1")
    assert [trial for part in told for trial in part.trials] == trials
    assert [(part.number, part.of) for part in told] == [(n, len(told)) for n in range(1, len(told) + 1)]
    assert all(len(encode(part.body())) < 48 * 1024 for part in told)


def test_a_statement_tells_some_faults_and_counts_all():
    body = of_size(1, words=500).to_json()
    assert (body["planted"], body["caught"], len(body["not_caught"])) == (9, 0, MOST_TOLD)
    assert all(len(each["fault"]) == 160 for each in body["not_caught"])


def test_a_statement_is_as_bad_as_its_worst_trial():
    good = replace(of_size(1, words=1), planted=())
    assert good.outcome is Outcome.ERRORED
    assert SelfTested(trials=(good, of_size(2, words=1)), wardline="1").outcome is Outcome.FAILED


def test_what_would_leave_a_gate_undecided_is_told_before_a_policy_is_taken_on(engine):
    policy = named("tests-passed")
    lax = replace(policy, validations=tuple(c for c in policy.validations if "artifact.digest" not in c.expression))
    told = spoil(lax, engine)
    assert told == [
        f"tests-passed: pass case {number}, input.{path} = sha256:planted: still allows"
        for number in range(len(policy.cases.allowed))
        for path in ("artifact.digest", "tests.artifact")
    ]
    assert set(told) < set(cases_against(lax, engine))
    assert not any(spoil(each, engine) for each in load_policies())

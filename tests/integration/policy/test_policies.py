"""Every policy that comes along, against its own cases and in a real worker."""

from dataclasses import replace

import pytest

from wardline.adapters.policy.cel import CEL
from wardline.gates.policy import Check
from wardline.gates.policy_files import load_policies
from wardline.gates.self_test import leave_out, run_cases

POLICIES = {policy.id: policy for policy in load_policies()}
ENGINE = CEL()


@pytest.mark.parametrize("name", sorted(POLICIES))
def test_a_policy_keeps_to_its_cases(name):
    assert run_cases(POLICIES[name], ENGINE) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(POLICIES))
def test_a_missing_value_is_never_a_yes(name):
    assert leave_out(POLICIES[name], ENGINE) == []


def test_the_cases_catch_a_policy_that_says_yes_to_everything():
    policy = POLICIES["tests-passed"]
    lax = replace(policy, needs=(), validations=(Check(expression="true", message="no"),))
    assert len(run_cases(lax, ENGINE)) == len(policy.cases.denied) + len(policy.cases.undecided)
    assert any("still allows without input.tests.executed" in line for line in leave_out(lax, ENGINE))

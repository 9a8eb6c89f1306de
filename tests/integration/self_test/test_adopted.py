"""What an organisation adopted is tried like what comes along."""

from dataclasses import replace
from datetime import timedelta

import pytest

from wardline.adapters.signing.keys import installation_key
from wardline.bootstrap.home import open_home
from wardline.bootstrap.policies import adopting
from wardline.bootstrap.self_testing import run_self_test
from wardline.delivery.self_test import Asked
from wardline.delivery.sign import Signatory
from wardline.errors import InvalidInput
from wardline.identity.principals import Role
from wardline.ids import PrincipalId
from wardline.outcomes import Outcome
from wardline.settings import read_settings

POLICY = """
id: few-tests-are-none
title: At least five tests were executed
controls: ["hipaa:164.308(a)(8)"]
source: our own risk analysis
match: {environments: all}
needs:
  - {expression: has(input.tests.executed), message: it is not known how many tests were executed}
validations:
  - {expression: input.tests.executed >= 5, message: too few tests}
cases:
  pass: [{tests: {executed: 5}}]
  deny: [{tests: {executed: 4}}]
  undecided: [{tests: {}}]
"""


@pytest.fixture
def home(tmp_path):
    with open_home(replace(read_settings(), home=tmp_path / "home")) as opened:
        yield opened


@pytest.fixture
def cleo(home, tmp_path):
    signer = installation_key(tmp_path / "cleo.pem")
    roles = frozenset({Role.ADMINISTRATOR, Role.COMPLIANCE})
    home.enrol(PrincipalId("p-cleo"), roles=roles, public_key=None, signer=signer, known_as=None)
    return Signatory(principal=PrincipalId("p-cleo"), signer=signer)


def test_an_adopted_policy_is_tried_and_left_out_while_that_is_recent(home, cleo):
    with adopting(home) as desk:
        desk.adopt(POLICY.encode(), where="few.yaml", reason="Risk analysis.", by=cleo)
    tested = run_self_test(home, Asked(names=("few-tests-are-none",)), say=lambda _: None)
    ((name, outcome, planted),) = [(each.name, each.outcome, len(each.planted)) for each in tested.trials]
    assert (name, outcome, planted) == ("few-tests-are-none", Outcome.PASSED, 5)
    asked = Asked(names=("policies",), older_than=timedelta(hours=1))
    assert run_self_test(home, asked, say=lambda _: None).left_out == ("few-tests-are-none",)


def test_a_policy_that_its_own_gate_would_doubt_is_not_adopted(home, cleo):
    lax = POLICY.replace("input.tests.executed >= 5", "input.tests.executed != 4")
    with adopting(home) as desk, pytest.raises(InvalidInput) as refused:
        desk.adopt(lax.encode(), where="few.yaml", reason="Risk analysis.", by=cleo)
    assert any("input.tests.executed = planted: still allows" in each for each in refused.value.problems)

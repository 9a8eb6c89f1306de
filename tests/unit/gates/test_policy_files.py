import itertools

import pytest

from wardline.errors import InvalidInput
from wardline.gates.matching import Match, Scope
from wardline.gates.policy import Emergency, Severity, policy_digest
from wardline.gates.policy_files import load_policies, parse
from wardline.pipelines.spec import Criticality, DataClass

GOOD = """
id: tests-passed
title: The tests passed
controls: ["hipaa:164.308(a)(8)"]
match: {environments: all}
needs: [{expression: has(input.tests), message: no test result}]
validations: [{expression: input.tests.failed == 0, message: tests failed, shows: [input.tests.failed]}]
cases:
  pass: [{tests: {failed: 0}}]
  deny: [{tests: {failed: 1}}]
  undecided: [{}]
"""


def test_a_policy_file_is_read():
    policy = parse(GOOD, where="tests-passed.yaml")
    assert (policy.id, policy.match.environments, len(policy.checks)) == ("tests-passed", Scope.ALL, 2)
    assert policy.cases.undecided == ({},)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("environments: all", "environments: some", "match.environments: expected all, production or a list of names"),
        ("environments: all", "environments: []", "match.environments: expected a list of at least 1"),
        ("match: {environments: all}", "environments: all", "unknown key 'environments'"),
        ("match: {environments: all}\n", "", "match: expected a mapping with criticality, data, environments"),
        (
            "{environments: all}",
            "{environments: all, data: [phy]}",
            "match.data[0]: expected one of phi, pii, none, got",
        ),
        ("{environments: all}", "{environments: all, services: []}", "match.services: expected a list of at least 1"),
        ("{environments: all}", "{environments: all, criticality: high}", "match.criticality: expected a list"),
        ("{environments: all}", "{environments: all, team: [a]}", "match: unknown key 'team'"),
        ("needs: [", "severity: block\nneeds: [", "severity: expected one of deny, warn, got 'block'"),
        ("needs: [", "emergency: yes\nneeds: [", "emergency: expected one of kept, set-aside"),
        ("needs: [", "source: ''\nneeds: [", "source: expected a text"),
        ("id: tests-passed", "id: Tests Passed", "id: expected a text like"),
        ("hipaa:164.308(a)(8)", "164.308(a)(8)", r"controls[0]: expected a text like"),
        ("validations: [{", "validations: []\nvalidation: [{", "unknown key 'validation'"),
        ("message: no test result", "text: no test result", "needs[0].message: expected a text, got nothing"),
        ("undecided: [{}]", "undecided: []", "cases.undecided: expected a list of at least 1"),
        ("failed: 1", "failed: 1.5", "cases.deny[0]: $.tests.failed: no canonical form for float"),
        ("failed: 1", "failed: 2026-11-23", "no canonical form for date"),
        ("title: The tests passed", "title: ''", "title: expected a text"),
        ("The tests passed", "x" * 401, "title: expected a text of at most 400"),
        ("shows: [input.tests.failed]", f"shows: [{'a, ' * 20}a]", "shows: expected at most 20, got 21"),
        ("title:", "title: twice\ntitle:", "the key 'title' stands twice"),
        ("The tests passed", '"\\ud800"', "half a surrogate pair"),
    ],
)
def test_what_is_wrong_is_named(old, new, said):
    with pytest.raises(InvalidInput) as caught:
        parse(GOOD.replace(old, new, 1), where="tests-passed.yaml")
    assert said in caught.value.what
    assert "tests-passed.yaml" in caught.value.what


def test_every_problem_is_told_at_once():
    with pytest.raises(InvalidInput) as caught:
        parse("id: X Y\ncolour: red\n", where="x.yaml")
    assert len(caught.value.problems) >= 6


BOMB = "\n".join(
    ["a: &a [1, 1, 1, 1, 1, 1, 1, 1]"]
    + [f"{b}: &{b} [*{a}, *{a}, *{a}, *{a}, *{a}, *{a}, *{a}, *{a}]" for a, b in itertools.pairwise("abcdefghij")]
)


@pytest.mark.parametrize(
    "text",
    [
        "", "- 1", "id: [", "\x00", "id: !!python/object:os.system {}", BOMB, "&a [*a]", "[" * 5000, "? [1]\n: 2",
        "id: 9999-99-99", "id: " + "9" * 5000, b"\xff\xfe", b"id: x" * 30_000,
    ],
)  # fmt: skip
def test_what_is_no_policy_is_refused(text):
    with pytest.raises(InvalidInput, match=r"x\.yaml"):
        parse(text, where="x.yaml")


def test_every_policy_that_comes_along_names_controls_and_has_its_own_file():
    policies = load_policies()
    assert len(policies) == len({policy.id for policy in policies}) >= 9
    assert all(policy.controls and policy.source for policy in policies)


def test_what_an_emergency_leaves_is_never_nothing():
    """Who built it, the findings, the way back, the tests of what is deployed, and a no: for no haste."""
    kept = {policy.id for policy in load_policies() if policy.emergency is Emergency.KEPT}
    assert kept >= {"provenance-present", "no-serious-finding", "way-back", "tests-passed", "not-rejected"}
    assert kept.isdisjoint({"approved", "coverage-kept", "rollback-rehearsed", "window-approved"})


def test_a_policy_says_where_it_is_asked_how_grave_it_is_and_where_it_comes_from():
    text = GOOD.replace(
        "match: {environments: all}",
        "match: {environments: [staging], services: [ehr], criticality: [clinical], data: [phi, pii]}\n"
        "severity: warn\nemergency: set-aside\nsource: 90 FR 898",
    )
    policy = parse(text, where="x.yaml")
    assert policy.match == Match(
        environments=("staging",),
        services=("ehr",),
        criticality=(Criticality.CLINICAL,),
        data=(DataClass.PHI, DataClass.PII),
    )
    assert (policy.severity, policy.emergency, policy.source) == (Severity.WARN, Emergency.SET_ASIDE, "90 FR 898")


def test_the_digest_is_of_what_decides():
    one, two = parse(GOOD, where="a"), parse(GOOD.replace("{failed: 1}", "{failed: 2}"), where="a")
    stricter = parse(GOOD.replace("failed == 0", "failed < 0"), where="a")
    other = parse(GOOD.replace("id: tests-passed", "id: other"), where="a")
    assert policy_digest([one, other]) == policy_digest([other, two])
    assert policy_digest([one]) != policy_digest([stricter])

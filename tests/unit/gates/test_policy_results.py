"""Results of policy tools outside at the gate: declared ones must be there, and none may have failed."""

import json
from dataclasses import replace

import pytest
from gate_world import SERVED, Said, World, pipeline

from wardline.adapters.policy.cel import CEL
from wardline.delivery.decide import Gate
from wardline.delivery.import_results import HandedIn, import_results, problems_in
from wardline.errors import InvalidInput
from wardline.evidence.log import Evidence
from wardline.evidence.schemas import check_predicate
from wardline.findings.policy_reports import PolicyTool
from wardline.gates import readings
from wardline.gates.policy_files import load_policies
from wardline.outcomes import Outcome
from wardline.pipelines.spec import ScanSpec

COMMIT, OTHER = "c0ffee" + "0" * 34, "1" * 40
GOOD = [{"filename": "a.yaml", "namespace": "main", "successes": 4}]
BAD = [{"filename": "a.yaml", "namespace": "main", "successes": 3, "failures": [{"msg": "no owner"}]}]


@pytest.fixture
def world() -> World:
    world = World()
    world.serve()
    world.ship()
    world.say("source-2", Said(readings.SOURCE, {"commit": {"sha": COMMIT, "tree": "7ee"}, "author": "ada"}, SERVED))
    return world


def hand_in(world: World, content: object, *, commit: str | None = None, service: str = "eligibility") -> Evidence:
    handed = HandedIn(
        service=service,
        commit=commit or COMMIT,
        tool=PolicyTool.CONFTEST,
        version="0.56.0",
        contents=(content if isinstance(content, bytes) else json.dumps(content).encode(),),
    )
    return import_results(handed, collect=world.collect)


def verdict(world: World, *, declared: tuple[str, ...] = ("conftest",)) -> tuple[str, tuple[int, ...]]:
    door = world.door(pipeline=replace(pipeline(), scan=ScanSpec(results=declared)))
    decision = Gate(collect=world.collect, engine=CEL(), policies=load_policies()).judged(door).decision
    (found,) = {r.verdict for r in decision.judgement.reasons if r.policy == "policy-results-passed"}
    return found, decision.judgement.evidence


def test_declared_results_must_be_there(world):
    assert verdict(world)[0] == "undecided"
    assert verdict(world, declared=())[0] == "allow"
    passed = hand_in(world, GOOD)
    check_predicate(passed.statement)
    found, evidence = verdict(world)
    assert (found, passed.index in evidence) == ("allow", True)
    assert verdict(world, declared=("conftest", "opa"))[0] == "undecided"


def test_the_latest_results_count_and_a_failure_denies_declared_or_not(world):
    hand_in(world, GOOD)
    failed = hand_in(world, BAD)
    check_predicate(failed.statement)
    assert failed.statement.context.outcome is Outcome.FAILED
    assert verdict(world)[0] == "deny"
    assert verdict(world, declared=())[0] == "deny"
    hand_in(world, GOOD)
    assert verdict(world)[0] == "allow"


@pytest.mark.parametrize("content", [b"", b"[", [], b"<html>", [{"filename": "a", "successes": 0}]])
def test_a_report_that_tells_nothing_is_errored_and_leaves_the_gate_undecided(world, content):
    found = hand_in(world, content)
    check_predicate(found.statement)
    assert found.statement.context.outcome is Outcome.ERRORED
    assert "nothing could be read from it" in problems_in(found)[0]
    assert verdict(world)[0] == "undecided"


def test_what_the_tool_could_not_look_at_is_no_pass(world):
    exceptions = [GOOD[0] | {"exceptions": [{"msg": "x"}]}]
    assert hand_in(world, exceptions).statement.context.outcome is Outcome.ERRORED
    assert verdict(world)[0] == "undecided"


def test_results_of_another_commit_or_service_count_for_nothing(world):
    hand_in(world, GOOD, commit=OTHER)
    hand_in(world, GOOD, service="billing")
    assert verdict(world)[0] == "undecided"


def test_the_report_is_kept_and_the_leaf_holds_no_message(world):
    found = hand_in(world, BAD)
    assert "no owner" not in json.dumps(found.statement.body)
    (kept,) = found.statement.body["report"]
    assert kept["mediaType"] == "application/json"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"commit": "c0ffee"}, "expected a full commit id"),
        ({"version": "latest; rm"}, "expected a version"),
        ({"contents": (b"[]",) * 51}, "at most 50 files"),
    ],
)
def test_what_is_no_report_of_a_commit_is_refused(world, changes, said):
    handed = HandedIn(service="eligibility", commit=COMMIT, tool=PolicyTool.OPA, version=None, contents=(b"{}",))
    with pytest.raises(InvalidInput, match=said):
        import_results(replace(handed, **changes), collect=world.collect)

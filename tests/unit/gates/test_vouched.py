"""A gate whose policies or checks let a planted fault pass is Undecided, until they catch it again."""

from dataclasses import replace
from datetime import timedelta

import pytest
from gate_world import Said, World, person
from hypothesis import given, settings
from hypothesis import strategies as st

from wardline.adapters.interop.dicom_audit import DICOMAuditMessages
from wardline.adapters.policy.cel import CEL
from wardline.canonical import Digest, decode, digest_of
from wardline.delivery.approve import Approvals
from wardline.delivery.decide import Gate, decide
from wardline.delivery.replay import Archive, explain_decision, replay
from wardline.delivery.self_test import Asked, Bench, OnTrial, self_test
from wardline.delivery.vouch import Proving
from wardline.errors import NotFound, Unavailable
from wardline.evidence.log import Evidence
from wardline.gates import readings
from wardline.gates.decisions import Allow, Undecided
from wardline.gates.policy import Check, Policy
from wardline.gates.policy_files import load_policies
from wardline.gates.trials import SELF_TEST, Kind, Planted, SelfTested, Tool, Trial, Trials, newest_trials, parts
from wardline.gates.vouched import doubted
from wardline.identity.principals import Role
from wardline.outcomes import Outcome

POLICIES = load_policies()
ENGINE = CEL()
TOOL = Tool(name="cel", version="0.10")
PROVING = Proving(tool=TOOL, wardline="0.1")
BLIND = (Check(expression="true", message="whatever it is, it passes"),)
WHO = "self-tests-pass"


@pytest.fixture
def world() -> World:
    world = World()
    world.serve()
    world.ship()
    listed = {"components": 9, "names_artifact": True, "scanner": {"name": "syft", "version": "1.9.4"}}
    world.say("sbom/again", Said(readings.SBOM, listed))
    desk = Approvals(collect=world.collect, messenger=world.messenger)
    for who, role in (("ben", Role.CLINICAL_SAFETY), ("cleo", Role.COMPLIANCE)):
        desk.approve(desk.what_is_signed(world.door()), by=person(who), role=role, reason="Looked at it.")
    return world


def gate(world: World, *policies: Policy, proving: Proving | None = PROVING) -> Gate:
    return Gate(collect=world.collect, engine=ENGINE, policies=policies or POLICIES, proving=proving)


def with_broken(name: str) -> tuple[Policy, ...]:
    """The policies, one of which lets pass everything; its cases are as they were."""
    return tuple(replace(p, needs=(), validations=BLIND) if p.id == name else p for p in POLICIES)


def said(decision) -> list[tuple[str, str]]:
    return [(each.policy, each.message) for each in decision.judgement.reasons if each.verdict != "allow"]


def sections(made) -> dict[str, dict]:
    """What the input document of a decision says of each self-test, by name."""
    return {each["name"]: each for each in made["self_tests"]}


def document(world: World, made) -> dict:
    return decode(world.collect.blobs.get(made.input.digest))


def tried(world: World, name: str, outcome: Outcome, *, kind: Kind = Kind.CHECK, version: str = "1.9.4") -> Evidence:
    planted = Planted(fault="planted", expected="a finding", got="whatever", outcome=outcome)
    trial = Trial(
        kind=kind,
        name=name,
        tool=Tool(name="tool", version=version),
        configuration=Digest.of(name.encode()),
        planted=(planted,),
    )
    step = f"self-test/{world.log.size()}"
    return world.collect.once(step, None, lambda: SelfTested(trials=(trial,), wardline="0.1"))


def test_policies_are_tried_once_before_they_first_decide(world):
    first = gate(world).judged(world.door())
    records = list(world.log.every(SELF_TEST))
    again = gate(world).judged(world.door())
    assert isinstance(first.decision, Allow)
    assert isinstance(again.decision, Allow)
    assert list(world.log.every(SELF_TEST)) == records
    assert {item.index for item in records} <= set(first.decision.judgement.evidence)
    known = sections(document(world, first))
    assert all(known[policy.id]["outcome"] == "passed" for policy in POLICIES)
    assert all(known[policy.id]["log"] == records[0].index for policy in POLICIES)


def test_a_policy_that_is_new_is_tried_alone(world):
    gate(world).judged(world.door())
    retitled = tuple(replace(p, title="Nobody said no") if p.id == "not-rejected" else p for p in POLICIES)
    gate(world, *retitled).judged(world.door())
    *_, newest = world.log.every(SELF_TEST)
    (trial,) = newest.statement.body["trials"]
    (policy,) = (policy for policy in retitled if policy.id == "not-rejected")
    assert trial["configuration"] == {"sha256": digest_of(policy.to_json()).hex}


@pytest.mark.parametrize("name", [policy.id for policy in POLICIES if policy.id != WHO])
def test_a_policy_that_lets_pass_everything_leaves_its_gate_undecided_until_it_is_mended(world, name):
    decision = gate(world, *with_broken(name)).judged(world.door()).decision
    assert isinstance(decision, Undecided)
    ((policy, message),) = said(decision)
    assert policy == WHO
    assert f"{name} failed" in message
    assert isinstance(gate(world).judged(world.door()).decision, Allow)


def test_untried_policies_pass_and_are_named(world):
    decision = gate(world, proving=None).judged(world.door()).decision
    assert isinstance(decision, Allow)
    (reason,) = (each for each in decision.judgement.reasons if each.policy == WHO)
    assert "not-rejected" in reason.message
    assert not list(world.log.every(SELF_TEST))


@pytest.mark.parametrize("name", ["scan/bandit", "tests", "releases/local", "sbom/syft"])
@pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.ERRORED])
def test_a_check_that_is_read_and_did_not_catch_its_fault_leaves_the_gate_undecided(world, name, outcome):
    tried(world, name, outcome)
    decision = gate(world).judged(world.door()).decision
    assert isinstance(decision, Undecided)
    ((policy, message),) = said(decision)
    assert (policy, f"{name} {outcome}" in message) == (WHO, True)
    tried(world, name, Outcome.PASSED)
    assert isinstance(gate(world).judged(world.door()).decision, Allow)


def test_a_check_whose_results_are_not_read_holds_up_no_gate(world):
    for name in ("redactor", "log", "packet", "scan/another"):
        tried(world, name, Outcome.FAILED)
    assert isinstance(gate(world).judged(world.door()).decision, Allow)


def test_a_trial_of_another_version_of_a_tool_says_nothing(world):
    tried(world, "scan/bandit", Outcome.FAILED, version="0.0.1")
    made = gate(world).judged(world.door())
    assert isinstance(made.decision, Allow)
    assert sections(document(world, made))["scan/bandit"] == {
        "kind": "check",
        "name": "scan/bandit",
        "outcome": "untried",
    }


def test_a_trial_is_as_old_as_it_is(world):
    record = tried(world, "tests", Outcome.PASSED)
    world.clock.advance(timedelta(days=8))
    world.ship()
    made = gate(world).judged(world.door())
    assert sections(document(world, made))["tests"] == {
        "kind": "check",
        "name": "tests",
        "outcome": "passed",
        "planted": 1,
        "caught": 1,
        "age_s": 8 * 86400,
        "log": record.index,
    }
    (reason,) = (each for each in made.decision.judgement.reasons if each.policy == WHO)
    assert "some are older than 7 days" in reason.message


def test_a_decision_under_a_blind_check_is_explained_and_comes_to_the_same_again(world):
    tried(world, "scan/bandit", Outcome.FAILED)
    evidence = world.log.read(decide(gate(world), world.door(), step="production/gate")[1])
    archive = Archive(log=world.log, blobs=world.collect.blobs)
    assert replay(evidence, archive, engine=ENGINE).outcome is Outcome.PASSED
    assert "scan/bandit failed" in str(explain_decision(evidence, archive, engine=ENGINE))


# Coverage


def of_type(world: World, kind: str) -> int:
    return max(item.index for item in world.log.every(kind))


def doubts(world: World) -> dict[int, Outcome]:
    return doubted(tuple(world.log.every()), Trials(world.log.every(SELF_TEST)))


def test_what_a_blind_check_left_is_doubted_until_it_sees_again(world):
    scan = of_type(world, readings.SCAN)
    assert doubts(world) == {}
    tried(world, "scan/bandit", Outcome.FAILED)
    assert doubts(world) == {scan: Outcome.INCONCLUSIVE}
    tried(world, "scan/bandit", Outcome.PASSED)
    assert doubts(world) == {}


def test_a_self_test_that_passed_is_no_more_than_all_that_was_tried(world):
    tried(world, "redactor", Outcome.FAILED)
    partial = tried(world, "tests", Outcome.PASSED)
    assert doubts(world) == {partial.index: Outcome.FAILED}
    tried(world, "redactor", Outcome.PASSED)
    assert doubts(world) == {}


# The use case


def check(name: str, outcome: Outcome, *, configuration: str = "as it is") -> OnTrial:
    planted = Planted(fault="planted", expected="found", got="whatever", outcome=outcome)
    return OnTrial(
        name=name,
        configuration=Digest.of(configuration.encode()),
        plant=lambda _: (Tool(name=name, version="1"), (planted,)),
    )


def bench(world: World, tmp_path, *checks: OnTrial, policies: tuple[Policy, ...] = POLICIES[:2]) -> Bench:
    return Bench(
        collect=world.collect,
        policies=policies,
        engine=ENGINE,
        tool=TOOL,
        checks=checks,
        folder=lambda name: tmp_path / name,
        wardline="0.1",
    )


def names(tested) -> list[str]:
    return [trial.name for trial in tested.trials]


def test_everything_is_tried_told_and_recorded(world, tmp_path):
    told = []
    tested = self_test(Asked(), bench(world, tmp_path, check("one", Outcome.FAILED)), say=told.append)
    assert names(tested) == [POLICIES[0].id, POLICIES[1].id, "one"]
    assert tuple(told) == tested.trials
    (record,) = (world.log.read(index) for index in tested.records)
    assert record.statement.context.outcome is Outcome.FAILED
    assert record.statement.context.run is None
    assert [trial["name"] for trial in record.statement.body["trials"]] == names(tested)
    assert record.statement.body["counts"] == {"passed": 2, "failed": 1, "errored": 0, "inconclusive": 0}
    assert record.statement.body["not_passed"] == ["one"]


def test_what_caught_everything_lately_is_left_out_and_nothing_else(world, tmp_path):
    bench_of = bench(world, tmp_path, check("good", Outcome.PASSED), check("bad", Outcome.FAILED))
    self_test(Asked(), bench_of, say=lambda _: None)
    world.clock.advance(timedelta(hours=1))
    again = self_test(Asked(older_than=timedelta(hours=2)), bench_of, say=lambda _: None)
    assert (names(again), again.left_out) == (["bad"], (POLICIES[0].id, POLICIES[1].id, "good"))
    world.clock.advance(timedelta(hours=2))
    assert "good" in names(self_test(Asked(older_than=timedelta(hours=2)), bench_of, say=lambda _: None))


def test_what_is_set_otherwise_than_it_was_is_tried_again(world, tmp_path):
    self_test(Asked(names=("good",)), bench(world, tmp_path, check("good", Outcome.PASSED)), say=lambda _: None)
    upgraded = bench(world, tmp_path, check("good", Outcome.PASSED, configuration="upgraded"))
    asked = Asked(names=("good",), older_than=timedelta(days=1))
    assert names(self_test(asked, upgraded, say=lambda _: None)) == ["good"]


def test_where_nothing_is_due_nothing_is_recorded(world, tmp_path):
    bench_of = bench(world, tmp_path)
    asked = Asked(names=("policies",), older_than=timedelta(days=1))
    assert len(self_test(asked, bench_of, say=lambda _: None).records) == 1
    assert self_test(asked, bench_of, say=lambda _: None).records == ()


def test_a_check_that_cannot_run_is_errored_and_the_others_are_tried(world, tmp_path):
    def fails(_):
        raise Unavailable("syft is not installed")

    broken = replace(check("broken", Outcome.PASSED), plant=fails)
    tested = self_test(Asked(), bench(world, tmp_path, broken, check("good", Outcome.PASSED)), say=lambda _: None)
    assert [trial.outcome for trial in tested.trials[2:]] == [Outcome.ERRORED, Outcome.PASSED]
    assert tested.trials[2].not_caught[0].got == "syft is not installed"


def test_a_name_that_is_none_is_refused(world, tmp_path):
    with pytest.raises(NotFound, match="no policy or check is called 'nobody'"):
        self_test(Asked(names=("nobody",)), bench(world, tmp_path), say=lambda _: None)


NAMES = ("scan/bandit", "tests", "redactor")


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(["1", "2"]), st.sampled_from(Outcome)), max_size=12))
def test_what_is_read_until_all_is_found_is_what_the_whole_log_says(told):
    world = World()
    records = [tried(world, name, outcome, version=version) for name, version, outcome in told]
    wanted = [("scan/bandit", "1"), ("tests", None)]
    read = []

    def youngest():
        for item in reversed(records):
            read.append(item)
            yield item

    few, every = newest_trials(youngest(), policies=(), checks=wanted), Trials(records)
    assert [few.of_check(*each) for each in wanted] == [every.of_check(*each) for each in wanted]
    newest = [each.index for each in map(every.of_check, *zip(*wanted, strict=True)) if each is not None]
    if len(newest) == len(wanted):
        assert read[-1].index == min(newest)


def test_where_nothing_is_wanted_nothing_is_read():
    assert newest_trials(iter([]), policies=()).standing() == ()


def test_what_an_auditor_is_told_does_not_grow_with_what_was_tried(world):
    one = tried(world, "tests", Outcome.FAILED)
    fault = Planted(fault="planted", expected="a finding", got="nothing", outcome=Outcome.PASSED)
    trials = tuple(
        Trial(kind=Kind.POLICY, name=f"p-{n}", tool=TOOL, configuration=Digest.of(b"%d" % n), planted=(fault,))
        for n in range(120)
    )
    (said_once,) = parts(trials, wardline="0.1")
    many = world.collect.once("self-test/many", None, lambda: said_once)
    told = DICOMAuditMessages(origin="x/y")
    assert len(told.message(many)) < len(told.message(one)) + 100 < 4096  # bytes; rsyslog cuts at 8 KiB
    assert b"not-passed" in told.message(one)


class Falling:
    """An engine that cannot be asked while it is down."""

    down = True

    def evaluate(self, policies, document):
        if self.down:
            raise Unavailable("no worker")
        return ENGINE.evaluate(policies, document)


def test_policies_that_nobody_could_try_are_tried_again_at_the_next_gate(world):
    engine = Falling()
    at = replace(gate(world), engine=engine)
    assert isinstance(at.judged(world.door()).decision, Undecided)
    engine.down = False
    assert isinstance(at.judged(world.door()).decision, Allow)
    assert [item.statement.context.outcome for item in world.log.every(SELF_TEST)] == [Outcome.ERRORED, Outcome.PASSED]
    at.judged(world.door())
    assert len(list(world.log.every(SELF_TEST))) == 2

"""The whole gate: evidence in a log, the policies that come along, a real worker."""

from datetime import timedelta

import pytest
from gate_world import ARTIFACT, FINDING, Said, World, counts, person, pipeline

from wardline.adapters.policy.cel import CEL
from wardline.canonical import Digest, decode, digest_of
from wardline.controls.library import load_library
from wardline.delivery.approve import Approvals
from wardline.delivery.decide import Gate, decide, decision_of
from wardline.delivery.waive import WaiverRequest, waive
from wardline.errors import IntegrityViolation
from wardline.evidence.schemas import check_predicate
from wardline.evidence.statements import Statement
from wardline.gates import readings
from wardline.gates.decisions import Allow, Decision, Deny, Undecided
from wardline.gates.policy_files import load_policies
from wardline.identity.principals import Role
from wardline.outcomes import Outcome

POLICIES = load_policies()


@pytest.fixture
def world() -> World:
    world = World()
    world.serve()
    world.ship()
    return world


def gate(world: World) -> Gate:
    return Gate(collect=world.collect, engine=CEL(), policies=POLICIES)


def ask(world: World, **changes: object) -> Decision:
    return gate(world).judged(world.door(**changes)).decision


def approve(world: World) -> None:
    desk = Approvals(collect=world.collect, messenger=world.messenger)
    for who, role in (("ben", Role.CLINICAL_SAFETY), ("cleo", Role.COMPLIANCE)):
        desk.approve(desk.what_is_signed(world.door()), by=person(who), role=role, reason="Looked at it.")


def objections(decision: Decision) -> dict[str, str]:
    return {reason.policy: reason.verdict for reason in decision.judgement.reasons if reason.verdict != "allow"}


def test_a_release_with_everything_in_order_passes(world):
    approve(world)
    decision = ask(world)
    assert objections(decision) == {}
    assert isinstance(decision, Allow)
    assert {reason.policy for reason in decision.judgement.reasons} == {policy.id for policy in POLICIES}


def test_without_approvals_it_is_undecided(world):
    decision = ask(world)
    assert isinstance(decision, Undecided)
    assert objections(decision) == {"approved": "undecided"}
    (reason,) = (reason for reason in decision.judgement.reasons if reason.policy == "approved")
    assert "clinical-safety 0/1" in reason.message


def test_a_rejection_denies_whoever_approved(world):
    approve(world)
    desk = Approvals(collect=world.collect, messenger=world.messenger)
    desk.reject(desk.what_is_signed(world.door()), by=person("dan"), role=Role.COMPLIANCE, reason="Not now.")
    assert objections(ask(world)) == {"not-rejected": "deny"}


def test_a_change_whose_author_is_unknown_is_undecided():
    world = World()
    world.serve()
    world.ship(author=None)
    decision = ask(world)
    assert objections(decision) == {"approved": "undecided"}
    assert isinstance(decision, Undecided)


def test_staging_asks_nobody_and_needs_no_rehearsal():
    world = World()
    world.ship()
    assert isinstance(ask(world, environment="staging"), Allow)


def test_an_unwaived_finding_denies_and_a_waiver_lets_it_pass():
    world = World()
    world.ship(findings=(FINDING,))
    denied = ask(world, environment="staging")
    assert isinstance(denied, Deny)
    assert FINDING in "".join(reason.message for reason in denied.judgement.reasons)
    expiry = world.clock.now() + timedelta(days=7)
    request = WaiverRequest(finding=FINDING, expires_at=expiry, environment=None, reason="A cache key.")
    waive(request, by=person("cleo"), collect=world.collect)
    assert isinstance(ask(world, environment="staging"), Allow)
    world.clock.advance(timedelta(days=7))
    assert isinstance(ask(world, environment="staging"), Deny)


@pytest.mark.parametrize(
    ("step", "said", "kind"),
    [
        ("test", Said(readings.TEST_RESULT, counts(failed=1, passed=40, exit_code=1), outcome=Outcome.FAILED), Deny),
        ("test", Said(readings.TEST_RESULT, counts(coverage_bp=7999)), Deny),
        ("test", Said(readings.TEST_RESULT, counts(coverage_bp=None)), Undecided),
        ("test", Said(readings.TEST_RESULT, counts(executed=0, passed=0)), Undecided),
        ("test", Said(readings.TEST_RESULT, counts(), about=Digest.of(b"other")), Deny),
        ("test", Said(readings.TEST_RESULT, counts(executed="41")), Undecided),
        ("sbom", Said(readings.SBOM, {"components": 0, "names_artifact": False}, outcome=Outcome.ERRORED), Undecided),
        ("sbom", Said(readings.SBOM, {"components": 9, "names_artifact": False}), Deny),
        ("scan", Said(readings.SCAN, {"scanner": {"name": "bandit"}}, outcome=Outcome.ERRORED), Undecided),
        ("build", Said(readings.PROVENANCE, {}, about=Digest.of(b"other")), Deny),
        ("build", Said(readings.PROVENANCE, {}), Undecided),
    ],
)
def test_what_the_latest_evidence_says_decides(world, step, said, kind):
    world.say(f"{step}-again", said)
    assert isinstance(ask(world, environment="staging"), kind)


def test_a_stale_rehearsal_denies(world):
    approve(world)
    world.clock.advance(timedelta(hours=96, seconds=1))
    assert objections(ask(world)) == {"rollback-rehearsed": "deny"}


def test_a_rehearsal_from_what_production_no_longer_runs_denies(world):
    world.serve(Digest.of(b"eligibility-1.0.1"), name="1.0.1-cc")
    approve(world)
    assert objections(ask(world)) == {"rollback-rehearsed": "deny"}


def test_a_first_release_is_rehearsed_as_one():
    world = World()
    world.ship()
    world.rehearse(step="staging/rehearsal-first", served=None)
    approve(world)
    assert isinstance(ask(world), Allow)


def test_production_without_a_rollback_section_or_without_approvals_is_undecided(world):
    assert objections(ask(world, pipeline=pipeline(rollback=False)))["rollback-rehearsed"] == "undecided"
    assert objections(ask(world, pipeline=pipeline(approvals=()))) == {"approved": "undecided"}


def test_a_decision_is_made_once_and_reads_back(world):
    approve(world)
    first = decide(gate(world), world.door(), step="production/gate")
    world.clock.advance(timedelta(days=30))
    assert decide(gate(world), world.door(), step="production/gate") == first
    decision, index = first
    evidence = world.log.read(index)
    assert decision_of(evidence) == decision
    assert evidence.statement.subjects[0].digest == ARTIFACT == decision.judgement.artifact
    kept = decode(
        world.collect.blobs.get(Digest(evidence.statement.body["wardline_decision"]["input"]["digest"]["sha256"]))
    )
    assert digest_of(kept) == decision.judgement.input_digest


def test_what_is_no_decision_is_not_read_as_one(world):
    with pytest.raises(IntegrityViolation, match="expected a decision"):
        decision_of(world.log.read(0))


def test_a_decision_names_the_laws_its_policies_speak_to_as_they_were(world):
    library = load_library()
    made = Gate(collect=world.collect, engine=CEL(), policies=POLICIES, catalogues=library.catalogues).judged(
        world.door()
    )
    named = made.body()["wardline_decision"]["catalogues"]
    hipaa = library.catalogue("hipaa")
    assert [law["id"] for law in named] == ["gdpr", "hipaa"]  # and none that no policy speaks to
    assert named[1] == {"id": "hipaa", "version": str(hipaa.version), "digest": {"sha256": hipaa.digest.hex}}
    check_predicate(Statement.of(made, world.log.read(0).statement.context))

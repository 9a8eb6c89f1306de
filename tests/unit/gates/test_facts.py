from datetime import timedelta

import pytest
from gate_world import ARTIFACT, FINDING, PRODUCTION, SERVED, Said, World, pipeline, release, scan

from wardline.canonical import Digest, decode, encode
from wardline.gates import readings
from wardline.gates.predicates import FindingsSeen
from wardline.outcomes import Outcome


def document(world: World, **changes: object) -> dict:
    return world.facts(**changes).question.document


@pytest.fixture
def world() -> World:
    world = World()
    world.serve()
    world.ship()
    return world


def test_what_nobody_looked_at_is_left_out():
    facts = World().facts()
    known = facts.question.document
    assert not known.keys() & {"tests", "sbom", "provenance", "rehearsal", "change"}
    assert (known["scans"], known["findings"]) == ([], [])


def test_the_document_is_canonical_json_and_names_its_leaves(world):
    question = world.facts().question
    assert decode(encode(question.document)) == question.document
    assert set(question.evidence) >= {
        question.document[section]["log"] for section in ("tests", "sbom", "provenance", "rehearsal", "production")
    }


def test_ages_are_whole_seconds(world):
    world.clock.advance(timedelta(hours=2, milliseconds=900))
    assert document(world)["rehearsal"]["age_s"] == 7200


def test_a_clock_that_went_back_gives_a_negative_age(world):
    world.clock.advance(timedelta(milliseconds=-1))
    assert document(world)["rehearsal"]["age_s"] == -1


def test_the_latest_result_of_the_run_counts(world):
    world.say("test-again", Said(readings.TEST_RESULT, {}, outcome=Outcome.ERRORED))
    assert document(world)["tests"]["outcome"] == "errored"
    assert "executed" not in document(world)["tests"]


def test_results_of_another_run_do_not_count():
    world = World()
    world.say("test", Said(readings.TEST_RESULT, {}), run="r-other")
    assert "tests" not in document(world)


def test_an_unmapped_author_is_left_out():
    world = World()
    world.ship(author=None)
    assert "author" not in document(world)["change"]


def test_every_scanner_has_its_latest_scan(world):
    world.say("scan/bandit-again", Said(readings.SCAN, scan(FINDING)))
    world.say("scan/other", Said(readings.SCAN, scan() | {"scanner": {"name": "other"}}))
    known = document(world)
    assert [one["scanner"] for one in known["scans"]] == ["bandit", "other"]
    assert [(one["id"], one["waived"]) for one in known["findings"]] == [(FINDING, False)]


def test_production_is_empty_where_nothing_was_deployed():
    known = document(World())
    assert (known["production"], known["way_back"]) == ({"empty": True}, {"kind": "withdraw"})


def test_production_is_what_the_last_ended_deployment_left(world):
    known = document(world)
    assert known["production"]["artifact"] == str(SERVED)
    assert known["way_back"]["kind"] == "previous"
    assert known["way_back"]["provenance"] is True


def test_another_service_and_another_environment_do_not_count(world):
    world.serve(Digest.of(b"x"), name="x", environment="staging")
    body = {"service": "claims", "environment": "production", "release": release("y", Digest.of(b"y"))}
    world.say("y", Said(readings.DEPLOYMENT, body | {"serving": "y", "phase": "succeeded"}))
    assert document(world)["production"]["artifact"] == str(SERVED)


def test_an_unfinished_deployment_changes_nothing_yet(world):
    body = {"service": "eligibility", "environment": "production", "release": release("1.1-bb", ARTIFACT)}
    world.say("s", Said(readings.DEPLOYMENT, body | {"serving": "1.1-bb", "phase": "shifted"}))
    assert document(world)["production"]["artifact"] == str(SERVED)
    world.say("e", Said(readings.DEPLOYMENT, body | {"serving": None, "phase": "stopped"}))
    assert document(world)["production"]["empty"] is True


def test_a_served_release_nobody_knows_is_not_nothing(world):
    body = {"service": "eligibility", "environment": "production", "release": release("1.1-bb", ARTIFACT)}
    world.say("e", Said(readings.DEPLOYMENT, body | {"serving": "0.9-zz", "phase": "rolled-back"}))
    assert not document(world).keys() & {"production", "way_back"}


def test_a_rehearsal_of_another_artifact_does_not_count():
    world = World()
    world.say("r", Said(readings.REHEARSAL, {"service": "eligibility"}, SERVED))
    assert "rehearsal" not in document(world)


def test_without_a_rollback_section_there_is_none(world):
    assert "rollback" not in document(world, pipeline=pipeline(rollback=False))


def test_a_deadline_that_passed_is_said(world):
    deadline = world.clock.now() + timedelta(hours=1)
    assert document(world, deadline=deadline)["approvals"]["expired"] is False
    world.clock.advance(timedelta(hours=1))
    assert document(world, deadline=deadline)["approvals"]["expired"] is True


def test_configuration_is_part_of_what_is_approved(world):
    staging, production = (world.facts(environment=name).document for name in ("staging", PRODUCTION))
    assert staging.matter.release_configuration != production.matter.release_configuration
    assert staging.digest != production.digest


def test_what_is_shown_holds_every_finding_and_digest():
    world = World()
    world.ship(findings=(FINDING,))
    shown = world.facts().document
    assert shown.matter.findings == FindingsSeen.of([FINDING])
    assert shown.content["tests"]["executed"] == 41
    assert shown.content["rehearsal"]["rollback_ms"] == 850
    assert Digest.of(shown.canonical) == shown.digest


def in_parts(world: World, *told: tuple[int, tuple[str, ...]], of: int) -> None:
    for number, findings in told:
        body = {**scan(*findings), "part": {"number": number, "of": of}}
        world.say(f"scan/bandit/{number}", Said(readings.SCAN, body))


def test_findings_of_every_part_of_a_scan_are_seen_and_rested_on():
    world = World()
    in_parts(world, (2, ("F-2",)), (1, ("F-1",)), (3, ("F-3",)), of=3)
    question = world.facts().question
    assert [one["id"] for one in question.document["findings"]] == ["F-1", "F-2", "F-3"]
    (seen,) = question.document["scans"]
    assert seen["outcome"] == "passed"
    assert {seen["log"], *(part["log"] for part in seen["further_parts"])} <= set(question.evidence)
    assert world.facts().document.matter.findings == FindingsSeen.of(["F-3", "F-2", "F-1"])


@pytest.mark.parametrize("told", [(1, 2), (1, 3), (2, 3), (3,)])
def test_a_scan_with_a_part_missing_is_one_that_nobody_made(told):
    world = World()
    in_parts(world, *((number, (f"F-{number}",)) for number in told), of=3)
    (seen,) = document(world)["scans"]
    assert seen["outcome"] == "errored"

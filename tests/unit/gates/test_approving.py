import re
from datetime import timedelta

import pytest
from gate_world import FINDING, RUN, Said, World, key, person, pipeline

from wardline.adapters.policy.cel import CEL
from wardline.canonical import decode
from wardline.delivery.approve import Approvals
from wardline.delivery.decide import Gate, decide
from wardline.delivery.enrol import KnownAs, enrol
from wardline.delivery.sign import Signatory
from wardline.delivery.waive import WaiverRequest, waive
from wardline.errors import Conflict, InvalidInput, NotFound, Refused
from wardline.evidence.envelopes import verify_signature
from wardline.gates.policy_files import load_policies
from wardline.gates.predicates import APPROVAL, REJECTION, FindingsSeen
from wardline.identity.predicates import Change, Enrolment, KeyChange, Refusal, RevocationReason
from wardline.identity.principals import Principal, Role
from wardline.ids import PrincipalId
from wardline.pipelines.spec import ApprovalSpec


@pytest.fixture
def world() -> World:
    world = World()
    world.serve()
    world.ship(findings=(FINDING,))
    return world


@pytest.fixture
def desk(world) -> Approvals:
    return Approvals(collect=world.collect, messenger=world.messenger)


def refusals(world: World) -> list[tuple[str, str, str | None]]:
    said = [leaf.statement for leaf in world.log.every(Refusal.predicate_type)]
    return [(one.body["action"], one.body["code"], one.body["principal"]) for one in said]


def approve(world: World, desk: Approvals, who: Signatory, role: Role):
    return desk.approve(desk.what_is_signed(world.door()), by=who, role=role, reason="Looked at it.")


def test_what_is_signed_is_exactly_what_was_shown(world, desk):
    shown = desk.what_is_signed(world.door())
    evidence = desk.approve(shown, by=person("ben"), role=Role.CLINICAL_SAFETY, reason="Looked at it.")
    verify_signature(evidence.envelope, key("ben").public_key)
    assert evidence.statement.body["shown_digest"] == {"sha256": shown.digest.hex}
    assert decode(world.collect.blobs.get(shown.digest)) == shown.content
    assert evidence.statement.body["subject"]["findings"] == FindingsSeen.of([FINDING]).to_json()
    assert b"Looked" not in evidence.envelope.payload


def test_approving_twice_records_once_and_wakes_twice(world, desk):
    first = approve(world, desk, person("ben"), Role.CLINICAL_SAFETY)
    assert approve(world, desk, person("ben"), Role.CLINICAL_SAFETY) == first
    assert len(world.messenger.sent) == 2
    assert sum(1 for _ in world.log.every(APPROVAL)) == 1


def test_what_changed_since_it_was_shown_is_not_signed(world, desk):
    shown = desk.what_is_signed(world.door())
    world.rehearse(step="staging/rehearsal-again")
    with pytest.raises(Conflict, match="what was shown"):
        desk.approve(shown, by=person("ben"), role=Role.CLINICAL_SAFETY, reason="Looked at it.")
    assert not list(world.log.every(APPROVAL))


@pytest.mark.parametrize(
    ("who", "role", "code"),
    [
        (person("ada"), Role.COMPLIANCE, "is-author"),
        (person("ben"), Role.COMPLIANCE, "without-role"),
        (Signatory(principal=PrincipalId("ben"), signer=key("mallory")), Role.CLINICAL_SAFETY, "wrong-key"),
        (Signatory(principal=PrincipalId("cleo"), signer=key("ben")), Role.COMPLIANCE, "wrong-key"),
        (person("mallory-example"), Role.COMPLIANCE, "not-enrolled"),
    ],
)
def test_who_may_not_approve_is_refused_on_record(world, desk, who, role, code):
    with pytest.raises(Refused, match=re.escape(code)):
        approve(world, desk, who, role)
    named = None if code == "not-enrolled" else who.principal
    assert refusals(world) == [("approve", code, named)]
    assert not list(world.log.every(APPROVAL))


def test_every_attempt_is_on_record(world, desk):
    for _ in range(3):
        with pytest.raises(Refused):
            approve(world, desk, person("ada"), Role.COMPLIANCE)
    assert len(refusals(world)) == 3


def test_an_attempt_on_a_sealed_run_stands_outside_of_it(world, desk):
    world.say("seal", Said("urn:seal", {}))
    with pytest.raises(Refused):
        approve(world, desk, person("ada"), Role.COMPLIANCE)
    assert world.log.leaves[-1].statement.context.run is None
    with pytest.raises(Conflict, match="sealed"):
        approve(world, desk, person("ben"), Role.CLINICAL_SAFETY)


def test_one_person_is_refused_a_second_role(world, desk):
    approve(world, desk, person("dan"), Role.CLINICAL_SAFETY)
    with pytest.raises(Refused, match="second-role"):
        approve(world, desk, person("dan"), Role.COMPLIANCE)


def test_who_left_is_refused(world, desk):
    world.enrol("ben")
    with pytest.raises(Refused, match="departed"):
        approve(world, desk, person("ben"), Role.CLINICAL_SAFETY)


def test_nobody_approves_while_the_author_is_unknown():
    world = World()
    world.ship(author=None)
    with pytest.raises(Refused, match="author-unknown"):
        approve(world, Approvals(collect=world.collect, messenger=world.messenger), person("ben"), Role.CLINICAL_SAFETY)


def test_a_role_nobody_asks_for_is_no_role_to_approve_in(world, desk):
    asked = pipeline(approvals=(ApprovalSpec(role=Role.COMPLIANCE),))
    shown = desk.what_is_signed(world.door(pipeline=asked))
    with pytest.raises(InvalidInput, match="nobody is asked as clinical-safety; asked: compliance"):
        desk.approve(shown, by=person("ben"), role=Role.CLINICAL_SAFETY, reason="Looked at it.")


def test_whoever_is_second_at_one_place_in_the_log_is_told(world, desk):
    world.forge(Said("urn:other", {}), step="production/word/ben/1", actor="ben", signer=key("ben"))
    with pytest.raises(Conflict, match="something else was recorded meanwhile"):
        approve(world, desk, person("ben"), Role.CLINICAL_SAFETY)
    assert world.messenger.sent == []


def test_a_reason_is_needed(world, desk):
    with pytest.raises(InvalidInput, match="reason"):
        desk.approve(desk.what_is_signed(world.door()), by=person("ben"), role=Role.CLINICAL_SAFETY, reason="  ")


def test_there_is_nothing_to_sign_before_the_run_got_there():
    world = World()
    with pytest.raises(NotFound, match="nothing to sign yet"):
        Approvals(collect=world.collect, messenger=world.messenger).what_is_signed(world.door())


def test_a_rejection_is_recorded_and_can_be_taken_back(world, desk):
    shown = desk.what_is_signed(world.door())
    no = desk.reject(shown, by=person("ben"), role=Role.CLINICAL_SAFETY, reason="Not on a Friday.")
    assert desk.reject(shown, by=person("ben"), role=Role.CLINICAL_SAFETY, reason="Still not.") == no
    assert [one.by for one in world.facts().standing.rejections] == ["ben"]
    desk.approve(shown, by=person("ben"), role=Role.CLINICAL_SAFETY, reason="Monday.")
    assert world.facts().standing.rejections == ()
    assert sum(1 for _ in world.log.every(REJECTION)) == 1


def test_who_may_not_reject_is_refused_on_record(world, desk):
    shown = desk.what_is_signed(world.door())
    with pytest.raises(Refused, match="without-role"):
        desk.reject(shown, by=person("ben"), role=Role.COMPLIANCE, reason="No.")
    assert refusals(world) == [("reject", "without-role", "ben")]


def test_the_first_enrolment_must_found():
    world = World()
    world.log.leaves.clear()
    ben = Principal(id=PrincipalId("ben"), key=key("ben").public_key, roles=frozenset({Role.ADMINISTRATOR}))
    with pytest.raises(Refused, match="not-founding"):
        enrol(Enrolment(principal=ben), by=person("ben"), collect=world.collect, people=world.people)
    assert refusals(world) == [("enrol", "not-founding", None)]
    enrol(Enrolment(principal=ben, founding=True), by=person("ben"), collect=world.collect, people=world.people)


def test_enrolling_what_holds_already_records_nothing(world):
    size = world.log.size()
    world.enrol("ben", Role.CLINICAL_SAFETY)
    assert world.log.size() == size


def test_names_stay_outside_the_log_and_an_address_belongs_to_one(world):
    eve = Principal(id=PrincipalId("eve"), key=key("eve").public_key, roles=frozenset({Role.DEVELOPER}))
    known = KnownAs(name="Eve Example", emails=("eve@example.org",))
    enrol(Enrolment(principal=eve), by=person("ada"), collect=world.collect, people=world.people, known_as=known)
    assert world.people.principal_of("eve@example.org") == "eve"
    assert not any(b"xample" in leaf.envelope.payload for leaf in world.log.every(Enrolment.predicate_type))
    other = Principal(id=PrincipalId("eve2"), key=key("eve2").public_key, roles=frozenset({Role.DEVELOPER}))
    with pytest.raises(Conflict):
        enrol(Enrolment(principal=other), by=person("ada"), collect=world.collect, people=world.people, known_as=known)
    assert world.facts().people.find(PrincipalId("eve2")) is None


def test_a_forged_enrolment_gives_nobody_a_role(world):
    mallory = Principal(id=PrincipalId("mallory"), key=key("mallory").public_key, roles=frozenset({Role.COMPLIANCE}))
    for number, (actor, seed) in enumerate([("mallory", "mallory"), ("ada", "mallory"), ("ben", "ben")]):
        world.forge(Enrolment(principal=mallory), step=f"e{number}", actor=actor, signer=key(seed), run=None)
    world.forge(Enrolment(principal=mallory, founding=True), step="f", actor="mallory", signer=key("mallory"), run=None)
    assert world.facts().people.find(PrincipalId("mallory")) is None


def test_a_run_is_where_an_approval_belongs(world, desk):
    world.clock.advance(timedelta(hours=1))
    assert approve(world, desk, person("cleo"), Role.COMPLIANCE).statement.context.run == RUN


def test_nobody_is_shown_what_it_is_too_late_to_sign(world, desk):
    decide(Gate(collect=world.collect, engine=CEL(), policies=load_policies()), world.door(), step="production/gate")
    with pytest.raises(Conflict, match="too late"):
        desk.what_is_signed(world.door())


def revoke(world: World, who: str) -> None:
    change = KeyChange(
        change=Change.REVOKED,
        key=key(who).public_key,
        holder=PrincipalId(who),
        by=None,
        purposes=(),
        origin="wardline/test",
        since=world.log.size(),
        reason=RevocationReason.KEY_COMPROMISE,
    )
    world.forge(change, step=f"key/{who}", actor="ada", signer=key("ada"), run=None)


def test_a_key_that_was_replaced_signs_no_approval(world, desk):
    world.enrol("ben", Role.CLINICAL_SAFETY, seed="ben's second key")
    with pytest.raises(Refused, match=r"not the key that is enrolled.*\(wrong-key\)"):
        approve(world, desk, person("ben"), Role.CLINICAL_SAFETY)
    second = Signatory(principal=PrincipalId("ben"), signer=key("ben's second key"))
    assert approve(world, desk, second, Role.CLINICAL_SAFETY).statement.context.actor == "ben"


def test_a_revoked_key_signs_neither_approval_nor_rejection_nor_waiver(world, desk):
    revoke(world, "cleo")
    shown = desk.what_is_signed(world.door())
    for word in (desk.approve, desk.reject):
        with pytest.raises(Refused, match=r"\(key-revoked\)") as refused:
            word(shown, by=person("cleo"), role=Role.COMPLIANCE, reason="Looked at it.")
        assert "new key" in refused.value.remedy
    ends = world.clock.now() + timedelta(days=3)
    request = WaiverRequest(finding=FINDING, expires_at=ends, environment=None, reason="Known.")
    with pytest.raises(Refused, match=r"\(key-revoked\)"):
        waive(request, by=person("cleo"), collect=world.collect)
    assert [code for _, code, _ in refusals(world)] == ["key-revoked"] * 3

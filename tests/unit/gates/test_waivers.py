from datetime import timedelta

import pytest
from gate_world import FINDING, PRODUCTION, RUN, World, key, person

from wardline.canonical import Digest
from wardline.delivery.accepted import accepted, accepted_in
from wardline.delivery.sign import Signatory
from wardline.delivery.waive import WaiverRequest, waive
from wardline.errors import InvalidInput, NotFound, Refused
from wardline.gates.predicates import Waiver
from wardline.identity.predicates import Refusal
from wardline.identity.principals import Role
from wardline.ids import EnvironmentName, RunId
from wardline.predicates import BlobRef

REASON = BlobRef(digest=Digest.of(b"salted"), media_type="text/plain", size_bytes=6)


@pytest.fixture
def world() -> World:
    world = World()
    world.ship(findings=(FINDING,))
    return world


def ask(world: World, **changes: object) -> WaiverRequest:
    asked = {
        "finding": FINDING,
        "expires_at": world.clock.now() + timedelta(days=30),
        "environment": None,
        "reason": "SHA-1 names a cache entry here.",
    }
    return WaiverRequest(**(asked | changes))


def waived(world: World, **changes: object) -> bool:
    return world.facts(**changes).question.document["findings"][0]["waived"]


def test_a_waiver_lets_its_finding_pass(world):
    assert not waived(world)
    waiver = waive(ask(world), by=person("cleo"), collect=world.collect)
    facts = world.facts()
    assert facts.question.document["findings"][0] | {"waived": True} == facts.question.document["findings"][0]
    assert waiver.index in facts.question.evidence
    assert facts.document.matter.waivers == (waiver.index,)


def test_an_expired_waiver_does_not_count(world):
    waive(ask(world), by=person("cleo"), collect=world.collect)
    world.clock.advance(timedelta(days=30, milliseconds=-1))
    assert waived(world)
    world.clock.advance(timedelta(milliseconds=1))
    assert not waived(world)


def test_a_waiver_for_one_environment_counts_there_only(world):
    waive(ask(world, environment=PRODUCTION), by=person("cleo"), collect=world.collect)
    assert waived(world)
    assert not waived(world, environment="staging")


def test_a_waiver_does_not_cover_a_change_of_its_own_signer(world):
    waive(ask(world), by=person("ada"), collect=world.collect)  # who wrote the change
    assert not waived(world)


@pytest.mark.parametrize("days", [0, -1, 366])
def test_an_expiry_out_of_range_is_refused(world, days):
    late = world.clock.now() + timedelta(days=days)
    with pytest.raises(InvalidInput, match="expected an expiry between"):
        waive(ask(world, expires_at=late), by=person("cleo"), collect=world.collect)


def test_a_finding_nobody_found_cannot_be_waived(world):
    with pytest.raises(NotFound, match="no scan on record"):
        waive(ask(world, finding="F-ffffffffffff"), by=person("cleo"), collect=world.collect)


def test_a_waiver_needs_a_reason(world):
    with pytest.raises(InvalidInput, match="reason"):
        waive(ask(world, reason=" "), by=person("cleo"), collect=world.collect)


@pytest.mark.parametrize(
    ("by", "code"),
    [
        (person("mallory"), "not-enrolled"),
        (Signatory(principal="cleo", signer=key("mallory")), "wrong-key"),
        (person("eve"), "without-role"),
    ],
)
def test_who_may_not_is_refused_on_record(world, by, code):
    world.enrol("eve", Role.DEVELOPER)
    with pytest.raises(Refused, match=code):
        waive(ask(world), by=by, collect=world.collect)
    refusal = world.log.leaves[-1].statement
    assert refusal.predicate_type == Refusal.predicate_type
    assert refusal.body == {
        "action": "waive",
        "code": code,
        "principal": None if code == "not-enrolled" else by.principal,
    }


@pytest.mark.parametrize(("who", "seed"), [("cleo", "mallory"), ("mallory", "mallory"), ("ben", "cleo")])
def test_a_forged_waiver_does_not_count(world, who, seed):
    forged = Waiver(finding=FINDING, expires_at=world.clock.now() + timedelta(days=3), environment=None, reason=REASON)
    world.forge(forged, step="waiver/x", actor=who, signer=key(seed), run=None)
    assert not waived(world)


def test_a_waiver_for_longer_than_a_year_does_not_count_however_it_got_here(world):
    forged = Waiver(
        finding=FINDING, expires_at=world.clock.now() + timedelta(days=3660), environment=None, reason=REASON
    )
    world.forge(forged, step="waiver/x", actor="cleo", signer=key("cleo"), run=None)
    assert not waived(world)


@pytest.mark.parametrize("control", ["hipaa:164.312(b)", "gdpr:art-32(1)(d)", "hipaa-nprm-2025:no-addressable"])
def test_a_control_cannot_be_waived(world, control):
    with pytest.raises(InvalidInput, match="a waiver touches a finding, never a requirement of the law") as refused:
        waive(ask(world, finding=control), by=person("cleo"), collect=world.collect)
    assert control in refused.value.what
    assert "controls decide" in refused.value.remedy


def test_a_waiver_without_an_expiry_cannot_be_read(world):
    waiver = waive(ask(world), by=person("cleo"), collect=world.collect).statement.body
    for without in ({k: v for k, v in waiver.items() if k != "expires_at"}, dict(waiver) | {"expires_at": None}):
        with pytest.raises(InvalidInput, match="expected exactly finding, reason, expires_at and environment"):
            Waiver.parse(without)


def test_every_waiver_names_its_owner_and_whether_it_has_expired(world):
    made = waive(ask(world, environment=PRODUCTION), by=person("cleo"), collect=world.collect)
    (found,) = accepted(world.collect)
    assert (found.waiver.index, found.waiver.by, found.stands) == (made.index, "cleo", True)
    assert found.to_json()["owner"] == "cleo"
    world.clock.advance(timedelta(days=30))
    (found,) = accepted(world.collect)
    assert not found.stands


def test_a_release_has_the_waivers_of_its_own_findings(world):
    waive(ask(world, environment=PRODUCTION), by=person("cleo"), collect=world.collect)
    assert len(accepted_in(RUN, world.collect)) == 1
    assert len(accepted_in(RUN, world.collect, environment=PRODUCTION)) == 1
    assert accepted_in(RUN, world.collect, environment=EnvironmentName("staging")) == ()
    assert accepted_in(RunId("r-0000000002"), world.collect) == ()

from dataclasses import replace

import pytest
from gate_world import FINDING, PRODUCTION, RUN, World, key, person
from hypothesis import given, settings
from hypothesis import strategies as st

from wardline.canonical import Digest
from wardline.delivery.approve import CONSENT_DOCUMENT, Approvals
from wardline.gates.facts import Facts
from wardline.gates.predicates import Approval, Rejection, Word
from wardline.identity.principals import Role
from wardline.identity.separation import Objection
from wardline.predicates import BlobRef

REASON = BlobRef(digest=Digest.of(b"salted"), media_type="text/plain", size_bytes=6)


@pytest.fixture
def world() -> World:
    world = World()
    world.serve()
    world.ship()
    return world


def word(world: World, role: Role, **changes: object) -> Word:
    document = world.facts().document
    shown = world.collect.blobs.put(document.canonical, CONSENT_DOCUMENT)
    said = Word(environment=PRODUCTION, role=role, matter=document.matter, shown=shown, reason=REASON)
    return replace(said, **changes)


def forge(world: World, predicate: Approval | Rejection, who: str, *, seed: str | None = None, step: str = "") -> int:
    step = step or f"production/word/{who}/{world.log.size()}"
    return world.forge(predicate, step=step, actor=who, signer=key(seed or who)).index


def aside(facts: Facts) -> list[Objection]:
    return [one.objection for one in facts.standing.set_aside]


def counted(facts: Facts) -> set[tuple[str, Role]]:
    return {(one.by, one.role) for one in facts.standing.approvals}


def test_an_approval_of_what_would_be_released_counts(world):
    forge(world, Approval(word=word(world, Role.CLINICAL_SAFETY)), "ben")
    facts = world.facts()
    assert counted(facts) == {("ben", Role.CLINICAL_SAFETY)}


def test_an_approval_by_another_key_does_not_count(world):
    forge(world, Approval(word=word(world, Role.CLINICAL_SAFETY)), "ben", seed="mallory")
    assert counted(world.facts()) == set()
    assert aside(world.facts()) == [Objection.WRONG_KEY]


def test_an_edited_approval_does_not_count(world):
    genuine = forge(world, Approval(word=word(world, Role.CLINICAL_SAFETY)), "ben")
    leaf = world.log.read(genuine)
    payload = leaf.envelope.payload.replace(b'"clinical-safety"', b'"clinical-safeti"')
    assert payload != leaf.envelope.payload
    statement = replace(leaf.statement, body=leaf.statement.body | {"reason": REASON.to_json()})
    envelope = replace(leaf.envelope, payload=payload)
    world.log.leaves[genuine] = replace(leaf, envelope=envelope, statement=statement)
    assert counted(world.facts()) == set()
    assert aside(world.facts()) == [Objection.BAD_SIGNATURE]


def test_an_approval_replayed_for_another_run_does_not_count(world):
    elsewhere = replace(world.facts().document.matter, run="r-9999999999")
    forge(world, Approval(word=word(world, Role.CLINICAL_SAFETY, matter=elsewhere)), "ben")
    assert counted(world.facts()) == set()


def test_an_approval_recorded_in_another_run_does_not_count(world):
    approval = Approval(word=word(world, Role.CLINICAL_SAFETY))
    world.forge(approval, step="word", actor="ben", signer=key("ben"), run="r-9999999999")
    assert (counted(world.facts()), aside(world.facts())) == (set(), [])


def test_an_approval_of_another_artifact_does_not_count(world):
    other = replace(world.facts().document.matter, artifact=Digest.of(b"other"))
    forge(world, Approval(word=word(world, Role.CLINICAL_SAFETY, matter=other)), "ben")
    assert aside(world.facts()) == [Objection.ANOTHER_MATTER]


def test_an_approval_of_another_document_does_not_count(world):
    shown = world.collect.blobs.put(b"{}", CONSENT_DOCUMENT)
    forge(world, Approval(word=word(world, Role.CLINICAL_SAFETY, shown=shown)), "ben")
    assert aside(world.facts()) == [Objection.ANOTHER_MATTER]


def test_an_approval_falls_when_what_would_be_released_changes(world):
    forge(world, Approval(word=word(world, Role.CLINICAL_SAFETY)), "ben")
    world.rehearse(step="staging/rehearsal-again")
    assert counted(world.facts()) == set()
    assert aside(world.facts()) == [Objection.ANOTHER_MATTER]


def test_time_alone_changes_no_document(world):
    before = world.facts().document
    world.clock.advance(world.clock.elapsed() + (world.facts().document.door.environment.approvals_within))
    assert world.facts().document.digest == before.digest


def test_the_author_does_not_count_as_approver(world):
    forge(world, Approval(word=word(world, Role.COMPLIANCE)), "ada")
    assert aside(world.facts()) == [Objection.IS_AUTHOR]


def test_nobody_counts_while_the_author_is_unknown():
    world = World()
    world.ship(author=None)
    forge(world, Approval(word=word(world, Role.CLINICAL_SAFETY)), "ben")
    assert aside(world.facts()) == [Objection.AUTHOR_UNKNOWN]


def test_one_person_counts_in_one_role_only(world):
    forge(world, Approval(word=word(world, Role.CLINICAL_SAFETY)), "dan")
    forge(world, Approval(word=word(world, Role.COMPLIANCE)), "dan")
    facts = world.facts()
    assert counted(facts) == {("dan", Role.CLINICAL_SAFETY)}
    assert aside(facts) == [Objection.SECOND_ROLE]


def test_a_role_one_does_not_have_does_not_count(world):
    forge(world, Approval(word=word(world, Role.COMPLIANCE)), "ben")
    assert aside(world.facts()) == [Objection.WITHOUT_ROLE]


def test_a_stranger_does_not_count(world):
    forge(world, Approval(word=word(world, Role.COMPLIANCE)), "mallory")
    assert aside(world.facts()) == [Objection.NOT_ENROLLED]


def test_a_role_given_after_the_approval_does_not_make_it_count(world):
    forge(world, Approval(word=word(world, Role.COMPLIANCE)), "ben")
    world.enrol("ben", Role.CLINICAL_SAFETY, Role.COMPLIANCE)
    assert aside(world.facts()) == [Objection.WITHOUT_ROLE]


def test_an_approver_who_left_does_not_count(world):
    forge(world, Approval(word=word(world, Role.CLINICAL_SAFETY)), "ben")
    world.enrol("ben")
    assert aside(world.facts()) == [Objection.DEPARTED]


def test_a_rejection_outlives_the_role_of_who_said_it(world):
    forge(world, Rejection(word=word(world, Role.CLINICAL_SAFETY)), "ben")
    world.enrol("ben")
    assert [one.by for one in world.facts().standing.rejections] == ["ben"]


def test_a_rejection_holds_though_what_would_be_released_changes(world):
    forge(world, Rejection(word=word(world, Role.CLINICAL_SAFETY)), "ben")
    world.rehearse(step="staging/rehearsal-again")
    assert [one.by for one in world.facts().standing.rejections] == ["ben"]


def test_the_same_person_can_take_a_rejection_back(world):
    forge(world, Rejection(word=word(world, Role.CLINICAL_SAFETY)), "ben")
    forge(world, Approval(word=word(world, Role.CLINICAL_SAFETY)), "ben")
    facts = world.facts()
    assert (counted(facts), facts.standing.rejections) == ({("ben", Role.CLINICAL_SAFETY)}, ())


def test_a_yes_that_does_not_count_takes_back_no_rejection(world):
    forge(world, Rejection(word=word(world, Role.CLINICAL_SAFETY)), "ben")
    other = replace(world.facts().document.matter, artifact=Digest.of(b"other"))
    forge(world, Approval(word=word(world, Role.CLINICAL_SAFETY, matter=other)), "ben")
    assert [one.by for one in world.facts().standing.rejections] == ["ben"]


def test_a_rejection_recorded_as_an_approval_is_read_as_neither(world):
    class Mislabelled(Rejection):
        predicate_type = Approval.predicate_type

    forge(world, Mislabelled(word=word(world, Role.CLINICAL_SAFETY)), "ben")
    assert aside(world.facts()) == [Objection.MALFORMED]


WHO = st.sampled_from(["ada", "ben", "cleo", "dan", "mallory"])
SAY = st.tuples(WHO, st.sampled_from(list(Role)), st.sampled_from([Approval, Rejection]), WHO)


@settings(max_examples=50, deadline=None)
@given(st.lists(SAY, max_size=8))
def test_whatever_is_said_each_person_counts_once_and_in_a_role_they_have(says):
    world = World()
    world.ship(findings=(FINDING,))
    for who, role, kind, holder in says:
        forge(world, kind(word=word(world, role)), who, seed=holder)
    facts = world.facts()
    standing = facts.standing
    people = [one.by for one in (*standing.approvals, *standing.rejections)]
    assert len(people) == len(set(people))
    assert "ada" not in {one.by for one in standing.approvals}
    genuine = {(who, role) for who, role, _, holder in says if who == holder}
    for one in (*standing.approvals, *standing.rejections):
        assert (one.by, one.role) in genuine
        principal = facts.people.find(one.by)
        assert principal is not None
        assert one.role in principal.roles


def test_what_a_run_is_told_is_where_it_waits(world):
    desk = Approvals(collect=world.collect, messenger=world.messenger)
    given_at = desk.approve(
        desk.what_is_signed(world.door()), by=person("ben"), role=Role.CLINICAL_SAFETY, reason="Checked."
    )
    assert world.messenger.sent == [(RUN, "production/approvals", {"log": given_at.index})]

"""Forgetting: what is destroyed, what stays, who may sign for it, and what an interruption leaves."""

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes.memory_subject_keys import MemorySubjectKeys
from tests.unit.gates.gate_world import World, person

from wardline.canonical import Digest, decode
from wardline.delivery.enrol import KnownAs, enrol
from wardline.delivery.forget import Forgetting
from wardline.delivery.hold import HoldRequest, hold
from wardline.delivery.read_texts import Texts
from wardline.delivery.unsigned_words import from_argument, keep_words, to_argument
from wardline.errors import Conflict, IntegrityViolation, InvalidInput, NotFound, Refused, Unavailable
from wardline.evidence.log import Evidence
from wardline.evidence.predicates import HoldReason, Scope
from wardline.evidence.private_texts import PrivateText, Readable
from wardline.identity.erasure import ERASURE, Destroyed, Erasure, Remaining
from wardline.identity.predicates import Enrolment, Refusal
from wardline.identity.principals import Role
from wardline.ids import PrincipalId, SubjectId
from wardline.predicates import BlobRef

BEN, DORA = PrincipalId("ben"), PrincipalId("dora")
REASON, ADDRESS = "patients wait for it", "ben@clinic.example"


@dataclass
class FailsOnce(MemorySubjectKeys):
    """A store of keys whose first destruction is interrupted."""

    interrupted: list[frozenset[str]] = field(default_factory=list)

    def destroy(self, key_ids: frozenset[str]) -> None:
        if not self.interrupted:
            self.interrupted.append(key_ids)
            raise Unavailable("the disk went away")
        super().destroy(key_ids)


class ForgettingWorld(World):
    """Ben has a name, an address and a reason on record; Dora answers for data protection."""

    def __init__(self) -> None:
        super().__init__()
        self.enrol("dora", Role.DATA_PROTECTION)
        self.people.remember(BEN, name="Ben Blanco", emails=[ADDRESS])
        self.desk = Forgetting(collect=self.collect, people=self.people)
        self.said = self.hold_by("ben")

    def hold_by(self, name: str, *, blocks_erasure: bool = False, role: Role = Role.COMPLIANCE) -> Evidence:
        """A person's word with a reason: any that takes one will do."""
        self.enrol(name, role, Role.CLINICAL_SAFETY)
        request = HoldRequest(
            scope=Scope(), role=role, code=HoldReason.AUDIT, reason=REASON, blocks_erasure=blocks_erasure
        )
        return hold(request, by=person(name), collect=self.collect)

    def forget(self, subject: str = "ben", *, by: str = "dora", emails: tuple[str, ...] = ()) -> Evidence | None:
        return self.desk.forget(self.desk.look(SubjectId(subject), emails=emails), by=person(by))

    def read(self, item: Evidence) -> PrivateText:
        (text,) = Texts.of(self.collect).in_statement(item)
        return text

    def erasures(self) -> list[Evidence]:
        return list(self.log.every(ERASURE))

    def refusals(self) -> list[str]:
        return [str(item.statement.body["code"]) for item in self.log.every(Refusal.predicate_type)]


@pytest.fixture
def world() -> ForgettingWorld:
    return ForgettingWorld()


def test_looking_changes_nothing_and_tells_all(world: ForgettingWorld) -> None:
    before = world.log.size()
    doomed = world.desk.look(SubjectId("ben"))
    assert (doomed.principal, doomed.name, doomed.addresses) == (BEN, "Ben Blanco", (ADDRESS,))
    assert [key.subject for key in doomed.keys] == ["ben"]
    assert len(doomed.texts) == 1
    assert doomed.kept.signed == 1
    assert doomed.kept.statements == sum("ben" in str(leaf.statement) for leaf in world.log.leaves)
    assert doomed.kept.until is not None
    assert (doomed.blocked_by, doomed.signed_at) == ((), None)
    assert doomed.roles == {Role.COMPLIANCE, Role.CLINICAL_SAFETY}
    assert world.log.size() == before
    assert world.read(world.said).text == REASON


def test_what_was_written_and_the_name_are_gone_and_the_rest_is_not(world: ForgettingWorld) -> None:
    cleo = world.hold_by("cleo")
    evidence = world.forget()
    assert evidence is not None
    assert world.people.name_of(BEN) is None
    assert world.people.addresses_of(BEN) == ()
    text = world.read(world.said)
    assert text.state is Readable.ERASED
    assert text.erased_at == evidence.statement.context.recorded_at
    assert str(text) == "erased on 2026-11-23"
    assert world.read(cleo).text == REASON


def test_the_statement_says_counts_and_digests_and_who_signed(world: ForgettingWorld) -> None:
    doomed = world.desk.look(SubjectId("ben"))
    evidence = world.desk.forget(doomed, by=person("dora"))
    assert evidence is not None
    said = Erasure.parse(evidence.statement.body)
    assert said.principal == BEN
    assert (said.destroyed.name, said.destroyed.addresses, said.destroyed.texts) == (True, 1, 1)
    assert said.destroyed.keys == tuple(key.id for key in doomed.keys)
    assert said.destroyed.manifest is not None
    listed = decode(world.collect.blobs.get(said.destroyed.manifest.digest))
    assert listed == {"texts": [str(digest) for digest in doomed.texts]}
    assert evidence.statement.context.actor == DORA
    assert evidence.envelope.signatures[0].keyid == person("dora").signer.public_key.keyid
    for private in (REASON, "Blanco", ADDRESS):
        assert private.encode() not in evidence.envelope.payload


def test_forgetting_twice_records_it_once(world: ForgettingWorld) -> None:
    first = world.forget()
    assert world.desk.look(SubjectId("ben")).nothing_left
    assert world.forget() == first
    assert len(world.erasures()) == 1


def test_an_interruption_after_the_statement_is_completed_by_the_next_call(world: ForgettingWorld) -> None:
    keys = FailsOnce(kept=world.collect.subjects.kept, made=world.collect.subjects.made)  # type: ignore[attr-defined]
    object.__setattr__(world.collect, "subjects", keys)
    with pytest.raises(Unavailable):
        world.forget()
    assert world.people.name_of(BEN) is not None
    assert world.read(world.said).state is Readable.ERASED
    doomed = world.desk.look(SubjectId("ben"))
    assert doomed.signed_at == world.erasures()[0].index
    assert world.desk.forget(doomed, by=person("dora")) == world.erasures()[0]
    assert len(world.erasures()) == 1
    assert world.people.name_of(BEN) is None
    assert all(key.subject != "ben" for key in keys.held())


def test_what_a_restored_backup_brought_back_is_destroyed_again(world: ForgettingWorld) -> None:
    key = world.collect.subjects.of(SubjectId("ben"))
    world.forget()
    world.people.remember(BEN, name="Ben Blanco", emails=[ADDRESS])
    world.collect.subjects.kept[key.subject] = key  # type: ignore[attr-defined]
    assert world.desk.complete() == 1
    assert world.people.name_of(BEN) is None
    assert key not in world.collect.subjects.held()
    assert world.desk.complete() == 0


def test_a_person_who_writes_again_gets_a_key_that_opens_nothing_old(world: ForgettingWorld) -> None:
    world.forget()
    again = world.hold_by("ben")
    assert world.read(again).text == REASON
    assert world.read(world.said).state is Readable.ERASED
    world.forget()
    assert len(world.erasures()) == 2
    assert world.read(again).state is Readable.ERASED


def test_a_forgotten_principal_gets_no_name_again(world: ForgettingWorld) -> None:
    world.forget()
    enrolment = world.enrol("ben", Role.DEVELOPER)
    said = Enrolment.parse(enrolment.statement.body)
    with pytest.raises(Refused, match="erased"):
        enrol(
            said,
            by=person("ada"),
            collect=world.collect,
            people=world.people,
            known_as=KnownAs(name="Ben", emails=()),
        )
    assert world.people.name_of(BEN) is None
    assert world.refusals() == ["erased"]


@pytest.mark.parametrize("by", ["ada", "cleo", "nobody"])
def test_only_data_protection_may_sign(world: ForgettingWorld, by: str) -> None:
    with pytest.raises(Refused):
        world.forget(by=by)
    assert world.erasures() == []
    assert world.read(world.said).text == REASON
    assert world.refusals() == ["not-enrolled" if by == "nobody" else "without-role"]


def test_nobody_signs_their_own_erasure_while_another_can(world: ForgettingWorld) -> None:
    world.enrol("dan", Role.DATA_PROTECTION)
    world.people.remember(DORA, name="Dora", emails=[])
    with pytest.raises(Refused, match="own-erasure"):
        world.forget("dora", by="dora")
    assert world.forget("dora", by="dan") is not None


def test_the_only_officer_may_sign_their_own_erasure(world: ForgettingWorld) -> None:
    world.people.remember(DORA, name="Dora", emails=[])
    assert world.forget("dora", by="dora") is not None
    assert world.people.name_of(DORA) is None


def test_a_hold_that_blocks_erasure_is_honoured_and_named(world: ForgettingWorld) -> None:
    placed = world.hold_by("cleo", blocks_erasure=True)
    assert world.desk.look(SubjectId("ben")).blocked_by == (placed.index,)
    with pytest.raises(Refused, match="legal-hold"):
        world.forget()
    assert world.people.name_of(BEN) is not None


def test_a_hold_that_says_nothing_of_erasure_blocks_none(world: ForgettingWorld) -> None:
    world.hold_by("cleo")
    assert world.forget() is not None


def test_an_author_nobody_enrolled_is_found_by_address(world: ForgettingWorld) -> None:
    collect = world.collect
    ref = collect.private("Start", about=collect.subjects.of_address("Stranger@Clinic.example"))
    texts = Texts.of(collect)
    assert texts.read(ref).text == "Start"
    doomed = world.desk.look(None, emails=("stranger@clinic.example",))
    assert doomed.principal is None
    evidence = world.desk.forget(doomed, by=person("dora"))
    assert evidence is not None
    assert Texts.of(collect).read(ref).state is Readable.ERASED
    assert evidence.statement.body["principal"] is None
    assert b"stranger" not in evidence.envelope.payload.lower()
    assert str(doomed.keys[0].subject).removeprefix("address:").encode() not in evidence.envelope.payload


def test_what_they_wrote_before_they_were_enrolled_goes_too(world: ForgettingWorld) -> None:
    collect = world.collect
    ref = collect.private("Start", about=collect.subjects.of_address(ADDRESS))
    assert world.forget() is not None
    assert Texts.of(collect).read(ref).state is Readable.ERASED


def test_the_addresses_of_two_people_are_not_one_request(world: ForgettingWorld) -> None:
    with pytest.raises(Conflict, match="ben"):
        world.desk.look(SubjectId("cleo"), emails=(ADDRESS,))
    assert world.desk.look(None, emails=(ADDRESS,)).principal == BEN


def test_somebody_unknown_is_not_found(world: ForgettingWorld) -> None:
    for subject, emails in ((SubjectId("zoe"), ()), (None, ("zoe@clinic.example",)), (SubjectId("text:t-1"), ())):
        with pytest.raises(NotFound):
            world.desk.look(subject, emails=emails)
    with pytest.raises(InvalidInput):
        world.desk.look(None)


def test_somebody_of_whom_nothing_is_kept_leaves_no_statement(world: ForgettingWorld) -> None:
    assert world.forget("ada") is None
    assert world.erasures() == []


def test_words_nobody_signed_for_are_erased_one_by_one(world: ForgettingWorld) -> None:
    kept = keep_words("the ward called", by=None, collect=world.collect)
    other = keep_words("again", by=None, collect=world.collect)
    assert from_argument(to_argument(kept)) == kept
    assert kept is not None
    assert other is not None
    subject = Texts.of(world.collect).read(kept).subject
    assert subject is not None
    assert world.forget(subject) is not None
    assert Texts.of(world.collect).read(kept).state is Readable.ERASED
    assert Texts.of(world.collect).read(other).text == "again"


def test_words_in_somebodys_name_go_with_them(world: ForgettingWorld) -> None:
    kept = keep_words("the ward called", by=BEN, collect=world.collect)
    assert kept is not None
    world.forget()
    assert Texts.of(world.collect).read(kept).state is Readable.ERASED
    with pytest.raises(NotFound, match="never enrolled"):
        keep_words("the ward called", by=PrincipalId("zoe"), collect=world.collect)


def test_a_text_whose_key_is_lost_is_not_called_erased(world: ForgettingWorld) -> None:
    world.collect.subjects.destroy(frozenset(key.id for key in world.collect.subjects.held()))
    assert world.read(world.said).state is Readable.NOT_KEPT
    assert str(world.read(world.said)) == "not kept here"


def test_a_damaged_text_keeps_nobody_from_being_forgotten(world: ForgettingWorld) -> None:
    (digest,) = world.desk.look(SubjectId("ben")).texts
    world.collect.blobs.kept[digest] = b"damaged"  # type: ignore[attr-defined]
    doomed = world.desk.look(SubjectId("ben"))
    assert (doomed.texts, doomed.unreadable) == ((), 1)
    with pytest.raises(IntegrityViolation):
        world.read(world.said)
    assert world.desk.forget(doomed, by=person("dora")) is not None


def test_an_erasure_by_somebody_without_the_role_destroys_nothing(world: ForgettingWorld) -> None:
    key = world.collect.subjects.of(SubjectId("ben"))
    forged = Erasure(
        principal=BEN,
        destroyed=Destroyed(name=True, addresses=1, keys=(key.id,), texts=1, manifest=None),
        kept=Remaining(statements=0, signed=0, law="none", until=None),
    )
    world.forge(forged, step="erasure/forged", actor="cleo", signer=person("cleo").signer, run=None)
    assert world.desk.complete() == 0
    assert world.people.name_of(BEN) is not None
    assert world.read(world.said).text == REASON


BLOBS = st.builds(
    BlobRef,
    digest=st.binary(max_size=4).map(Digest.of),
    media_type=st.sampled_from(["application/json"]),
    size_bytes=st.integers(0, 99),
)
ERASURES = st.builds(
    Erasure,
    principal=st.none() | st.sampled_from([BEN, DORA]),
    destroyed=st.builds(
        Destroyed,
        name=st.booleans(),
        addresses=st.integers(0, 9),
        keys=st.lists(st.binary(max_size=4).map(lambda seed: Digest.of(seed).hex), max_size=3).map(tuple),
        texts=st.integers(0, 99),
        manifest=st.none() | BLOBS,
    ),
    kept=st.builds(
        Remaining, statements=st.integers(0, 99), signed=st.integers(0, 99), law=st.text(max_size=9), until=st.none()
    ),
)


@given(ERASURES)
def test_an_erasure_is_read_as_it_was_written(erasure: Erasure) -> None:
    assert Erasure.parse(erasure.body()) == erasure


@given(ERASURES, st.data())
def test_an_erasure_with_a_member_missing_is_none(erasure: Erasure, data: st.DataObject) -> None:
    body = erasure.body()
    place = data.draw(st.sampled_from([body, body["destroyed"], body["kept"]]))
    assert isinstance(place, dict)
    del place[data.draw(st.sampled_from(sorted(place)))]
    with pytest.raises(InvalidInput):
        Erasure.parse(body)

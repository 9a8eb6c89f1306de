"""Keys that change, by the log alone: overlap, retirement, revocation backwards, either end of the chain as root."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from tests.fakes.postgres import fresh_database
from told_story import ADMIN, ADMIN_KEY, MACHINE, ORIGIN, SAFETY, SAFETY_KEY, STRANGER, KeySigner, Story

from wardline.adapters.blobs.files import FileBlobs
from wardline.adapters.storage.check_log import check_log
from wardline.adapters.storage.database import open_database
from wardline.adapters.storage.evidence_log import SQLEvidenceLog
from wardline.delivery.change_keys import KeyDesk, Revocation
from wardline.delivery.enrol import enrolled
from wardline.delivery.sign import Signatory
from wardline.errors import IntegrityViolation, InvalidInput, Refused, Unavailable
from wardline.evidence.envelopes import Envelope, cosign, seal
from wardline.evidence.log import Evidence
from wardline.evidence.log_keys import LogKeys
from wardline.evidence.schemes import canonical_ecdsa
from wardline.evidence.signatories import Signatories
from wardline.gates.enrolled import directory
from wardline.identity.predicates import Enrolment, Purpose, Refusal, RevocationReason
from wardline.identity.principals import Principal, PublicKey, Role
from wardline.identity.separation import Objection
from wardline.ids import PrincipalId
from wardline.tlog.note import VerifierKey, take_apart

NEW, NEWER = KeySigner.number(30), KeySigner.number(31)
ROOT, NEW_ROOT, NEWER_ROOT = (VerifierKey(name=ORIGIN, raw=each.public_key.raw) for each in (MACHINE, NEW, NEWER))
BOTH, STATEMENTS = frozenset(Purpose), frozenset({Purpose.STATEMENTS})
ANN, ANN_KEY = PrincipalId("p-ann"), KeySigner.number(32)
FRIEND, FRIEND_KEY = PrincipalId("p-friend"), KeySigner.number(33)


class P256:
    def __init__(self) -> None:
        self._private = ec.derive_private_key(77, ec.SECP256R1())
        point = self._private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        self.public_key = PublicKey.of(point)

    def sign(self, message: bytes) -> bytes:
        return canonical_ecdsa(self._private.sign(message, ec.ECDSA(SHA256())))


class World(Story):
    """A story in whose log every key of the installation is at hand."""

    def __init__(self, log: SQLEvidenceLog, blobs: FileBlobs, engine: object) -> None:
        super().__init__(log, blobs)
        self.engine = engine
        self.desk = KeyDesk(collect=self.collect, root=ROOT)

    def source_by(self, signer: object, step: str = "later") -> Evidence:
        collect = replace(self.collect, signer=signer)
        return collect.once(step, None, self.source_of_another)

    def person(self, who: PrincipalId, key: KeySigner, role: Role, *, by: PrincipalId, signer: KeySigner) -> Evidence:
        person = Principal(id=who, key=key.public_key, roles=frozenset({role}))
        return self.sign(f"enrol/{who}", Enrolment(principal=person), by=by, signer=signer, run=None)

    def revoke(
        self, key: PublicKey, since: int | None = None, *, by: PrincipalId = ADMIN, signer: KeySigner = ADMIN_KEY
    ) -> Evidence:
        asked = Revocation(key=key, since=since, reason=RevocationReason.KEY_COMPROMISE)
        return self.desk.revoke(asked, by=Signatory(principal=by, signer=signer))

    def objections(self, root: VerifierKey = ROOT) -> dict[int, Objection]:
        """Read the whole log as an outsider who trusts `root`; every checkpoint has to hold as well."""
        told = tuple(self.log.every())
        signatories, found = Signatories(root, told=told), {}
        for item in told:
            objection = signatories.admit(item)
            if objection is not None:
                found[item.index] = objection
            assert signatories.open_checkpoint(self.log.checkpoint(item.index + 1)).size == item.index + 1
        assert check_log(self.engine, root).size == len(told)
        return found


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def world(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[World]:
    with open_database(fresh_database() if request.param == "postgresql" else tmp_path / "log.db") as engine:
        keys = LogKeys(ROOT, (MACHINE, NEW, NEWER))
        log = SQLEvidenceLog(engine, signer=MACHINE, origin=ORIGIN, keys=keys)
        world = World(log, FileBlobs(tmp_path / "blobs"), engine)
        world.found()
        yield world


def signers_of(note: str) -> int:
    return len(take_apart(note)[1])


def test_old_and_new_key_count_until_one_is_retired(world: World) -> None:
    world.source_by(MACHINE, "before")
    added = world.desk.add(NEW, BOTH, beside=MACHINE)
    assert len(added.envelope.signatures) == 2
    for number, signer in enumerate((MACHINE, NEW)):
        world.source_by(signer, f"overlap/{number}")
    assert signers_of(world.log.checkpoint()) == 2
    world.desk.retire(MACHINE.public_key, by=NEW)
    world.source_by(NEW, "after")
    assert signers_of(world.log.checkpoint()) == 1
    assert world.objections() == {}


def test_whoever_was_given_any_one_key_follows_the_log_from_its_start(world: World) -> None:
    world.source_by(MACHINE, "before")
    world.desk.add(NEW, BOTH, beside=MACHINE)
    world.desk.retire(MACHINE.public_key, by=NEW)
    world.desk.add(NEWER, BOTH, beside=NEW)
    world.desk.retire(NEW.public_key, by=NEWER)
    world.source_by(NEWER, "after")
    for root in (ROOT, NEW_ROOT, NEWER_ROOT):
        assert world.objections(root) == {}
    signatories = Signatories(NEWER_ROOT, told=world.log.every())
    for item in world.log.every():
        signatories.admit(item)
    assert signatories.checkpoint_keys() == (NEWER_ROOT,)
    assert signatories.checkpoint_keys(1) == (ROOT,)


def test_a_key_the_log_does_not_know_leads_nowhere(world: World) -> None:
    world.desk.add(NEW, BOTH, beside=MACHINE)
    stranger = VerifierKey(name=ORIGIN, raw=STRANGER.public_key.raw)
    with pytest.raises(IntegrityViolation):
        world.objections(stranger)
    other = VerifierKey(name="wardline.example/other", raw=MACHINE.public_key.raw)
    with pytest.raises(IntegrityViolation, match=r"not wardline\.example/other"):
        world.objections(other)


def test_a_p256_key_signs_statements_but_no_checkpoints(world: World) -> None:
    kms = P256()
    with pytest.raises(InvalidInput, match="ed25519 only"):
        world.desk.add(kms, BOTH, beside=MACHINE)
    world.desk.add(kms, STATEMENTS, beside=MACHINE)
    world.source_by(kms)
    assert signers_of(world.log.checkpoint()) == 1
    assert world.objections() == {}
    with pytest.raises(Refused, match="last-key"):
        world.desk.retire(MACHINE.public_key, by=kms)


def test_the_log_takes_nothing_more_from_a_key_that_was_retired_or_revoked(world: World) -> None:
    world.desk.add(NEW, BOTH, beside=MACHINE)
    world.desk.add(NEWER, BOTH, beside=NEW)
    world.desk.retire(MACHINE.public_key, by=NEW)
    world.revoke(NEW.public_key)
    size = world.log.size()
    for signer, state in ((MACHINE, "retired"), (NEW, "revoked")):
        with pytest.raises(Unavailable, match=f"was {state} meanwhile"):
            world.source_by(signer, state)
    assert world.log.size() == size
    world.source_by(NEWER)
    assert world.objections() == {}


def test_a_machine_statement_since_the_revocation_of_its_key_breaks_the_log(world: World) -> None:
    world.desk.add(NEW, BOTH, beside=MACHINE)
    doubtful = world.source_by(NEW)
    world.source_by(MACHINE, "another")
    world.revoke(NEW.public_key, doubtful.index + 1)
    assert world.objections() == {}
    world.revoke(NEW.public_key, doubtful.index)
    with pytest.raises(IntegrityViolation, match=rf"statement {doubtful.index} \(source/v1\): .* did not count"):
        world.objections()
    with pytest.raises(IntegrityViolation, match=f"statement {doubtful.index}"):
        check_log(world.engine, ROOT)


def test_a_word_since_the_revocation_of_its_key_is_genuine_and_without_effect(world: World) -> None:
    world.enrol()
    tests = world.test()
    word = world.approve(tests.index, tests.index, tests.index)
    assert world.objections() == {}
    world.revoke(SAFETY_KEY.public_key, word.index + 1)
    assert world.objections() == {}
    world.revoke(SAFETY_KEY.public_key, word.index)
    assert world.objections() == {word.index: Objection.KEY_REVOKED}
    people = enrolled(world.collect)
    for then in (people, people.as_of(word.index)):
        safety = then.find(SAFETY)
        assert safety is not None
        assert safety.key is None
    before = people.as_of(word.index - 1).find(SAFETY)
    assert before is not None
    assert before.key is not None


def test_whom_a_stolen_key_enrolled_falls_with_it(world: World) -> None:
    world.person(ANN, ANN_KEY, Role.ADMINISTRATOR, by=ADMIN, signer=ADMIN_KEY)
    stolen = world.person(FRIEND, FRIEND_KEY, Role.ADMINISTRATOR, by=ADMIN, signer=ADMIN_KEY)
    further = world.enrol(by=FRIEND, signer=FRIEND_KEY)
    assert world.objections() == {}
    world.revoke(ADMIN_KEY.public_key, stolen.index, by=ANN, signer=ANN_KEY)
    fallen = world.objections()
    assert set(fallen) == {stolen.index, further.index}
    people = directory(world.log.every())
    assert people.find(FRIEND) is None
    assert people.find(SAFETY) is None
    assert people.find(ANN) is not None


def test_nobody_saws_off_the_branch_that_all_sit_on(world: World) -> None:
    ann = world.person(ANN, ANN_KEY, Role.ADMINISTRATOR, by=ADMIN, signer=ADMIN_KEY)
    with pytest.raises(Refused, match="last-administrator"):  # Ann would fall with the key that enrolled her
        world.revoke(ADMIN_KEY.public_key, ann.index, by=ANN, signer=ANN_KEY)
    world.revoke(ADMIN_KEY.public_key, ann.index + 1, by=ANN, signer=ANN_KEY)
    with pytest.raises(Refused, match="last-administrator"):
        world.revoke(ADMIN_KEY.public_key, 0, by=ANN, signer=ANN_KEY)
    assert world.objections() == {}


def test_whoever_fell_revokes_nobody(world: World) -> None:
    world.person(ANN, ANN_KEY, Role.ADMINISTRATOR, by=ADMIN, signer=ADMIN_KEY)
    friend = world.person(FRIEND, FRIEND_KEY, Role.ADMINISTRATOR, by=ADMIN, signer=ADMIN_KEY)
    world.revoke(ADMIN_KEY.public_key, friend.index, by=ANN, signer=ANN_KEY)
    with pytest.raises(Refused, match="not-enrolled"):
        world.revoke(ANN_KEY.public_key, by=FRIEND, signer=FRIEND_KEY)
    assert set(world.objections()) == {friend.index}


def test_a_revocation_in_order_stands_when_its_own_key_is_revoked(world: World) -> None:
    world.person(ANN, ANN_KEY, Role.ADMINISTRATOR, by=ADMIN, signer=ADMIN_KEY)
    world.enrol()
    first = world.revoke(SAFETY_KEY.public_key)
    world.revoke(ADMIN_KEY.public_key, first.index, by=ANN, signer=ANN_KEY)
    assert world.objections() == {}
    assert enrolled(world.collect).is_revoked(SAFETY_KEY.public_key.keyid)


def test_who_may_not_revoke_is_refused_on_record(world: World) -> None:
    world.enrol()
    cases = (
        (SAFETY_KEY.public_key, SAFETY, SAFETY_KEY, "without-role"),
        (ADMIN_KEY.public_key, ADMIN, ADMIN_KEY, "last-administrator"),
        (STRANGER.public_key, ADMIN, ADMIN_KEY, "key-unknown"),
        (MACHINE.public_key, ADMIN, ADMIN_KEY, "last-key"),
        (SAFETY_KEY.public_key, ADMIN, STRANGER, "wrong-key"),
    )
    for key, who, signer, code in cases:
        with pytest.raises(Refused, match=code):
            world.revoke(key, by=who, signer=signer)
    said = [item.statement.body["code"] for item in world.log.every(Refusal.predicate_type)]
    assert said == [code for *_, code in cases]
    with pytest.raises(InvalidInput, match="--since 99"):
        world.revoke(SAFETY_KEY.public_key, 99)
    assert world.objections() == {}


def test_a_persons_key_and_the_installations_never_change_hands(world: World) -> None:
    with pytest.raises(Refused, match="key-taken"):
        world.desk.add(ADMIN_KEY, BOTH, beside=MACHINE)
    world.person(FRIEND, MACHINE, Role.COMPLIANCE, by=ADMIN, signer=ADMIN_KEY)
    assert world.objections() == {world.log.size() - 1: Objection.KEY_TAKEN}


def forged(evidence: Evidence, envelope: Envelope) -> Evidence:
    return replace(evidence, envelope=envelope)


def test_an_addition_takes_two_signatures_by_two_keys(world: World) -> None:
    added = world.desk.add(NEW, BOTH, beside=MACHINE)
    founding = world.log.read(0)
    by, own = added.envelope.signatures
    payload, kind = added.envelope.payload, added.envelope.payload_type
    stranger = seal(payload, payload_type=kind, signer=STRANGER).signatures[0]
    lying = replace(own, sig=stranger.sig)
    for signatures in (
        (by,),
        (own,),
        (by, by),
        (own, own),
        (by, stranger),
        (stranger, own),
        (by, lying),
        (by, own, stranger),
    ):
        signatories = Signatories(ROOT)
        signatories.admit(founding)
        with pytest.raises(IntegrityViolation, match=r"statement 1 \(key-change/v1\)"):
            signatories.admit(forged(added, replace(added.envelope, signatures=signatures)))


def test_nobody_adds_a_key_beside_one_that_has_not_the_purpose(world: World) -> None:
    kms = P256()
    world.desk.add(kms, STATEMENTS, beside=MACHINE)
    with pytest.raises(Refused, match="wrong-key"):
        world.desk.add(NEW, BOTH, beside=kms)
    world.desk.add(NEW, STATEMENTS, beside=kms)
    assert world.objections() == {}


def test_repeating_an_interrupted_change_changes_nothing(world: World) -> None:
    world.desk.add(NEW, BOTH, beside=MACHINE)
    size = world.log.size()
    with pytest.raises(Refused, match="key-taken"):
        world.desk.add(NEW, BOTH, beside=MACHINE)
    world.desk.retire(MACHINE.public_key, by=NEW)
    with pytest.raises(Refused, match="key-unknown"):
        world.desk.retire(MACHINE.public_key, by=NEW)
    assert world.log.size() == size + 1


def test_a_log_whose_keys_are_not_at_hand_can_be_read_and_not_written(world: World) -> None:
    world.desk.add(NEW, BOTH, beside=MACHINE)
    world.desk.retire(MACHINE.public_key, by=NEW)
    old = SQLEvidenceLog(world.engine, signer=MACHINE, origin=ORIGIN)
    assert old.size() == world.log.size()
    with pytest.raises(Unavailable, match="none of the keys at hand may sign its statements"):
        old.keys().statement_signer()
    later = cosign(seal(b"{}", payload_type="text/plain", signer=NEW), MACHINE)
    assert len(later.signatures) == 2
    with pytest.raises(Unavailable, match="none of the keys at hand may sign its checkpoints"):
        replace(world.collect, log=old, signer=NEW).once("later", None, world.source_of_another)
    assert old.size() == world.log.size()

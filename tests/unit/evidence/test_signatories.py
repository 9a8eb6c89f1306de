from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from told_story import ADMIN, ADMIN_KEY, MACHINE, ORIGIN, SAFETY, SAFETY_KEY, STRANGER, KeySigner, Story, begun

from wardline.errors import IntegrityViolation
from wardline.evidence.envelopes import Signature
from wardline.evidence.log import Evidence
from wardline.evidence.signatories import Signatories
from wardline.identity.predicates import Enrolment
from wardline.identity.principals import Principal, PublicKey, Role
from wardline.identity.separation import Objection
from wardline.tlog.note import VerifierKey


@dataclass(frozen=True)
class Liar:
    """Names one key and signs with another."""

    named: KeySigner
    used: KeySigner

    @property
    def public_key(self) -> PublicKey:
        return self.named.public_key

    def sign(self, message: bytes) -> bytes:
        return self.used.sign(message)


@pytest.fixture
def story(tmp_path: Path) -> Iterator[Story]:
    with begun(tmp_path) as story:
        yield story


def admit_all(story: Story, *, instead: Evidence | None = None) -> list[Objection | None]:
    signatories = Signatories(VerifierKey(name=ORIGIN, raw=MACHINE.public_key.raw))
    return [
        signatories.admit(instead if instead is not None and instead.index == item.index else item)
        for item in story.log.every()
    ]


def test_a_whole_story_is_signed_by_who_may(story: Story) -> None:
    story.tell()
    assert set(admit_all(story)) == {None}


def test_a_founding_that_was_not_signed_with_its_own_key_is_none(story: Story) -> None:
    founder = Principal(id=ADMIN, key=ADMIN_KEY.public_key, roles=frozenset({Role.ADMINISTRATOR}))
    enrolment = Enrolment(principal=founder, founding=True)
    story.sign("enrol", enrolment, by=ADMIN, signer=Liar(ADMIN_KEY, STRANGER), run=None)
    with pytest.raises(IntegrityViolation, match="does not hold"):
        admit_all(story)


def test_an_enrolment_in_an_administrators_name_only_is_none(story: Story) -> None:
    story.found()
    story.enrol(signer=Liar(ADMIN_KEY, STRANGER))
    with pytest.raises(IntegrityViolation, match="does not hold"):
        admit_all(story)


def test_an_approval_in_somebodys_name_only_is_none(story: Story) -> None:
    story.found()
    story.enrol()
    tests = story.test()
    approval = story.approve(tests.index, tests.index, tests.index)
    forged = Signature(keyid=SAFETY_KEY.public_key.keyid, sig=STRANGER.sign(b"anything"))
    with pytest.raises(IntegrityViolation, match="does not hold"):
        admit_all(story, instead=replace(approval, envelope=replace(approval.envelope, signatures=(forged,))))


@pytest.mark.parametrize("extra", [MACHINE, STRANGER])
def test_a_second_signature_is_refused(story: Story, extra: KeySigner) -> None:
    source = story.source()
    second = Signature(keyid=extra.public_key.keyid, sig=extra.sign(b"anything"))
    signatures = (*source.envelope.signatures, second)
    with pytest.raises(IntegrityViolation, match="2 signatures; expected one"):
        admit_all(story, instead=replace(source, envelope=replace(source.envelope, signatures=signatures)))


def enrol_again(story: Story, roles: frozenset[Role], key: KeySigner | None) -> None:
    public_key = None if key is None else key.public_key
    enrolment = Enrolment(principal=Principal(id=SAFETY, key=public_key, roles=roles))
    story.sign(f"enrol/{story.log.size()}", enrolment, by=ADMIN, signer=ADMIN_KEY, run=None)


@pytest.mark.parametrize(
    ("roles", "key", "objection"),
    [
        (frozenset(), None, Objection.DEPARTED),
        (frozenset({Role.DEVELOPER}), SAFETY_KEY, Objection.WITHOUT_ROLE),
        (frozenset({Role.CLINICAL_SAFETY}), STRANGER, Objection.WRONG_KEY),
    ],
)
def test_a_word_after_its_entitlement_ended_is_genuine_but_has_no_effect(
    story: Story, roles: frozenset[Role], key: KeySigner | None, objection: Objection
) -> None:
    story.found()
    story.enrol()
    tests = story.test()
    enrol_again(story, roles, key)
    story.approve(tests.index, tests.index, tests.index)
    assert admit_all(story) == [None, None, None, None, objection]


def test_an_enrolment_without_effect_gives_nobody_a_key(story: Story) -> None:
    story.found()
    story.enrol()
    friend = Principal(id="p-friend", key=STRANGER.public_key, roles=frozenset({Role.CLINICAL_SAFETY}))
    story.sign("enrol/friend", Enrolment(principal=friend), by=SAFETY, signer=SAFETY_KEY, run=None)
    assert admit_all(story)[-1] is Objection.WITHOUT_ROLE
    story.sign("again", Enrolment(principal=friend), by="p-friend", signer=STRANGER, run=None)
    with pytest.raises(IntegrityViolation, match="was ever enrolled"):
        admit_all(story)

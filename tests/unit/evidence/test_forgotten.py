"""Packets of runs whose people were forgotten afterwards: they verify, and say so where a name or a text was."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from told_story import ADMIN, ADMIN_KEY, MACHINE, ORIGIN, SAFETY, SAFETY_KEY, KeySigner, Story, begun

from wardline.canonical import encode
from wardline.evidence.mentions import blobs_of
from wardline.evidence.packets.packet import Packet
from wardline.evidence.packets.told import Absent
from wardline.evidence.packets.verify_packet import Trust, verify_packet
from wardline.evidence.private_texts import PRIVATE_TEXT
from wardline.identity.erasure import Destroyed, Erasure, Remaining
from wardline.identity.predicates import Enrolment
from wardline.identity.principals import Principal, Role
from wardline.ids import PrincipalId
from wardline.predicates import BlobRef
from wardline.tlog.note import VerifierKey

DORA, DORA_KEY = PrincipalId("p-dora"), KeySigner.number(9)
MANIFEST = "application/vnd.wardline.erasure-manifest+json"
TRUST = Trust(key=VerifierKey(name=ORIGIN, raw=MACHINE.public_key.raw))


@pytest.fixture
def story(tmp_path: Path) -> Iterator[Story]:
    with begun(tmp_path) as story:
        story.tell()
        officer = Principal(id=DORA, key=DORA_KEY.public_key, roles=frozenset({Role.DATA_PROTECTION}))
        story.sign("enrol/dora", Enrolment(principal=officer), by=ADMIN, signer=ADMIN_KEY, run=None)
        yield story


def texts_of(story: Story, who: PrincipalId) -> list[BlobRef]:
    return [
        reference
        for item in story.log.every()
        for reference in sorted(blobs_of(item), key=lambda each: each.digest)
        if reference.media_type == PRIVATE_TEXT
        and (item.statement.context.actor == who or item.statement.body.get("author") == who)
    ]


def forget(
    story: Story, who: PrincipalId, *, by: PrincipalId = DORA, signer: KeySigner = DORA_KEY
) -> tuple[int, list[BlobRef]]:
    texts = texts_of(story, who)
    manifest = story.blobs.put(encode({"texts": sorted(str(text.digest) for text in texts)}), MANIFEST)
    erasure = Erasure(
        principal=who,
        destroyed=Destroyed(name=True, addresses=1, keys=("a" * 64,), texts=len(texts), manifest=manifest),
        kept=Remaining(statements=2, signed=1, law="45 CFR 164.316(b)(2)(i)", until=None),
    )
    return story.sign(f"erasure/{who}", erasure, by=by, signer=signer, run=None).index, texts


def test_a_packet_says_who_was_forgotten_and_what_nobody_can_read_any_more(story: Story) -> None:
    before = story.packet()
    author, texts = forget(story, PrincipalId("p-dev"))
    approver, _ = forget(story, SAFETY)
    content = story.packet()
    found = verify_packet(content, TRUST)
    assert found.holds, found
    page = Packet.decode(content).page.decode()
    assert "<td>p-dev (erased on 2026-11-23)</td><td>wrote the change</td>" in page
    assert "<td>p-safety (erased on 2026-11-23)</td><td>approved for production" in page
    assert len(texts) == 1
    assert f"{texts[0].digest.hex}</td><td>erased on 2026-11-23 under statement {author}</td>" in page
    assert f"erased on 2026-11-23 under statement {approver}" in page
    assert "<h2>People who were forgotten</h2>\n<table>" in page
    assert b"erased on" not in Packet.decode(before).page
    assert verify_packet(before, TRUST).holds  # a packet from before says what was known then


def test_what_somebody_says_after_they_were_forgotten_is_said_by_somebody_known(story: Story) -> None:
    forget(story, SAFETY)
    again = Principal(id=SAFETY, key=SAFETY_KEY.public_key, roles=frozenset({Role.CLINICAL_SAFETY}))
    story.sign("enrol/again", Enrolment(principal=again), by=ADMIN, signer=ADMIN_KEY, run=None)
    forget(story, PrincipalId("p-dev"))  # so that the checkpoint covers the enrolment
    people = Packet.decode(story.packet()).page.decode().partition("<h2>People and their keys</h2>")[2]
    assert people.index("<td>p-safety (erased on") < people.index("<td>p-safety</td>")


def test_a_list_of_texts_that_is_gone_leaves_the_packet_whole(story: Story, tmp_path: Path) -> None:
    forget(story, SAFETY)
    (manifest,) = (
        reference for item in story.log.every() for reference in blobs_of(item) if reference.media_type == MANIFEST
    )
    next((tmp_path / "blobs").rglob(f"*{manifest.digest.hex[-40:]}")).unlink()
    packet = Packet.decode(story.packet())
    assert packet.contents.absent == (Absent(reference=manifest, why="missing", statement=None),)
    assert verify_packet(packet.encode(), TRUST).holds
    assert b"p-safety (erased on" in packet.page


def test_who_may_not_erase_has_erased_nobody(story: Story) -> None:
    forget(story, PrincipalId("p-dev"), by=SAFETY, signer=SAFETY_KEY)
    packet = Packet.decode(story.packet())
    assert b"erased on" not in packet.page
    assert verify_packet(packet.encode(), TRUST).holds

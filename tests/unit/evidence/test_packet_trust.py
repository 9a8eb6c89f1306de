"""What a verifier trusts: witnesses that saw the checkpoint, and keys of the installation that change."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from told_story import ADMIN, ADMIN_KEY, MACHINE, ORIGIN, RUN, SAFETY, SAFETY_KEY, KeySigner, Story, begun

from wardline.evidence.envelopes import cosign as sign_too
from wardline.evidence.envelopes import seal
from wardline.evidence.log import Evidence
from wardline.evidence.packets.assemble_packet import Archive, assemble
from wardline.evidence.packets.packet import Contents, Packet, Proven
from wardline.evidence.packets.verify_packet import Check, Trust, Verification, verify_packet
from wardline.evidence.statements import PAYLOAD_TYPE, Context, Statement
from wardline.identity.predicates import Change, KeyChange, Purpose, RevocationReason
from wardline.ids import PrincipalId, RunId
from wardline.outcomes import Outcome
from wardline.tlog.checkpoint import Checkpoint
from wardline.tlog.cosignature import WitnessKey, cosign
from wardline.tlog.note import VerifierKey, take_apart

KEY = VerifierKey(name=ORIGIN, raw=MACHINE.public_key.raw)
NEW = KeySigner.number(7)
NEW_KEY = VerifierKey(name=ORIGIN, raw=NEW.public_key.raw)
WITNESSES = {name: KeySigner.number(number) for number, name in enumerate(("w.example/a", "w.example/b"), start=20)}
A, B = (WitnessKey(name=name, raw=signer.public_key.raw) for name, signer in WITNESSES.items())
SEEN = datetime(2026, 11, 23, 9, tzinfo=UTC)


class KeptCosignatures:
    """The lines that witnesses gave, by size."""

    def __init__(self) -> None:
        self.lines: dict[int, dict[str, str]] = {}

    def of(self, size: int) -> tuple[str, ...]:
        return tuple(line for _, line in sorted(self.lines.get(size, {}).items()))

    def smallest_from(self, size: int) -> int | None:
        return min((kept for kept in self.lines if kept >= size), default=None)

    def newest_by(self, witness: str) -> int:
        return max((size for size, lines in self.lines.items() if witness in lines), default=0)

    def keep(self, size: int, witness: str, line: str) -> None:
        self.lines.setdefault(size, {}).setdefault(witness, line)


@pytest.fixture
def story(tmp_path: Path) -> Iterator[Story]:
    with begun(tmp_path) as story:
        yield story


def line(note: str, key: WitnessKey, at: datetime = SEEN) -> str:
    return cosign(take_apart(note)[0], key, at=at, sign=WITNESSES[key.name].sign)


def cosigned(story: Story, *witnesses: WitnessKey, size: int | None = None) -> KeptCosignatures:
    kept = KeptCosignatures()
    size = story.log.size() if size is None else size
    for witness in witnesses:
        kept.keep(size, witness.name, line(story.log.checkpoint(size), witness))
    return kept


def packet(story: Story, kept: KeptCosignatures | None = None, *, signer: KeySigner = MACHINE) -> bytes:
    archive = Archive(log=story.log, blobs=story.blobs, cosignatures=kept)
    return assemble(RUN, archive).sign(signer).encode()


def check(found: Verification, number: int) -> Check:
    """Return check `number`, which alone may have failed."""
    others = [each for each in found.checks if each.number != number and each.outcome is not Outcome.PASSED]
    assert not others
    return found.checks[number - 1]


def only(found: Verification, number: int) -> str:
    failed = check(found, number)
    assert failed.outcome is Outcome.FAILED, failed
    return failed.detail


def with_checkpoint(content: bytes, note: str) -> bytes:
    """What whoever holds the installation's key could make of a packet."""
    contents: Contents = Packet.decode(content).contents
    return replace(contents, checkpoint=note).sign(MACHINE).encode()


# Witnesses


def test_without_a_named_witness_it_says_that_none_was_asked_for(story: Story) -> None:
    story.tell()
    for kept, others in ((None, 0), (cosigned(story, A, B), 2)):
        found = verify_packet(packet(story, kept), Trust(key=KEY))
        assert found.holds
        assert check(found, 6).detail.startswith("no witness was asked for")
        assert check(found, 6).detail.endswith(f": {others}")


def test_witnesses_that_saw_the_checkpoint_are_named_with_the_time(story: Story) -> None:
    story.tell()
    content = packet(story, cosigned(story, A, B))
    for trust in (Trust(key=KEY, witnesses=(A, B)), Trust(key=KEY, witnesses=(A,)), Trust(key=KEY, witnesses=(B,))):
        found = verify_packet(content, trust)
        assert found.holds
        assert all(f"{key.name} at 2026-11-23T09:00:00.000Z" in check(found, 6).detail for key in trust.witnesses)


def test_a_witness_that_did_not_see_it_is_missed_unless_others_suffice(story: Story) -> None:
    story.tell()
    content = packet(story, cosigned(story, A))
    missed = only(verify_packet(content, Trust(key=KEY, witnesses=(A, B))), 6)
    assert "1 of 2 named witnesses" in missed
    assert B.name in missed
    assert verify_packet(content, Trust(key=KEY, witnesses=(A, B), needed=1)).holds


def test_one_key_under_two_names_is_one_witness(story: Story) -> None:
    story.tell()
    twice = replace(A, name="w.example/again")
    content = packet(story, cosigned(story, A))
    assert "2 witnesses are needed" in only(verify_packet(content, Trust(key=KEY, witnesses=(A, twice), needed=2)), 6)
    assert verify_packet(content, Trust(key=KEY, witnesses=(A, twice))).holds


def test_the_checkpoint_is_the_smallest_one_cosigned_that_covers_the_seal(story: Story) -> None:
    story.tell()
    sealed = story.log.size()
    for number in range(4):
        story.say(f"later/{number}", story.source_of_another(), run=RunId("r-0000000002"))
    kept = cosigned(story, A, size=sealed - 1)
    kept.lines |= cosigned(story, A, size=sealed + 2).lines | cosigned(story, A, B, size=sealed + 3).lines
    contents = Packet.decode(packet(story, kept)).contents
    assert Checkpoint.parse(take_apart(contents.checkpoint)[0]).size == sealed + 2
    assert {item.statement.context.run for item in contents.evidence()} == {None, RUN}  # the later ones stay out
    assert verify_packet(packet(story, kept), Trust(key=KEY, witnesses=(A,))).holds
    uncovered = cosigned(story, A, size=sealed - 1)
    contents = Packet.decode(packet(story, uncovered)).contents
    assert Checkpoint.parse(take_apart(contents.checkpoint)[0]).size == sealed


def test_a_cosignature_of_another_checkpoint_does_not_hold(story: Story) -> None:
    story.tell()
    story.say("later", story.source_of_another(), run=RunId("r-0000000002"))
    size = story.log.size()
    note, earlier = story.log.checkpoint(size), story.log.checkpoint(size - 1)
    forged = with_checkpoint(packet(story), earlier + line(note, A))
    assert "does not hold" in only(verify_packet(forged, Trust(key=KEY, witnesses=(A,))), 6)
    assert verify_packet(forged, Trust(key=KEY)).holds  # nobody asked for it


def test_cosignature_lines_that_were_swapped_repeated_or_reordered(story: Story) -> None:
    story.tell()
    note = story.log.checkpoint()
    trust = Trust(key=KEY, witnesses=(A, B))
    by_a, by_b, later = line(note, A), line(note, B), line(note, A, SEEN + timedelta(hours=1))
    content = packet(story)
    for lines in ((by_b, by_a), (by_a, by_a, by_b), (by_a, later, by_b)):
        assert verify_packet(with_checkpoint(content, note + "".join(lines)), trust).holds
    names = by_a.replace(A.name, "\0").replace(B.name, A.name).replace("\0", B.name)
    assert "nothing by w.example/a" in only(verify_packet(with_checkpoint(content, note + names + by_b), trust), 6)
    a_parts, b_parts = by_a.split(" "), by_b.split(" ")
    crossed = " ".join((*a_parts[:2], b_parts[2])) + " ".join((*b_parts[:2], a_parts[2]))
    assert "nothing by" in only(verify_packet(with_checkpoint(content, note + crossed), trust), 6)


def test_a_line_that_is_no_signature_line_is_refused(story: Story) -> None:
    story.tell()
    note = story.log.checkpoint()
    for wrong in ("— w.example/a\n", "-- w.example/a AAAA\n", "\n", "— w.example/a AA=A\n"):
        found = verify_packet(with_checkpoint(packet(story), note + wrong), Trust(key=KEY))
        assert not found.holds


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_no_bit_of_a_cosignature_may_be_changed(told_with_witness: bytes, data: st.DataObject) -> None:
    note = Packet.decode(told_with_witness).contents.checkpoint
    start = note.rindex(" ") + 1
    at = data.draw(st.integers(start, len(note) - 2))
    new = data.draw(st.sampled_from("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=— \n\0"))
    changed = note[:at] + new + note[at + 1 :]
    found = verify_packet(with_checkpoint(told_with_witness, changed), Trust(key=KEY, witnesses=(A,)))
    assert found.holds == (changed == note)


@pytest.fixture(scope="module")
def told_with_witness(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    with begun(tmp_path_factory.mktemp("told")) as story:
        story.tell()
        return packet(story, cosigned(story, A))


def test_the_signatures_of_two_checkpoints_swapped_do_not_hold(story: Story) -> None:
    story.tell()
    story.say("later", story.source_of_another(), run=RunId("r-0000000002"))
    size = story.log.size()
    (text, _, signature), (_, _, other) = (story.log.checkpoint(each).partition("\n\n") for each in (size, size - 1))
    forged = with_checkpoint(packet(story), f"{text}\n\n{other}")
    wrong = {each.number for each in verify_packet(forged, Trust(key=KEY)).checks if each.outcome is Outcome.FAILED}
    assert signature != other
    assert wrong == {5, 7}


# Keys that change


def said(story: Story, predicate: KeyChange) -> Statement:
    context = Context(
        run=None,
        step=f"keys/{story.log.size()}",
        attempt=1,
        recorded_at=story.clock.now(),
        actor=PrincipalId("wardline"),
        outcome=Outcome.PASSED,
    )
    return Statement.of(predicate, context)


def change(story: Story, predicate: KeyChange, *signers: KeySigner) -> None:
    """Append a key change, signed by the installation's keys."""
    first, *others = signers
    envelope = seal(said(story, predicate).encode(), payload_type=PAYLOAD_TYPE, signer=first)
    for other in others:
        envelope = sign_too(envelope, other)
    story.log.append(envelope)


def add_new(story: Story) -> None:
    added = KeyChange(
        change=Change.ADDED,
        origin=ORIGIN,
        key=NEW.public_key,
        purposes=frozenset(Purpose),
        by=MACHINE.public_key,
    )
    change(story, added, MACHINE, NEW)


def retire_old(story: Story) -> None:
    change(story, KeyChange(change=Change.RETIRED, origin=ORIGIN, key=MACHINE.public_key), NEW)


def by_new(story: Story) -> bytes:
    """The packet of an installation that signs with its new key alone."""
    contents = assemble(RUN, Archive(log=story.log, blobs=story.blobs))
    checkpoint = Checkpoint.parse(take_apart(contents.checkpoint)[0])
    return replace(contents, checkpoint=checkpoint.sign(NEW_KEY, sign=NEW.sign)).sign(NEW).encode()


def test_who_holds_the_old_key_or_the_new_one_verifies_after_a_rotation(story: Story) -> None:
    story.tell()
    add_new(story)
    for content in (packet(story), packet(story, signer=NEW), by_new(story)):
        for key in (KEY, NEW_KEY):
            assert verify_packet(content, Trust(key=key)).holds
    assert "Keys of the installation" in packet(story).decode()


def test_a_retired_key_signs_no_packet(story: Story) -> None:
    story.tell()
    add_new(story)
    retire_old(story)
    for key in (KEY, NEW_KEY):
        assert "does not sign for the installation" in only(verify_packet(packet(story), Trust(key=key)), 4)
        assert verify_packet(by_new(story), Trust(key=key)).holds


def test_a_packet_covers_every_key_change_so_that_old_trust_leads_to_new_keys(story: Story) -> None:
    story.tell()
    sealed = story.log.size()
    story.say("later", story.source_of_another(), run=RunId("r-0000000002"))
    add_new(story)
    contents = Packet.decode(packet(story)).contents
    assert Checkpoint.parse(take_apart(contents.checkpoint)[0]).size == sealed + 2
    assert contents.evidence()[-1].statement.predicate_type == KeyChange.predicate_type


def test_a_key_that_nobody_vouched_for_leads_nowhere(story: Story) -> None:
    story.tell()
    added = KeyChange(
        change=Change.ADDED, origin=ORIGIN, key=NEW.public_key, purposes=frozenset(Purpose), by=ADMIN_KEY.public_key
    )
    contents = Packet.decode(packet(story)).contents
    statement = said(story, added)
    envelope = sign_too(seal(statement.encode(), payload_type=PAYLOAD_TYPE, signer=ADMIN_KEY), NEW)
    evidence = Evidence(index=story.log.size(), key=statement.context.key, envelope=envelope, statement=statement)
    forged = replace(contents, statements=(*contents.statements, Proven(evidence=evidence, proof=())))
    for key in (KEY, NEW_KEY):
        found = verify_packet(forged.sign(NEW).encode(), Trust(key=key))
        wrong = {each.number: each.detail for each in found.checks if each.outcome is Outcome.FAILED}
        assert {3, 7} <= set(wrong)
        assert key == NEW_KEY or "key-change" in wrong[3]


def test_a_key_change_left_out_shows(story: Story) -> None:
    story.tell()
    add_new(story)
    contents = Packet.decode(by_new(story)).contents
    less = replace(contents, statements=contents.statements[:-1]).sign(NEW).encode()
    found = verify_packet(less, Trust(key=KEY))
    assert {each.number for each in found.checks if each.outcome is Outcome.FAILED} >= {4, 5}


def test_an_approval_with_a_key_revoked_since_does_not_hold(story: Story) -> None:
    story.tell()
    assert verify_packet(packet(story), Trust(key=KEY)).holds
    revoked = KeyChange(
        change=Change.REVOKED,
        origin=ORIGIN,
        key=SAFETY_KEY.public_key,
        holder=SAFETY,
        since=0,
        reason=RevocationReason.KEY_COMPROMISE,
    )
    story.sign("keys/revoke", revoked, by=ADMIN, signer=ADMIN_KEY, run=None)
    assert "p-safety may not say it: key-revoked" in only(verify_packet(packet(story), Trust(key=KEY)), 3)

"""What travels with a packet, what stays behind, and what is gone."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from told_story import LAWS, MACHINE, ORIGIN, RUN, STAGING, Story, begun, reason

from wardline.canonical import Digest, digest_of, encode
from wardline.delivery.export_packet import export_packet
from wardline.errors import InvalidInput
from wardline.evidence.envelopes import seal
from wardline.evidence.packets.assemble_packet import Archive, Choice, assemble
from wardline.evidence.packets.packet import MAX_BYTES, Contents, Packet
from wardline.evidence.packets.told import Absent
from wardline.evidence.packets.verify_packet import Trust, Verification, verify_packet
from wardline.evidence.predicates import Purged
from wardline.evidence.retention.purges import Manifest, Removal
from wardline.evidence.retention.retention import Kept, Schedule
from wardline.evidence.statements import PAYLOAD_TYPE
from wardline.gates.decisions import Deny
from wardline.outcomes import Outcome
from wardline.predicates import BlobRef
from wardline.tlog.note import VerifierKey

TRUST = Trust(key=VerifierKey(name=ORIGIN, raw=MACHINE.public_key.raw))
ALWAYS = {f"application/vnd.wardline.{name}+json" for name in ("gate-input", "consent", "policies", "lock")}


@pytest.fixture
def story(tmp_path: Path) -> Iterator[Story]:
    with begun(tmp_path) as story:
        story.tell()
        yield story


def packet(story: Story, *along: Choice) -> bytes:
    return assemble(RUN, Archive(log=story.log, blobs=story.blobs), along=along).sign(MACHINE).encode()


def kinds(content: bytes) -> set[str]:
    return {blob.reference.media_type for blob in Packet.decode(content).contents.blobs}


def failures(content: bytes) -> dict[int, str]:
    found: Verification = verify_packet(content, TRUST)
    return {check.number: check.detail for check in found.checks if check.outcome is not Outcome.PASSED}


def forged(content: bytes, **changes: object) -> bytes:
    """What whoever holds the installation's key could make of a packet."""
    contents: Contents = Packet.decode(content).contents
    return replace(contents, **changes).sign(MACHINE).encode()  # type: ignore[arg-type]


def lose(story: Story, digest: Digest) -> None:
    (path,) = (path for path in story.blobs._folder.rglob(digest.hex))
    path.unlink()


def policies_of(story: Story) -> BlobRef:
    contents = Packet.decode(packet(story)).contents
    return next(blob.reference for blob in contents.blobs if "policies" in blob.reference.media_type)


# By choice


def test_what_decided_always_travels_and_the_rest_by_choice(story: Story) -> None:
    assert kinds(packet(story)) == ALWAYS
    assert kinds(packet(story, Choice.OUTPUTS)) == ALWAYS | {"text/plain; charset=utf-8"}
    everything = packet(story, Choice.ALL)
    assert kinds(everything) > kinds(packet(story, Choice.REPORTS, Choice.SBOM, Choice.OUTPUTS))
    for content in (packet(story), packet(story, Choice.OUTPUTS), everything):
        assert failures(content) == {}


def test_the_words_of_people_never_travel(story: Story) -> None:
    named = {blob.media_type for item in story.log.every() for blob in _blobs_named(item.statement.predicate())}
    private = "application/vnd.wardline.private-text+json"
    assert private in named
    assert private not in kinds(packet(story, *Choice))


def test_a_packet_beyond_all_measure_is_not_written(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wardline.delivery.export_packet.MAX_BYTES", 1_000)
    with pytest.raises(InvalidInput, match="expected at most 1000") as refused:
        export_packet(RUN, Archive(log=story.log, blobs=story.blobs), signer=MACHINE)
    assert "Take less along" in str(refused.value.remedy)
    assert MAX_BYTES > 1_000


# What is gone


def test_what_was_lost_is_listed_as_missing_and_the_page_says_so(story: Story) -> None:
    reference = policies_of(story)
    lose(story, reference.digest)
    content = packet(story)
    assert failures(content) == {}
    (absent,) = Packet.decode(content).contents.absent
    assert absent == Absent(reference=reference, why="missing", statement=None)
    assert b"Ask where documents went" in content
    assert "1 documents are no longer kept" in verify_packet(content, TRUST).checks[9].detail


def test_what_was_purged_is_listed_with_the_statement_that_says_so(story: Story) -> None:
    reference = policies_of(story)
    removal = Removal(
        digest=reference.digest,
        kept=Kept.GATE_INPUTS,
        size_bytes=reference.size_bytes,
        retain_until=datetime(2033, 1, 1, tzinfo=UTC),
        named_by=3,
    )
    schedule = Schedule()
    manifest = Manifest.of([removal], schedule).encode()
    purged = Purged(
        manifest=story.blobs.put(manifest, "application/vnd.wardline.purge-manifest+json"),
        at_size=story.log.size(),
        before=datetime(2033, 1, 2, tzinfo=UTC),
        schedule=digest_of(schedule.to_json()),
        classes={"gate-inputs": (1, reference.size_bytes)},
    )
    index = story.say("purge/1", purged, run=None).index
    lose(story, reference.digest)
    content = packet(story)
    assert failures(content) == {}
    (absent,) = Packet.decode(content).contents.absent
    assert absent == Absent(reference=reference, why="purged", statement=index)
    assert f"purged under statement {index}".encode() in content
    assert b"Ask where documents went" not in content


def test_something_else_cannot_be_said_to_be_absent(story: Story) -> None:
    content = packet(story)
    contents = Packet.decode(content).contents
    other = BlobRef(digest=Digest.of(b"other"), media_type="text/plain", size_bytes=5)
    unnamed = Absent(reference=other, why="missing", statement=None)
    assert "no statement here names" in failures(forged(content, absent=(unnamed,)))[12]
    first = contents.blobs[0].reference
    both = Absent(reference=first, why="missing", statement=None)
    assert "is said to be absent" in failures(forged(content, absent=(both,)))[12]


@pytest.mark.parametrize("why", ["erased", "", "lost"])
def test_no_other_reason_is_known_for_what_is_absent(story: Story, why: str) -> None:
    reference = policies_of(story)
    content = packet(story)
    blobs = tuple(blob for blob in Packet.decode(content).contents.blobs if blob.reference != reference)
    wrong = forged(content, blobs=blobs, absent=(Absent(reference=reference, why=why, statement=None),))
    assert set(failures(wrong)) == set(range(1, 13))


def test_absent_blobs_stand_in_order_each_once(story: Story) -> None:
    reference = policies_of(story)
    content = packet(story)
    gone = Absent(reference=reference, why="missing", statement=None)
    with pytest.raises(InvalidInput, match="in the order of their digests"):
        Packet.decode(forged(content, absent=(gone, gone)))


# Policies


def test_policies_left_out_or_exchanged_show(story: Story) -> None:
    content = packet(story)
    contents = Packet.decode(content).contents
    reference = policies_of(story)
    without = tuple(blob for blob in contents.blobs if blob.reference != reference)
    assert "of its decision is not here" in failures(forged(content, blobs=without))[10]
    other = tuple(replace(blob, content=encode([])) if blob.reference == reference else blob for blob in contents.blobs)
    assert "not what its digest says" in failures(forged(content, blobs=other))[12]


def test_a_reason_by_a_policy_that_was_not_asked_shows(tmp_path: Path) -> None:
    with begun(tmp_path) as story:
        content = decided_otherwise(story, reason("tests-passed", "allow", "fine"), policy="friendly-face")
        assert "a reason is by no policy that was asked" in failures(content)[10]


def test_a_reason_that_speaks_to_controls_its_policy_does_not_name_shows(tmp_path: Path) -> None:
    with begun(tmp_path) as story:
        said = reason("tests-passed", "allow", "fine")
        content = decided_otherwise(story, replace(said, controls=(*said.controls, "gdpr:art-9(2)(h)")))
        assert "a reason is by no policy that was asked" in failures(content)[10]


def test_a_decision_whose_digests_disagree_shows(tmp_path: Path) -> None:
    for number, name in enumerate(("policy_digest", "input_digest")):
        (tmp_path / str(number)).mkdir()
        with begun(tmp_path / str(number)) as story:
            content = decided_otherwise(story, None, **{name: {"sha256": "0" * 64}})
            assert f"its {name} is not the digest of its" in failures(content)[10]


def decided_otherwise(story: Story, said: object, *, policy: str | None = None, **members: object) -> bytes:
    """A run whose decision says something else than the policies that it names."""
    decision = story.decide(STAGING, (), verdict=Deny).statement
    body = json.loads(encode(decision.body))
    if said is not None:
        body["wardline_decision"]["reasons"] = [
            {
                "policy": policy or said.policy,
                "verdict": said.verdict,
                "message": said.message,
                "controls": list(said.controls),
            }
        ]
    body["wardline_decision"] |= members
    changed = replace(decision, body=body, context=replace(decision.context, step="production/gate"))
    story.log.append(seal(changed.encode(), payload_type=PAYLOAD_TYPE, signer=MACHINE))
    story.seal()
    return packet(story)


# Catalogues


def test_catalogues_are_those_that_decisions_name(tmp_path: Path) -> None:
    named = [
        {"id": "hipaa", "version": "2013", "digest": {"sha256": "c" * 64}},
        {"id": "gdpr", "version": "2016", "digest": {"sha256": "b" * 64}},
    ]
    with begun(tmp_path) as story:
        content = decided_otherwise(story, None, catalogues=[*named, named[0]])
        assert failures(content) == {}
        document = Packet.decode(content).contents.to_json(page=Digest.of(b""))
        ours = [{"id": law.id, "version": str(law.version), "digest": {"sha256": law.digest.hex}} for law in LAWS]
        assert document["catalogues"] == sorted([*named, *ours], key=encode)


def test_a_statement_of_an_unknown_predicate_fails_and_names_the_known_ones(tmp_path: Path) -> None:
    with begun(tmp_path) as story:
        seen = story.test().statement
        newer = replace(
            seen,
            predicate_type="https://wardline.dev/predicates/deployment/v7",
            context=replace(seen.context, step="production/deploy/1"),
        )
        story.log.append(seal(newer.encode(), payload_type=PAYLOAD_TYPE, signer=MACHINE))
        story.seal()
        wrong = failures(packet(story))
        assert set(wrong) == {2}
        assert "deployment/v7 is not known to this version of Wardline" in wrong[2]
        assert "known of this predicate: deployment/v1" in wrong[2]
        assert "newer Wardline" in wrong[2]


def test_a_statement_that_breaks_its_schema_fails_and_says_where(tmp_path: Path) -> None:
    with begun(tmp_path) as story:
        seen = story.test().statement
        tests = {**seen.body["wardline_tests"], "executed": -1}
        wrong = replace(seen, body=seen.body | {"wardline_tests": tests}, context=replace(seen.context, step="test/2"))
        story.log.append(seal(wrong.encode(), payload_type=PAYLOAD_TYPE, signer=MACHINE))
        story.seal()
        assert "statement 1: predicate https://in-toto.io" in failures(packet(story))[2]
        assert "$.wardline_tests.executed (minimum)" in failures(packet(story))[2]


def _blobs_named(value: object) -> list[BlobRef]:
    match value:
        case {"digest": {"sha256": str(digest)}, "mediaType": str(kind), "size": int(size)}:
            return [BlobRef(digest=Digest(digest), media_type=kind, size_bytes=size)]
        case dict():
            return [each for item in value.values() for each in _blobs_named(item)]
        case list():
            return [each for item in value for each in _blobs_named(item)]
        case _:
            return []

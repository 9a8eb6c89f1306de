import base64
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from told_story import (
    ADMIN_KEY,
    ARTIFACT,
    MACHINE,
    ORIGIN,
    PRODUCTION,
    RUN,
    SAFETY,
    SAFETY_KEY,
    STAGING,
    STRANGER,
    Story,
    begun,
)

from wardline import canonical
from wardline.canonical import Digest
from wardline.deployments.predicates import Phase
from wardline.errors import Conflict, InvalidInput, NotFound, Refused
from wardline.evidence.envelopes import seal
from wardline.evidence.packets.assemble_packet import Archive, assemble, assemble_unsealed
from wardline.evidence.packets.packet import MIDDLE, PREFIX, SUFFIX, Contents, Packet
from wardline.evidence.packets.verify_packet import Trust, Verification
from wardline.evidence.packets.verify_packet import verify_packet as verify_with
from wardline.evidence.statements import PAYLOAD_TYPE
from wardline.gates.decisions import Deny, Undecided
from wardline.ids import RunId
from wardline.outcomes import Outcome
from wardline.pipelines.run import RunStatus
from wardline.tlog.note import VerifierKey

KEY = VerifierKey(name=ORIGIN, raw=MACHINE.public_key.raw)


def verify_packet(content: bytes, key: VerifierKey) -> Verification:
    return verify_with(content, Trust(key=key))


@pytest.fixture
def story(tmp_path: Path) -> Iterator[Story]:
    with begun(tmp_path) as story:
        yield story


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    with begun(tmp_path_factory.mktemp("told")) as story:
        story.tell()
        return story.packet()


def failures(found: Verification) -> dict[int, str]:
    return {check.number: check.detail for check in found.checks if check.outcome is not Outcome.PASSED}


def only(found: Verification, number: int) -> str:
    """Return why check `number`, and no other, failed."""
    wrong = failures(found)
    assert set(wrong) == {number}, wrong
    return wrong[number]


def proof_of(content: bytes) -> dict:
    body = content.removeprefix(PREFIX).removesuffix(SUFFIX).rpartition(MIDDLE)[2]
    return json.loads(base64.b64decode(body))


def resigned(content: bytes, change: Callable[[Contents], Contents]) -> bytes:
    """What whoever holds the installation's key could make of a packet."""
    return change(Packet.decode(content).contents).sign(MACHINE).encode()


def without(contents: Contents, *indices: int) -> Contents:
    kept = tuple(item for item in contents.statements if item.evidence.index not in indices)
    return replace(contents, statements=kept)


def test_a_packet_of_a_whole_story_holds(told: bytes) -> None:
    found = verify_packet(told, KEY)
    assert failures(found) == {}
    assert found.holds
    assert found.run == RUN
    assert [check.number for check in found.checks] == list(range(1, 13))


def test_a_packet_is_the_same_at_every_call_whatever_happens_after(story: Story) -> None:
    story.tell()
    first = story.packet()
    story.say("later", story.source_of_another(), run=RunId("r-0000000002"))
    with pytest.raises(Conflict):
        story.say("late", story.source_of_another(), run=RUN)
    assert story.packet() == first


def test_what_is_written_is_read(told: bytes) -> None:
    packet = Packet.decode(told)
    assert packet.encode() == told
    assert packet.contents.sign(MACHINE) == packet


def test_a_packet_holds_what_the_run_rests_on_and_nothing_of_others(told: bytes) -> None:
    statements = [item.evidence for item in Packet.decode(told).contents.statements]
    kinds = {s.statement.predicate_type.split("/")[-2] for s in statements if s.statement.context.run is None}
    assert kinds == {"enrolment", "waiver"}
    assert {s.statement.context.run for s in statements} == {None, RUN}


def test_no_private_text_is_taken_along(told: bytes) -> None:
    packet = Packet.decode(told)
    media_types = {blob.reference.media_type for blob in packet.contents.blobs}
    kinds = ("gate-input", "consent", "policies", "lock")
    assert media_types == {f"application/vnd.wardline.{name}+json" for name in kinds}
    everything = told + base64.b64decode(b"".join(told.rpartition(MIDDLE)[2].removesuffix(SUFFIX).split()))
    for item in packet.contents.statements:
        everything += item.evidence.envelope.payload
    for private in (b"dev@clinic.example", b"Answer 271", b"cache keys", b"read and understood"):
        assert private not in everything


def test_a_run_that_is_not_sealed_is_written_only_when_asked_for_and_does_not_hold(story: Story) -> None:
    story.found()
    story.source()
    with pytest.raises(Refused, match="not sealed"):
        story.packet()
    unsealed = assemble_unsealed(RUN, Archive(log=story.log, blobs=story.blobs)).sign(MACHINE).encode()
    assert b"This run is not sealed" in unsealed
    assert "not sealed" in only(verify_packet(unsealed, KEY), 8)


def test_a_run_that_left_nothing_is_not_found(story: Story) -> None:
    for assembling in (assemble, assemble_unsealed):
        with pytest.raises(NotFound, match="left nothing"):
            assembling(RunId("r-unknown"), Archive(log=story.log, blobs=story.blobs))


@pytest.mark.parametrize("status", [RunStatus.FAILED, RunStatus.DENIED, RunStatus.UNDECIDED, RunStatus.CANCELLED])
def test_a_run_that_came_to_nothing_is_proven_as_well(story: Story, status: RunStatus) -> None:
    story.source()
    story.seal(status)
    packet = story.packet()
    assert failures(verify_packet(packet, KEY)) == {}
    assert status.value.encode() in packet


# Attacks without the key


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_no_byte_may_be_changed_dropped_inserted_or_moved(told: bytes, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(told) - 1))
    match data.draw(st.sampled_from(("change", "drop", "insert", "swap", "cut", "repeat"))):
        case "change":
            changed = told[:at] + bytes([data.draw(st.integers(0, 255))]) + told[at + 1 :]
        case "drop":
            changed = told[:at] + told[at + data.draw(st.integers(1, 100)) :]
        case "insert":
            changed = told[:at] + data.draw(st.binary(min_size=1, max_size=100)) + told[at:]
        case "swap":
            size = data.draw(st.integers(1, 300))
            other = data.draw(st.integers(0, len(told) - 1))
            first, second = sorted((at, other))
            second = max(second, first + size)
            changed = (
                told[:first]
                + told[second : second + size]
                + told[first + size : second]
                + told[first : first + size]
                + told[second + size :]
            )
        case "cut":
            changed = told[:at]
        case _:
            changed = told[:at] + told
    found = verify_packet(changed, KEY)
    assert found.holds == (changed == told)


def test_every_single_byte_of_the_proof_matters(told: bytes) -> None:
    start = told.index(MIDDLE)
    for at in range(start, len(told), 499):
        for flipped in (told[at] ^ 1, told[at] ^ 32):
            assert not verify_packet(told[:at] + bytes([flipped]) + told[at + 1 :], KEY).holds


@settings(max_examples=80, deadline=None)
@given(st.binary(max_size=2000))
def test_any_bytes_at_all_are_refused(content: bytes) -> None:
    for wrapped in (content, PREFIX + MIDDLE + base64.encodebytes(content) + SUFFIX):
        found = verify_packet(wrapped, KEY)
        assert not found.holds
        assert {check.outcome for check in found.checks[1:]} == {Outcome.ERRORED}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text(max_size=20) | st.floats(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=15,
)


@settings(max_examples=80, deadline=None)
@given(data=st.data())
def test_any_value_in_any_place_of_the_proof_is_refused(told: bytes, data: st.DataObject) -> None:
    proof = proof_of(told)
    place = proof
    while True:
        name = data.draw(
            st.sampled_from(sorted(place)) if isinstance(place, dict) else st.sampled_from(range(len(place)))
        )
        deeper = place[name]
        if not isinstance(deeper, dict | list) or not deeper or data.draw(st.booleans()):
            break
        place = deeper
    new = data.draw(json_values)
    if new == place[name] and type(new) is type(place[name]):
        return
    place[name] = new
    text = json.dumps(proof, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()
    changed = PREFIX + Packet.decode(told).page + MIDDLE + base64.encodebytes(text) + SUFFIX
    assert not verify_packet(changed, KEY).holds


@pytest.mark.parametrize("depth", [500, 5_000, 200_000])
def test_a_proof_that_nests_for_ever_is_refused(depth: int) -> None:
    text = b"[" * depth + b"]" * depth
    assert not verify_packet(PREFIX + MIDDLE + base64.encodebytes(text) + SUFFIX, KEY).holds


def test_a_file_beyond_all_measure_is_refused() -> None:
    assert "at most" in failures(verify_packet(b"x" * (64 * 1024 * 1024 + 1), KEY))[1]


def test_a_key_that_came_with_the_packet_is_not_trusted(told: bytes) -> None:
    forged = Packet.decode(told).contents.sign(STRANGER).encode()
    assert "does not sign for the installation" in only(verify_packet(forged, KEY), 4)
    stranger = VerifierKey(name=ORIGIN, raw=STRANGER.public_key.raw)
    assert {3, 4, 5, 7} <= set(failures(verify_packet(told, stranger)))
    assert {3, 5, 7} <= set(failures(verify_packet(forged, stranger)))


def test_a_key_of_another_log_does_not_fit(told: bytes) -> None:
    other = VerifierKey(name="another.example/log", raw=MACHINE.public_key.raw)
    wrong = failures(verify_packet(told, other))
    assert set(wrong) == {5, 7}
    assert "the packet is of log wardline.example/log" in wrong[5]


# Attacks by whoever holds the installation's key


def test_a_page_that_says_something_else_does_not_hold(told: bytes) -> None:
    packet = Packet.decode(told)
    nicer = packet.page.replace(b"SHA1", b"SHA3")
    assert nicer != packet.page
    assert "signed was" in only(verify_packet(replace(packet, page=nicer).encode(), KEY), 11)
    # Even signed: the statements say otherwise.
    digest = Digest.of(nicer)
    payload = canonical.encode(packet.contents.to_json(page=digest))
    signed = replace(packet, page=nicer, page_digest=digest)
    signature = replace(packet.signature, sig=MACHINE.sign(_pae(payload)))
    assert "not what the statements say" in only(verify_packet(replace(signed, signature=signature).encode(), KEY), 11)


def _pae(payload: bytes) -> bytes:
    kind = b"application/vnd.wardline.packet+json"
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


def test_a_statement_left_out_shows(told: bytes) -> None:
    contents = Packet.decode(told).contents
    own = [item.evidence for item in contents.statements if item.evidence.statement.context.run == RUN]
    for missing in own[:-1]:
        found = verify_packet(resigned(told, lambda contents, i=missing.index: without(contents, i)), KEY)
        assert "the seal counts" in failures(found)[8]
    found = verify_packet(resigned(told, lambda contents: without(contents, own[-1].index)), KEY)
    assert "not sealed" in failures(found)[8]


def test_an_enrolment_left_out_shows(told: bytes) -> None:
    statements = Packet.decode(told).contents.statements
    for item in statements:
        if item.evidence.statement.predicate_type.endswith("enrolment/v1"):
            found = verify_packet(resigned(told, lambda c, i=item.evidence.index: without(c, i)), KEY)
            assert 3 in failures(found)


def test_a_waiver_left_out_shows(told: bytes) -> None:
    (waiver,) = (
        item.evidence.index
        for item in Packet.decode(told).contents.statements
        if item.evidence.statement.predicate_type.endswith("waiver/v1")
    )
    found = verify_packet(resigned(told, lambda contents: without(contents, waiver)), KEY)
    assert f"rests on {waiver}, which is not here" in only(found, 9)


def test_a_statement_that_is_not_in_the_log_shows(told: bytes) -> None:
    def forge(contents: Contents) -> Contents:
        first, second, *rest = contents.statements
        moved = replace(second, evidence=replace(second.evidence, index=2))
        return replace(contents, statements=(first, moved, *rest))

    assert "inclusion proof of leaf 2" in only(verify_packet(resigned(told, forge), KEY), 7)


def test_a_proof_of_another_leaf_shows(told: bytes) -> None:
    def forge(contents: Contents) -> Contents:
        first, second, *rest = contents.statements
        swapped = (replace(first, proof=second.proof), replace(second, proof=first.proof))
        return replace(contents, statements=(*swapped, *rest))

    assert "inclusion proof" in only(verify_packet(resigned(told, forge), KEY), 7)


def test_an_older_checkpoint_does_not_cover_the_seal(story: Story) -> None:
    story.tell()
    size = story.log.size()
    older = story.log.checkpoint(size - 1)
    forged = resigned(story.packet(), lambda contents: replace(contents, checkpoint=older))
    assert "inclusion proof" in only(verify_packet(forged, KEY), 7)


def test_a_packet_of_another_run_shows(told: bytes) -> None:
    forged = resigned(told, lambda contents: replace(contents, run=RunId("r-another")))
    wrong = failures(verify_packet(forged, KEY))
    assert "holds no statement of its run" in wrong[8]


def test_blobs_nobody_named_or_that_are_others_show(told: bytes) -> None:
    def other_content(contents: Contents) -> Contents:
        first, *rest = contents.blobs
        return replace(contents, blobs=(replace(first, content=first.content + b" "), *rest))

    def unnamed(contents: Contents) -> Contents:
        blobs = [
            replace(blob, reference=replace(blob.reference, media_type="text/html"))
            if "policies" in blob.reference.media_type
            else blob
            for blob in contents.blobs
        ]
        return replace(contents, blobs=tuple(blobs))

    assert "not what its digest says" in only(verify_packet(resigned(told, other_content), KEY), 12)
    wrong = failures(verify_packet(resigned(told, unnamed), KEY))
    assert "no statement here names" in wrong[12]
    assert "of its decision is not here" in wrong[10]


# Stories that should not have happened


def test_an_approval_by_somebody_never_enrolled_does_not_hold(story: Story) -> None:
    story.found()
    tests = story.test()
    story.approve(tests.index, tests.index, tests.index)
    story.seal()
    assert "no key" in only(verify_packet(story.packet(), KEY), 3)


def test_an_approval_signed_with_the_machines_key_does_not_hold(story: Story) -> None:
    story.found()
    story.enrol()
    tests = story.test()
    approval = story.approve(tests.index, tests.index, tests.index).statement
    story.sign("again", _As(approval), by=SAFETY, signer=MACHINE)
    story.seal()
    assert "no key" in only(verify_packet(story.packet(), KEY), 3)


def test_a_machines_statement_signed_by_a_person_does_not_hold(story: Story) -> None:
    story.found()
    story.enrol()
    source = story.source().statement
    story.sign("again", _As(source), by=SAFETY, signer=SAFETY_KEY)
    story.seal()
    assert "none of the installation's" in only(verify_packet(story.packet(), KEY), 3)


def test_an_approval_in_a_role_that_was_not_given_does_not_hold(story: Story) -> None:
    story.found()
    story.enrol()
    tests = story.test()
    approval = story.approve(tests.index, tests.index, tests.index).statement
    story.sign("other", _As(approval, role="compliance"), by=SAFETY, signer=SAFETY_KEY)
    story.seal()
    assert "without-role" in only(verify_packet(story.packet(), KEY), 3)


def without_effect(packet: bytes) -> str:
    found = verify_packet(packet, KEY)
    assert failures(found) == {}
    return found.checks[2].detail


def test_an_enrolment_by_somebody_who_is_no_administrator_has_no_effect_and_is_named(story: Story) -> None:
    story.found()
    enrolment = story.enrol().statement
    body = enrolment.body | {"principal": "p-friend", "key": None}
    story.sign("enrol/friend", _As(enrolment, body=body), by=SAFETY, signer=SAFETY_KEY, run=None)
    story.source()
    story.seal()
    assert "statement 2 (without-role)" in without_effect(story.packet())


def test_a_second_founder_has_no_effect_and_is_named(story: Story) -> None:
    story.found()
    founding = story.log.read(0).statement
    key = {"keyid": STRANGER.public_key.keyid, "raw": base64.b64encode(STRANGER.public_key.raw).decode()}
    body = founding.body | {"principal": "p-usurper", "key": key}
    story.sign("enrol/usurper", _As(founding, body=body), by="p-usurper", signer=STRANGER, run=None)
    story.source()
    story.seal()
    assert "statement 1 (already-founded)" in without_effect(story.packet())


def test_an_approval_before_the_enrolment_does_not_hold(story: Story) -> None:
    story.found()
    tests = story.test()
    story.approve(tests.index, tests.index, tests.index)
    story.enrol()
    story.seal()
    assert "not-enrolled" in only(verify_packet(story.packet(), KEY), 3)


@pytest.mark.parametrize("verdict", [Deny, Undecided])
def test_a_deployment_without_an_allow_does_not_hold(story: Story, verdict: type[Deny | Undecided]) -> None:
    decision = story.decide(STAGING, (), verdict=verdict)
    story.deploy(STAGING, decision.index, Phase.STARTED)
    story.seal()
    assert "which is no Allow" in only(verify_packet(story.packet(), KEY), 9)


def test_a_deployment_elsewhere_or_of_another_artifact_does_not_hold(story: Story) -> None:
    decision = story.decide(STAGING, ())
    story.deploy(PRODUCTION, decision.index, Phase.SUCCEEDED)
    story.seal()
    assert "another environment" in only(verify_packet(story.packet(), KEY), 9)


def test_a_deployment_of_another_artifact_does_not_hold(story: Story) -> None:
    decision = story.decide(STAGING, (), artifact=Digest.of(b"other"))
    story.deploy(STAGING, decision.index, Phase.SUCCEEDED)
    story.seal()
    assert "another artifact" in only(verify_packet(story.packet(), KEY), 9)


def test_a_deployment_that_names_no_decision_does_not_hold(story: Story) -> None:
    tests = story.test()
    story.deploy(STAGING, tests.index, Phase.SUCCEEDED)
    story.seal()
    assert "names no decision" in only(verify_packet(story.packet(), KEY), 9)


def test_a_deployment_before_its_decision_does_not_hold(story: Story) -> None:
    story.deploy(STAGING, 1, Phase.SUCCEEDED)
    story.decide(STAGING, ())
    story.seal()
    assert "which is not here before it" in only(verify_packet(story.packet(), KEY), 9)


def test_an_earlier_runs_allow_covers_the_way_back(story: Story) -> None:
    earlier = story.decide(STAGING, (), run=RunId("r-0000000000"))
    story.source()
    story.deploy(STAGING, earlier.index, Phase.ROLLED_BACK)
    story.seal()
    packet = story.packet()
    assert failures(verify_packet(packet, KEY)) == {}
    assert earlier.index in {item.evidence.index for item in Packet.decode(packet).contents.statements}


@pytest.mark.parametrize("statements", [1, 3])
def test_a_seal_that_counts_wrong_does_not_hold(story: Story, statements: int) -> None:
    story.source()
    story.seal(statements=statements)
    assert "the seal counts" in only(verify_packet(story.packet(), KEY), 8)


class _As:
    """A statement said again, as another."""

    def __init__(self, statement, **changes) -> None:
        self.predicate_type = statement.predicate_type
        self.outcome = statement.context.outcome
        self._subjects = statement.subjects
        self._body = changes.pop("body", statement.body) | changes

    def subjects(self):
        return self._subjects

    def body(self):
        return self._body


# The page


class Page(HTMLParser):
    def __init__(self, content: bytes) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.feed(content.decode())

    def handle_starttag(self, tag, attrs) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def test_the_page_tells_the_story(told: bytes) -> None:
    text = " ".join("".join(Page(Packet.decode(told).page).text).split())
    expected = (
        "Release record: eligibility 1.1",
        "proves nothing until wardline verify says so",
        "It is not legal advice",
        str(ARTIFACT.digest),
        "c0ffee",
        "succeeded",
        "clinical-safety",
        "p-safety",
        "hipaa:164.308(a)(1)(ii)(B), hipaa:164.306(a)(2), gdpr:art-32(1)(b)",
        "41 executed, none failed",
        "86.75 %",
        "Use of weak SHA1 hash <for security>",
        "a waiver names it",
        "2027-01-31 00:00:00 UTC",
        "rel-1.0",
    )
    assert [fact for fact in expected if fact not in text] == []
    assert "compliant" not in text.lower()


def test_the_page_runs_nothing_and_loads_nothing(told: bytes) -> None:
    tags = Page(told).tags
    assert {tag for tag, _ in tags}.isdisjoint({"script", "img", "link", "iframe", "object", "a", "form", "svg"})
    (policy,) = (a["content"] for tag, a in tags if a.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    style = re.search(rb"<style>(.*?)</style>", told, re.DOTALL)[1]
    digest = base64.b64encode(bytes.fromhex(Digest.of(style).hex)).decode()
    assert policy.endswith(f"style-src 'sha256-{digest}'")
    assert not any(name.startswith("on") or name in {"src", "href", "style"} for _, a in tags for name in a)


TAGS = {"h1", "h2", "h3", "p", "code", "table", "thead", "tbody", "tr", "th", "td", "span"}
hostile = st.sampled_from(
    ("<script>alert(1)</script>", "</template>", "\u202egnp.exe", "\x00\x1b[2J", '" onload="x', MIDDLE.decode())
) | st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
hostile_values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 2**53 - 1) | hostile,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(hostile, inner, max_size=3),
    max_leaves=8,
)


@st.composite
def hostile_packets(draw: st.DrawFn, contents: Contents) -> bytes:
    """A packet whose maker holds the key and puts anything at all into one statement."""
    at = draw(st.integers(0, len(contents.statements) - 1))
    proven = contents.statements[at]
    statement = proven.evidence.statement
    body = {name: draw(hostile_values) for name in sorted(statement.body) if draw(st.booleans())}
    said = replace(statement, body=statement.body | body)
    envelope = seal(said.encode(), payload_type=PAYLOAD_TYPE, signer=MACHINE)
    changed = replace(proven.evidence, statement=said, envelope=envelope)
    statements = (*contents.statements[:at], replace(proven, evidence=changed), *contents.statements[at + 1 :])
    return replace(contents, statements=statements).sign(MACHINE).encode()


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_whatever_statements_say_the_page_runs_nothing_and_verifying_ends(told: bytes, data: st.DataObject) -> None:
    content = data.draw(hostile_packets(Packet.decode(told).contents))
    page = content.removeprefix(PREFIX).rpartition(MIDDLE)[0]
    assert {tag for tag, _ in Page(page).tags} <= TAGS
    assert MIDDLE not in page
    assert not any(mark in page.decode() for mark in "\u202e\x00\x1b")
    found = verify_packet(content, KEY)
    assert found.checks[0].outcome is found.checks[10].outcome is Outcome.PASSED
    assert found.holds == (content == told)


def test_a_packet_made_by_hand_must_be_in_order(told: bytes) -> None:
    contents = Packet.decode(told).contents
    for wrong in (
        replace(contents, statements=contents.statements[::-1]),
        replace(contents, statements=(contents.statements[0], *contents.statements)),
        replace(contents, statements=()),
        replace(contents, blobs=contents.blobs[::-1]),
    ):
        with pytest.raises(InvalidInput):
            Packet.decode(wrong.sign(ADMIN_KEY).encode())

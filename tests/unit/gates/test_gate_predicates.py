from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardline.canonical import Digest, decode, encode
from wardline.errors import InvalidInput
from wardline.gates.decisions import Allow, Deny, Judgement, Reason, Undecided
from wardline.gates.predicates import (
    APPROVED,
    REJECTED,
    Approval,
    DecisionMade,
    FindingsSeen,
    Matter,
    Rejection,
    Waiver,
    Word,
    parse_decision,
)
from wardline.identity.principals import Role
from wardline.outcomes import Outcome
from wardline.predicates import BlobRef

TEXT = st.text(st.characters(codec="utf-8"), max_size=12)
INDEX = st.integers(0, 2**40)
DIGEST = st.binary(max_size=8).map(Digest.of)
BLOB = st.builds(BlobRef, digest=DIGEST, media_type=TEXT, size_bytes=INDEX)
MATTER = st.builds(
    Matter,
    run=TEXT,
    artifact=DIGEST,
    commit=st.none() | TEXT,
    release_configuration=DIGEST,
    findings=st.builds(FindingsSeen, count=INDEX, digest=DIGEST),
    waivers=st.lists(INDEX, max_size=3).map(tuple),
    rehearsal=st.none() | INDEX,
    tests=st.none() | INDEX,
)
WORD = st.builds(Word, environment=TEXT, role=st.sampled_from(list(Role)), matter=MATTER, shown=BLOB, reason=BLOB)
MOMENT = (
    st.integers(0, 4_000_000_000_000)
    .map(lambda ms: datetime.fromtimestamp(ms / 1000, UTC))
    .map(lambda moment: moment.replace(microsecond=moment.microsecond // 1000 * 1000))
)
REASONS = st.lists(
    st.builds(Reason, policy=TEXT, verdict=TEXT, message=TEXT, controls=st.just(("hipaa:164",))), max_size=3
)
JUDGEMENT = st.builds(
    Judgement,
    environment=TEXT,
    artifact=DIGEST,
    policy_digest=DIGEST,
    input_digest=DIGEST,
    evidence=st.lists(INDEX, max_size=4).map(tuple),
    reasons=REASONS.map(tuple),
)


@given(WORD)
def test_a_word_reads_back_as_it_was_written(word):
    assert Word.parse(decode(encode(Approval(word=word).body())), meaning=APPROVED) == word
    assert Word.parse(decode(encode(Rejection(word=word).body())), meaning=REJECTED) == word
    with pytest.raises(InvalidInput):
        Word.parse(Rejection(word=word).body(), meaning=APPROVED)


@given(WORD, st.sampled_from(["role", "subject", "shown_digest", "shown", "reason", "meaning", "environment"]))
def test_a_word_with_a_member_missing_is_none(word, member):
    body = Approval(word=word).body()
    del body[member]
    with pytest.raises(InvalidInput):
        Word.parse(body, meaning=APPROVED)


@given(WORD, DIGEST)
def test_a_word_signed_over_another_digest_than_it_shows_is_none(word, digest):
    body = Approval(word=word).body() | {"shown_digest": {"sha256": Digest.of(digest.hex.encode()).hex}}
    with pytest.raises(InvalidInput):
        Word.parse(body, meaning=APPROVED)


@given(st.builds(Waiver, finding=TEXT, expires_at=MOMENT, environment=st.none() | TEXT, reason=BLOB))
def test_a_waiver_reads_back_as_it_was_written(waiver):
    assert Waiver.parse(decode(encode(waiver.body()))) == waiver


@given(JUDGEMENT, st.sampled_from([Allow, Deny, Undecided]), MOMENT, BLOB)
def test_a_decision_reads_back_as_it_was_written(judgement, kind, moment, blob):
    decision = kind(judgement=judgement)
    made = DecisionMade(service="eligibility", decision=decision, decided_at=moment, input=blob, policies=blob)
    assert parse_decision(decode(encode(made.body())), artifact=judgement.artifact) == decision
    assert (made.outcome is Outcome.PASSED) == (kind is Allow) == (made.body()["verificationResult"] == "PASSED")


@pytest.mark.parametrize("body", [{}, {"wardline_decision": None}, {"wardline_decision": {"verdict": "maybe"}}])
def test_what_is_no_decision_is_refused(body):
    with pytest.raises(InvalidInput):
        parse_decision(body, artifact=Digest.of(b""))

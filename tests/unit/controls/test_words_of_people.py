"""What people say of controls reads back as it was said, keeps to what is published, and ends."""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardline.canonical import Digest, JSONObject
from wardline.controls.predicates import About, AddressableDecision, Attestation
from wardline.controls.said import Choice, Claim, parse_word
from wardline.errors import InvalidInput
from wardline.evidence.schemas import check_predicate
from wardline.evidence.signatories import PERSONAL
from wardline.evidence.statements import Context, Statement
from wardline.identity.principals import Role
from wardline.ids import PrincipalId
from wardline.predicates import BlobRef, Predicate

DOCS = Path(__file__).parents[3] / "docs" / "predicates"
NOW = datetime(2026, 11, 25, 9, tzinfo=UTC)
DIGESTS = st.binary(max_size=8).map(Digest.of)
BLOBS = st.builds(BlobRef, digest=DIGESTS, media_type=st.just("text/plain"), size_bytes=st.integers(0, 10**9))
TIMES = st.integers(0, 2_000_000_000_000).map(lambda ms: datetime(1990, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms))
ABOUTS = st.builds(
    About, id=st.sampled_from(["hipaa:164.312(b)", "gdpr:art-12-16,18,20,21"]), asks=DIGESTS, catalogue=DIGESTS
)
SERVICES = st.none() | st.text(max_size=8)
ATTESTATIONS = st.builds(
    Attestation,
    controls=st.lists(ABOUTS, min_size=1, max_size=3).map(tuple),
    claim=st.sampled_from(Claim),
    role=st.sampled_from([Role.COMPLIANCE, Role.DATA_PROTECTION, Role.CLINICAL_SAFETY]),
    service=SERVICES,
    document=st.none() | DIGESTS,
    statement=BLOBS,
    expires_at=TIMES,
)


@st.composite
def decisions(draw: st.DrawFn) -> AddressableDecision:
    choice = draw(st.sampled_from(Choice))
    return AddressableDecision(
        control=draw(ABOUTS),
        choice=choice,
        role=Role.COMPLIANCE,
        service=draw(SERVICES),
        rationale=draw(BLOBS),
        alternative=draw(BLOBS) if choice is Choice.ALTERNATIVE else None,
        expires_at=draw(TIMES),
    )


WORDS = ATTESTATIONS | decisions()


def stated(predicate: Predicate) -> Statement:
    context = Context(
        run=None, step="a/step", attempt=1, recorded_at=NOW, actor=PrincipalId("p"), outcome=predicate.outcome
    )
    return Statement.decode(Statement.of(predicate, context).encode())


@given(WORDS)
def test_a_word_reads_back_and_keeps_to_its_schema(word: Attestation | AddressableDecision) -> None:
    statement = stated(word)
    check_predicate(statement)
    assert type(word).parse(statement.body) == word
    assert statement.predicate_type in PERSONAL


@given(WORDS, st.data())
def test_a_word_with_a_member_gone_or_added_is_none(
    word: Attestation | AddressableDecision, data: st.DataObject
) -> None:
    body = word.body()
    name = data.draw(st.sampled_from(sorted(body)))
    for changed in ({k: v for k, v in body.items() if k != name}, body | {"more": 1}, body | {name: 0.5}):
        with pytest.raises(InvalidInput):
            type(word).parse(changed)  # type: ignore[arg-type]


def schema_of(name: str) -> JSONObject:
    found: JSONObject = json.loads((DOCS / f"{name}.schema.json").read_text())
    return found


@pytest.mark.parametrize("name", ["attestation", "addressable-decision"])
def test_every_page_names_every_member_and_its_example_keeps_to_the_schema(name: str) -> None:
    page = (DOCS / f"{name}.md").read_text()
    prose, _, _ = page.partition("## Example")
    schema = schema_of(name)
    assert isinstance(schema["properties"], dict)
    assert all(f"`{member}`" in prose for member in schema["properties"])
    (example,) = re.findall(r"```json\n(.*?)```", page, flags=re.DOTALL)
    jsonschema.Draft202012Validator(schema).validate(json.loads(example))
    words = [*Claim] if name == "attestation" else [*Choice]
    assert all(f"`{word.value}`" in prose for word in words)


def test_an_alternative_goes_with_its_choice_only() -> None:
    blob = BlobRef(digest=Digest.of(b"x"), media_type="text/plain", size_bytes=1)
    about = About(id="hipaa:164.312(a)(2)(iii)", asks=Digest.of(b"a"), catalogue=Digest.of(b"c"))
    for choice in Choice:
        for alternative in (None, blob):
            if (alternative is not None) == (choice is Choice.ALTERNATIVE):
                continue
            with pytest.raises(InvalidInput, match="an alternative goes with"):
                AddressableDecision(
                    control=about,
                    choice=choice,
                    role=Role.COMPLIANCE,
                    service=None,
                    rationale=blob,
                    alternative=alternative,
                    expires_at=NOW,
                )


def test_a_word_that_is_none_is_refused_with_those_there_are() -> None:
    with pytest.raises(InvalidInput, match="--claim: expected one of in-place, not-applicable, withdrawn, got 'yes'"):
        parse_word("yes", Claim, "--claim")

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from tests.fakes.growing_log import KEY, GrowingLog, line_of, private_of, witness

from wardline.errors import IntegrityViolation, InvalidInput
from wardline.tlog import tree
from wardline.tlog.note import VerifierKey
from wardline.tlog.proof_file import ProofFile

LOG = GrowingLog(11)
ENTRY = LOG.entries(6, 1)[0]
NOTE = LOG.note() + line_of(1, text=LOG.head().encode())
PROOF = ProofFile(index=6, hashes=tree.inclusion_proof(LOG, 6, 11), checkpoint=NOTE)
TEXT = PROOF.encode()


def test_a_proof_is_written_as_the_standard_says() -> None:
    lines = TEXT.split("\n")
    assert lines[:2] == ["c2sp.org/tlog-proof@v1", "index 6"]
    assert lines[2 + len(PROOF.hashes)] == ""
    assert TEXT.endswith("\n\n" + NOTE)


@given(
    index=st.integers(0, 2**53 - 1),
    hashes=st.lists(st.binary(min_size=32, max_size=32), max_size=63),
    extra=st.none() | st.binary(max_size=40),
)
def test_what_is_written_is_read_back(index: int, hashes: list[bytes], extra: bytes | None) -> None:
    proof = ProofFile(index=index, hashes=tuple(hashes), checkpoint=NOTE, extra=extra)
    assert ProofFile.parse(proof.encode()) == proof


def test_an_entry_is_proven_with_its_witness() -> None:
    assert ProofFile.parse(TEXT).verify(ENTRY, KEY, witnesses=(witness(1),), needed=1) == LOG.head()


def test_another_entry_key_witness_or_index_is_refused() -> None:
    with pytest.raises(IntegrityViolation, match="inclusion proof"):
        PROOF.verify(ENTRY + b" ", KEY)
    with pytest.raises(IntegrityViolation, match="not signed by"):
        PROOF.verify(ENTRY, type(KEY)(name="other.example", raw=KEY.raw))
    with pytest.raises(IntegrityViolation, match="nothing by"):
        PROOF.verify(ENTRY, KEY, witnesses=(witness(2),), needed=1)
    with pytest.raises(IntegrityViolation, match="no entry 11"):
        ProofFile(index=11, hashes=PROOF.hashes, checkpoint=NOTE).verify(ENTRY, KEY)


def test_a_proof_holds_under_a_key_that_the_log_had_later() -> None:
    later = VerifierKey(name=KEY.name, raw=witness(3).raw)
    note = LOG.head().sign(later, sign=private_of(3).sign)
    proof = ProofFile(index=6, hashes=PROOF.hashes, checkpoint=note)
    assert proof.verify(ENTRY, KEY, later) == proof.verify(ENTRY, later) == LOG.head()
    with pytest.raises(IntegrityViolation, match="not signed by"):
        proof.verify(ENTRY, KEY)
    with pytest.raises(InvalidInput, match="keys of 0 logs"):
        proof.verify(ENTRY)


@given(position=st.integers(0, len(TEXT) - 1), character=st.characters(exclude_categories=["Cs"]))
@settings(max_examples=300)
def test_any_changed_character_is_refused(position: int, character: str) -> None:
    assume(TEXT[position] != character)
    with pytest.raises((IntegrityViolation, InvalidInput)):
        ProofFile.parse(TEXT[:position] + character + TEXT[position + 1 :]).verify(
            ENTRY, KEY, witnesses=(witness(1),), needed=1
        )


@given(st.text(max_size=300))
def test_any_text_at_all_is_refused_as_such(text: str) -> None:
    with pytest.raises(InvalidInput):
        ProofFile.parse(text)


@pytest.mark.parametrize(
    "text",
    [
        TEXT.replace("@v1", "@v2"),
        TEXT.replace("index 6", "index 06"),
        TEXT.replace("index 6", "index -6"),
        TEXT.replace("index 6\n", ""),
        TEXT.replace("index 6", "extra !!\nindex 6"),
        TEXT.replace("index 6", "index 6\nAAAA"),
        TEXT.replace("\n\n", "\n", 1),
        "c2sp.org/tlog-proof@v1\nindex 0\n" + ("A" * 43 + "=\n") * 64 + "\n" + NOTE,
    ],
)
def test_a_malformed_proof_is_refused(text: str) -> None:
    with pytest.raises((InvalidInput, IntegrityViolation)):
        ProofFile.parse(text).verify(ENTRY, KEY)

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from tests.fakes.growing_log import KEY as LOG
from tests.fakes.growing_log import NOW, PRIVATE, private_of, witness
from tests.fakes.growing_log import line_of as cosignature_of

from wardline.errors import IntegrityViolation, InvalidInput
from wardline.tlog.checkpoint import Checkpoint, open_checkpoint
from wardline.tlog.cosignature import WitnessKey, cosigned_by, verify_cosignature, with_cosignatures
from wardline.tlog.merkle import leaf_hash
from wardline.tlog.note import VerifierKey, signature_line

VECTOR = Path(__file__).parents[2] / "vectors" / "tlog" / "cosigned_by_others.note"
ARCHE = VerifierKey.parse(
    "arche2025h1.staging.ct.transparency.dev+ba2f06c0+AU0vHmlGCS/PdN8b2OaGmKprLI8HKM+dJ472xgFYh15f"
)
REMORA = WitnessKey.parse("remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2")

CHECKPOINT = Checkpoint(origin=LOG.name, size=7, root=leaf_hash(b"root"))
NOTE = CHECKPOINT.sign(LOG, sign=PRIVATE.sign)


def line_of(number: int, *, at: datetime = NOW, text: str = CHECKPOINT.encode(), name: str | None = None) -> str:
    return cosignature_of(number, text, at=at, name=name)


def test_the_cosignature_of_another_implementation_holds() -> None:
    note = VECTOR.read_text()
    assert open_checkpoint(note, ARCHE).size == 1432088532
    assert verify_cosignature(note, REMORA) == datetime(2026, 5, 23, 21, 50, 24, tzinfo=UTC)
    with pytest.raises(IntegrityViolation, match="does not hold"):
        verify_cosignature(note.replace("1432088532", "1432088533"), REMORA)


@given(number=st.integers(1, 255), seconds=st.integers(0, 2**36))
def test_what_a_witness_cosigned_is_verified_with_its_time(number: int, seconds: int) -> None:
    at = datetime.fromtimestamp(seconds, tz=UTC)
    key = witness(number)
    assert WitnessKey.parse(str(key)) == key
    assert verify_cosignature(NOTE + line_of(number, at=at), key) == at
    assert open_checkpoint(NOTE + line_of(number, at=at), LOG) == CHECKPOINT


@given(position=st.integers(0, len(NOTE + line_of(1)) - 1), character=st.characters(exclude_categories=["Cs"]))
def test_a_changed_character_of_text_or_cosignature_is_refused(position: int, character: str) -> None:
    note = NOTE + line_of(1)
    logs_own = range(len(CHECKPOINT.encode()) + 1, len(NOTE))  # the log's line, which is not the witness's to check
    assume(note[position] != character and position not in logs_own)
    with pytest.raises((IntegrityViolation, InvalidInput)):
        verify_cosignature(note[:position] + character + note[position + 1 :], witness(1))


def test_a_signature_of_a_log_is_no_cosignature() -> None:
    key = WitnessKey(name=LOG.name, raw=LOG.raw)
    with pytest.raises(IntegrityViolation, match="not cosigned"):
        verify_cosignature(NOTE, key)
    with pytest.raises(InvalidInput, match="signature type is 0x01, as of a log, expected 0x04, as of a witness"):
        WitnessKey.parse(str(LOG))
    with pytest.raises(InvalidInput, match="signature type is 0x04, as of a witness"):
        VerifierKey.parse(str(key))


def test_a_cosignature_of_another_checkpoint_is_refused() -> None:
    other = Checkpoint(origin=LOG.name, size=8, root=CHECKPOINT.root)
    with pytest.raises(IntegrityViolation, match="does not hold"):
        verify_cosignature(NOTE + line_of(1, text=other.encode()), witness(1))


def test_a_second_broken_cosignature_by_the_key_is_refused() -> None:
    forged = line_of(1, text="other\n")
    with pytest.raises(IntegrityViolation, match="does not hold"):
        verify_cosignature(NOTE + line_of(1) + forged, witness(1))


@pytest.mark.parametrize("length", [1, 8, 71, 73])
def test_a_cosignature_of_another_length_is_refused(length: int) -> None:
    key = witness(1)
    with pytest.raises(IntegrityViolation, match="expected 76"):
        verify_cosignature(NOTE + signature_line(key.name, key.hash + bytes(length)), key)


def test_a_time_that_no_calendar_has_is_refused() -> None:
    key, private = witness(1), private_of(1)
    seconds = 2**63 - 1
    signature = private.sign(f"cosignature/v1\ntime {seconds}\n{CHECKPOINT.encode()}".encode())
    line = signature_line(key.name, key.hash + seconds.to_bytes(8, "big") + signature)
    with pytest.raises(IntegrityViolation, match="no calendar"):
        verify_cosignature(NOTE + line, key)


def test_of_several_cosignatures_by_one_witness_the_newest_counts() -> None:
    later = NOW + timedelta(hours=1)
    assert verify_cosignature(NOTE + line_of(1, at=later) + line_of(1), witness(1)) == later


def test_enough_named_witnesses_must_have_cosigned() -> None:
    note = NOTE + line_of(1) + line_of(2)
    named = (witness(1), witness(2), witness(3))
    assert set(cosigned_by(note, named, needed=2)) == {"witness.example/1", "witness.example/2"}
    with pytest.raises(IntegrityViolation, match=r"2 of 3 named witnesses .* nothing by witness.example/3"):
        cosigned_by(note, named, needed=3)
    with pytest.raises(InvalidInput, match="4 witnesses are needed"):
        cosigned_by(note, named, needed=4)


def test_one_key_under_two_names_is_one_witness() -> None:
    note = NOTE + line_of(1) + line_of(1, name="second.example")
    named = (witness(1), witness(1, "second.example"), witness(2))
    assert len(cosigned_by(note, named, needed=1)) == 1
    with pytest.raises(IntegrityViolation):
        cosigned_by(note, named, needed=2)
    assert cosigned_by(NOTE + line_of(1), (witness(1), witness(1, "second.example")), needed=1)


def test_a_broken_cosignature_of_a_named_witness_is_never_passed_over() -> None:
    with pytest.raises(IntegrityViolation, match="does not hold"):
        cosigned_by(NOTE + line_of(1) + line_of(2, text="other\n"), (witness(1), witness(2)), needed=1)


def test_a_line_that_a_note_has_is_not_added_twice() -> None:
    note = with_cosignatures(NOTE, (line_of(1), line_of(2)))
    assert note == NOTE + line_of(1) + line_of(2)
    assert with_cosignatures(note, (line_of(2), line_of(1))) == note


@given(st.text(max_size=300))
def test_any_text_at_all_is_refused_as_such(text: str) -> None:
    for act in (lambda: verify_cosignature(text, witness(1)), lambda: WitnessKey.parse(text)):
        with pytest.raises((IntegrityViolation, InvalidInput)):
            act()

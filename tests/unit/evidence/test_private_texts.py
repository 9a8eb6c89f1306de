"""Private texts: what is locked opens with its own key for its own subject, and with nothing else."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardline.canonical import encode
from wardline.errors import IntegrityViolation, InvalidInput
from wardline.evidence.private_texts import key_id_of, lock, unlock
from wardline.identity.subject_keys import SubjectKey, address_subject_id, parse_subject_id, text_subject_id
from wardline.ids import SubjectId

KEY = SubjectKey(subject=SubjectId("p-sam"), secret=bytes(range(32)))
NONCE = bytes(12)
TEXTS = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=200)
SECRETS = st.binary(min_size=32, max_size=32)
LOCKED = lock("patients wait", key=KEY, nonce=NONCE)


@given(TEXTS, SECRETS, st.binary(min_size=12, max_size=12))
def test_what_is_locked_opens_again(text: str, secret: bytes, nonce: bytes) -> None:
    key = SubjectKey(subject=SubjectId("p-sam"), secret=secret)
    content = lock(text, key=key, nonce=nonce)
    assert unlock(content, key=key) == text
    assert key_id_of(content) == key.id


@given(st.integers(0, len(LOCKED) - 1), st.integers(1, 255))
def test_a_changed_byte_never_opens(place: int, flip: int) -> None:
    changed = bytearray(LOCKED)
    changed[place] ^= flip
    with pytest.raises(IntegrityViolation):
        unlock(bytes(changed), key=KEY)


@given(st.integers(0, len(LOCKED) - 1))
def test_a_cut_text_never_opens(length: int) -> None:
    with pytest.raises(IntegrityViolation):
        unlock(LOCKED[:length], key=KEY)


@given(st.binary(max_size=300))
def test_nothing_but_our_own_error_comes_out_of_what_is_none(content: bytes) -> None:
    with pytest.raises(IntegrityViolation):
        unlock(content, key=KEY)


def test_another_subject_with_the_same_secret_opens_nothing() -> None:
    with pytest.raises(IntegrityViolation, match="was changed"):
        unlock(LOCKED, key=SubjectKey(subject=SubjectId("p-cleo"), secret=KEY.secret))


@given(SECRETS.filter(lambda secret: secret != KEY.secret))
def test_another_key_of_the_same_subject_opens_nothing(secret: bytes) -> None:
    with pytest.raises(IntegrityViolation, match="it is under key"):
        unlock(LOCKED, key=SubjectKey(subject=KEY.subject, secret=secret))


def test_a_blob_that_claims_another_key_does_not_open_with_it() -> None:
    other = SubjectKey(subject=KEY.subject, secret=bytes(32))
    relabelled = encode(json.loads(LOCKED) | {"key": other.id})
    with pytest.raises(IntegrityViolation, match="was changed"):
        unlock(relabelled, key=other)


def test_a_blob_names_neither_its_subject_nor_its_text() -> None:
    assert b"p-sam" not in LOCKED
    assert b"patients" not in LOCKED


def test_the_same_text_twice_makes_two_blobs() -> None:
    assert lock("yes", key=KEY, nonce=bytes(12)) != lock("yes", key=KEY, nonce=bytes(11) + b"\x01")


@pytest.mark.parametrize("length", [0, 11, 13, 16])
def test_a_nonce_of_another_length_is_refused(length: int) -> None:
    with pytest.raises(InvalidInput, match="12 bytes"):
        lock("yes", key=KEY, nonce=bytes(length))


@pytest.mark.parametrize("length", [0, 16, 31, 33])
def test_a_key_of_another_length_is_refused(length: int) -> None:
    with pytest.raises(InvalidInput, match="32 bytes"):
        SubjectKey(subject=SubjectId("p-sam"), secret=bytes(length))


def test_a_key_does_not_show_its_secret() -> None:
    assert KEY.secret.hex() not in repr(KEY)
    assert repr(KEY.secret) not in repr(KEY)


@given(st.emails(), SECRETS)
def test_an_address_is_one_subject_however_it_is_spelled(email: str, secret: bytes) -> None:
    subject = address_subject_id(email, secret=secret)
    assert subject == address_subject_id(f" {email.upper()} ", secret=secret) or email.upper().lower() != email
    assert parse_subject_id(subject) == subject
    assert email not in subject


@given(st.emails(), SECRETS, SECRETS)
def test_an_address_cannot_be_tried_out_without_the_secret(email: str, one: bytes, other: bytes) -> None:
    assert (address_subject_id(email, secret=one) == address_subject_id(email, secret=other)) is (one == other)


@pytest.mark.parametrize("text", ["p-sam", "text:t-3k9x0p7c2m", "address:" + "0" * 64])
def test_subjects_are_read_as_they_are_written(text: str) -> None:
    assert parse_subject_id(text) == text


@pytest.mark.parametrize("text", ["", "Sam", "text:", "address:a@b", "other:x", "@addresses", "text:" + "0" * 65])
def test_what_is_no_subject_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        parse_subject_id(text)


def test_a_text_of_its_own_is_no_principal() -> None:
    assert ":" in text_subject_id("t-1")

"""Envelopes: one encoding for one value, and no byte of a signed one may change."""

from contextlib import suppress

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from wardline.adapters.signing.keys import KeySigner
from wardline.errors import IntegrityViolation, InvalidInput
from wardline.evidence.envelopes import Envelope, Signature, cosign, pae, seal, verify_signature, verify_threshold
from wardline.evidence.foreign_envelopes import read_foreign
from wardline.ids import KeyId

TEXT = st.text(st.characters(codec="utf-8"), max_size=20)
SIGNATURES = st.lists(st.builds(Signature, keyid=TEXT.map(KeyId), sig=st.binary(max_size=70)), min_size=1, max_size=3)
ONE, TWO = (KeySigner(Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32)) for number in (1, 2))
SIGNED = cosign(seal(b'{"said":"so"}', payload_type="application/x", signer=ONE), TWO)
ENCODED = SIGNED.encode()


@given(TEXT, st.binary(max_size=80), SIGNATURES)
def test_an_envelope_is_read_back(kind: str, payload: bytes, signatures: list[Signature]) -> None:
    envelope = Envelope(payload_type=kind, payload=payload, signatures=tuple(signatures))
    assert Envelope.decode(envelope.encode()) == envelope


@given(position=st.integers(0, len(ENCODED) - 1), flipped=st.integers(1, 255))
def test_no_byte_of_a_signed_envelope_may_change(position: int, flipped: int) -> None:
    changed = bytearray(ENCODED)
    changed[position] ^= flipped
    with pytest.raises((InvalidInput, IntegrityViolation)):
        verify_threshold(Envelope.decode(bytes(changed)), (ONE.public_key, TWO.public_key), 2)


@given(position=st.integers(0, len(ENCODED) - 1), flipped=st.integers(1, 255))
def test_what_is_read_in_anybodys_spelling_is_held_by_its_signatures(position: int, flipped: int) -> None:
    changed = bytearray(ENCODED)
    changed[position] ^= flipped
    with suppress(InvalidInput, IntegrityViolation):
        read = read_foreign(bytes(changed))
        verify_threshold(read, (ONE.public_key, TWO.public_key), 2)
        # One byte of a spelling may be of no account (a letter of a name that is left out): never of what was signed.
        assert (read.payload, read.payload_type) == (SIGNED.payload, SIGNED.payload_type)


@given(TEXT, st.binary(max_size=40), TEXT, st.binary(max_size=40))
def test_no_two_messages_are_signed_as_the_same_bytes(kind: str, payload: bytes, other: str, others: bytes) -> None:
    assert (pae(kind, payload) == pae(other, others)) == ((kind, payload) == (other, others))


@given(TEXT, st.binary(max_size=80))
def test_what_is_sealed_holds_for_its_key_alone(kind: str, payload: bytes) -> None:
    envelope = seal(payload, payload_type=kind, signer=ONE)
    verify_signature(envelope, ONE.public_key)
    with pytest.raises(IntegrityViolation):
        verify_signature(envelope, TWO.public_key)

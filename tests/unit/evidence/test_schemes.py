import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from wardline.errors import IntegrityViolation, InvalidInput
from wardline.evidence.envelopes import Envelope, Signature, cosign, seal, verify_signature, verify_threshold
from wardline.evidence.schemes import canonical_ecdsa, holds
from wardline.identity.principals import PublicKey, Scheme

N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


class Ed25519:
    def __init__(self, number: int) -> None:
        self._private = Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32)
        self.public_key = PublicKey.of(self._private.public_key().public_bytes_raw())

    def sign(self, message: bytes) -> bytes:
        return self._private.sign(message)


class P256:
    def __init__(self, number: int) -> None:
        self._private = ec.derive_private_key(number, ec.SECP256R1())
        point = self._private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        self.public_key = PublicKey.of(point)

    def sign(self, message: bytes) -> bytes:
        return canonical_ecdsa(self._private.sign(message, ec.ECDSA(SHA256())))


SIGNERS = (Ed25519(1), P256(1))


@pytest.mark.parametrize(("signer", "scheme"), list(zip(SIGNERS, Scheme, strict=True)))
def test_a_key_tells_its_scheme_and_is_named_by_its_raw_bytes(signer: Ed25519 | P256, scheme: Scheme) -> None:
    assert signer.public_key.scheme is scheme
    assert signer.public_key.keyid == hashlib.sha256(signer.public_key.raw).hexdigest()


def test_a_point_that_is_not_on_the_curve_or_not_in_its_one_form_is_no_key() -> None:
    raw = P256(7).public_key.raw
    compressed = ec.derive_private_key(7, ec.SECP256R1()).public_key()
    bad = (
        raw[:-1] + bytes([raw[-1] ^ 1]),
        b"\x04" + bytes(64),
        b"\x05" + raw[1:],
        b"\x04" + raw[1:33] + (2**256 - 1).to_bytes(32, "big"),
        compressed.public_bytes(Encoding.X962, PublicFormat.CompressedPoint),
        raw[:64],
        b"",
    )
    for each in bad:
        with pytest.raises(InvalidInput, match="expected 32 of Ed25519"):
            PublicKey.of(each)


@given(st.sampled_from(SIGNERS), st.binary(max_size=200))
def test_what_a_key_signs_holds_for_that_key_and_message_only(signer: Ed25519 | P256, message: bytes) -> None:
    signature = signer.sign(message)
    assert holds(signer.public_key, signature, message)
    assert not holds(signer.public_key, signature, message + b"\0")
    assert not any(holds(other.public_key, signature, message) for other in (Ed25519(2), P256(2)))


@pytest.mark.parametrize("signer", SIGNERS)
def test_no_changed_byte_of_a_signature_ever_holds(signer: Ed25519 | P256) -> None:
    signature = signer.sign(b"message")
    for position in range(len(signature)):
        for bit in range(8):
            changed = bytearray(signature)
            changed[position] ^= 1 << bit
            assert not holds(signer.public_key, bytes(changed), b"message")
    for spelled in (signature + b"\0", signature[:-1], b"", b"\0" + signature):
        assert not holds(signer.public_key, spelled, b"message")


def test_the_other_signature_that_anybody_can_make_of_one_does_not_hold() -> None:
    signer = P256(3)
    signature = signer.sign(b"message")
    r, s = decode_dss_signature(signature)
    twin = encode_dss_signature(r, N - s)
    # The twin is valid ECDSA: only the lower s is accepted.
    ec.derive_private_key(3, ec.SECP256R1()).public_key().verify(twin, b"message", ec.ECDSA(SHA256()))
    assert not holds(signer.public_key, twin, b"message")
    assert canonical_ecdsa(twin) == signature


@given(st.integers(1, N - 1), st.integers(1, N - 1))
def test_of_two_signatures_that_are_twins_there_is_one_form(r: int, s: int) -> None:
    form = canonical_ecdsa(encode_dss_signature(r, s))
    assert form == canonical_ecdsa(encode_dss_signature(r, N - s)) == canonical_ecdsa(form)


@given(st.binary(max_size=80))
def test_whatever_is_no_signature_is_invalid_and_nothing_else(content: bytes) -> None:
    try:
        assert canonical_ecdsa(content)
    except InvalidInput:
        assert not holds(P256(1).public_key, content, b"message")


@pytest.mark.parametrize("number", [0, N])
def test_a_signature_with_a_number_out_of_range_is_invalid(number: int) -> None:
    with pytest.raises(InvalidInput, match="not of P-256"):
        canonical_ecdsa(encode_dss_signature(number, 1))


@pytest.mark.parametrize("signer", SIGNERS)
def test_an_envelope_is_sealed_with_either_scheme(signer: Ed25519 | P256) -> None:
    envelope = seal(b"payload", payload_type="text/plain", signer=signer)
    verify_signature(Envelope.decode(envelope.encode()), signer.public_key)


def test_a_threshold_counts_keys_and_never_signatures() -> None:
    first, second, third = Ed25519(1), P256(2), Ed25519(3)
    keys = [each.public_key for each in (first, second, third)]
    envelope = seal(b"payload", payload_type="text/plain", signer=first)
    verify_threshold(envelope, keys, 1)
    twice = cosign(envelope, first)
    assert len(twice.signatures) == 2
    with pytest.raises(IntegrityViolation, match="signed by 1 of the keys that count; expected 2"):
        verify_threshold(twice, keys, 2)
    verify_threshold(cosign(twice, second), keys, 2)
    with pytest.raises(IntegrityViolation, match="signed by 2"):
        verify_threshold(cosign(twice, second), keys, 3)
    with pytest.raises(IntegrityViolation, match="signed by 1"):
        verify_threshold(cosign(twice, second), keys[:1], 2)


def test_one_key_under_two_key_ids_is_one_key() -> None:
    signer = Ed25519(1)
    alias = PublicKey(keyid="0" * 64, raw=signer.public_key.raw)
    envelope = seal(b"payload", payload_type="text/plain", signer=signer)
    again = Signature(keyid=alias.keyid, sig=envelope.signatures[0].sig)
    both = Envelope(payload_type="text/plain", payload=b"payload", signatures=(*envelope.signatures, again))
    with pytest.raises(IntegrityViolation, match="signed by 1"):
        verify_threshold(both, [signer.public_key, alias], 2)


@pytest.mark.parametrize("threshold", [0, -1])
def test_a_threshold_that_asks_for_nothing_is_refused(threshold: int) -> None:
    with pytest.raises(InvalidInput, match="at least 1"):
        verify_threshold(seal(b"", payload_type="text/plain", signer=Ed25519(1)), [], threshold)

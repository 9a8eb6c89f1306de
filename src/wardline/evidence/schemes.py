"""Signature schemes: Ed25519 (RFC 8032) and ECDSA over P-256 with SHA-256 (FIPS 186-5), one form a signature.

Of an ECDSA signature (r, s) the pair (r, n - s) holds too, so anybody could change its bytes and it would still
verify. Only the lower s counts, in DER without a byte to spare: the form that `canonical_ecdsa` gives.
"""

from functools import lru_cache
from typing import assert_never

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from wardline.errors import InvalidInput
from wardline.identity.principals import PublicKey, Scheme

_P256_N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # SP 800-186 §3.2.1.3
_HALF_N = _P256_N // 2
_KNOWN_KEYS = 64  # an installation has a handful; parsing a key costs as much as a tenth of verifying


def holds(key: PublicKey, signature: bytes, message: bytes) -> bool:
    """Return whether `signature` is the signature of `key` over `message`, in its one form."""
    match key.scheme:
        case Scheme.ED25519:
            return _ed25519_holds(key.raw, signature, message)
        case Scheme.ECDSA_P256:
            return _ecdsa_holds(key.raw, signature, message)
        case _:
            assert_never(key.scheme)


def canonical_ecdsa(signature: bytes) -> bytes:
    """Return the one form of an ECDSA P-256 signature: DER, with the lower of the two s.

    Raises:
        InvalidInput: It is no DER signature, or one of another curve.
    """
    from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

    try:
        r, s = decode_dss_signature(signature)
    except ValueError as error:
        raise InvalidInput("ECDSA signature: not DER") from error
    if not (0 < r < _P256_N and 0 < s < _P256_N):
        raise InvalidInput("ECDSA signature: not of P-256")
    return encode_dss_signature(r, min(s, _P256_N - s))


def _ed25519_holds(raw: bytes, signature: bytes, message: bytes) -> bool:
    try:
        _ed25519(raw).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def _ecdsa_holds(raw: bytes, signature: bytes, message: bytes) -> bool:
    # Imported here: most packets have no such key, and verifying one must start at once.
    from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePublicKey
    from cryptography.hazmat.primitives.hashes import SHA256

    try:
        if canonical_ecdsa(signature) != signature:
            return False
        EllipticCurvePublicKey.from_encoded_point(SECP256R1(), raw).verify(signature, message, ECDSA(SHA256()))
    except (InvalidInput, InvalidSignature, ValueError):
        return False
    return True


@lru_cache(maxsize=_KNOWN_KEYS)
def _ed25519(raw: bytes) -> Ed25519PublicKey:
    return Ed25519PublicKey.from_public_bytes(raw)

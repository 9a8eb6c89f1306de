"""Signers of securesystemslib, as Wardline uses them: one raw form of a key, one form of a signature."""

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from securesystemslib.signer import Signer as SSlibSigner  # type: ignore[attr-defined]  # re-exported without __all__

from wardline.errors import InvalidInput
from wardline.evidence.schemes import canonical_ecdsa
from wardline.identity.principals import PublicKey, Scheme


class ForeignSigner:
    """A Signer over one of securesystemslib's; neither its text nor its errors show a secret."""

    def __init__(self, signer: SSlibSigner, public_key: PublicKey) -> None:
        self._signer = signer
        self._public_key = public_key

    @property
    def public_key(self) -> PublicKey:
        return self._public_key

    def sign(self, message: bytes) -> bytes:
        signature = bytes.fromhex(self._signer.sign(message).signature)
        return canonical_ecdsa(signature) if self._public_key.scheme is Scheme.ECDSA_P256 else signature


def raw_public_key(key: PublicKeyTypes, *, where: str) -> PublicKey:
    """Return `key` as Wardline knows keys; `where` it was found is for the message.

    Raises:
        InvalidInput: It is neither Ed25519 nor P-256.
    """
    if isinstance(key, Ed25519PublicKey):
        return PublicKey.of(key.public_bytes_raw())
    if isinstance(key, EllipticCurvePublicKey) and isinstance(key.curve, SECP256R1):
        return PublicKey.of(key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint))
    raise InvalidInput(f"key {where}: expected Ed25519 or ECDSA P-256, got {type(key).__name__.lstrip('_')}")

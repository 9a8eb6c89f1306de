"""Keys on a PKCS#11 token (a hardware security module, or SoftHSM), through python-pkcs11.

securesystemslib has a signer for PKCS#11 too; it needs PyKCS11, which is GPL.
"""

import hashlib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pkcs11
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from pkcs11 import exceptions
from securesystemslib.signer import Signature, SSlibKey  # type: ignore[attr-defined]  # re-exported without __all__
from securesystemslib.signer import Signer as SSlibSigner  # type: ignore[attr-defined]  # likewise

from wardline.adapters.signing.pkcs11_uri import PKCS11URI
from wardline.adapters.signing.sslib import ForeignSigner, raw_public_key
from wardline.errors import InvalidInput, NotFound, Refused, Unavailable

_HALF = 32  # bytes of r, and of s
_OCTET_STRING = 0x04
_SHORT = 0x80  # DER: lengths below it are one byte

PIN = Callable[[], str]


class TokenSigner(SSlibSigner):
    """A securesystemslib Signer over a private key on a token. One signature at a time: sessions are not shared."""

    def __init__(self, uri: PKCS11URI, public_key: SSlibKey, *, pin: str, scheme: str) -> None:
        self._uri, self._pin, self._scheme = uri, pin, scheme
        self._key = public_key
        self._lock = threading.Lock()

    @property
    def public_key(self) -> SSlibKey:
        return self._key

    @classmethod
    def from_priv_key_uri(cls, priv_key_uri: str, public_key: object, secrets_handler: object = None) -> SSlibSigner:
        raise NotImplementedError("a token is opened by open_token_key")

    def sign(self, payload: bytes) -> Signature:
        # A session per signature: a token that was pulled out and put back goes on, and nobody stays logged in.
        with self._lock, _session(self._uri, self._pin) as session:
            private = _key(session, self._uri, pkcs11.ObjectClass.PRIVATE_KEY)
            if self._scheme == "ed25519":
                signature = bytes(private.sign(payload, mechanism=pkcs11.Mechanism.EDDSA))
            else:
                # Hashed here: SoftHSM and many tokens offer the bare CKM_ECDSA only.
                digest = hashlib.sha256(payload).digest()
                pair = bytes(private.sign(digest, mechanism=pkcs11.Mechanism.ECDSA))
                signature = encode_dss_signature(
                    int.from_bytes(pair[:_HALF], "big"), int.from_bytes(pair[_HALF:], "big")
                )
        return Signature(self._key.keyid, signature.hex())


def open_token_key(uri: PKCS11URI, pin: PIN) -> ForeignSigner:
    """Return the key that `uri` names; `pin` is asked unless `pin-source` says where it lies.

    Raises:
        NotFound: There is no such token, or no such key on it.
        InvalidInput: More than one key fits, or it is neither Ed25519 nor P-256, or the PIN file cannot be read.
        Refused: The PIN is wrong, or locked.
        Unavailable: The module cannot be loaded, or the token does not answer.
    """
    secret = pin() if uri.pin_file is None else _read_pin(uri)
    with _session(uri, secret) as session:
        found = _public_half(session, uri)
        _key(session, uri, pkcs11.ObjectClass.PRIVATE_KEY)
    public_key = raw_public_key(found, where=str(uri))
    signer = TokenSigner(uri, SSlibKey.from_crypto(found), pin=secret, scheme=public_key.scheme.value)
    return ForeignSigner(signer, public_key)


@contextmanager
def _session(uri: PKCS11URI, pin: str) -> Iterator[Any]:  # python-pkcs11 has no types
    try:
        token = _token(uri)
        with token.open(user_pin=pin) as session:
            yield session
    except (exceptions.PinIncorrect, exceptions.PinLenRange, exceptions.PinInvalid) as error:
        raise Refused(
            f"key {uri}: the PIN does not open the token", remedy="Try again; after a few wrong ones it locks itself."
        ) from error
    except exceptions.PinLocked as error:
        raise Refused(
            f"key {uri}: the token is locked after wrong PINs", remedy="Unlock it with its SO PIN."
        ) from error
    except exceptions.PKCS11Error as error:
        raise Unavailable(
            f"key {uri}: the token does not answer: {type(error).__name__}", remedy="Is it there, and its module right?"
        ) from error


def _token(uri: PKCS11URI) -> Any:  # noqa: ANN401  # python-pkcs11 has no types
    if not uri.module.is_file():
        raise Unavailable(f"key {uri}: there is no module {uri.module}", remedy="Install the token's PKCS#11 library.")
    try:
        module = pkcs11.lib(str(uri.module))
    except RuntimeError as error:
        raise Unavailable(f"key {uri}: {uri.module} is no PKCS#11 module that can be loaded") from error
    try:
        # Asked again at each signature: what was plugged in meanwhile is found.
        return module.get_token(token_label=uri.token, token_serial=uri.serial)
    except exceptions.NoSuchToken as error:
        raise NotFound(f"key {uri}: there is no such token", remedy="See what is plugged in.") from error
    except exceptions.MultipleTokensReturned as error:
        raise InvalidInput(f"key {uri}: more than one token fits", remedy="Say serial=… in the URI.") from error


def _key(session: Any, uri: PKCS11URI, kind: pkcs11.ObjectClass) -> Any:  # noqa: ANN401  # python-pkcs11 has no types
    wanted = {pkcs11.Attribute.CLASS: kind, pkcs11.Attribute.LABEL: uri.label, pkcs11.Attribute.ID: uri.id}
    found = list(session.get_objects({name: value for name, value in wanted.items() if value is not None}))
    if not found:
        what = "private" if kind is pkcs11.ObjectClass.PRIVATE_KEY else "public"
        raise NotFound(f"key {uri}: there is no such {what} key on the token")
    if len(found) > 1:
        raise InvalidInput(f"key {uri}: more than one key fits", remedy="Say id=… in the URI.")
    return found[0]


def _public_half(session: Any, uri: PKCS11URI) -> PublicKeyTypes:  # noqa: ANN401  # python-pkcs11 has no types
    key = _key(session, uri, pkcs11.ObjectClass.PUBLIC_KEY)
    kinds = {pkcs11.KeyType.EC: "p256", pkcs11.KeyType.EC_EDWARDS: "ed25519"}
    kind = kinds.get(key.key_type)
    if kind is None:
        raise InvalidInput(f"key {uri}: expected Ed25519 or ECDSA P-256, got {key.key_type.name}")
    point = _octets(bytes(key[pkcs11.Attribute.EC_POINT]))
    try:
        if kind == "ed25519":
            return Ed25519PublicKey.from_public_bytes(point)
        return EllipticCurvePublicKey.from_encoded_point(SECP256R1(), point)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise InvalidInput(f"key {uri}: expected Ed25519 or ECDSA P-256, got another curve") from error


def _octets(point: bytes) -> bytes:
    """Return the point inside a DER OCTET STRING (PKCS#11 v2.40 §2.3.3); some tokens give it bare."""
    wrapped = len(point) > 2 and point[0] == _OCTET_STRING and point[1] < _SHORT and len(point) == point[1] + 2  # noqa: PLR2004
    return point[2:] if wrapped else point


def _read_pin(uri: PKCS11URI) -> str:
    from wardline.adapters.signing.keys import read_private

    if uri.pin_file is None:
        raise InvalidInput(f"key {uri}: no PIN")
    try:
        return read_private(uri.pin_file).decode().rstrip("\n")
    except UnicodeDecodeError as error:
        raise InvalidInput(f"key {uri}: the PIN file is no text") from error

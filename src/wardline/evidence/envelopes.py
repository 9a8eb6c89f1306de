"""DSSE envelopes: a payload, its type and signatures over both.

Source: https://github.com/secure-systems-lab/dsse/blob/master/protocol.md
"""

import base64
import binascii
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Protocol, Self

from wardline import canonical
from wardline.canonical import JSON, JSONObject
from wardline.errors import IntegrityViolation, InvalidInput
from wardline.evidence.schemes import holds
from wardline.identity.principals import PublicKey
from wardline.ids import KeyId


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    keyid: KeyId
    sig: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    payload_type: str
    payload: bytes
    signatures: tuple[Signature, ...]

    def encode(self) -> bytes:
        """Return the canonical bytes: what becomes a leaf."""
        return canonical.encode(self.to_json())

    def to_json(self) -> JSONObject:
        return {
            "payload": _to_base64(self.payload),
            "payloadType": self.payload_type,
            "signatures": [{"keyid": s.keyid, "sig": _to_base64(s.sig)} for s in self.signatures],
        }

    @classmethod
    def decode(cls, content: bytes) -> Self:
        """Return the envelope that `content` encodes.

        Raises:
            InvalidInput: Not canonical, or not an envelope with at least one signature.
        """
        return cls.parse(canonical.decode(content))

    @classmethod
    def parse(cls, document: JSON) -> Self:
        """Return the envelope that `document` is.

        Raises:
            InvalidInput: It is none with at least one signature.
        """
        match document:
            case {
                "payload": str(payload),
                "payloadType": str(payload_type),
                "signatures": list(signatures),
                **rest,
            } if signatures and not rest:
                return cls(
                    payload_type=payload_type,
                    payload=_from_base64(payload),
                    signatures=tuple(_signature(signature) for signature in signatures),
                )
            case _:
                raise InvalidInput("not a DSSE envelope: expected payload, payloadType and at least one signature")


class Signer(Protocol):
    """Holds a private key and signs with it; the key itself never leaves."""

    @property
    def public_key(self) -> PublicKey: ...

    def sign(self, message: bytes) -> bytes:
        """Return the signature over `message`, in the one form that `evidence.schemes` accepts.

        Raises:
            Unavailable: What keeps the key (a device, a service) does not answer.
            Refused: It does not let this process sign.
        """
        ...


def pae(payload_type: str, payload: bytes) -> bytes:
    """Return the Pre-Authentication Encoding that DSSE signs."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


def seal(payload: bytes, *, payload_type: str, signer: Signer) -> Envelope:
    signature = Signature(keyid=signer.public_key.keyid, sig=signer.sign(pae(payload_type, payload)))
    return Envelope(payload_type=payload_type, payload=payload, signatures=(signature,))


def cosign(envelope: Envelope, signer: Signer) -> Envelope:
    """Return `envelope` with one more signature."""
    (signature,) = seal(envelope.payload, payload_type=envelope.payload_type, signer=signer).signatures
    return replace(envelope, signatures=(*envelope.signatures, signature))


def verify_signature(envelope: Envelope, key: PublicKey) -> None:
    """Return if `key` signed `envelope`.

    Raises:
        IntegrityViolation: It did not, or its signature does not hold.
    """
    signature = next((s for s in envelope.signatures if s.keyid == key.keyid), None)
    if signature is None:
        raise IntegrityViolation(f"no signature by key {key.keyid[:12]}")
    if not holds(key, signature.sig, pae(envelope.payload_type, envelope.payload)):
        raise IntegrityViolation(f"the signature by key {key.keyid[:12]} does not hold over this payload")


def verify_threshold(envelope: Envelope, keys: Iterable[PublicKey], threshold: int) -> None:
    """Return if at least `threshold` of `keys` signed `envelope`.

    Keys are counted, never signatures: a key that signed twice, or is listed under two key ids, is one.

    Raises:
        InvalidInput: A threshold below 1 asks for nothing.
        IntegrityViolation: Fewer did.
    """
    if threshold < 1:
        raise InvalidInput(f"threshold {threshold}; expected at least 1")
    message = pae(envelope.payload_type, envelope.payload)
    found = {
        key.raw
        for key in keys
        if any(each.keyid == key.keyid and holds(key, each.sig, message) for each in envelope.signatures)
    }
    if len(found) < threshold:
        raise IntegrityViolation(f"signed by {len(found)} of the keys that count; expected {threshold}")


def _signature(document: JSON) -> Signature:
    match document:
        case {"keyid": str(keyid), "sig": str(sig), **rest} if not rest:
            return Signature(keyid=KeyId(keyid), sig=_from_base64(sig))
        case _:
            raise InvalidInput("DSSE signature: expected keyid and sig")


def _to_base64(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")


def _from_base64(text: str) -> bytes:
    try:
        content = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidInput("not base64") from error
    # Loose trailing bits would let two texts stand for the same bytes.
    if _to_base64(content) != text:
        raise InvalidInput("base64 is not in its canonical form")
    return content

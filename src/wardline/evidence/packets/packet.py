"""Packets: the evidence of one run, its proofs and a page, in one canonical file. docs/reference/packet-format.md.

The file is an HTML document: a fixed frame, the page, and the proof as base64 of canonical JSON. One content has
one sequence of bytes: what is read is written again and compared, so there is no byte that may be changed unseen.
"""

import base64
import re
from dataclasses import dataclass
from typing import Self, TypeVar

from wardline import canonical
from wardline.canonical import JSON, Digest, JSONObject
from wardline.errors import InvalidInput
from wardline.evidence.envelopes import Envelope, Signature, Signer, seal
from wardline.evidence.log import Evidence
from wardline.evidence.mentions import catalogues_of
from wardline.evidence.packets import page, style
from wardline.evidence.packets.told import Absent, Enclosed, Told
from wardline.evidence.statements import PAYLOAD_TYPE, Statement
from wardline.ids import KeyId, RunId
from wardline.predicates import BlobRef
from wardline.tlog.merkle import HASH_BYTES
from wardline.tlog.note import decode_base64

FORMAT = "wardline-packet/2"
PACKET_TYPE = "application/vnd.wardline.packet+json"  # the DSSE payload type of the signature over the whole
MAX_BYTES = 64 * 1024 * 1024  # a run leaves some hundred kilobytes; reports taken along a few megabytes

_Filed = TypeVar("_Filed", bound=Enclosed | Absent)

PREFIX = f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'sha256-{style.STYLE_HASH}'">
<meta name="viewport" content="width=device-width">
<title>Wardline packet</title>
<style>{style.STYLE}</style>
</head>
<body>
""".encode()
MIDDLE = f'<template id="{FORMAT}">\n'.encode()
SUFFIX = b"</template>\n</body>\n</html>\n"

_BASE64_LINES = re.compile(rb"(?:[A-Za-z0-9+/]{76}\n)*[A-Za-z0-9+/]{1,76}={0,2}\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class Proven:
    """A statement with its RFC 9162 inclusion proof."""

    evidence: Evidence
    proof: tuple[bytes, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What a packet says, before it is signed.

    Attributes:
        checkpoint: The signed note that the proofs lead to, with the cosignatures of witnesses.
        statements: By log index: the run's own, those outside of it that they rest on, and who may sign.
        blobs: By digest.
        absent: By digest: what was to be taken along and is no longer kept.
    """

    run: RunId
    origin: str
    checkpoint: str
    statements: tuple[Proven, ...]
    blobs: tuple[Enclosed, ...]
    absent: tuple[Absent, ...] = ()

    def evidence(self) -> tuple[Evidence, ...]:
        return tuple(statement.evidence for statement in self.statements)

    def page(self) -> bytes:
        told = Told(
            run=self.run,
            origin=self.origin,
            evidence=self.evidence(),
            enclosed=self.blobs,
            absent=self.absent,
        )
        return page.render(told).encode()

    def sign(self, signer: Signer) -> "Packet":
        shown = self.page()
        digest = Digest.of(shown)
        payload = canonical.encode(self.to_json(page=digest))
        (signature,) = seal(payload, payload_type=PACKET_TYPE, signer=signer).signatures
        return Packet(contents=self, page=shown, page_digest=digest, signature=signature)

    def to_json(self, *, page: Digest) -> JSONObject:
        return {
            "format": FORMAT,
            "run": self.run,
            "origin": self.origin,
            "checkpoint": self.checkpoint,
            "statements": [_proven_to_json(statement) for statement in self.statements],
            "catalogues": catalogues_of(self.evidence()),
            "blobs": [
                blob.reference.to_json() | {"content": base64.b64encode(blob.content).decode()} for blob in self.blobs
            ],
            "absent": [
                gone.reference.to_json() | {"why": gone.why, "statement": gone.statement} for gone in self.absent
            ],
            "page": {"sha256": page.hex},
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Packet:
    """A packet as its file holds it. That it could be read says nothing yet of whether it holds."""

    contents: Contents
    page: bytes  # as found, which need not be what the statements say
    page_digest: Digest  # as stated
    signature: Signature

    @property
    def envelope(self) -> Envelope:
        """What was signed: everything but the signature."""
        payload = canonical.encode(self.contents.to_json(page=self.page_digest))
        return Envelope(payload_type=PACKET_TYPE, payload=payload, signatures=(self.signature,))

    def encode(self) -> bytes:
        """Return the file."""
        signature: JSON = {"keyid": self.signature.keyid, "sig": base64.b64encode(self.signature.sig).decode()}
        proof = canonical.encode(self.contents.to_json(page=self.page_digest) | {"signature": signature})
        return PREFIX + self.page + MIDDLE + base64.encodebytes(proof) + SUFFIX

    @classmethod
    def decode(cls, content: bytes) -> Self:
        """Return the packet that `content` holds.

        Raises:
            InvalidInput: It is no packet, or not in its one canonical form.
        """
        if len(content) > MAX_BYTES:
            raise InvalidInput(f"a file of {len(content)} bytes; a packet has at most {MAX_BYTES}")
        body = content.removeprefix(PREFIX).removesuffix(SUFFIX)
        shown, middle, lines = body.rpartition(MIDDLE)
        if len(body) != len(content) - len(PREFIX) - len(SUFFIX) or not middle or not _BASE64_LINES.fullmatch(lines):
            raise InvalidInput(f"not a packet of format {FORMAT}: its frame is not there, or was changed")
        try:
            packet = cls._parse(canonical.decode(decode_base64(lines.replace(b"\n", b"").decode("ascii"))), shown)
            again = packet.encode()
            shown.decode()
        except RecursionError as error:
            raise InvalidInput("the packet nests deeper than any packet does") from error
        except UnicodeDecodeError as error:
            raise InvalidInput("the page of the packet is not UTF-8") from error
        if again != content:
            raise InvalidInput("the packet is not in its canonical form: it was re-written or edited")
        return packet

    @classmethod
    def _parse(cls, document: JSON, shown: bytes) -> Self:
        match document:
            case {
                "format": str(form),
                "run": str(run),
                "origin": str(origin),
                "checkpoint": str(checkpoint),
                "statements": list(statements),
                "catalogues": list(),
                "blobs": list(blobs),
                "absent": list(absent),
                "page": {"sha256": str(stated), **no_more},
                "signature": {"keyid": str(keyid), "sig": str(sig), **nothing_else},
                **rest,
            } if form == FORMAT and not (no_more or nothing_else or rest):
                contents = Contents(
                    run=RunId(run),
                    origin=origin,
                    checkpoint=checkpoint,
                    statements=_in_order(tuple(_proven(statement) for statement in statements)),
                    blobs=_sorted(tuple(_enclosed(blob) for blob in blobs)),
                    absent=_sorted(tuple(_absent(gone) for gone in absent)),
                )
                signature = Signature(keyid=KeyId(keyid), sig=decode_base64(sig))
                return cls(contents=contents, page=shown, page_digest=Digest(stated), signature=signature)
            case _:
                raise InvalidInput(f"not a packet of format {FORMAT}: a member is missing, unknown or of another type")


def _proven_to_json(statement: Proven) -> JSONObject:
    return {
        "index": statement.evidence.index,
        "envelope": statement.evidence.envelope.to_json(),
        "proof": [base64.b64encode(step).decode() for step in statement.proof],
    }


def _proven(document: JSON) -> Proven:
    match document:
        case {"index": int(index), "envelope": dict(found), "proof": list(steps), **rest} if (
            not isinstance(index, bool) and index >= 0 and not rest
        ):
            envelope = Envelope.parse(found)
            if envelope.payload_type != PAYLOAD_TYPE:
                raise InvalidInput(f"packet: statement {index} is of type {envelope.payload_type[:80]}")
            statement = Statement.decode(envelope.payload)
            evidence = Evidence(index=index, key=statement.context.key, envelope=envelope, statement=statement)
            return Proven(evidence=evidence, proof=tuple(_hash(step) for step in steps))
        case _:
            raise InvalidInput("packet: every statement has an index, an envelope and a proof")


def _hash(document: JSON) -> bytes:
    if isinstance(document, str) and len(content := decode_base64(document)) == HASH_BYTES:
        return content
    raise InvalidInput(f"packet: a step of a proof is base64 of {HASH_BYTES} bytes")


def _enclosed(document: JSON) -> Enclosed:
    match document:
        case {
            "digest": {"sha256": str(digest), **no_more},
            "mediaType": str(media_type),
            "size": int(size),
            "content": str(content),
            **rest,
        } if not no_more and not rest and _counts(size):
            reference = BlobRef(digest=Digest(digest), media_type=media_type, size_bytes=size)
            return Enclosed(reference=reference, content=decode_base64(content))
        case _:
            raise InvalidInput("packet: every blob has digest, mediaType, size and content")


def _absent(document: JSON) -> Absent:
    match document:
        case {
            "digest": {"sha256": str(digest), **no_more},
            "mediaType": str(media_type),
            "size": int(size),
            "why": "purged" | "missing" as why,
            "statement": int() | None as statement,
            **rest,
        } if (
            not no_more
            and not rest
            and _counts(size)
            and (_counts(statement) if why == "purged" else statement is None)
        ):
            reference = BlobRef(digest=Digest(digest), media_type=media_type, size_bytes=size)
            return Absent(reference=reference, why=str(why), statement=statement)
        case _:
            raise InvalidInput("packet: every absent blob has digest, mediaType, size, why and statement")


def _counts(number: int | None) -> bool:
    return number is not None and not isinstance(number, bool) and number >= 0


def _in_order(statements: tuple[Proven, ...]) -> tuple[Proven, ...]:
    indices = [statement.evidence.index for statement in statements]
    if indices != sorted(set(indices)) or not indices:
        raise InvalidInput("packet: statements stand in log order, each once, and there is at least one")
    return statements


def _sorted(blobs: tuple[_Filed, ...]) -> tuple[_Filed, ...]:
    digests = [blob.reference.digest for blob in blobs]
    if digests != sorted(set(digests)):
        raise InvalidInput("packet: blobs stand in the order of their digests, each once")
    return blobs

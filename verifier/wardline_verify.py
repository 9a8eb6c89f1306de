#!/usr/bin/env python3
"""Verify a Wardline packet, with nothing of Wardline: one file, Python 3.11 or later, and `cryptography`.

    python wardline_verify.py PACKET --key KEY [--witness KEY]... [--witnesses-needed N]
                              [--schemas FOLDER] [--output text|json]

KEY is a verification key (name+hash+base64) or a file that holds one. Get it by another way than the packet.
Exit 0: all twelve checks passed; 5: one did not, or could not be made; 2: wrong usage, or a file that cannot be read.

Written from "Packet format 2" (docs/reference/packet-format.md), whose sections are cited as "The file", "The proof"
and (1) to (12) for its checks. Two things it leaves to others, and says so in its report: the page is compared by its
digest only, and predicates are held to the published schemas only where `--schemas` names the folder they are in.

Read it from the top: encodings, keys, the file (1), then the other eleven checks in their order, then the command.
"""

from __future__ import annotations

import binascii
import gc
import os
import sys

try:  # all of `hashlib` takes longer to import than these digests to make
    from _sha256 import sha256  # type: ignore[import-not-found]  # of Python 3.11; typeshed leaves it out
except ImportError:
    from hashlib import sha256

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Any, NoReturn

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

MAX_FILE = 64 << 20  # bytes
MAX_DEPTH = 100  # levels of JSON
MAX_NOTE = 1_000_000  # characters
SAFE_INTEGER = 2**53 - 1
PREFIX_BYTES = 1722
PREFIX_SHA256 = "a1dbc4c206111d7ad4caf88c6fcbd2ecf59bfe5aae674257df80ee0a17c4071d"
MIDDLE = b'<template id="wardline-packet/2">\n'
SUFFIX = b"</template>\n</body>\n</html>\n"
LINE = 76
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551

OURS = "https://wardline.dev/predicates/"
ENROLMENT, KEY_CHANGE, SEAL, DEPLOYMENT = (
    f"{OURS}{name}/v1" for name in ("enrolment", "key-change", "seal", "deployment")
)
SUMMARY = "https://slsa.dev/verification_summary/v1"
WORDS = {
    f"{OURS}{name}/v1"
    for name in (
        "approval",
        "rejection",
        "waiver",
        "break-glass",
        "emergency-review",
        "attestation",
        "addressable-decision",
        "training",
        "policy-adoption",
        "policy-retirement",
        "legal-hold",
        "legal-hold-release",
        "erasure",
    )
}
MACHINE_WORDS = (
    "source",
    "sbom",
    "scan",
    "policy-results",
    "advisory-snapshot",
    "stage-stopped",
    "refusal",
    "analysis",
    "rollback-rehearsal",
    "purge",
    "export",
    "self-test",
)
PROFILES = {
    "https://slsa.dev/provenance/v1": "slsa-provenance",
    "https://in-toto.io/attestation/test-result/v0.1": "test-result",
    SUMMARY: "verification-summary",
}
KNOWN = {ENROLMENT, KEY_CHANGE, SEAL, DEPLOYMENT, *WORDS, *PROFILES, *(f"{OURS}{name}/v1" for name in MACHINE_WORDS)}
TAKEN_ALONG = {
    f"application/vnd.wardline.{name}+json"
    for name in ("consent", "gate-input", "policies", "lock", "erasure-manifest")
}

TITLES = (
    "The file is a packet in its canonical form",
    "Every statement keeps to its published schema",
    "Every statement is signed by who may say it",
    "The packet is signed by the installation",
    "The checkpoint is signed by the installation",
    "Witnesses saw the checkpoint",
    "Every statement is in the log under the checkpoint",
    "The run is complete and sealed",
    "Nothing was deployed without an Allow",
    "The policies that decided are here",
    "The page says what the statements say",
    "The blobs taken along are those that are named",
)


class Failed(Exception):
    """What was looked at is not as the format has it."""


class NotMade(Exception):
    """A check could not look, which is never a pass."""


def fail(message: str) -> NoReturn:
    raise Failed(message)


# Encodings: one content has one sequence of bytes ("The file").


def hashed(data: bytes) -> bytes:
    digest: bytes = sha256(data).digest()
    return digest


def base64_decoded(text: str) -> bytes:
    """RFC 4648 §4, padded, without loose trailing bits: encoded again it is the same."""
    try:
        decoded = binascii.a2b_base64(text.encode("ascii"), strict_mode=True)
    except ValueError:
        fail("base64 was expected")
    if binascii.b2a_base64(decoded, newline=False).decode("ascii") != text:
        fail("base64 in its canonical form was expected")
    return decoded


def canonical(value: object) -> bytes:
    """RFC 8785 of a value that `canonical_decoded` let through: its members are in order already."""
    return ENCODE(value).encode("utf-8")


def canonical_decoded(data: bytes, what: str) -> object:
    """Decode JSON, and refuse it unless it is the one canonical form of what it says."""
    try:
        value, _ = DECODE(data.decode("utf-8"), 0)
        again = canonical(value)
    except Failed as error:
        fail(f"{what}: not canonical JSON: {error}")
    except (
        ValueError,
        RecursionError,
        StopIteration,
    ) as error:  # not UTF-8, no JSON, a lone surrogate, nested too deep
        fail(f"{what}: not canonical JSON ({type(error).__name__})")
    if again != data:
        fail(f"{what}: not canonical JSON: encoded again it differs")
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [part for each in level for part in parts(each)]
    return value if not level else fail(f"{what}: it nests deeper than {MAX_DEPTH} levels")


def parts(value: object) -> Iterable[object]:
    return value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()


def _in_order(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """RFC 8785 §3.2.3: members rise by their UTF-16 code units, so none is there twice."""
    members = dict(pairs)
    names = list(members)
    if not all(map(str.isascii, names)):
        names.sort(key=lambda name: name.encode("utf-16-be", "surrogatepass"))
        in_order = len(names) == len(pairs) and names == list(members)
    else:
        in_order = len(names) == len(pairs) and names == sorted(names)
    return members if in_order else fail("members twice or out of order")


def _safe_integer(digits: str) -> int:
    if len(digits) > len(str(-SAFE_INTEGER)) or abs(int(digits)) > SAFE_INTEGER:
        fail("an integer beyond ±(2^53-1)")
    return int(digits)


class Strict:
    """What Python's JSON decoder is to do with what it finds."""

    strict = True
    memo: dict[str, str] = {}  # noqa: RUF012 - the decoder's own, for names that come again
    object_hook = None
    object_pairs_hook = staticmethod(_in_order)
    parse_int = staticmethod(_safe_integer)
    parse_float = staticmethod(lambda _: fail("a floating-point number"))
    parse_constant = staticmethod(lambda _: fail("a number that is none"))


def _codec() -> tuple[Callable[[str, int], tuple[object, int]], Callable[[object], str]]:
    """Python's JSON, whose compiled parts are at hand at once; the rest takes longer to import than most packets."""
    try:
        import _json

        no = False  # neither sorted, nor skipping names that are none, nor allowing what is no number
        pieces = _json.make_encoder(None, fail, _json.encode_basestring, None, ":", ",", no, no, no)
        read: Any = _json.make_scanner(Strict)  # type: ignore[arg-type]  # it asks for attributes, not for a class
        return read, lambda value: "".join(pieces(value, 0))
    except (ImportError, AttributeError, TypeError):  # a Python that keeps them elsewhere
        import json

        names = ("object_pairs_hook", "parse_int", "parse_float", "parse_constant")
        decoder = json.JSONDecoder(**{name: getattr(Strict, name) for name in names})
        read = decoder.scan_once  # type: ignore[attr-defined]  # as `json` itself calls it; typeshed leaves it out
        return read, json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


DECODE, ENCODE = _codec()


# Reading what was decoded. JSON's true is no integer, although Python's is.


def at(value: object, *path: str) -> object:
    for name in path:
        if not isinstance(value, dict) or name not in value:
            fail(f"no member {name!r} where {'.'.join(path)!r} was expected")
        value = value[name]
    return value


def text_at(value: object, *path: str) -> str:
    found = at(value, *path)
    return found if isinstance(found, str) else fail(f"{'.'.join(path)}: expected text")


def number_at(value: object, *path: str) -> int:
    found = at(value, *path)
    if not isinstance(found, int) or isinstance(found, bool):
        fail(f"{'.'.join(path)}: expected an integer")
    return found


def list_at(value: object, *path: str) -> list[object]:
    found = at(value, *path)
    return found if isinstance(found, list) else fail(f"{'.'.join(path)}: expected a list")


def members_at(value: object, *path: str) -> dict[str, object]:
    found = at(value, *path)
    return found if isinstance(found, dict) else fail(f"{'.'.join(path)}: expected an object")


def items_at(value: object, *path: str) -> list[object]:
    """The list that is there; none where there is none."""
    try:
        return list_at(value, *path)
    except Failed:
        return []


def exactly(value: object, *names: str, what: str) -> dict[str, object]:
    if not isinstance(value, dict) or value.keys() != set(names):
        fail(f"{what}: expected an object with exactly {', '.join(names)}")
    return value


def is_hex(value: object) -> bool:
    return isinstance(value, str) and len(value) == 64 and not value.strip("0123456789abcdef")


def digest_at(value: object, *path: str) -> str:
    digest = exactly(at(value, *path), "sha256", what=".".join(path))["sha256"]
    return (
        digest if isinstance(digest, str) and is_hex(digest) else fail(f"{'.'.join(path)}: expected a SHA-256 in hex")
    )


def index_at(value: object, *path: str) -> int:
    number = number_at(value, *path)
    return number if number >= 0 else fail(f"{'.'.join(path)}: expected 0 or more, got {number}")


# Keys and signatures ("The proof", last two items).


def key_id(raw: bytes) -> str:
    return hashed(raw).hex()


def holds(raw: bytes, message: bytes, signature: bytes) -> bool:
    """Whether this is the signature over the message: Ed25519 by 32 bytes of key, P-256 by 65."""
    if len(raw) == 65:
        return _holds_p256(raw, message, signature)
    try:
        _ed25519(raw).verify(signature, message)
    except Exception as error:  # noqa: BLE001 - looked at below; importing what it may be costs too much when all is well
        return _says_no(error)
    return True


def _ed25519(raw: bytes) -> Ed25519PublicKey:
    try:  # the compiled part alone: the public class only passes this on, and takes three times as long to import
        from cryptography.hazmat.bindings._rust import openssl

        read = openssl.ed25519.from_public_bytes
    except (ImportError, AttributeError):  # a `cryptography` that keeps it elsewhere
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        read = Ed25519PublicKey.from_public_bytes
    return read(raw)


def _holds_p256(raw: bytes, message: bytes, signature: bytes) -> bool:
    from cryptography.hazmat.primitives.asymmetric import ec, utils
    from cryptography.hazmat.primitives.hashes import SHA256

    try:
        r, s = utils.decode_dss_signature(signature)
        minimal = utils.encode_dss_signature(r, s) == signature
        if not minimal or not 0 < r < P256_ORDER or not 0 < s <= P256_ORDER // 2:
            return False
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), raw).verify(signature, message, ec.ECDSA(SHA256()))
    except Exception as error:  # noqa: BLE001 - looked at below
        return _says_no(error)
    return True


def _says_no(error: Exception) -> bool:
    from cryptography.exceptions import InvalidSignature

    if isinstance(error, InvalidSignature | ValueError):  # ValueError: no key, no DER
        return False
    raise error


def is_key(raw: bytes) -> bool:
    """32 bytes of Ed25519, or an uncompressed point that is on P-256 (SEC 1 §2.3.3)."""
    if len(raw) != 65 or raw[0] != 4:
        return len(raw) == 32
    from cryptography.hazmat.primitives.asymmetric import ec

    try:
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), raw)
    except ValueError:
        return False
    return True


def key_at(value: object, *path: str) -> bytes:
    """The raw bytes of `{"keyid", "raw"}`, which must name each other."""
    where = ".".join(path)
    named = exactly(at(value, *path), "keyid", "raw", what=where)
    raw = base64_decoded(text_at(named, "raw"))
    if not is_key(raw) or text_at(named, "keyid") != key_id(raw):
        fail(f"{where}: a key that is none, or whose id is not its own")
    return raw


def pae(kind: str, body: bytes) -> bytes:
    """DSSE's pre-authentication encoding: what is signed."""
    return b"DSSEv1 %d %s %d %s" % (len(kind.encode()), kind.encode(), len(body), body)


class VerifierKey:
    """A signed-note verification key: name+hash+base64(type, 32 bytes of Ed25519)."""

    def __init__(self, text: str, kind: int) -> None:
        self.text = text
        self.name, _, rest = text.partition("+")
        stated, _, encoded = rest.partition("+")
        key = base64_decoded(encoded)
        self.raw = key[1:]
        if not is_note_name(self.name) or key[:1] != bytes([kind]) or len(key) != 33:
            fail(f"expected <name>+<hash>+<base64 of 0x{kind:02x} and 32 bytes>")
        if stated != note_hash(self.name, kind, self.raw).hex():
            fail(f"the hash of key {self.name} is not its own")


def is_note_name(name: str) -> bool:
    return bool(name) and "+" not in name and not any(map(str.isspace, name))


def note_hash(name: str, kind: int, raw: bytes) -> bytes:
    return hashed(name.encode() + b"\n" + bytes([kind]) + raw)[:4]


# (1) Form.


class Statement:
    """One statement of the packet, with its place in the log."""

    def __init__(self, entry: object) -> None:
        members = exactly(entry, "index", "envelope", "proof", what="statement")
        self.index = index_at(members, "index")
        envelope = exactly(members["envelope"], "payload", "payloadType", "signatures", what="envelope")
        if envelope["payloadType"] != "application/vnd.in-toto+json":
            fail(f"statement {self.index}: the type of its payload is another")
        self.leaf = canonical(envelope)
        payload = base64_decoded(text_at(envelope, "payload"))
        self.signed = pae("application/vnd.in-toto+json", payload)
        self.signatures = [signature_of(one) for one in list_at(envelope, "signatures")]
        if not self.signatures:
            fail(f"statement {self.index}: nobody signed it")
        self.proof = [base64_decoded(text_at(one)) for one in list_at(members, "proof")]
        if any(len(one) != 32 for one in self.proof):
            fail(f"statement {self.index}: its proof is not of hashes of 32 bytes")
        self._read(canonical_decoded(payload, f"statement {self.index}"))

    def _read(self, decoded: object) -> None:
        members = exactly(decoded, "_type", "subject", "predicateType", "predicate", what="payload")
        if members["_type"] != "https://in-toto.io/Statement/v1":
            fail(f"statement {self.index}: no in-toto Statement v1")
        self.subjects = [subject_of(one) for one in list_at(members, "subject")]
        if not self.subjects:
            fail(f"statement {self.index}: it is about nothing")
        self.type = text_at(members, "predicateType")
        self.predicate = members_at(members, "predicate")
        context = exactly(
            at(self.predicate, "wardline"), "run", "step", "attempt", "recordedAt", "actor", "outcome", what="wardline"
        )
        self.run = None if context["run"] is None else text_at(context, "run")
        self.key = (text_at(context, "step"), number_at(context, "attempt"))
        self.actor = text_at(context, "actor")
        self.outcome = text_at(context, "outcome")
        if self.outcome not in {"passed", "failed", "errored", "inconclusive"}:
            fail(f"statement {self.index}: unknown outcome")
        if not is_moment(text_at(context, "recordedAt")):
            fail(f"statement {self.index}: recordedAt is not YYYY-MM-DDThh:mm:ss.mmmZ")

    def __str__(self) -> str:
        return f"statement {self.index} ({self.type.removeprefix(OURS)})"


def signature_of(value: object) -> tuple[str, bytes]:
    members = exactly(value, "keyid", "sig", what="signature")
    return text_at(members, "keyid"), base64_decoded(text_at(members, "sig"))


def subject_of(value: object) -> str:
    members = exactly(value, "name", "digest", what="subject")
    text_at(members, "name")
    return digest_at(members, "digest")


def is_moment(text: str) -> bool:
    """`YYYY-MM-DDThh:mm:ss.mmmZ`, and such a day exists."""
    shape = "".join("0" if character in "0123456789" else character for character in text)
    if shape != "0000-00-00T00:00:00.000Z":
        return False
    year, month, day = int(text[:4]), int(text[5:7]), int(text[8:10])
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    days = (31, 28 + leap, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
    in_year = year > 0 and 1 <= month <= 12 and 1 <= day <= days[month - 1]
    return in_year and text[11:13] < "24" and text[14:16] < "60" and text[17:19] < "60"


class Packet:
    """A file that is a packet, taken apart; nothing in it is believed yet."""

    def __init__(self, data: bytes) -> None:
        self.page, decoded = proof_of(data)
        members = exactly(
            decoded, "format", "run", "origin", "checkpoint", "statements", "catalogues", "blobs", "absent", "page",
            "signature", what="proof",
        )  # fmt: skip
        if members["format"] != "wardline-packet/2":
            fail("the proof is of another format")
        self.run, self.origin, self.checkpoint = (text_at(members, name) for name in ("run", "origin", "checkpoint"))
        self.page_digest = digest_at(members, "page")
        self.signature = signature_of(members["signature"])
        self.body = canonical({name: member for name, member in members.items() if name != "signature"})
        self.statements = [Statement(entry) for entry in list_at(members, "statements")]
        self.blobs = [blob_of(entry) for entry in list_at(members, "blobs")]
        self.absent = [absent_of(entry) for entry in list_at(members, "absent")]
        if not self.statements:
            fail("no statements")
        rising([statement.index for statement in self.statements], "statements")
        rising([digest for (digest, _, _), _ in self.blobs], "blobs")
        rising([digest for digest, _, _ in self.absent], "absent blobs")
        if canonical(list_at(members, "catalogues")) != canonical(self._catalogues()):
            fail("catalogues are not those that the decisions name")
        self.by_index = {statement.index: statement for statement in self.statements}

    def of_run(self) -> list[Statement]:
        return [statement for statement in self.statements if statement.run == self.run]

    def of_type(self, kind: str) -> list[Statement]:
        return [statement for statement in self.statements if statement.type == kind]

    def _catalogues(self) -> list[object]:
        named = {
            canonical(catalogue): catalogue
            for summary in self.of_type(SUMMARY)
            for catalogue in items_at(summary.predicate, "wardline_decision", "catalogues")
        }
        return [named[key] for key in sorted(named)]


def proof_of(data: bytes) -> tuple[bytes, object]:
    """The page's bytes and the decoded proof, of a file that is framed to the byte."""
    if len(data) > MAX_FILE:
        fail(f"larger than {MAX_FILE} bytes")
    begin = data.rfind(MIDDLE)
    framed = begin >= PREFIX_BYTES and data.endswith(SUFFIX)
    if not framed or hashed(data[:PREFIX_BYTES]).hex() != PREFIX_SHA256:
        fail("not a packet of format 2: its frame is not there, or was changed")
    page, lines = data[PREFIX_BYTES:begin], data[begin + len(MIDDLE) : len(data) - len(SUFFIX)]
    try:
        page.decode("utf-8")
        encoded = lines.replace(b"\n", b"").decode("ascii")
    except ValueError:
        fail("not UTF-8, or no base64 where the proof should be")
    if lines != b"".join(encoded[at : at + LINE].encode() + b"\n" for at in range(0, len(encoded), LINE)):
        fail(f"the proof is not in lines of {LINE}")
    return page, canonical_decoded(base64_decoded(encoded), "proof")


Reference = tuple[str, str, int]  # digest, media type, size: how statements name a blob


def reference_at(value: object, *path: str) -> Reference:
    named = at(value, *path)
    return digest_at(named, "digest"), text_at(named, "mediaType"), index_at(named, "size")


def blob_of(entry: object) -> tuple[Reference, bytes]:
    members = exactly(entry, "digest", "mediaType", "size", "content", what="blob")
    return reference_at(members), base64_decoded(text_at(members, "content"))


def absent_of(entry: object) -> Reference:
    members = exactly(entry, "digest", "mediaType", "size", "why", "statement", what="absent blob")
    purged = members["why"] == "purged"
    if purged:
        index_at(members, "statement")
    elif members["why"] != "missing" or members["statement"] is not None:
        fail("absent blob: it is purged under a statement, or missing under none")
    return reference_at(members)


def rising(keys: list[int] | list[str], what: str) -> None:
    if len(set(keys)) != len(keys) or list(keys) != sorted(keys):
        fail(f"{what} are not in strictly rising order")


# (2) Schemas.


def check_schemas(packet: Packet, schemas: dict[str, object] | None) -> str:
    """(2) No unknown type or version; and where the published schemas are at hand, every predicate keeps to its own."""
    for statement in packet.statements:
        if statement.type not in KNOWN:
            fail(f"{statement}: an unknown type or version, {statement.type!r}")
    kinds = len({statement.type for statement in packet.statements})
    said = f"{len(packet.statements)} statements of {kinds} predicates"
    if schemas is None:
        return f"{said}, all of known types; SCHEMAS WERE NOT HELD: name their folder with --schemas"
    for statement in packet.statements:
        schema = schemas.get(statement.type)
        if schema is None:
            raise NotMade(f"the folder of schemas has none for {statement.type}")
        if not keeps(statement.predicate, schema, schema):
            fail(f"{statement}: its predicate does not keep to its schema")
    return said


def schemas_in(folder: str) -> dict[str, object]:
    """The published `<name>.schema.json` of a folder, by the predicate type that each is for."""
    import json

    found: dict[str, object] = {}
    there = set(os.listdir(folder))
    for kind in KNOWN:
        name = f"{PROFILES.get(kind) or kind.removeprefix(OURS).removesuffix('/v1')}.schema.json"
        if name in there:
            with open(os.path.join(folder, name), "rb") as file:
                found[kind] = members_at(json.loads(file.read()))
    return found


def keeps(value: object, schema: Any, root: Any) -> bool:
    """JSON Schema 2020-12, of the keywords that the published schemas use; another one stops the check."""
    if isinstance(schema, bool):
        return schema
    for keyword, operand in schema.items():
        if keyword in ANNOTATIONS:
            continue
        if keyword not in KEYWORDS:
            raise NotMade(f"a schema has the keyword {keyword!r}, which this verifier does not know")
        about, test = KEYWORDS[keyword]
        if is_of_type(value, about) and not test(value, operand, schema, root):
            return False
    return True


def is_of_type(value: object, name: str) -> bool:
    python = {"any": object, "object": dict, "array": list, "string": str, "integer": int, "boolean": bool}
    if name == "integer":
        return isinstance(value, int) and not isinstance(value, bool)
    return value is None if name == "null" else isinstance(value, python[name])


def is_date_time(text: str) -> bool:
    import re

    parts = re.fullmatch(r"([0-9-]{10})[Tt]([0-9:]{8})(\.[0-9]+)?([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9])", text)
    return parts is not None and is_moment(f"{parts[1]}T{parts[2].replace('23:59:60', '23:59:59')}.000Z")


def matches(text: str, pattern: str) -> bool:
    import re

    anchored = (
        pattern[:-1] + r"\Z" if pattern.endswith("$") else pattern
    )  # to Python alone, $ is also before a last "\n"
    return re.search(anchored, text, re.ASCII) is not None


ANNOTATIONS = {"$schema", "$id", "$defs", "title", "description", "contentEncoding"}
# Keyword: what it is about, and whether such a value keeps to `o`, of the schema `s` in the document `root`.
KEYWORDS: dict[str, tuple[str, Callable[[Any, Any, Any, Any], bool]]] = {
    "$ref": ("any", lambda v, o, _, root: keeps(v, root["$defs"][o.removeprefix("#/$defs/")], root)),
    "type": ("any", lambda v, o, *_: any(is_of_type(v, name) for name in ([o] if isinstance(o, str) else o))),
    "const": ("any", lambda v, o, *_: canonical(v) == canonical(o)),
    "enum": ("any", lambda v, o, *_: canonical(v) in map(canonical, o)),
    "anyOf": ("any", lambda v, o, _, root: any(keeps(v, one, root) for one in o)),
    "oneOf": ("any", lambda v, o, _, root: sum(keeps(v, one, root) for one in o) == 1),
    "required": ("object", lambda v, o, *_: v.keys() >= set(o)),
    "properties": ("object", lambda v, o, _, root: all(keeps(v[name], o[name], root) for name in o if name in v)),
    "additionalProperties": (
        "object",
        lambda v, o, s, root: all(keeps(v[name], o, root) for name in v if name not in s.get("properties", {})),
    ),
    "prefixItems": ("array", lambda v, o, _, root: all(keeps(*pair, root) for pair in zip(v, o, strict=False))),
    "items": ("array", lambda v, o, s, root: all(keeps(one, o, root) for one in v[len(s.get("prefixItems", [])) :])),
    "minItems": ("array", lambda v, o, *_: len(v) >= o),
    "maxItems": ("array", lambda v, o, *_: len(v) <= o),
    "uniqueItems": ("array", lambda v, o, *_: not o or len(set(map(canonical, v))) == len(v)),
    "minimum": ("integer", lambda v, o, *_: v >= o),
    "maximum": ("integer", lambda v, o, *_: v <= o),
    "minLength": ("string", lambda v, o, *_: len(v) >= o),
    "maxLength": ("string", lambda v, o, *_: len(v) <= o),
    "pattern": ("string", lambda v, o, *_: matches(v, o)),
    "format": ("string", lambda v, o, *_: o != "date-time" or is_date_time(v)),
}


# (3) Signatories: who had which key, when. Keys are known by their ids here, and `raw` has the bytes of each.


class Keys:
    """The installation's keys and people's, as the enrolments and key changes read so far leave them.

    `revoked` holds, of every key that any statement of the packet revokes, the index from which it does not count: a
    revocation holds backwards, so all of them are known before the first statement is read.
    """

    def __init__(self, first: bytes, revoked: dict[str, int]) -> None:
        self.revoked = revoked
        self.raw = {key_id(first): first}
        self.added: dict[str, tuple[int, list[object]]] = {key_id(first): (-1, ["checkpoints", "statements"])}
        self.retired: dict[str, int] = {}
        self.people: dict[str, tuple[bool, list[object], str | None]] = {}  # principal: is a person, roles, key
        self.owners: dict[str, str] = {}  # of every key that a principal has or had
        self.founded = False

    def counts(self, key: str, leaf: int) -> bool:
        return leaf < self.revoked.get(key, leaf + 1)

    def valid(self, key: str, purpose: object, leaf: int) -> bool:
        """docs/predicates/key-change.md: added at or before the leaf, not retired before it, not revoked since it."""
        added, purposes = self.added.get(key, (leaf + 1, []))
        return added <= leaf <= self.retired.get(key, leaf) and purpose in purposes and self.counts(key, leaf)

    def spare(self, key: str, leaf: int) -> bool:
        """Whether, for each purpose that the key is valid for, another one is valid too."""
        purposes = [purpose for purpose in ("checkpoints", "statements") if self.valid(key, purpose, leaf)]
        return all(any(self.valid(each, purpose, leaf) for each in self.added if each != key) for purpose in purposes)

    def entitled(self, actor: str, key: str, leaf: int, role: object = None) -> bool:
        """Whether the actor is, at this leaf, an enrolled person with this key (and this role)."""
        is_person, roles, theirs = self.people.get(actor, (False, [], None))
        return is_person and theirs == key and self.counts(key, leaf) and (role is None or role in roles)

    def administered(self, leaf: int, without: str = "") -> bool:
        return any(
            key is not None and actor != without and self.entitled(actor, key, leaf, "administrator")
            for actor, (_, _, key) in self.people.items()
        )

    def enrol(self, statement: Statement) -> str | None:
        """Take an enrolment up; or say why it has no effect."""
        predicate, signer = statement.predicate, statement.signatures[0][0]
        principal, is_person = text_at(predicate, "principal"), text_at(predicate, "kind") == "person"
        raw = None if at(predicate, "key") is None else key_at(predicate, "key")
        key = None if raw is None else key_id(raw)
        if raw is not None and key is not None:
            self.raw[key] = raw
        founding, self.founded = not self.founded, True
        if not founding and (at(predicate, "founding") is not False):
            return "it is not the first, and calls itself founding"
        if not founding and not self.entitled(statement.actor, signer, statement.index, "administrator"):
            return "its signer was no administrator with that key then"
        if key in self.added or (key is not None and self.owners.get(key, principal) != principal):
            return "its key is or was somebody else's"
        roles = list_at(predicate, "roles")
        can_enrol = is_person and key is not None and "administrator" in roles
        if not can_enrol and not self.administered(statement.index, without=principal):
            return "no administrator with a key would be left"
        self.people[principal] = (is_person, roles, key)
        if key is not None:
            self.owners[key] = principal
        return None

    def change(self, statement: Statement) -> str | None:
        """Take the addition or retirement of a key up; or say why it is not in order."""
        retires = text_at(statement.predicate, "change") == "retired"
        return self._retire(statement) if retires else self._add(statement)

    def _add(self, statement: Statement) -> str | None:
        predicate, leaf = statement.predicate, statement.index
        raw, by, purposes = key_at(predicate, "key"), key_id(key_at(predicate, "by")), list_at(predicate, "purposes")
        key = key_id(raw)
        if purposes not in (["checkpoints"], ["statements"], ["checkpoints", "statements"]):
            return "its purposes are none"
        if not all(self.valid(by, purpose, leaf) for purpose in purposes):
            return "the key that vouches for it was not valid for that then"
        if key in self.added or key in self.owners or (len(raw) != 32 and "checkpoints" in purposes):
            return "the key is or was somebody's, or cannot sign checkpoints"
        self.raw[key], self.added[key] = raw, (leaf, purposes)
        return None

    def _retire(self, statement: Statement) -> str | None:
        key, signer, leaf = key_id(key_at(statement.predicate, "key")), statement.signatures[0][0], statement.index
        if signer == key or not self.valid(signer, "statements", leaf):
            return "it is not signed by another key that was valid then"
        if key not in self.added or key in self.retired:
            return "the key is none of the installation's, or retired already"
        if not self.spare(key, leaf):
            return "no key would be left"
        self.retired[key] = leaf
        return None

    def may_revoke(self, statement: Statement) -> bool:
        """Whether an administrator revokes here a key that is the holder's, and no purpose is left without a key."""
        predicate, leaf, signer = statement.predicate, statement.index, statement.signatures[0][0]
        key, holder = key_id(key_at(predicate, "key")), at(predicate, "holder")
        theirs = key in self.added if holder is None else self.owners.get(key) == holder
        return (
            theirs
            and index_at(predicate, "since") <= leaf
            and self.entitled(statement.actor, signer, leaf, "administrator")
            and self.spare(key, leaf)
        )

    def take(self, statement: Statement) -> str | None:
        return self.enrol(statement) if statement.type == ENROLMENT else self.change(statement)


def is_revocation(statement: Statement) -> bool:
    return statement.type == KEY_CHANGE and text_at(statement.predicate, "change") == "revoked"


class History:
    """What has to be known of enrolments and key changes before they are read: all revocations, which hold backwards.

    Each revocation is judged by those before it, and stands whatever comes later. Afterwards, with the enrolments that
    it takes away gone, an administrator with a key must be left.
    """

    def __init__(self, packet: Packet, first: bytes) -> None:
        self.revoked: dict[str, int] = {}  # key: the first index at which it does not count
        self.stand: set[int] = set()  # the indices of the revocations that are in order
        self.raw: dict[str, bytes] = {}  # key: its bytes
        self.signers: dict[tuple[str, str], int] = {}  # principal and key: where it became theirs, be it undone later
        read: list[Statement] = []
        keys = Keys(first, {})
        self.raw.update(keys.raw)
        for statement in packet.statements:
            if is_revocation(statement):
                keys = self._revoke(statement, keys, read, first)
            elif statement.type in {ENROLMENT, KEY_CHANGE}:
                read.append(statement)
                keys.take(statement)
                self.raw.update(keys.raw)
                for key, owner in keys.owners.items():
                    self.signers.setdefault((owner, key), statement.index)

    def _revoke(self, statement: Statement, keys: Keys, read: list[Statement], first: bytes) -> Keys:
        if not keys.may_revoke(statement):
            return keys
        key, since = key_id(key_at(statement.predicate, "key")), index_at(statement.predicate, "since")
        revoked = {**self.revoked, key: min(since, self.revoked.get(key, since))}
        after = Keys(first, revoked)
        for one in read:
            after.take(one)
        if not after.administered(statement.index):
            return keys
        self.revoked = revoked
        self.stand.add(statement.index)
        return after


def first_key(packet: Packet, trusted: VerifierKey) -> bytes:
    """The key that the log began with: from the trusted one back over its additions."""
    added_by: dict[bytes, bytes] = {}
    for change in packet.of_type(KEY_CHANGE):
        if text_at(change.predicate, "origin") != trusted.name:
            fail(f"{change}: it is about a key of another log")
        if text_at(change.predicate, "change") == "added":
            added_by.setdefault(key_at(change.predicate, "key"), key_at(change.predicate, "by"))
        elif text_at(change.predicate, "change") not in {"retired", "revoked"}:
            fail(f"{change}: an unknown change")
    key = trusted.raw
    while key in added_by:
        key = added_by.pop(key)  # popped: a circle ends, and then fails for want of order
    return key


def check_signatories(packet: Packet, trusted: VerifierKey) -> tuple[Keys, str]:
    """(3) In the order of the log, each statement is signed by who may say it."""
    first = first_key(packet, trusted)
    for statement in packet.statements:
        if len(statement.signatures) != 1 + is_addition(statement):
            fail(f"{statement}: {len(statement.signatures)} signatures")
    history = History(packet, first)
    keys = Keys(first, history.revoked)
    idle = ""
    for statement in packet.statements:
        check_signatures(statement, signers(statement, keys, history))
        why = None
        if is_revocation(statement):
            why = None if statement.index in history.stand else "who signed it might not revoke that key"
        elif statement.type in {ENROLMENT, KEY_CHANGE}:
            why = keys.take(statement)
        if why and statement.type == KEY_CHANGE and not is_revocation(statement):
            fail(f"{statement}: not in order: {why}")
        idle += f"; {statement} is without effect: {why}" if why else ""
    return keys, f"{len(packet.statements)} statements{idle}"


def check_signatures(statement: Statement, keys: list[bytes]) -> None:
    signed = dict(statement.signatures)
    for raw in keys:
        if not holds(raw, statement.signed, signed.get(key_id(raw), b"")):
            fail(f"{statement}: the signature by key {key_id(raw)[:16]} is not there, or does not hold")


def is_addition(statement: Statement) -> bool:
    return statement.type == KEY_CHANGE and text_at(statement.predicate, "change") == "added"


def signers(statement: Statement, keys: Keys, history: History) -> list[bytes]:
    """The keys by which the statement has to be signed; or it fails."""
    predicate, actor, leaf, keyid = statement.predicate, statement.actor, statement.index, statement.signatures[0][0]
    if is_addition(statement):
        return [key_at(predicate, "by"), key_at(predicate, "key")]
    if statement.type == ENROLMENT and not keys.founded:
        if at(predicate, "founding") is not True or actor != text_at(predicate, "principal"):
            fail(f"{statement}: the first enrolment is not its signer's own")
        if text_at(predicate, "kind") != "person" or "administrator" not in list_at(predicate, "roles"):
            fail(f"{statement}: the first enrolment is not an administrator's")
        return [key_at(predicate, "key")]
    if statement.type == ENROLMENT or is_revocation(statement):
        allowed, why = history.signers.get((actor, keyid), leaf) < leaf, "that key never was its signer's"
    elif statement.type in WORDS:
        role = text_at(predicate, "role") if "role" in predicate else None
        allowed, why = keys.entitled(actor, keyid, leaf, role), f"{actor} was not entitled to it"
    elif statement.type == KEY_CHANGE:
        allowed, why = keyid in keys.added, "that key never was the installation's"
    else:
        allowed, why = keys.valid(keyid, "statements", leaf), "that key was not the installation's for statements then"
    return [history.raw[keyid]] if allowed else fail(f"{statement}: signed by key {keyid[:16]}, and {why}")


# (4) to (7): the whole, and the log it comes from.


def check_whole(packet: Packet, keys: Keys) -> str:
    """(4) The installation signed the packet, with a key that counts after all key changes in it."""
    keyid, signature = packet.signature
    if keyid not in keys.added or "statements" not in keys.added[keyid][1]:
        fail(f"signed by key {keyid[:16]}, which is none of the installation's for statements")
    if keyid in keys.retired or keyid in keys.revoked:
        fail(f"signed by key {keyid[:16]}, which is retired or revoked")
    if not holds(keys.raw[keyid], pae("application/vnd.wardline.packet+json", packet.body), signature):
        fail(f"the signature by key {keyid[:16]} does not hold")
    return f"by key {keyid[:16]}"


class Note:
    """C2SP signed-note: a text, and who signed it; none of it is believed yet."""

    def __init__(self, note: str) -> None:
        head, blank, tail = note.rpartition("\n\n")
        if not blank or not tail.endswith("\n") or len(note) > MAX_NOTE:
            fail("the checkpoint is no signed note")
        if any((character < " " and character != "\n") or character == "\x7f" for character in note):
            fail("the checkpoint has a control character")
        self.head = head
        self.text = f"{head}\n".encode()
        self.lines = [_note_line(line) for line in tail[:-1].split("\n")]

    def signatures(self, name: str, kind: int, raw: bytes) -> list[bytes]:
        """Those of the lines that have the name and the hash of this key."""
        return [data[4:] for signer, data in self.lines if signer == name and data[:4] == note_hash(name, kind, raw)]

    def checkpoint(self) -> tuple[str, int, bytes]:
        """C2SP tlog-checkpoint: origin, size and root of the tree, and perhaps lines that mean nothing to us."""
        origin, size, root, *_ = lines = [*self.head.split("\n"), "", ""]
        if "" in lines[:-2] or not (size.isascii() and size.isdigit()) or len(size) > 16 or str(int(size)) != size:
            fail("the checkpoint has not an origin, a size and a root hash, each on a line")
        decoded = base64_decoded(root)
        return (origin, int(size), decoded) if len(decoded) == 32 else fail("its root hash is not of 32 bytes")


def _note_line(line: str) -> tuple[str, bytes]:
    name, space, encoded = line.removeprefix("\N{EM DASH} ").partition(" ")
    data = base64_decoded(encoded)
    if not line.startswith("\N{EM DASH} ") or not space or not is_note_name(name) or len(data) < 5:
        fail("the checkpoint has a line that is no signature")
    return name, data


def signed_tree(packet: Packet, keys: Keys, trusted: VerifierKey) -> tuple[int, bytes]:
    """Size and root of the tree, by a checkpoint that (5) holds for."""
    note = Note(packet.checkpoint)
    origin, size, root = note.checkpoint()
    if not packet.origin == trusted.name == origin:
        fail(f"the packet is of log {packet.origin!r}, its checkpoint of {origin!r}, your key of {trusted.name!r}")
    for keyid in keys.added:
        raw = keys.raw[keyid]
        lines = note.signatures(origin, 1, raw) if keys.valid(keyid, "checkpoints", size - 1) else []
        if lines and all(holds(raw, note.text, line) for line in lines):
            return size, root
    fail("it has no signature by a key of the installation that was valid for it, or one that does not hold")


def check_checkpoint(packet: Packet, keys: Keys, trusted: VerifierKey) -> str:
    """(5) A key that is valid for checkpoints at the last leaf signed it, under the log's origin."""
    size, root = signed_tree(packet, keys, trusted)
    return f"{size} statements under root {root.hex()}"


def check_witnesses(packet: Packet, witnesses: list[VerifierKey], needed: int) -> str:
    """(6) As many of the named witnesses as are needed, by distinct key, cosigned the checkpoint."""
    note = Note(packet.checkpoint)
    seen = set()
    for witness in witnesses:
        for line in note.signatures(witness.name, 4, witness.raw):
            seconds = int.from_bytes(line[:8], "big")
            message = b"cosignature/v1\ntime %d\n%s" % (seconds, note.text)
            if len(line) != 72 or seconds >= 1 << 63 or not holds(witness.raw, message, line[8:]):
                fail(f"the cosignature of {witness.name} does not hold")
            seen.add(witness.raw)
    if len(seen) < needed:
        fail(f"{len(seen)} of the witnesses named cosigned it, {needed} are needed")
    return f"{len(seen)} of {len(witnesses)} named, {needed} needed" if witnesses else "no witness was asked for"


def check_inclusion(packet: Packet, keys: Keys, trusted: VerifierKey) -> str:
    """(7) RFC 9162 §2.1.3.2, for every statement; under a checkpoint that (5) holds for, or it proves nothing."""
    size, root = signed_tree(packet, keys, trusted)
    for statement in packet.statements:
        if not is_included(statement.leaf, statement.index, size, statement.proof, root):
            fail(f"{statement}: its proof does not lead to the root of the checkpoint")
    return f"{len(packet.statements)} proofs"


def is_included(leaf: bytes, index: int, size: int, proof: list[bytes], root: bytes) -> bool:
    if index >= size:
        return False
    fn, sn, r = index, size - 1, hashed(b"\0" + leaf)  # the names are the RFC's
    for p in proof:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            r = hashed(b"\1" + p + r)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            r = hashed(b"\1" + r + p)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and r == root


# (8) to (12): what the statements say of each other, of policies, of the page and of blobs.


def check_completeness(packet: Packet) -> str:
    """(8) One seal, the last of the run's statements, counts them; none is there twice."""
    run = packet.of_run()
    seals = [statement for statement in run if statement.type == SEAL]
    if len(seals) != 1 or run[-1] is not seals[0]:
        fail(f"{len(seals)} seals, or not the last statement of the run")
    if number_at(seals[0].predicate, "statements") != len(run):
        fail(f"{len(run)} statements of the run, the seal counts {number_at(seals[0].predicate, 'statements')}")
    first = at(seals[0].predicate, "first")
    if len(run) == 1 and first is not None:
        fail("the seal is the only statement of the run, and names another as the first")
    if len(run) > 1 and number_at(first) != run[0].index:
        fail(f"the first statement of the run is at {run[0].index}, the seal says {first}")
    if len({statement.key for statement in run}) != len(run):
        fail("two statements of the run have the same step and attempt")
    return f"{len(run)} statements, the last one the seal"


def rests_on(statement: Statement) -> list[int]:
    """The indices of what a statement rests on."""
    predicate = statement.predicate
    if statement.type == DEPLOYMENT:
        return [index_at(predicate, "decision")]
    if statement.type == SUMMARY:
        return [index_at(one) for one in list_at(predicate, "wardline_decision", "evidence")]
    if statement.type in {f"{OURS}approval/v1", f"{OURS}rejection/v1"}:
        matter = at(predicate, "subject")
        one_or_none = [at(matter, name) for name in ("tests", "rehearsal")]
        return [index_at(one) for one in (*list_at(matter, "waivers"), *one_or_none) if one is not None]
    return []


def check_decisions(packet: Packet) -> str:
    """(9) What statements of the run rest on is here, before them; every deployment is under an Allow for it."""
    deployments = 0
    for statement in packet.of_run():
        for index in rests_on(statement):
            if index >= statement.index or index not in packet.by_index:
                fail(f"{statement} rests on statement {index}, which is not here before it")
        if statement.type == DEPLOYMENT:
            deployments += 1
            check_allow(statement, packet.by_index[index_at(statement.predicate, "decision")])
    return f"{deployments} statements of deployments, each under an Allow"


def check_allow(deployment: Statement, decision: Statement) -> None:
    if decision.type != SUMMARY:
        fail(f"{deployment}: what it names as its decision is {decision}")
    said = (
        text_at(decision.predicate, "wardline_decision", "verdict"),
        text_at(decision.predicate, "verificationResult"),
        decision.outcome,
    )
    if said != ("allow", "PASSED", "passed"):
        fail(f"{deployment}: {decision} is no Allow: {said}")
    artifact = digest_at(deployment.predicate, "release", "artifact")
    if not deployment.subjects == decision.subjects == [artifact]:
        fail(f"{deployment}: {decision} is about another artifact")
    if at(deployment.predicate, "environment") != text_at(decision.predicate, "wardline_decision", "environment"):
        fail(f"{deployment}: {decision} is about another environment")


def check_policies(packet: Packet) -> str:
    """(10) Of every decision, the policies and what they were asked about are here, or said to be absent."""
    content = dict(packet.blobs)
    filed = {*content, *packet.absent}
    for summary in packet.of_type(SUMMARY):
        decision = at(summary.predicate, "wardline_decision")
        policies, given = reference_at(decision, "policies"), reference_at(decision, "input")
        named = {policies[0], digest_at(decision, "policy_digest"), digest_at(summary.predicate, "policy", "digest")}
        if len(named) != 1 or given[0] != digest_at(decision, "input_digest"):
            fail(f"{summary}: it names its policies, or its input, by different digests")
        if policies not in filed or given not in filed:
            fail(f"{summary}: its policies or its input are neither here nor said to be absent")
        if hashed(content.get(policies, b"")).hex() == policies[0]:  # else absent, or left to (12)
            check_reasons(summary, content[policies])
    return f"{len(packet.of_type(SUMMARY))} decisions"


def check_reasons(summary: Statement, content: bytes) -> None:
    asked: list[tuple[object, bytes]] = [("none", b"[]")]  # the reason that stands where no policy applied
    policies = list_at(canonical_decoded(content, "the policies"))
    asked += [
        (policy["id"], canonical(policy["controls"]))
        for policy in policies
        if isinstance(policy, dict) and policy.keys() >= {"id", "controls"}
    ]
    for reason in list_at(summary.predicate, "wardline_decision", "reasons"):
        if (text_at(reason, "policy"), canonical(at(reason, "controls"))) not in asked:
            fail(f"{summary}: a reason is by no policy that was asked, or has other controls than that policy")


def check_page(packet: Packet) -> str:
    """(11) The page is the one that was signed. That it says what the statements say is not looked at."""
    if hashed(packet.page).hex() != packet.page_digest:
        fail("the page is not the one that was signed")
    return f"digest {packet.page_digest}, AND NO MORE: whether the page says what the statements say was not looked at"


def check_blobs(packet: Packet) -> str:
    """(12) Each blob is what it is filed under, and named by a statement; what is always taken along is here."""
    named = {reference for statement in packet.statements for reference in references(statement.predicate)}
    for reference, content in packet.blobs:
        if hashed(content).hex() != reference[0] or len(content) != reference[2]:
            fail(f"blob {reference[0]} is not what its digest and size say")
    filed = [reference for reference, _ in packet.blobs] + packet.absent
    for reference in filed:
        if reference not in named:
            fail(f"blob {reference[0]}: no statement names it, as {reference[1]} of {reference[2]} bytes")
    if len({digest for digest, _, _ in filed}) != len(filed):
        fail("a blob is both here and absent")
    missing = {digest for digest, kind, _ in named if kind in TAKEN_ALONG} - {digest for digest, _, _ in filed}
    if missing:
        fail(f"blob {min(missing)}, of a kind that is always taken along, is neither here nor said to be absent")
    return f"{len(packet.blobs)} blobs, {len(packet.absent)} absent"


def references(predicate: object) -> Iterator[Reference]:
    """Every `{"digest": {"sha256": …}, "mediaType": …, "size": …}` in it, whatever else stands beside."""
    rest = [predicate]
    while rest:
        value = rest.pop()
        rest += parts(value)
        if isinstance(value, dict) and value.keys() >= {"digest", "mediaType", "size"}:
            try:
                yield reference_at(value)
            except Failed:
                continue  # looks like one, and is none


# The command.

OPTIONS = ("--key", "--witness", "--witnesses-needed", "--schemas", "--output")
SHOWN = {"passed": "ok", "failed": "FAILED", "errored": "not checked"}
Outcome = tuple[str, str]  # passed, failed or errored (not made); detail


def verify(
    data: bytes,
    trusted: VerifierKey,
    witnesses: list[VerifierKey],
    needed: int,
    schemas: dict[str, object] | None,
) -> tuple[str | None, list[Outcome]]:
    """The run that the packet says it is of, and the outcomes of the twelve checks in their order."""
    try:
        packet = Packet(data)
    except Failed as error:
        return None, [("failed", str(error)), *[("errored", "not checked: the file could not be read")] * 11]
    outcomes = [("passed", f"{len(data)} bytes, {len(packet.statements)} statements")]
    outcomes.append(outcome_of(check_schemas, packet, schemas))
    keys = Keys(trusted.raw, {})  # if (3) fails, the trusted key is the only one
    try:
        keys, detail = check_signatories(packet, trusted)
        outcomes.append(("passed", detail))
    except Failed as error:
        outcomes.append(("failed", str(error)))
    outcomes.append(outcome_of(check_whole, packet, keys))
    outcomes.append(outcome_of(check_checkpoint, packet, keys, trusted))
    outcomes.append(outcome_of(check_witnesses, packet, witnesses, needed))
    outcomes.append(outcome_of(check_inclusion, packet, keys, trusted))
    rest = (check_completeness, check_decisions, check_policies, check_page, check_blobs)
    outcomes.extend(outcome_of(check, packet) for check in rest)
    return packet.run, outcomes


def outcome_of(check: Callable[..., str], *given: object) -> Outcome:
    try:
        return "passed", check(*given)
    except Failed as error:
        return "failed", str(error)
    except NotMade as error:
        return "errored", str(error)


def main(arguments: list[str]) -> int:
    try:
        given = options_of(arguments)
        if (
            len(given["PACKET"]) != 1
            or len(given["--key"]) != 1
            or given["--output"][-1:] not in ([], ["text"], ["json"])
        ):
            fail("expected one PACKET, one --key KEY, and --output text or json; --help says more")
        trusted = VerifierKey(key_text(given["--key"][0]), 1)
        witnesses = [VerifierKey(key_text(one), 4) for one in given["--witness"]]
        distinct = len({witness.raw for witness in witnesses})
        needed = int((given["--witnesses-needed"] or [str(distinct)])[-1])
        if not min(1, distinct) <= needed <= distinct:
            fail(f"--witnesses-needed {needed}: {distinct} different witnesses are named")
        schemas = schemas_in(given["--schemas"][-1]) if given["--schemas"] else None
        with open(given["PACKET"][0], "rb") as file:
            data = file.read(MAX_FILE + 1)
    except (Failed, OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    run, outcomes = verify(data, trusted, witnesses, needed, schemas)
    holds_all = all(outcome == "passed" for outcome, _ in outcomes)
    if given["--output"][-1:] == ["json"]:
        import json

        checks = [
            {"number": number, "title": TITLES[number - 1], "outcome": outcome, "detail": detail}
            for number, (outcome, detail) in enumerate(outcomes, 1)
        ]
        print(json.dumps({"holds": holds_all, "run": run, "key": trusted.text, "checks": checks}))
    else:
        for number, (outcome, detail) in enumerate(outcomes, 1):
            print(f"{number:2}. {SHOWN[outcome]:12} {TITLES[number - 1]}\n{'':17}{printable(detail)}")
        print(f"\n{printable(given['PACKET'][0])}: {'holds' if holds_all else 'DOES NOT HOLD'} (key {trusted.text})")
    return 0 if holds_all else 5


def options_of(arguments: list[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {name: [] for name in ("PACKET", *OPTIONS)}
    words = iter(arguments)
    for word in words:
        name, equals, value = word.partition("=")
        if name in OPTIONS:
            found[name].append(value if equals else next(words, ""))
        elif word in {"-h", "--help"}:
            print(__doc__)
            raise SystemExit(0)
        elif word.startswith("-"):
            fail(f"unknown option {word}")
        else:
            found["PACKET"].append(word)
    return found


def key_text(given: str) -> str:
    """A key as it was given, or the one line of the file that it names."""
    if given.count("+") >= 2 and not os.path.exists(given):
        return given
    with open(given, encoding="utf-8") as file:
        return file.read(4096).strip()


def printable(text: str) -> str:
    """What a stranger wrote, without what could move a terminal's cursor."""
    return "".join(character if character.isprintable() else "\ufffd" for character in text)


if __name__ == "__main__":
    gc.disable()  # a life too short for looking after garbage
    code = main(sys.argv[1:])
    sys.stdout.flush()
    os._exit(code)  # at once: taking a Python down is a tenth of the time

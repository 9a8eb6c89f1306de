"""Real ones of everything that is fuzzed, made by our own writers: mutated, they get deeper than noise does."""

import base64
import io
import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, derive_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from tests.fakes.growing_log import KEY, NOW, PRIVATE, line_of, witness
from tests.fuzz.targets import GROWN

from wardline import canonical
from wardline.adapters.backup.archive import ArchiveWriter
from wardline.adapters.signing.keys import KeySigner
from wardline.canonical import Digest
from wardline.evidence import backups
from wardline.evidence.packets.packet import MIDDLE, PREFIX, SUFFIX
from wardline.evidence.retention import purges
from wardline.evidence.retention.retention import Kept, Schedule
from wardline.identity.erasure import Destroyed, Erasure, Remaining
from wardline.identity.predicates import Change, Enrolment, KeyChange, Purpose, RevocationReason
from wardline.identity.principals import Kind, Principal, PublicKey, Role
from wardline.ids import PrincipalId
from wardline.predicates import BlobRef, Predicate
from wardline.tlog import tree
from wardline.tlog.proof_file import ProofFile
from wardline.tlog.tiles import Tile, encode_bundle, encode_tile, tiles_of

_P256 = derive_private_key(7, SECP256R1()).public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
_ROOT, _NEXT = PublicKey.of(KEY.raw), PublicKey.of(_P256)
_PERSON = PrincipalId("p-safety")
_STORIES = Path(__file__).parents[1] / "unit" / "evidence"
_VALID = Path(__file__).parents[1] / "vectors" / "wardline_yaml" / "valid"
_CALENDARS = Path(__file__).parents[1] / "vectors" / "calendars" / "valid"


@dataclass(frozen=True)
class Told:
    """What a run leaves behind."""

    packet: bytes
    envelopes: tuple[bytes, ...]
    statements: tuple[bytes, ...]
    checkpoint: str


@contextmanager
def told() -> Iterator[Told]:
    """Tell a run in full, in a real log."""
    sys.path.append(str(_STORIES))
    from told_story import begun

    with tempfile.TemporaryDirectory() as folder, begun(Path(folder)) as story:
        story.tell()
        evidence = [story.log.read(index) for index in range(story.log.size())]
        yield Told(
            packet=story.packet(),
            envelopes=tuple(item.envelope.encode() for item in evidence),
            statements=tuple(item.envelope.payload for item in evidence),
            checkpoint=story.log.checkpoint(),
        )


def seeds(name: str) -> list[bytes]:
    """Return what the target `name` starts from."""
    made = _OF_TLOG | _OF_FILES | _OF_PREDICATES
    return made[name] if name in made else _of_evidence(name)


def _of_evidence(name: str) -> list[bytes]:
    with told() as story:
        inner = base64.b64decode(story.packet.removeprefix(PREFIX).removesuffix(SUFFIX).rpartition(MIDDLE)[2])
        return {
            "canonical-json": [
                *story.statements,
                b'{"\xc3\xa9":[0,-1,9007199254740991,null,true],"\xf0\x9f\x98\x80":"\\u0000"}',
            ],
            "dsse": list(story.envelopes),
            "foreign-dsse": [*story.envelopes[:4], *map(_spelled_otherwise, story.envelopes[:4])],
            "statement": list(story.statements),
            "packet": [inner],
            "packet-frame": [story.packet],
        }[name]


def _spelled_otherwise(envelope: bytes) -> bytes:
    """Return `envelope` as somebody else might write it: other base64, other order, white space, more members."""
    ours = json.loads(envelope)
    loose = {
        "signatures": [{"sig": _url_safe(one["sig"]), "keyid": one["keyid"], "x": [1.5]} for one in ours["signatures"]],
        "payload": _url_safe(ours["payload"]),
        "payloadType": ours["payloadType"],
        "more": {"é": None},
    }
    return json.dumps(loose, indent=1).encode()


def _url_safe(text: str) -> str:
    return text.replace("+", "-").replace("/", "_")


def _bodies(*predicates: Predicate) -> list[bytes]:
    return [canonical.encode(predicate.body()) for predicate in predicates]


def _backup() -> tuple[bytes, bytes]:
    """Return a backup and its signed manifest."""
    file = io.BytesIO()
    writer = ArchiveWriter(file)
    blob = b"what a test said\n" * 40
    members = [writer.add(backups.DATABASE, [b"rows"], size=4)]
    members += [writer.add(f"blobs/{Digest.of(blob).hex}", [blob], size=len(blob))]
    members += [writer.add("settings/retention.yaml", [_RETENTION], size=len(_RETENTION))]
    manifest = backups.Manifest(
        version="0.3.0",
        made_at=NOW,
        key=KEY,
        size=GROWN.size,
        root=GROWN.head().root,
        checkpoint=GROWN.note(),
        with_keys=False,
        members=tuple(members),
        absent={Digest.of(b"gone"): backups.Why.MISSING},
    ).sealed(KeySigner(PRIVATE))
    writer.finish(manifest)
    return file.getvalue(), manifest


def _purge() -> bytes:
    removal = purges.Removal(digest=Digest.of(b"old"), kept=Kept.OUTPUTS, size_bytes=3, retain_until=NOW, named_by=4)
    return purges.Manifest.of([removal], Schedule()).encode()


_HEAD = GROWN.head().encode()
_LINES = line_of(1, _HEAD) + line_of(1, _HEAD, at=NOW + timedelta(hours=1)) + line_of(2, _HEAD)
_PROOFS = [
    ProofFile(index=6, hashes=tree.inclusion_proof(GROWN, 6, 11), checkpoint=GROWN.note() + _LINES, extra=extra)
    for extra in (None, b"", b"whatever")
]
_TILES = list(tiles_of(70_000, entries=True))
_RETENTION = b"retention: 1\nyears:\n  outputs: 10\n  reports: 7 # longer\n  gate-inputs: for ever\n"
_WITNESSES = f"# who holds us\n{witness(1)} https://witness.example/x\n\n{witness(2)}\n".encode()
_BACKUP, _MANIFEST = _backup()

_OF_TLOG = {
    "note": [(GROWN.note() + _LINES).encode()],
    "signature-line": [line.encode() for line in (GROWN.note() + _LINES).splitlines() if line.startswith("— ")],
    "vkey": [str(KEY).encode()],
    "witness-key": [str(witness(1)).encode(), str(witness(2, "ünter.example")).encode()],
    "checkpoint": [_HEAD.encode(), f"{_HEAD}more\nlines\n".encode()],
    "signed-checkpoint": [(GROWN.note() + _LINES).encode()],
    "cosignatures": [_LINES.encode(), line_of(1, _HEAD).encode()],
    "add-checkpoint": [GROWN.request(old, 11).encode().encode() for old in (0, 1, 7, 11)],
    "proof-file": [proof.encode().encode() for proof in _PROOFS],
    "tile-path": [tile.path.encode() for tile in (*_TILES[:2], *_TILES[-4:], Tile(level=0, index=1234067))],
    "tiles": [
        size.to_bytes(3, "big") + encode_tile(GROWN, Tile(level=0, index=0, width=size)) for size in (1, 2, 7, 11)
    ],
    "entry-bundle": [encode_bundle(GROWN.entries(0, count)) for count in (0, 1, 11)],
}

_OF_FILES = {
    "sensitive": [
        b"MSH|^~\\&|A|B|C|D|2024||ADT^A01|1|P|2.5\rPID|1||12345^^^H^MR||Roe^Jo||19610304\r",
        (
            b"ISA*00*          *00*          *ZZ*A              *ZZ*B              *240101*1200*^*00501*1*0*P*:~"
            b"NM1*IL*1*ROE*JO~"
        ),
        b'{"resourceType":"Patient","identifier":[{"value":"A12345"}],"name":[{"family":"Roe","given":["Jo"]}]}',
        b'<Patient><name><family value="Roe"/></name></Patient>',
        b"patient:\n  name: &a Jo Roe\n  also: *a\n",
        b"first_name,ssn\nJo,524-45-6788\n",
        b"INSERT INTO patients (name, dob) VALUES ('Jo Roe', '1961-03-04');",
        b"\0" * 128 + b"DICM\x02\0\x10\0UI\x14\x001.2.840.10008.1.2.1\0\x10\0\x10\0PN\x06\0Roe^Jo",
    ],
    "backup": [_BACKUP],
    "backup-manifest": [_MANIFEST],
    "purge": [_purge()],
    "retention": [_RETENTION],
    "pipeline": [file.read_bytes() for file in sorted(_VALID.glob("*.yaml"))],
    "calendar": [file.read_bytes() for file in sorted(_CALENDARS.glob("*.yaml"))],
    "witness-list": [_WITNESSES],
    "pkcs11-uri": [
        b"pkcs11:token=a%20b;serial=1f;id=%01%ff;type=private?module-path=/x.so&pin-source=file:/pin",
        b"pkcs11:token=ward;object=signing?module-path=/usr/lib/softhsm/libsofthsm2.so",
    ],
}

_OF_PREDICATES = {
    "key-change": _bodies(
        KeyChange(change=Change.ADDED, origin=KEY.name, key=_NEXT, by=_ROOT, purposes=frozenset({Purpose.STATEMENTS})),
        KeyChange(change=Change.RETIRED, origin=KEY.name, key=_ROOT),
        KeyChange(
            change=Change.REVOKED,
            origin=KEY.name,
            key=_ROOT,
            holder=_PERSON,
            since=4,
            reason=RevocationReason.KEY_COMPROMISE,
        ),
    ),
    "enrolment": _bodies(
        Enrolment(principal=Principal(id=_PERSON, key=_ROOT, roles=frozenset(Role)), founding=True),
        Enrolment(principal=Principal(id=_PERSON, key=_NEXT, roles=frozenset({Role.AUDITOR}), kind=Kind.MACHINE)),
        Enrolment(principal=Principal(id=_PERSON, key=None, roles=frozenset())),
    ),
    "erasure": _bodies(
        Erasure(
            principal=_PERSON,
            destroyed=Destroyed(
                name=True,
                addresses=2,
                keys=(Digest.of(b"key").hex,),
                texts=3,
                manifest=BlobRef(digest=Digest.of(b"manifest"), media_type="application/json", size_bytes=8),
            ),
            kept=Remaining(
                statements=4, signed=1, law="45 CFR 164.316(b)(2)(i)", until=datetime(2032, 1, 1, tzinfo=UTC)
            ),
        ),
        Erasure(
            principal=None,
            destroyed=Destroyed(name=False, addresses=1, keys=(), texts=0, manifest=None),
            kept=Remaining(statements=0, signed=0, law="none", until=None),
        ),
    ),
}

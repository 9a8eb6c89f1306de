"""What is fuzzed: everything that reads bytes from strangers, with what must hold of whatever it takes.

A target returns, or raises one of our own errors. Where a form has one spelling, what was read must be written again
byte for byte; where it has several, what was read must mean the same when it is read again.
"""

import base64
import io
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from tests.fakes.growing_log import KEY as LOG
from tests.fakes.growing_log import GrowingLog, witness

from wardline import canonical
from wardline.adapters.backup.archive import ArchiveReader
from wardline.adapters.c2sp.witness_list import read_witnesses
from wardline.adapters.scanners.sensitive.reading import read
from wardline.adapters.signing.pkcs11_uri import PKCS11URI
from wardline.canonical import JSONObject
from wardline.errors import InvalidInput
from wardline.evidence.backups import SignedManifest
from wardline.evidence.envelopes import Envelope
from wardline.evidence.foreign_envelopes import read_foreign
from wardline.evidence.packets.packet import MIDDLE, PREFIX, SUFFIX, Packet
from wardline.evidence.retention.purges import Manifest
from wardline.evidence.retention.retention_file import parse_schedule
from wardline.evidence.schemas import check_predicate
from wardline.evidence.statements import Statement
from wardline.findings.sensitive.formats import Formats
from wardline.gates.calendar_files import parse_calendar
from wardline.identity.erasure import Erasure
from wardline.identity.predicates import Enrolment, KeyChange
from wardline.pipelines.parse import parse_bytes
from wardline.tlog import tree
from wardline.tlog.add_checkpoint import AddCheckpoint
from wardline.tlog.checkpoint import Checkpoint, open_checkpoint
from wardline.tlog.cosignature import WitnessKey, cosigned_by, verify_cosignature, with_cosignatures
from wardline.tlog.merkle import verify_consistency, verify_inclusion
from wardline.tlog.note import VerifierKey, open_note, read_signature, signature_line, take_apart
from wardline.tlog.proof_file import ProofFile
from wardline.tlog.tiles import Tile, TiledNodes, decode_bundle, encode_bundle

Read = TypeVar("Read")
GROWN = GrowingLog(11)
WITNESS = witness(1)


def text(content: bytes) -> str:
    """Return `content` as text; what is no UTF-8 as lone surrogates, which is worse than anything a file gives."""
    return content.decode(errors="surrogateescape")


def note(content: bytes) -> None:
    told, signatures = take_apart(text(content))
    assert f"{told}\n{''.join(signature_line(*each) for each in signatures)}" == text(content)
    open_note(text(content), LOG)


def signature(content: bytes) -> None:
    assert signature_line(*read_signature(text(content))) == f"{text(content)}\n"


def cosigned(content: bytes) -> None:
    """Read `content` as lines that come back from witnesses, below a checkpoint that the log signed."""
    whole = GROWN.note() + text(content)
    assert (
        with_cosignatures(whole, tuple(f"{line}\n" for line in text(content).removesuffix("\n").split("\n"))) == whole
    )
    seen = cosigned_by(whole, (WITNESS,), needed=1)
    assert seen == {WITNESS.name: verify_cosignature(whole, WITNESS)}
    open_checkpoint(whole, LOG)


def proof_file(content: bytes) -> None:
    found = ProofFile.parse(text(content))
    assert found.encode() == text(content)
    found.verify(GROWN.entries(6, 1)[0], LOG, witnesses=(WITNESS,), needed=1)


def tiles(content: bytes) -> None:
    """Read `content` as a size and the bytes of whatever tile is asked for, as a client reads a log."""
    size, served = int.from_bytes(content[:3], "big"), content[3:]
    nodes = TiledNodes(size, lambda tile: served[: tile.width * 32])
    root = tree.root(nodes, size)
    if size:
        leaf, index = nodes.node(0, size // 2), size // 2
        verify_inclusion(leaf, index, size, tree.inclusion_proof(nodes, index, size), root)
        old = tree.root(nodes, index + 1)
        verify_consistency(index + 1, size, tree.consistency_proof(nodes, index + 1, size), old, root)


def foreign(content: bytes) -> None:
    """What others spell in their way has one form of ours, which both readers take."""
    envelope = read_foreign(content)
    assert Envelope.decode(envelope.encode()) == envelope == read_foreign(envelope.encode())


def statement(content: bytes) -> None:
    read = Statement.decode(content)
    assert read.encode() == content
    check_predicate(read)


def packet(content: bytes) -> None:
    """Read `content` as what is inside the frame, where a parser goes wrong."""
    proof = base64.encodebytes(content)
    Packet.decode(PREFIX + b"<p>" + MIDDLE + proof + SUFFIX)


def witness_list(content: bytes) -> None:
    with tempfile.NamedTemporaryFile() as file:
        file.write(content)
        file.flush()
        for listed in read_witnesses(Path(file.name)):
            assert WitnessKey.parse(str(listed.key)) == listed.key


def backup(content: bytes) -> None:
    """Read `content` as a backup, every member to its end."""
    archive = ArchiveReader(io.BytesIO(content), name="fuzz")
    for member in archive.signed.manifest.members:
        assert sum(map(len, archive.content(member))) == member.size_bytes


def purged(content: bytes) -> None:
    """What is written of a time is its milliseconds, so the text is compared that was written again."""
    written = Manifest.decode(content).encode()
    assert Manifest.decode(written).encode() == written


def body_of(content: bytes) -> JSONObject:
    match canonical.decode(content):
        case dict(body):
            return body
        case _:
            raise InvalidInput("no body of a predicate")


def key_change(content: bytes) -> None:
    assert KeyChange.parse(body_of(content)).body() == body_of(content)


def enrolment(content: bytes) -> None:
    read = Enrolment.parse(body_of(content))
    assert Enrolment.parse(read.body()) == read


def erasure(content: bytes) -> None:
    read = Erasure.parse(body_of(content))
    assert Erasure.parse(read.body()).body() == read.body()


def written_again(read: Callable[[str], object]) -> Callable[[bytes], None]:
    """Return a target that reads a text which has one spelling."""

    def target(content: bytes) -> None:
        assert str(read(text(content))) == text(content)

    return target


def encoded_again(read: Callable[[bytes], Read], encode: Callable[[Read], bytes]) -> Callable[[bytes], None]:
    """Return a target that reads bytes of which there are no others for the same value."""

    def target(content: bytes) -> None:
        assert encode(read(content)) == content

    return target


FORMATS = Formats()


def sensitive(content: bytes) -> None:
    """Every reader of the scanner; it may raise nothing at all."""
    for name in ("a.log", "a.py", "a.json", "a.xml", "a.yaml", "a.csv", "a.sql"):
        FORMATS.spots(name, content)
    list(read("a", io.BytesIO(content), len(content)))


TARGETS: dict[str, Callable[[bytes], object]] = {
    "note": note,
    "signature-line": signature,
    "vkey": written_again(VerifierKey.parse),
    "witness-key": written_again(WitnessKey.parse),
    "checkpoint": written_again(lambda told: Checkpoint.parse(told).encode()),
    "signed-checkpoint": lambda content: open_checkpoint(text(content), LOG),
    "cosignatures": cosigned,
    "add-checkpoint": written_again(lambda told: AddCheckpoint.parse(told).encode()),
    "proof-file": proof_file,
    "tile-path": written_again(lambda told: Tile.parse(told).path),
    "tiles": tiles,
    "entry-bundle": encoded_again(decode_bundle, encode_bundle),
    "canonical-json": encoded_again(canonical.decode, canonical.encode),
    "dsse": encoded_again(Envelope.decode, Envelope.encode),
    "foreign-dsse": foreign,
    "statement": statement,
    "key-change": key_change,
    "enrolment": enrolment,
    "erasure": erasure,
    "packet": packet,
    "packet-frame": encoded_again(Packet.decode, Packet.encode),
    "purge": purged,
    "backup": backup,
    "backup-manifest": SignedManifest.decode,
    "retention": lambda content: parse_schedule(text(content), where="retention.yaml"),
    "pipeline": parse_bytes,
    "calendar": lambda content: parse_calendar(content, file="calendar.yaml"),
    "witness-list": witness_list,
    "pkcs11-uri": written_again(PKCS11URI.parse),
    "sensitive": sensitive,
}

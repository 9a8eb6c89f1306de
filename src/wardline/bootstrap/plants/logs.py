"""A small log of its own, spoilt: before the check of a log, and before the verification of a packet."""

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import wardline
from wardline.adapters.signing.keys import installation_key
from wardline.adapters.storage.check_log import check_log
from wardline.adapters.storage.database import open_database
from wardline.bootstrap.plants.scratch import ORIGIN, scratch
from wardline.bootstrap.plants.telling import Plant, told, unshown
from wardline.canonical import Digest
from wardline.clock import Clock
from wardline.errors import IntegrityViolation, InvalidInput, WardlineError
from wardline.evidence.log import Evidence
from wardline.evidence.packets.assemble_packet import Archive, assemble
from wardline.evidence.packets.verify_packet import Trust, Verification, verify_packet
from wardline.evidence.schemas import check_predicate
from wardline.gates.trials import Planted, Tool
from wardline.ids import RunId
from wardline.outcomes import Outcome
from wardline.pipelines.predicates import StageStopped
from wardline.pipelines.run import RunStatus
from wardline.pipelines.sealing import RunSealed
from wardline.predicates import Subject
from wardline.tlog.merkle import leaf_hash
from wardline.tlog.note import VerifierKey

_OURS: Final = Tool(name="wardline", version=wardline.__version__)
_RUN: Final = RunId("r-planted")
_STATEMENTS: Final = 9
_PIECE: Final = 16  # bytes
_HOLDS, _DAMAGED = "it holds", "it does not hold"
CheckLog = Callable[..., object]  # as `check_log`
_FLIPS: Final = 24  # bytes of a packet flipped one at a time, from its first to its last


@dataclass(frozen=True, slots=True, kw_only=True)
class _Written:
    """A log that was written and closed.

    Attributes:
        packet: Of its one run.
        foreign: The same, signed by somebody else.
    """

    database: Path
    key: VerifierKey
    leaves: Sequence[Evidence]
    note: str
    packet: bytes
    foreign: bytes


def plant_in_log(clock: Clock, *, check: CheckLog = check_log) -> Plant:
    """Return what changes one thing after another in a log, and lets it be checked."""

    def plant(work: Path) -> tuple[Tool, tuple[Planted, ...]]:
        written = _write(work / "log", clock)
        leaf = written.leaves[len(written.leaves) // 2]
        faults = (
            ("a statement changed in one bit", base64.b64encode(leaf.envelope.payload)),
            ("a signature changed in one bit", base64.b64encode(leaf.envelope.signatures[0].sig)),
            ("the hash of a leaf changed in one bit", leaf_hash(leaf.envelope.encode())),
            ("the newest checkpoint changed in one bit", written.note.split("\n")[2].encode()),
        )
        planted = [_spoilt(written, fault, part, check) for fault, part in faults]
        half = written.database.read_bytes()
        planted.append(_told("the file cut in half", _checked(half[: len(half) // 2], written, check)))
        sound = _checked(written.database.read_bytes(), written, check)
        if sound != _HOLDS:
            planted.append(unshown("the log as it was written", expected=_HOLDS, got=sound))
        return _OURS, tuple(planted)

    return plant


def plant_in_packet(clock: Clock, *, verify: Callable[[bytes, Trust], Verification] = verify_packet) -> Plant:
    """Return what flips one byte after another in a packet, and lets it be verified."""

    def plant(work: Path) -> tuple[Tool, tuple[Planted, ...]]:
        written = _write(work / "packet", clock)
        packet, trust = written.packet, Trust(key=written.key)
        places = [number * (len(packet) - 1) // (_FLIPS - 1) for number in range(_FLIPS)]
        stranger = installation_key(work / "stranger" / "key.pem").public_key.raw
        faults = (
            *((f"byte {place} of {len(packet)} flipped", _with_flipped(packet, place), trust) for place in places),
            ("signed by somebody else", written.foreign, trust),
            ("under another key", packet, Trust(key=VerifierKey(name=ORIGIN, raw=stranger))),
        )
        planted = [_verified(fault, verify(content, trusted)) for fault, content, trusted in faults]
        sound = verify(packet, trust)
        if not sound.holds:
            why = next(check.title for check in sound.checks if check.outcome is not Outcome.PASSED)
            planted.append(unshown("the packet as it was written", expected=_HOLDS, got=why))
        return _OURS, tuple(planted)

    return plant


def _verified(fault: str, found: Verification) -> Planted:
    failed = [check.number for check in found.checks if check.outcome is not Outcome.PASSED]
    got = f"check {failed[0]} failed" if failed else "every check passed"
    return told(f"packet: {fault}", expected=_DAMAGED, got=got, caught=not found.holds)


def _spoilt(written: _Written, fault: str, part: bytes, check: CheckLog) -> Planted:
    """Flip a bit of `part` where it stands in the file of the database."""
    content = written.database.read_bytes()
    # A page of the file may end inside of it: the first piece that stands there whole, and once, will do.
    pieces = (part[at : at + _PIECE] for at in range(0, len(part) - _PIECE + 1, _PIECE // 2))
    piece = next((piece for piece in pieces if content.count(piece) == 1), None)
    if piece is None:
        return unshown(f"log: {fault}", expected="a place to change", got="not found in the file")
    place = content.index(piece) + _PIECE // 2
    return _told(fault, _checked(_with_flipped(content, place), written, check))


def _with_flipped(content: bytes, place: int) -> bytes:
    return b"".join((content[:place], bytes([content[place] ^ 1]), content[place + 1 :]))


def _told(fault: str, found: str) -> Planted:
    return told(f"log: {fault}", expected=_DAMAGED, got=found, caught=found == _DAMAGED)


def _checked(content: bytes, written: _Written, check: CheckLog) -> str:
    """Return what the check of a log with this file as its database finds."""
    database = written.database.with_name("spoilt.db")
    database.write_bytes(content)
    try:
        with open_database(database) as engine:
            check(engine, written.key, check_statement=check_predicate)
    except (IntegrityViolation, InvalidInput):
        return _DAMAGED
    except WardlineError as error:
        return f"could not look: {type(error).__name__}"
    finally:
        for beside in ("-wal", "-shm"):
            database.with_name(f"spoilt.db{beside}").unlink(missing_ok=True)
    return _HOLDS


def _write(folder: Path, clock: Clock) -> _Written:
    stranger = installation_key(folder / "stranger.pem")
    with scratch(folder, clock) as made:
        for number in range(_STATEMENTS - 1):
            made.collect.once(f"planted-{number}", _RUN, lambda: _STOPPED)
        made.collect.last("seal", _RUN, _sealed)
        contents = assemble(_RUN, Archive(log=made.log, blobs=made.blobs))
        return _Written(
            database=made.file,
            key=made.log.key,
            leaves=tuple(made.log.every()),
            note=made.log.checkpoint(),
            packet=contents.sign(made.signer).encode(),
            foreign=contents.sign(stranger).encode(),
        )


def _sealed(_: int) -> RunSealed:
    return RunSealed(
        run=_RUN, journey="ship", service="planted", status=RunStatus.FAILED, statements=_STATEMENTS, first=0
    )


_STOPPED: Final = StageStopped(
    about=Subject(name="artifact", digest=Digest.of(b"planted")),
    stage="build",
    code="build-failed",
    exit_code=1,
    errored=False,
    output=None,
    private=None,
)

"""A fault in every call by which a log becomes files: whoever reads them meanwhile or later finds a whole log.

Two sites are gone on from: one with entries, whose partial tiles become full ones; and one of hashes alone, which
gets its entries. Both have what crosses a tile's edge.
"""

import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.integration.faults.calls import (
    FAULTS,
    KILLED,
    NEEDS_STRACE,
    Call,
    calls_under,
    injecting,
    spread,
    tracing,
    was_put_in,
)
from tests.integration.faults.writer import ORIGIN, REFUSED, SIGNER, statement

from wardline.adapters.c2sp.tile_files import write_tiles
from wardline.adapters.storage.database import open_database
from wardline.adapters.storage.evidence_log import SQLEvidenceLog
from wardline.adapters.storage.published import SQLPublishedLog
from wardline.canonical import Digest
from wardline.evidence.envelopes import seal
from wardline.evidence.statements import PAYLOAD_TYPE
from wardline.predicates import BlobRef
from wardline.tlog import tree
from wardline.tlog.checkpoint import open_checkpoint
from wardline.tlog.merkle import HASH_BYTES, leaf_hash
from wardline.tlog.note import VerifierKey
from wardline.tlog.tiles import CHECKPOINT, WIDTH, Tile, TiledNodes, decode_bundle, tiles_of

BEFORE, AFTER = 250, 520  # leaves: less than a tile; two full ones and a partial one
KEY = VerifierKey(name=ORIGIN, raw=SIGNER.public_key.raw)
ROOT = Path(__file__).parents[3]


@dataclass(frozen=True)
class Begun:
    """A log, a site that is behind, and the calls of a publisher that brings it up without a fault."""

    database: Path
    site: Path
    calls: tuple[Call, ...]


def publish(database: Path, site: Path, *, under: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    command = [*under, sys.executable, "-m", "tests.integration.faults.publisher", str(database), str(site)]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=60, check=False)


def append(log: SQLEvidenceLog, numbers: range) -> None:
    for number in numbers:
        output = BlobRef(digest=Digest.of(b"%d" % number), media_type="text/plain", size_bytes=1)
        log.append(seal(statement(number, output).encode(), payload_type=PAYLOAD_TYPE, signer=SIGNER))


def published(site: Path, tile: Tile) -> bytes:
    """Return the tile as a reader finds it: where it is gone, the full one has its beginning (tlog-tiles)."""
    path = site / tile.path
    if path.is_file():
        return path.read_bytes()
    content = (site / tile.full.path).read_bytes()
    if tile.level is not None:
        return content[: tile.width * HASH_BYTES]
    return b"".join(len(one).to_bytes(2, "big") + one for one in decode_bundle(content)[: tile.width])


def is_whole(site: Path, *, entries: bool) -> int:
    """Check what the site's checkpoint covers, every file of it, and return its size."""
    checkpoint = open_checkpoint((site / CHECKPOINT).read_text(), KEY)
    tiles = list(tiles_of(checkpoint.size, entries=entries))
    found = {(tile.level, tile.index): published(site, tile) for tile in tiles}
    nodes = TiledNodes(checkpoint.size, lambda tile: found[tile.level, tile.index])
    assert tree.root(nodes, checkpoint.size) == checkpoint.root
    for tile in tiles:
        if tile.level is None:
            hashes = b"".join(leaf_hash(entry) for entry in decode_bundle(found[None, tile.index]))
            assert hashes == found[0, tile.index]
        elif tile.level:
            below = [nodes.node(tile.level * 8, tile.index * WIDTH + number) for number in range(tile.width)]
            assert b"".join(below) == found[tile.level, tile.index]
    return checkpoint.size


@pytest.fixture(scope="module", params=[True, False], ids=["with-entries", "hashes-alone"])
def begun(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Begun:
    scratch = tmp_path_factory.mktemp("published")
    database, site, whole = scratch / "wardline.db", scratch / "begun", scratch / "whole"
    with open_database(database) as opened:
        log = SQLEvidenceLog(opened, signer=SIGNER, origin=ORIGIN)
        append(log, range(BEFORE) if request.param else range(AFTER - 1))
        write_tiles(SQLPublishedLog(opened), site, entries=request.param)
        append(log, range(BEFORE, AFTER) if request.param else range(AFTER - 1, AFTER))
    shutil.copytree(site, scratch / "first")
    publish(database, scratch / "first")  # so that Python's own files are written before calls are counted
    shutil.copytree(site, whole)
    ended = publish(database, whole, under=tracing(scratch / "trace"))
    assert (ended.returncode, is_whole(whole, entries=True)) == (0, AFTER), ended.stderr
    return Begun(database, site, calls_under(whole, scratch / "trace"))


def meets_a_fault(begun: Begun, site: Path, call: Call, fault: str) -> str | None:
    """Return what does not hold after `fault` in `call`; None: all of it does."""
    shutil.rmtree(site, ignore_errors=True)
    shutil.copytree(begun.site, site)
    had_entries = (site / "tile" / "entries").is_dir()
    trace = site.parent / "trace"
    ended = publish(begun.database, site, under=injecting(call, fault, trace))
    text = ended.stdout + ended.stderr
    refused = ended.returncode == REFUSED and "refused Unavailable" in text
    tells = ended.returncode in KILLED if "KILL" in fault else (refused or ended.returncode == 0)
    if "Traceback" in text or not tells or not was_put_in(fault, trace):
        return f"{call} {fault}: exit {ended.returncode}\n{text}"
    size = is_whole(site, entries=had_entries or ended.returncode == 0)
    if ended.returncode == 0 and size != AFTER:
        return f"{call} {fault}: said to be published, and the site has {size}"
    again = publish(begun.database, site)
    if (again.returncode, is_whole(site, entries=True)) != (0, AFTER):
        return f"{call} {fault}: not completed by the next run\n{again.stdout}{again.stderr}"
    return None


def all_hold(begun: Begun, tmp_path: Path, cases: list[tuple[Call, str]]) -> None:
    assert cases
    found = [meets_a_fault(begun, tmp_path / "site", call, fault) for call, fault in cases]
    assert not [each for each in found if each is not None]


@pytest.mark.slow
@NEEDS_STRACE
def test_the_publisher_makes_the_calls_that_faults_are_put_into(begun: Begun) -> None:
    names = {call.name for call in begun.calls}
    assert names >= {"openat", "write", "fsync"}
    assert names & {"rename", "renameat", "renameat2"}


@pytest.mark.slow
@pytest.mark.timeout(900)  # a minute on a machine with nothing else to do
@NEEDS_STRACE
def test_a_fault_in_a_spread_of_calls_leaves_a_whole_log_to_read(tmp_path: Path, begun: Begun) -> None:
    all_hold(begun, tmp_path, spread(begun.calls))


@pytest.mark.exhaustive
@pytest.mark.timeout(3600)
@NEEDS_STRACE
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_in_any_call_leaves_a_whole_log_to_read(tmp_path: Path, begun: Begun, fault: str) -> None:
    all_hold(begun, tmp_path, [(call, fault) for call in begun.calls])


@pytest.mark.slow
@NEEDS_STRACE
def test_every_folder_is_on_disk_before_the_checkpoint_says_so(tmp_path: Path, begun: Begun) -> None:
    site, trace = tmp_path / "site", tmp_path / "trace"
    shutil.copytree(begun.site, site)
    assert publish(begun.database, site, under=tracing(trace)).returncode == 0
    calls = [line for line in trace.read_text().splitlines() if line.endswith("= 0")]
    named = [number for number, call in enumerate(calls) if "rename" in call and f'"{site}/checkpoint"' in call]
    before = dict(enumerate(calls[: named[0]]))
    for folder in (each for each in site.rglob("*") if each.is_dir()):
        # Put into it: a file by its rename, a folder by its mkdir.
        put = [n for n, call in before.items() if re.search(rf'(?:rename|mkdir).*"{folder}/[^./"]+"', call)]
        synced = [n for n, call in before.items() if "fsync(" in call and f"<{folder}>" in call]
        assert synced[-1:] > put[-1:] or not put, f"{folder} was not synced after something was put into it"

"""A fault in every call by which the writer opens, writes, syncs or renames; then everything acknowledged is there.

strace puts the fault in: EIO and ENOSPC make one call fail, SIGKILL ends the process before it.
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
from tests.integration.faults.writer import ORIGIN, REFUSED, SIGNER

from wardline.adapters.blobs.files import FileBlobs
from wardline.adapters.storage.check_log import check_log
from wardline.adapters.storage.database import open_database
from wardline.adapters.storage.evidence_log import SQLEvidenceLog
from wardline.canonical import Digest

BEFORE, DURING = 2, 3  # statements before the fault, and of the run that meets it


@dataclass(frozen=True)
class Ended:
    code: int
    acknowledged: tuple[tuple[int, int, Digest], ...]  # number, index, blob
    text: str


def write(folder: Path, first: int, count: int, *, under: tuple[str, ...] = ()) -> Ended:
    command = [*under, sys.executable, "-m", "tests.integration.faults.writer", str(folder), str(first), str(count)]
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=Path(__file__).parents[3], timeout=60, check=False
    )
    found = re.findall(r"^acknowledged (\d+) (\d+) ([0-9a-f]{64})$", done.stdout, re.MULTILINE)
    acknowledged = tuple((int(number), int(index), Digest(blob)) for number, index, blob in found)
    return Ended(code=done.returncode, acknowledged=acknowledged, text=done.stdout + done.stderr)


@dataclass(frozen=True)
class Begun:
    """What every case starts from, and the calls of a writer that goes on from there without a fault."""

    folder: Path
    acknowledged: tuple[tuple[int, int, Digest], ...]
    calls: tuple[Call, ...]


def begin(scratch: Path) -> Begun:
    folder = scratch / "begun"
    ended = write(folder, 0, BEFORE)
    assert ended.code == 0, ended.text
    going_on = scratch / "home"
    shutil.copytree(folder, going_on)
    return Begun(folder, ended.acknowledged, calls_of_a_writer(going_on, scratch / "trace"))


def calls_of_a_writer(folder: Path, trace: Path) -> tuple[Call, ...]:
    ended = write(folder, BEFORE, DURING, under=tracing(trace))
    assert ended.code == 0, ended.text
    found = calls_under(folder, trace)
    assert {call.name for call in found} >= {"openat", "write", "pwrite64", "fsync", "fdatasync"}
    assert {call.name for call in found} & {"rename", "renameat", "renameat2"}
    return found


def holds(folder: Path, acknowledged: tuple[tuple[int, int, Digest], ...]) -> int:
    """Check the log and everything acknowledged; return the log's size."""
    with open_database(folder / "wardline.db") as database:
        log = SQLEvidenceLog(database, signer=SIGNER, origin=ORIGIN)
        checked = check_log(database, log.key)
        for number, index, blob in acknowledged:
            evidence = log.read(index)
            assert evidence.statement.context.step == f"step-{number}"
            assert FileBlobs(folder / "blobs").get(blob)
        return checked.size


def meets_a_fault(begun: Begun, folder: Path, call: Call, fault: str) -> str | None:
    """Return what does not hold after `fault` in `call`; None: all of it does."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(begun.folder, folder)
    before = begun.acknowledged
    trace = folder.parent / f"{folder.name}.trace"
    ended = write(folder, BEFORE, DURING, under=injecting(call, fault, trace))
    refused = ended.code == REFUSED and "refused " in ended.text
    tells = ended.code in KILLED if "KILL" in fault else (refused or ended.code == 0)
    if "Traceback" in ended.text or not tells:
        return f"{call} {fault}: exit {ended.code}\n{ended.text}"
    if not was_put_in(fault, trace):
        return f"{call} {fault}: was never put in"
    if ended.code == 0 and len(ended.acknowledged) != DURING:
        return f"{call} {fault}: exit 0 and {len(ended.acknowledged)} acknowledged"
    holds(folder, (*before, *ended.acknowledged))
    # The log goes on: what was not acknowledged is said again, and nothing is there twice.
    again = write(folder, BEFORE, DURING)
    size = holds(folder, (*before, *ended.acknowledged, *again.acknowledged))
    return None if (again.code, size) == (0, BEFORE + DURING) else f"{call} {fault}: {size} leaves\n{again.text}"


def all_hold(begun: Begun, tmp_path: Path, cases: list[tuple[Call, str]]) -> None:
    assert cases
    found = [meets_a_fault(begun, tmp_path / "home", call, fault) for call, fault in cases]
    assert not [each for each in found if each is not None]


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Begun:
    return begin(tmp_path_factory.mktemp("faults"))


@pytest.mark.slow
@pytest.mark.timeout(900)  # a minute on a machine with nothing else to do
@NEEDS_STRACE
def test_a_fault_in_a_spread_of_calls_loses_nothing_acknowledged(tmp_path: Path, begun: Begun) -> None:
    all_hold(begun, tmp_path, spread(begun.calls))


@pytest.mark.exhaustive
@pytest.mark.timeout(3600)
@NEEDS_STRACE
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_in_any_call_loses_nothing_acknowledged(tmp_path: Path, begun: Begun, fault: str) -> None:
    all_hold(begun, tmp_path, [(call, fault) for call in begun.calls])

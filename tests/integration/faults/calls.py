"""The calls that a fault can be put into, read from a run without faults, so that no list of them can fall behind."""

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

# By their names on every Linux; strace is told not to mind those that a machine has not.
CALLS = (
    "openat",
    "mkdir",
    "mkdirat",
    "write",
    "writev",
    "pwrite64",
    "ftruncate",
    "fsync",
    "fdatasync",
    "rename",
    "renameat",
    "renameat2",
    "link",
    "linkat",
    "unlink",
    "unlinkat",
    "rmdir",
)
FAULTS = ("error=EIO", "error=ENOSPC", "signal=KILL")
KILLED = {-9, 137}
NEEDS_STRACE = pytest.mark.skipif(
    shutil.which("strace") is None, reason="strace puts the faults in; install the package strace"
)


@dataclass(frozen=True)
class Call:
    """The `ordinal`-th call of this name that the program makes, from 1."""

    name: str
    ordinal: int


def tracing(trace: Path) -> tuple[str, ...]:
    """Return what to put before a command to write its calls to `trace`."""
    return ("strace", "-f", "-y", "-o", str(trace), f"-etrace={','.join(f'?{name}' for name in CALLS)}")


def calls_under(folder: Path, trace: Path) -> tuple[Call, ...]:
    """Return the traced calls that touch `folder`, in order; what Python itself opens is not among them."""
    seen: dict[str, int] = {}
    found = []
    for line in trace.read_text(errors="replace").splitlines():
        match = re.match(r"(?:\d+ +)?(\w+)\(", line)
        if match is None:
            continue
        seen[match[1]] = seen.get(match[1], 0) + 1
        if str(folder) in line:
            found.append(Call(match[1], seen[match[1]]))
    return tuple(found)


def injecting(call: Call, fault: str, trace: Path) -> tuple[str, ...]:
    """Return what to put before a command to put `fault` into `call`: an error instead of it, or the end before it."""
    inject = f"-einject={call.name}:{fault}:when={call.ordinal}"
    return ("strace", "-f", "-o", str(trace), f"-etrace={call.name}", inject)


def was_put_in(fault: str, trace: Path) -> bool:
    """Return whether the fault was met; of a kill the end of the process tells."""
    return "KILL" in fault or "(INJECTED)" in trace.read_text(errors="replace")


def spread(calls: tuple[Call, ...]) -> list[tuple[Call, str]]:
    """Return each fault in one call of each kind: early, in the middle or late."""
    cases = []
    for name in CALLS:
        of_kind = [call for call in calls if call.name == name]
        if of_kind:
            chosen = of_kind[0], of_kind[len(of_kind) // 2], of_kind[-1]
            cases += list(zip(chosen, FAULTS, strict=True))
    return cases

"""Starting a process that will outlive its parent, and bounding what it writes."""

import os
import shutil
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .ports import LISTENER_FD

MAX_LOG_BYTES = 8 << 20  # then the log is copied to `.1` and emptied: at most twice this is kept per process
_NOT_STARTED = 127  # as a shell reports a command it cannot run


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    argv: tuple[str, ...]
    environment: Mapping[str, str]  # all of it; its PATH is searched
    folder: str
    log: Path
    listener: int | None = None  # descriptor to hand over


def spawn(program: Program) -> int:
    """Start `program` in a session of its own and return its pid; its output is appended to its log.

    A file and no pipe: nothing breaks when the supervisor dies. If it cannot be executed the log says why.
    """
    pid = os.fork()
    if pid:
        return pid
    try:
        os.setsid()
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # Python ignores it, and that would be inherited
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        output = os.open(program.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(output, 1)
        os.dup2(output, 2)
        if program.listener is not None:
            os.dup2(program.listener, LISTENER_FD)
        # Every other descriptor closes by itself on exec (PEP 446).
        os.chdir(program.folder)
        os.execvpe(program.argv[0], program.argv, program.environment)  # noqa: S606 - no shell is the point
    except BaseException as error:  # noqa: BLE001 - the child must not go on as a second supervisor
        os.write(2, f"{program.argv[0]}: {error}\n".encode())
    os._exit(_NOT_STARTED)


def reap(pid: int) -> str:
    """Return how `pid` ended, and let the system forget it; an adopted process leaves no status."""
    try:
        _, status = os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return "ended, adopted: no status"
    code = os.waitstatus_to_exitcode(status)
    return f"exited with {code}" if code >= 0 else f"killed by signal {-code}"


def bound(log: Path, limit_bytes: int = MAX_LOG_BYTES) -> None:
    """Empty `log` once it is too large, keeping one copy; lines written in between may be lost."""
    try:
        if log.stat().st_size <= limit_bytes:
            return
    except FileNotFoundError:
        return
    # Emptied, not renamed: the process keeps its descriptor, and appends.
    shutil.copyfile(log, log.with_suffix(".log.1"))
    os.truncate(log, 0)


def detach(log: Path) -> None:
    """Go on as a process that no terminal and no caller can take down; the caller's own process ends here."""
    if os.fork():
        os._exit(0)
    os.setsid()
    os.chdir("/")
    os.umask(0o077)
    null = os.open(os.devnull, os.O_RDWR)
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    # The number at which the proxy expects its socket is kept free of anything else.
    for source, target in ((null, 0), (output, 1), (output, 2), (null, LISTENER_FD)):
        if source != target:
            os.dup2(source, target, inheritable=target != LISTENER_FD)
    sys.stdout.flush()

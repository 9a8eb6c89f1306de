"""Which processes are ours. Signals go through a pidfd that was compared first, so a recycled pid is never touched.

A process is known by pid, start ticks and boot. Its environment also holds a tag,
`WARDLINE_PROCESS=<environment>/<token>`: by it those are found whose pid was never written down.
"""

import hashlib
import os
import select
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

TAG = "WARDLINE_PROCESS"
_GONE = "ZX"  # states of a process that has ended but still has a start time


@dataclass(frozen=True, slots=True)
class Stat:
    """From `/proc/PID/stat` (proc_pid_stat(5)): fields 3, 6 and 22."""

    state: str
    session: int
    ticks: int  # start time, in clock ticks since boot

    @property
    def ended(self) -> bool:
        return self.state in _GONE


def boot_id() -> str:
    """Return what tells this boot from any other: pids and ticks mean nothing across boots."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def environment_tag(folder: Path) -> str:
    """Return how the processes of the environment in `folder` are marked; the folder alone decides it."""
    return hashlib.sha256(os.fsencode(folder.resolve())).hexdigest()[:16]


def stat_of(pid: int) -> Stat | None:
    try:
        text = Path(f"/proc/{pid}/stat").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The name in field 2 may hold spaces and brackets: count from the last one.
    fields = text[text.rindex(b")") + 2 :].split()
    return Stat(fields[0].decode(), int(fields[3]), int(fields[19]))


def open_known(pid: int, ticks: int) -> int | None:
    """Return a pidfd of the live process that is `pid` and started at `ticks`; None if it is gone."""
    pidfd = _open(pid)
    if pidfd is None:
        return None
    stat = stat_of(pid)
    if stat is None or stat.ended or stat.ticks != ticks:
        os.close(pidfd)
        return None
    return pidfd


def is_alive(pid: int, ticks: int) -> bool:
    stat = stat_of(pid)
    return stat is not None and not stat.ended and stat.ticks == ticks


def has_ended(pidfd: int) -> bool:
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    return bool(poll.poll(0))


def send(pidfd: int, signum: signal.Signals) -> None:
    """Signal the process behind `pidfd`; one that has ended is left in peace."""
    try:
        signal.pidfd_send_signal(pidfd, signum)
    except ProcessLookupError:
        return


def kill_tagged(tag: str, *, spare: frozenset[str] = frozenset(), session: int | None = None) -> list[int]:
    """Kill every process whose tag begins with `tag`; return their pids.

    spare: whole tags that are left alone. The calling process is never touched.
    session: kill its members too. Only for the session of a leader of ours that has ended: while members are
        left, the kernel gives its number to nobody else, and without members there is nobody to kill.
    """
    killed = []
    for pid in _pids():
        pidfd = _open(pid)
        if pidfd is None:
            continue
        try:
            if _is_ours(pid, tag, spare) or _is_left_over(pid, session):
                signal.pidfd_send_signal(pidfd, signal.SIGKILL)
                killed.append(pid)
        except (ProcessLookupError, PermissionError):
            continue  # it ended by itself meanwhile, or became another user's
        finally:
            os.close(pidfd)
    return killed


def tagged(tag: str) -> list[int]:
    """Return the pids of live processes whose tag begins with `tag`, the calling one left out."""
    return [pid for pid in _pids() if _is_ours(pid, tag, frozenset())]


def _open(pid: int) -> int | None:
    try:
        return os.pidfd_open(pid)
    except OSError:
        return None  # gone, or a thread and no process


def _pids() -> Iterator[int]:
    own = os.getpid()
    return (int(path.name) for path in Path("/proc").iterdir() if path.name.isdecimal() and int(path.name) != own)


def _is_ours(pid: int, tag: str, spare: frozenset[str]) -> bool:
    found = _tag_of(pid)
    if found is None or not found.startswith(tag) or found in spare:
        return False
    stat = stat_of(pid)
    return stat is not None and not stat.ended


def _tag_of(pid: int) -> str | None:
    try:
        content = Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return None  # gone, or somebody else's: the system does not let even root read all of them
    prefix = TAG.encode() + b"="
    found = next((entry for entry in content.split(b"\0") if entry.startswith(prefix)), None)
    return None if found is None else found.removeprefix(prefix).decode(errors="replace")


def _is_left_over(pid: int, session: int | None) -> bool:
    if session is None:
        return False
    leader = stat_of(session)
    if leader is not None and not leader.ended:
        return False  # the number is in use again
    stat = stat_of(pid)
    return stat is not None and not stat.ended and stat.session == session

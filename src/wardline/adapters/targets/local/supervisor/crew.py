"""The supervised processes of one environment: adopting, starting, restarting and ending them."""

import json
import os
import secrets
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from .door import Door
from .ports import LOOPBACK, free_port, is_free, is_listening, nobody
from .processes import TAG, boot_id, has_ended, kill_tagged, open_known, send, stat_of
from .shapes import KEPT_RESTARTS, PROXY, Desired, Record, Restart, State, instance_names, remember_port
from .spawn import Program, reap, spawn

SUPERVISOR = "supervisor"  # takes the place of the token in the tag of a supervisor
PROXY_GRACE = 10.0  # seconds the proxy gives to requests inside it once it is told to end
TERM_GRACE = 10.0  # seconds an instance has between SIGTERM and SIGKILL; the proxy has its own grace more
_SETTLED = 10.0  # seconds of life after which an end is no start-up failure: restart at once
_FIRST_DELAY, _LONGEST_DELAY = 0.4, 30.0  # seconds before a restart, doubling with each failure in a row
_EAGER = 60.0  # seconds after its start for which an instance is looked at often


@dataclass(slots=True)
class Member:
    """One process. `pid` None: it is down and starts again at `due`; `pidfd` None: it ended unseen."""

    name: str
    token: str = ""
    pid: int | None = None
    ticks: int = 0
    port: int | None = None
    ready: bool = False
    restarts: int = 0
    failures: int = 0
    started: float = 0.0
    pidfd: int | None = None
    due: float = 0.0
    ending: float | None = None  # told to end, at this time

    @property
    def release(self) -> str:
        return self.name.rpartition("/")[0]

    @property
    def record(self) -> Record:
        return Record(
            pid=self.pid,
            ticks=self.ticks,
            token=self.token,
            port=self.port,
            ready=self.ready,
            restarts=self.restarts,
            failures=self.failures,
            started_ms=round(self.started * 1000),
        )


class Crew:
    """Times are of the monotonic clock, which all processes of one boot share."""

    def __init__(self, folder: Path, tag: str, last: State, *, say: Callable[[str], None]) -> None:
        self._folder, self._tag, self._say = folder, tag, say
        self._door = Door()
        self._ports = dict(last.ports)
        self._restarts = list(last.restarts)
        same_boot = last.boot == boot_id()
        self.members = {name: _adopted(name, record, same_boot=same_boot) for name, record in last.processes.items()}
        proxy = self.members.get(PROXY)
        if proxy and proxy.pidfd is not None:
            self._door.adopt(proxy.pidfd)
        # Started, but its parent died before it was written down: nothing is sent to it yet.
        spare = frozenset(f"{tag}/{m.token}" for m in self.members.values() if m.pidfd is not None)
        if strays := kill_tagged(f"{tag}/", spare=spare | {f"{tag}/{SUPERVISOR}"}):
            say(f"killed strays: {strays}")

    def bury(self, desired: Desired) -> None:
        """Clear up after those who ended, and decide when they start again."""
        wanted = self._wanted(desired)
        for member in list(self.members.values()):
            if member.pid is None or (member.pidfd is not None and not has_ended(member.pidfd)):
                continue
            # Before it is reaped: its number cannot be given to another session yet.
            session = None if member.pidfd is None else member.pid
            kill_tagged(f"{self._tag}/{member.token}", session=session)
            self._say(f"{member.name} (pid {member.pid}) {reap(member.pid) if member.pidfd else 'ended unseen'}")
            if member.pidfd is not None:
                os.close(member.pidfd)
            member.pid, member.pidfd, member.ready = None, None, False
            if member.ending is not None or member.name not in wanted:
                del self.members[member.name]
            else:
                self._schedule(member)

    def dismiss(self, desired: Desired) -> None:
        """Ask those who are no longer wanted to end, then make them."""
        wanted = self._wanted(desired)
        now = time.monotonic()
        if desired.stopping:
            self._door.close()
        for member in list(self.members.values()):
            if member.ending is None and member.name in wanted:
                continue
            if member.pidfd is None:
                del self.members[member.name]
            elif member.ending is None:
                member.ending = now
                send(member.pidfd, signal.SIGTERM)
            elif now - member.ending > TERM_GRACE + (PROXY_GRACE if member.name == PROXY else 0):
                send(member.pidfd, signal.SIGKILL)

    def start(self, desired: Desired, *, save: Callable[[], None]) -> None:
        """Start who is wanted and due. `save` is called after each, to keep the time short in which it is a stray."""
        for name in self._wanted(desired):
            member = self.members.setdefault(name, Member(name))
            if member.pid is not None:
                continue
            if name == PROXY:
                self._door.open(desired.port or 0)  # before it is due: whoever calls waits from now on
            if member.due > time.monotonic():
                continue
            try:
                program = self._proxy(member, desired) if name == PROXY else self._instance(member, desired)
            except (OSError, ValueError) as error:
                self._say(f"{name} cannot be started: {type(error).__name__}: {error}")
                member.started = time.monotonic()  # so that it counts as a failure to start
                self._schedule(member)
                continue
            self._launch(member, program)
            save()

    def check(self) -> None:
        """Note which instances listen by now."""
        for member in self.members.values():
            if member.pid is not None and not member.ready:
                member.ready = member.port is None or is_listening(member.port)

    def addresses(self, release: str) -> list[str]:
        """Return where instances of `release` listen now; while none does, where nobody ever will.

        The port of one that is down is never named: anybody may listen there meanwhile. The proxy tries again
        until there is an answer or its patience ends.
        """
        listening = [
            f"{LOOPBACK}:{m.port}" for _, m in sorted(self.members.items()) if m.release == release and m.ready
        ]
        return listening or [nobody(release)]

    def pidfds(self) -> list[int]:
        return [m.pidfd for m in self.members.values() if m.pidfd is not None]

    def pause(self, *, busy: float, idle: float) -> float:
        """Return for how many seconds nothing needs doing unless something happens."""
        now = time.monotonic()
        if any(m.ending is not None or (m.pid and not m.ready and now - m.started < _EAGER) for m in self._all()):
            return busy
        return min([idle, *(max(m.due - now, 0.0) for m in self._all() if m.pid is None)])

    def told(self, state: State) -> State:
        """Return `state` with all that the crew knows."""
        return replace(
            state,
            processes={name: member.record for name, member in self.members.items()},
            ports=self._ports,
            restarts=tuple(self._restarts),
            problem=self._door.problem,
        )

    def log_of(self, name: str) -> Path:
        return self._folder / "logs" / f"{name.replace('/', '.')}.log"

    def _all(self) -> list[Member]:
        return list(self.members.values())

    def _wanted(self, desired: Desired) -> list[str]:
        if desired.stopping:
            # The proxy goes first and lets what is inside it end; then nobody is asking the instances.
            return [name for name in self.members if name != PROXY] if PROXY in self.members else []
        instances = [name for release, item in desired.releases.items() for name in instance_names(release, item)]
        return [PROXY, *instances] if desired.proxy else instances

    def _schedule(self, member: Member) -> None:
        now = time.monotonic()
        member.failures = 0 if now - member.started >= _SETTLED else member.failures + 1
        delay = _FIRST_DELAY * 2 ** (member.failures - 1) if member.failures else 0.0
        member.due = now + min(delay, _LONGEST_DELAY)

    def _launch(self, member: Member, program: Program) -> None:
        again = bool(member.token)
        member.token = secrets.token_hex(8)
        environment = {**program.environment, TAG: f"{self._tag}/{member.token}"}
        pid = spawn(replace(program, environment=environment))
        # Our child and not yet reaped: the number is still its own.
        stat = stat_of(pid)
        member.pid, member.ticks = pid, stat.ticks if stat else 0
        member.pidfd = os.pidfd_open(pid)
        member.started = time.monotonic()
        if again:
            member.restarts += 1
            self._restarts.append(Restart(release=member.release, at_ms=time.time_ns() // 1_000_000))
            del self._restarts[:-KEPT_RESTARTS]
        self._say(f"{member.name} started (pid {pid}, port {member.port})")

    def _proxy(self, member: Member, desired: Desired) -> Program:
        listener = self._door.open(desired.port or 0)
        if listener is None:
            raise OSError(self._door.problem)
        own = self._folder / "caddy"
        return Program(
            argv=desired.proxy,
            # Two environments would share one autosave without their own XDG folders.
            environment={"HOME": str(own), "XDG_CONFIG_HOME": str(own), "XDG_DATA_HOME": str(own)},
            folder=str(self._folder),
            log=self.log_of(member.name),
            listener=listener,
        )

    def _instance(self, member: Member, desired: Desired) -> Program:
        wanted = desired.releases[member.release]
        if member.port is None or not is_free(member.port):
            # Never one that another release had: an old line of the access log names one release only.
            member.port = free_port({desired.port or 0, *map(int, self._ports)})
            self._ports = remember_port(self._ports, member.port, member.release)
        port = str(member.port)
        environment: dict[str, str] = json.loads(Path(wanted.environment).read_bytes())
        return Program(
            argv=tuple(word.replace("${PORT}", port).replace("$PORT", port) for word in wanted.argv),
            environment={**environment, "PORT": port},
            folder=wanted.folder,
            log=self.log_of(member.name),
        )


def _adopted(name: str, record: Record, *, same_boot: bool) -> Member:
    member = Member(name, record.token, port=record.port, restarts=record.restarts, failures=record.failures)
    if same_boot and record.pid is not None:
        member.pid, member.ticks, member.ready = record.pid, record.ticks, record.ready
        member.started = record.started_ms / 1000
        member.pidfd = open_known(record.pid, record.ticks)
    return member

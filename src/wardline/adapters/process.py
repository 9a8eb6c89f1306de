"""Programs that Wardline runs: in their own process group, with scrubbed variables, a time limit, masked output.

A step's output passes the redactor before it reaches a disk or a terminal. A program that leaves its session
(`setsid`, a daemon) is out of reach of the kill; everything else it started ends with it. Needs Linux 5.3 (pidfd).
"""

import os
import re
import select
import signal
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from threading import Event, RLock, Thread
from typing import BinaryIO, Final, Protocol

from wardline.errors import InvalidInput, Unavailable
from wardline.evidence.redaction import RedactorFactory

MAX_LOG: Final = 16 << 20  # bytes of one program's output that are kept; a verbose test suite writes 1 to 5 MiB
MAX_CAPTURE: Final = 64 << 20  # bytes of an answer held in memory; the largest SBOM seen is 9 MiB
_MAX_LINE: Final = 2000  # characters of one line shown as progress
_CHUNK: Final = 64 << 10  # bytes; what a Linux pipe holds
_GRACE: Final = timedelta(seconds=3)  # between TERM and KILL: long enough for pytest to write what it has
_DRAIN: Final = timedelta(seconds=1)  # for what is still in the pipe once the whole group is dead

_CONTROL = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|[\x00-\x08\x0b-\x1f\x7f-\x9f]")

_ALLOWED = frozenset(
    {
        "PATH", "LANG", "TZ", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE",
        "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "no_proxy", "all_proxy",
        "PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_CERT", "PIP_FIND_LINKS", "PIP_CONFIG_FILE",
        "PIP_DEFAULT_TIMEOUT", "PIP_NO_INDEX", "PIP_TRUSTED_HOST",
    }
)  # fmt: skip

# Every group that runs now, by the pid of its leader; single operations on it are atomic.
_running: "dict[int, _Group]" = {}
_ending = Event()  # set once and for ever by `terminate_all`
# Held while a program starts and is put down above. `terminate_all` takes it in a signal handler, which may
# interrupt the very thread that holds it: hence the R.
_starting = RLock()


class Sink(Protocol):
    """Takes a program's output, piece by piece."""

    def feed(self, chunk: bytes) -> None: ...

    def finish(self) -> None: ...


def _nobody(line: str) -> None:
    """Show `line` to nobody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One program to run. `arguments` never pass a shell; see `shell` for commands that users write."""

    arguments: tuple[str, ...]
    cwd: Path
    env: Mapping[str, str]
    timeout: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """Where a program's output goes: masked, to the end of a file, and line by line to whoever watches."""

    log: Path
    redactor: RedactorFactory
    on_line: Callable[[str], None] = field(default=_nobody)
    limit: int = MAX_LOG  # bytes this program may add to the log


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """How a program ended. `exit_code` is negative (minus the signal) if a signal ended it."""

    exit_code: int
    timed_out: bool
    truncated: bool  # it wrote more than was kept

    @property
    def succeeded(self) -> bool:
        return self.exit_code == 0 and not self.timed_out


@dataclass(frozen=True, slots=True, kw_only=True)
class Captured:
    """What a program answered. `stderr` is its last 64 KiB, not masked: for a diagnosis, never for a disk."""

    finished: Finished
    stdout: bytes
    stderr: str


def shell(text: str) -> tuple[str, ...]:
    """Return the arguments that run `text` as users wrote it: by `/bin/sh -c`, so that pipes and `&&` work."""
    return ("/bin/sh", "-c", text)


def scrubbed(
    environ: Mapping[str, str], *, home: Path, path: tuple[Path, ...], extra: Mapping[str, str]
) -> dict[str, str]:
    """Return the variables a step may see: those on the allow-list, a home of its own, and `extra`.

    `path` goes in front of PATH. The user's pip configuration stays reachable (mirrors and certificates are
    needed to build), nothing else of the user's home does.
    """
    kept = {name: value for name, value in environ.items() if name in _ALLOWED or name.startswith("LC_")}
    kept["PATH"] = os.pathsep.join([*map(str, path), kept.get("PATH", os.defpath)])
    kept["HOME"] = str(home)
    kept["PYTHONHASHSEED"] = "0"  # sets and dictionaries in the same order in every build
    configuration = _pip_configuration(environ)
    if configuration is not None:
        kept.setdefault("PIP_CONFIG_FILE", str(configuration))
    return {**kept, **extra}


def run(command: Command, output: Output) -> Finished:
    """Run `command` with nothing on its standard input; stdout and stderr end up, merged and masked, in the log.

    Beyond the limit its output is dropped, with a mark in the log, and the program goes on.

    Raises:
        InvalidInput: The program or the folder to run it in does not exist.
        Unavailable: The log could not be written; the program was killed.
    """
    try:
        with output.log.open("ab") as file:
            sink = _Log(file, output)
            exit_code, timed_out = _supervise(command, sink, stderr=subprocess.STDOUT)
    except OSError as error:
        raise Unavailable(f"cannot write the log {output.log.name}: {error.strerror}") from error
    return Finished(exit_code=exit_code, timed_out=timed_out, truncated=sink.truncated)


def capture(command: Command, *, stdin: bytes = b"", limit: int = MAX_CAPTURE) -> Captured:
    """Run `command` and return what it wrote to stdout, at most `limit` bytes; it never touches a disk.

    Raises:
        InvalidInput: The program or the folder to run it in does not exist.
    """
    sink = _Memory(limit)
    with tempfile.TemporaryFile() as errors, tempfile.TemporaryFile() as answers:
        answers.write(stdin)
        answers.seek(0)
        exit_code, timed_out = _supervise(command, sink, stderr=errors, stdin=answers)
        errors.seek(max(0, errors.seek(0, os.SEEK_END) - _CHUNK))
        stderr = errors.read().decode(errors="replace")
    finished = Finished(exit_code=exit_code, timed_out=timed_out, truncated=sink.truncated)
    return Captured(finished=finished, stdout=b"".join(sink.pieces), stderr=stderr)


def terminate_all() -> None:
    """End every program started here and still running, with its group: TERM, three seconds, KILL.

    For a process that is about to end itself (`os._exit`), from a signal handler: from here on no program starts,
    and the threads that ran one are held. How it was killed would otherwise be taken for how it went, and recorded;
    as it is, the step is simply not done, and runs again when the run is resumed.
    """
    _ending.set()
    with _starting:  # what is being started right now is among them, too
        groups = list(_running.values())
    for group in groups:
        group.signal(signal.SIGTERM)
    for group in groups:
        group.ends_within(_GRACE)
        group.signal(signal.SIGKILL)


def _supervise(
    command: Command, sink: Sink, *, stderr: BinaryIO | int, stdin: BinaryIO | int = subprocess.DEVNULL
) -> tuple[int, bool]:
    """Run `command` to its end or its time limit; return the exit code and whether the limit was met."""
    process, group = _begin(command, stderr=stderr, stdin=stdin)
    reader = _Reader(process, sink)
    try:
        timed_out = not group.ends_within(command.timeout, unless=reader.trouble)
        if timed_out:
            group.signal(signal.SIGTERM)
            group.ends_within(_GRACE)
    finally:
        # What it left running in its group goes with it, however this ends: nobody would ever stop it.
        # The leader is reaped only afterwards: until then its number cannot belong to another group.
        group.signal(signal.SIGKILL)
        process.wait()
        _running.pop(process.pid, None)
        group.close()
        reader.stop()
    _hold_at_the_end()
    if reader.error is not None:
        raise reader.error
    sink.finish()
    return process.returncode, timed_out


def _begin(
    command: Command, *, stderr: BinaryIO | int, stdin: BinaryIO | int
) -> "tuple[subprocess.Popen[bytes], _Group]":
    while True:
        with _starting:
            if not _ending.is_set():
                process = _start(command, stderr=stderr, stdin=stdin)
                _running[process.pid] = group = _Group(process)
                return process, group
        _hold_at_the_end()


def _hold_at_the_end() -> None:
    while _ending.is_set():
        Event().wait()


def _start(command: Command, *, stderr: BinaryIO | int, stdin: BinaryIO | int) -> "subprocess.Popen[bytes]":
    try:
        return subprocess.Popen(
            command.arguments,
            cwd=command.cwd,
            env=dict(command.env),
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=stderr,
            start_new_session=True,
        )
    except (FileNotFoundError, NotADirectoryError, PermissionError) as error:
        name = Path(command.arguments[0]).name
        raise InvalidInput(
            f"cannot run {name}: {error.strerror}", remedy="Install it, or check the command and its folder."
        ) from error


class _Group:
    """The process group of one program, known by its leader until the leader is reaped."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self._leader = process.pid
        self._pidfd = os.pidfd_open(process.pid)

    def ends_within(self, limit: timedelta, *, unless: int | None = None) -> bool:
        """Wait for the leader to end, or for the descriptor `unless` to have something; return False at the limit."""
        watched = [self._pidfd] if unless is None else [self._pidfd, unless]
        try:
            ready, _, _ = select.select(watched, [], [], limit.total_seconds())
        except (OSError, ValueError):
            return True  # closed by the thread that reaped it
        return bool(ready)

    def signal(self, number: signal.Signals) -> None:
        try:
            os.killpg(self._leader, number)
        except ProcessLookupError:
            return  # the whole group is gone

    def close(self) -> None:
        os.close(self._pidfd)


class _Reader:
    """Carries a program's output to its sink, so that no program ever waits for a full pipe."""

    def __init__(self, process: "subprocess.Popen[bytes]", sink: Sink) -> None:
        if process.stdout is None:
            raise InvalidInput("a program without a pipe has no output to read")
        self._source = process.stdout
        self._sink = sink
        self._enough, self._stopper = os.pipe()
        self.trouble, self._troubled = os.pipe()  # readable once `error` is set
        self.error: Exception | None = None
        self._thread = Thread(target=self._carry, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Read what is left, for a second at most: someone who left the group may hold the pipe for ever."""
        self._thread.join(_DRAIN.total_seconds())
        os.write(self._stopper, b"!")
        self._thread.join()
        self._source.close()
        for descriptor in (self._enough, self._stopper, self.trouble, self._troubled):
            os.close(descriptor)

    def _carry(self) -> None:
        try:
            while chunk := self._next():
                self._sink.feed(chunk)
        except Exception as error:  # noqa: BLE001  # raised again by the thread that waits for the program
            self.error = error
            os.write(self._troubled, b"!")

    def _next(self) -> bytes:
        source = self._source.fileno()
        ready, _, _ = select.select([source, self._enough], [], [])
        return os.read(source, _CHUNK) if source in ready else b""


class _Log:
    """Writes masked output to a file, up to a limit, and shows it line by line."""

    def __init__(self, file: BinaryIO, output: Output) -> None:
        self._file = file
        self._redactor = output.redactor()
        self._on_line = output.on_line
        self._limit = self._left = output.limit
        self._line = b""
        self.truncated = False

    def feed(self, chunk: bytes) -> None:
        if not self.truncated:
            self._write(self._redactor.feed(chunk))

    def finish(self) -> None:
        if not self.truncated:
            self._write(self._redactor.finish())
        if self._line:
            self._show(self._line)

    def _write(self, masked: bytes) -> None:
        kept = masked[: self._left]
        self._left -= len(kept)
        self._file.write(kept)
        if len(kept) < len(masked):
            self.truncated = True
            self._file.write(f"\n[wardline: output beyond {self._limit} bytes was dropped]\n".encode())
        self._file.flush()  # whoever follows the file sees it now
        *lines, self._line = (self._line + kept).split(b"\n")
        for line in lines:
            self._show(line)

    def _show(self, line: bytes) -> None:
        text = _CONTROL.sub("", line.decode(errors="replace").replace("\t", "    "))
        if text.strip():
            self._on_line(text[:_MAX_LINE])


class _Memory:
    """Holds an answer, up to a limit."""

    def __init__(self, limit: int) -> None:
        self.pieces: list[bytes] = []
        self.truncated = False
        self._left = limit

    def feed(self, chunk: bytes) -> None:
        kept = chunk[: self._left]
        self._left -= len(kept)
        self.truncated = self.truncated or len(kept) < len(chunk)
        self.pieces.append(kept)

    def finish(self) -> None:
        return


def _pip_configuration(environ: Mapping[str, str]) -> Path | None:
    """Return pip's own file of the user, where pip looks for it."""
    home = environ.get("HOME")
    if not home:
        return None
    folder = Path(environ.get("XDG_CONFIG_HOME") or Path(home, ".config"))
    candidates = (folder / "pip" / "pip.conf", Path(home, ".pip", "pip.conf"))
    return next((candidate for candidate in candidates if candidate.is_file()), None)

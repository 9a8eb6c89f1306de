"""Reading back what was answered: Caddy's access log and Wardline's own probes, by time and by release."""

import json
import math
import os
import re
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import IO, Any, NamedTuple

from wardline.adapters.targets.local.caddy import LOG_FILES
from wardline.adapters.targets.local.health import Answer
from wardline.errors import Unavailable

_DISORDER_SECONDS = 2.0  # lines are stamped before they are written, so neighbours may be the wrong way round
_PATIENCE_SECONDS = 1.0  # who leaves sooner changed their mind; who leaves later was not answered
_CLIENT_LEFT = 499
_SERVER_ERROR = 500
_TORN_SHARE = 100  # one line in so many may be unreadable: the proxy was killed while it wrote
_MAX_LINE_BYTES = 64 << 10
# As `caddy.py` configures it, flat and in this order; a line torn or glued to another does not match. Not parsed as
# JSON: a canary is judged several times a second over all that it answered so far, and this is four times as fast.
_LINE = re.compile(
    rb'\{"level":"[a-z]+","ts":(?P<ts>[0-9.]+),"logger":"[^"]*","msg":"[^"]*",'
    rb'"duration":(?P<duration>[0-9.e+-]+),"status":(?P<status>[0-9]+)'
    rb'(?:[^{}]*"upstream":"(?P<upstream>[^"]*)")?[^{}]*\}\n'
)
_MAX_PROBE_BYTES = 1 << 20  # then the older half of the probes is forgotten


class Seen(NamedTuple):
    """One request. `upstream` is `host:port`, or None where it reached nobody."""

    at: float  # seconds since the epoch, when it ended
    took_ms: int
    failed: bool
    upstream: str | None


def read_requests(log: Path, since: datetime, until: datetime) -> Iterator[Seen]:
    """Yield what ended from `since` (included) to `until` (excluded), reading little beside it.

    Raises:
        Unavailable: The log is not there, does not reach back to `since`, or is damaged.
    """
    begin, end = since.timestamp(), until.timestamp()
    read = torn = 0
    with ExitStack() as files:
        try:
            opened: list[IO[bytes]] = [files.enter_context(path.open("rb")) for path in _oldest_first(log)]
        except OSError as error:
            raise Unavailable(f"the access log {log} cannot be read: {error.strerror}") from error
        if len(opened) > LOG_FILES and (_first_time(opened[0]) or begin) > begin:
            raise Unavailable(f"the access log {log} does not reach back to {since.isoformat()}: rotated away")
        for line in _lines(opened, begin, end):
            read += 1
            seen = _parse(line)
            if seen is None:
                torn += 1
            elif begin <= seen.at < end:
                yield seen
    if torn * _TORN_SHARE > read + _TORN_SHARE:
        raise Unavailable(f"the access log {log} is damaged: {torn} of {read} lines cannot be read")


def record_probe(path: Path, release: str, at: datetime, answer: Answer) -> None:
    """Append one probe; neither path nor content of it is kept."""
    entry = {"ts": at.timestamp(), "release": release, "ms": answer.took_ms, "failed": answer.failed}
    _forget_older_half(path)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.write(descriptor, json.dumps(entry).encode() + b"\n")  # one write: two probers do not mix lines
    finally:
        os.close(descriptor)


def read_probes(path: Path, release: str, since: datetime, until: datetime) -> Iterator[Seen]:
    try:
        lines = path.read_bytes().splitlines()
    except FileNotFoundError:
        return  # nobody probed
    except OSError as error:
        raise Unavailable(f"the probes in {path} cannot be read: {error.strerror}") from error
    for line in lines:
        entry = _object(line)
        if entry is None or entry["release"] != release:
            continue
        if since.timestamp() <= entry["ts"] < until.timestamp():
            yield Seen(entry["ts"], entry["ms"], entry["failed"], None)


def p95_ms(durations_ms: list[int]) -> int | None:
    """Return the duration that 95 % do not exceed (nearest rank), None of none."""
    if not durations_ms:
        return None
    return sorted(durations_ms)[math.ceil(len(durations_ms) * 95 / 100) - 1]


def _oldest_first(log: Path) -> list[Path]:
    # Caddy renames a full file to access-<time>.log: by name is by time.
    return [*sorted(log.parent.glob(f"{log.stem}-*{log.suffix}")), log]


def _lines(files: list[IO[bytes]], begin: float, end: float) -> Iterator[bytes]:
    """Yield the lines of the stretch, and some around it."""
    starts = [_first_time(file) for file in files]
    for number, file in enumerate(files):
        start = starts[number]
        if start is not None and start >= end + _DISORDER_SECONDS:
            continue
        following = next((later for later in starts[number + 1 :] if later is not None), None)
        if following is not None and following < begin - _DISORDER_SECONDS:
            continue
        _seek(file, begin - _DISORDER_SECONDS)
        # A line without its end is being written at this moment: it is read next time.
        yield from (line for line in file if line.endswith(b"\n"))


def _seek(file: IO[bytes], moment: float) -> None:
    """Place `file` at the beginning of a line, at or before the first that is not older than `moment`."""
    low, high = 0, file.seek(0, os.SEEK_END)
    while high - low > _MAX_LINE_BYTES:
        middle = (low + high) // 2
        file.seek(middle)
        file.readline()  # the rest of a line
        time = _next_time(file)
        if time is None or time >= moment:
            high = middle
        else:
            low = middle
    file.seek(low)
    if low:
        file.readline()


def _first_time(file: IO[bytes]) -> float | None:
    file.seek(0)
    return _next_time(file)


def _next_time(file: IO[bytes]) -> float | None:
    """Return the time of the next line that has one."""
    for line in iter(lambda: file.readline(_MAX_LINE_BYTES), b""):
        time = _time(line)
        if time is not None:
            return time
    return None


def _time(line: bytes) -> float | None:
    match = _LINE.fullmatch(line)
    return None if match is None else float(match["ts"])


def _parse(line: bytes) -> Seen | None:
    match = _LINE.fullmatch(line)
    if match is None:
        return None
    took, status, upstream = float(match["duration"]), int(match["status"]), match["upstream"]
    left = status == _CLIENT_LEFT and took >= _PATIENCE_SECONDS
    return Seen(
        at=float(match["ts"]),
        took_ms=math.ceil(took * 1000),
        failed=status >= _SERVER_ERROR or status == 0 or left,
        upstream=None if upstream is None else upstream.decode(),
    )


def _object(line: bytes) -> dict[str, Any] | None:
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    return entry if isinstance(entry, dict) else None


def _forget_older_half(path: Path) -> None:
    try:
        if path.stat().st_size <= _MAX_PROBE_BYTES:
            return
    except FileNotFoundError:
        return
    lines = path.read_bytes().splitlines(keepends=True)
    temporary = path.with_suffix(".new")
    temporary.write_bytes(b"".join(lines[len(lines) // 2 :]))
    temporary.replace(path)

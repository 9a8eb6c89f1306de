"""Front desks asking: a bounded, steady load of real 270s and small GETs on one URL, and an honest count of answers.

Each request ends in one of three ways, counted apart:
answered  an HTTP status below 500 came back;
failed    a status of 500 or more came back;
dropped   no answer: connection refused or reset, answer cut short, or nothing within ten seconds.

Half of the callers keep their connection, half open one for every request. Nothing is ever sent twice: what a retry
would hide is what is being measured. Until the first healthy answer nothing counts: there is no service to drop yet.
"""

import argparse
import http.client
import itertools
import json
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

ANSWER_SECONDS = 10.0  # a caller gives up after this long
WAIT_SECONDS = 0.25  # between looks at a service that is not up yet
MAX_SECONDS = 3600  # a load that was forgotten ends by itself
MAX_RATE = 500  # requests a second; this shows that nothing is lost, it is no benchmark
SERVER_ERROR = 500

# Synthetic, as seeded by the service: id, last name, first name, date of birth.
MEMBERS = (
    ("SYN0000001", "ZZSAMPLE", "BRAVO", "19420202"),
    ("SYN0000002", "ZZEXAMPLE", "CHARLIE", "19440303"),
    ("SYN0000003", "ZZDEMO", "DELTA", "19460404"),
    ("SYN0000004", "ZZTESTER", "ECHO", "19480505"),
)
STRANGER = ("SYN9999999", "ZZSTRANGER", "NOBODY", "19500101")


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    method: str
    path: str
    body: bytes = b""
    media_type: str = "application/edi-x12"


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    kind: str  # answered | failed | dropped
    took_ms: float
    version: str | None


@dataclass(slots=True)
class Window:
    """What ended in one second, or in all of them."""

    kinds: Counter[str] = field(default_factory=Counter)
    versions: Counter[str] = field(default_factory=Counter)
    took_ms: list[float] = field(default_factory=list)

    def add(self, result: Result) -> None:
        self.kinds[result.kind] += 1
        self.took_ms.append(result.took_ms)
        if result.version:
            self.versions[f"{result.version} {result.kind}"] += 1

    def to_json(self) -> dict[str, object]:
        kinds = {kind: self.kinds[kind] for kind in ("answered", "failed", "dropped")}
        percentiles = {f"p{percent}_ms": percentile(self.took_ms, percent) for percent in (50, 95, 99)}
        return {**kinds, **percentiles, "versions": dict(sorted(self.versions.items()))}


def percentile(values: Sequence[float], percent: int) -> int | None:
    """Return the nearest-rank percentile, rounded; None of nothing."""
    if not values:
        return None
    rank = max(0, -(-len(values) * percent // 100) - 1)
    return round(sorted(values)[rank])


class Tally:
    """Counts from every thread, and writes the summary as one whole file."""

    def __init__(self, path: Path, url: str) -> None:
        self._path = path
        self._url = url
        self._lock = threading.Lock()
        self._total = Window()  # guarded by _lock
        self._windows: dict[int, Window] = {}  # guarded by _lock; by second since the epoch
        self.began: float | None = None

    def add(self, result: Result) -> None:
        with self._lock:
            self._total.add(result)
            self._windows.setdefault(int(time.time()), Window()).add(result)

    def write(self, *, running: bool) -> None:
        with self._lock:
            windows = [{"at": _iso(at), **window.to_json()} for at, window in sorted(self._windows.items())]
            summary = {
                "url": self._url,
                "running": running,
                "since": _iso(self.began) if self.began else None,
                "total": self._total.to_json(),
                "windows": windows,
            }
        # Replaced by rename: who reads it sees one summary or the next, never half of one.
        scratch = self._path.with_name(f"{self._path.name}.{os.getpid()}.tmp")
        scratch.write_text(json.dumps(summary, indent=1) + "\n")
        scratch.replace(self._path)


def _iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")


def inquiry(member: Sequence[str], *, usage: str, number: int) -> bytes:
    """Return a 270 about `member`, its counts right and its control numbers unlike the one before."""
    member_id, last, first, born = member
    now = datetime.now(UTC)
    day, minute = f"{now:%Y%m%d}", f"{now:%H%M}"
    control = number % 999_999_999 + 1
    body = (
        f"ST*270*{control:09}*005010X279A1",
        f"BHT*0022*13*LOAD{control:09}*{day}*{minute}",
        "HL*1**20*1",
        "NM1*PR*2*ZZPAYER*****PI*99999",
        "HL*2*1*21*1",
        "NM1*1P*2*ZZCLINIC*****XX*1999999999",
        "HL*3*2*22*0",
        f"TRN*1*LOAD-{control:09}*9ZZCLINIC00",
        f"NM1*IL*1*{last}*{first}****MI*{member_id}",
        f"DMG*D8*{born}",
        "EQ*30^98",
    )
    segments = (
        f"ISA*00*{'':10}*00*{'':10}*ZZ*{'ZZCLINIC':15}*ZZ*{'ZZPAYER':15}*{day[2:]}*{minute}*^*00501*{control:09}*0*{usage}*:",
        f"GS*HS*ZZCLINIC*ZZPAYER*{day}*{minute}*{control}*X*005010X279A1",
        *body,
        f"SE*{len(body) + 1}*{control:09}",
        f"GE*1*{control}",
        f"IEA*1*{control:09}",
    )
    return ("~".join(segments) + "~").encode()


def day_at_the_desk(*, usage: str, strangers: bool) -> Iterator[Request]:
    """Yield what is asked, for ever: of ten requests six inquiries about members, three about a stranger, one GET.

    Without `strangers` everybody asked about is a member, as in every test environment there ever was.
    """
    who = (0, 1, None, 2, 3, None, 0, None, 1) if strangers else (0, 1, 2, 3, 0, 1, 2, 3, 0)
    for number in itertools.count():
        place = number % (len(who) + 1)
        if place == len(who):
            yield Request(method="GET", path="/version")
            continue
        index = who[place]
        member = STRANGER if index is None else MEMBERS[index]
        if place == 0:
            yield Request(method="POST", path="/eligibility", body=_as_json(member), media_type="application/json")
        else:
            yield Request(method="POST", path="/x12", body=inquiry(member, usage=usage, number=number))


def _as_json(member: Sequence[str]) -> bytes:
    born = f"{member[3][:4]}-{member[3][4:6]}-{member[3][6:]}"
    asked = {"member_id": member[0], "last_name": member[1], "first_name": member[2], "date_of_birth": born}
    return json.dumps(asked).encode()


class Caller:
    """One front desk, on one connection or on a new one each time."""

    def __init__(self, address: tuple[str, int], *, keeps: bool) -> None:
        self._address = address
        self._keeps = keeps
        self._connection: http.client.HTTPConnection | None = None

    def ask(self, request: Request) -> Result:
        began = time.monotonic()
        try:
            status, version = self._exchange(request)
        except (OSError, http.client.HTTPException):
            self.close()
            return Result(kind="dropped", took_ms=_since(began), version=None)
        kind = "failed" if status >= SERVER_ERROR else "answered"
        return Result(kind=kind, took_ms=_since(began), version=version)

    def _exchange(self, request: Request) -> tuple[int, str | None]:
        connection = self._connection or http.client.HTTPConnection(*self._address, timeout=ANSWER_SECONDS)
        self._connection = connection
        headers = {"Content-Type": request.media_type} if request.body else {}
        if not self._keeps:
            headers["Connection"] = "close"
        connection.request(request.method, request.path, request.body or None, headers)
        response = connection.getresponse()
        response.read()
        if not self._keeps or response.will_close:
            self.close()
        return response.status, response.getheader("Eligibility-Version")

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _since(began: float) -> float:
    return (time.monotonic() - began) * 1000


class Load:
    """The callers, their pace and their end."""

    def __init__(self, options: argparse.Namespace) -> None:
        target = urlsplit(options.url)
        self._address = (target.hostname or "127.0.0.1", target.port or 80)
        self._options = options
        self._tally = Tally(options.summary, options.url)
        self._stop = threading.Event()
        self._until = time.monotonic() + options.seconds

    def stop(self) -> None:
        self._stop.set()

    def run(self) -> None:
        """Wait for the service, ask until the end, and leave the summary behind."""
        self._tally.write(running=True)
        self._wait()
        self._tally.began = time.time()
        callers = [threading.Thread(target=self._call, args=(number,)) for number in range(self._options.callers)]
        for caller in callers:
            caller.start()
        while not self._over():
            self._tally.write(running=True)
            self._stop.wait(0.5)
        self._stop.set()
        for caller in callers:  # what was asked is waited for and counted
            caller.join()
        self._tally.write(running=False)

    def _over(self) -> bool:
        file: Path | None = self._options.stop_file
        return self._stop.is_set() or time.monotonic() >= self._until or (file is not None and file.exists())

    def _wait(self) -> None:
        while not self._over():
            caller = Caller(self._address, keeps=False)
            if caller.ask(Request(method="GET", path="/healthz")).kind == "answered":
                return
            self._stop.wait(WAIT_SECONDS)

    def _call(self, number: int) -> None:
        callers: int = self._options.callers
        pause = callers / self._options.rate
        caller = Caller(self._address, keeps=number % 2 == 0)
        requests = day_at_the_desk(usage=self._options.usage, strangers=self._options.strangers)
        # Not all at the same moment, nor all with the same question.
        due = time.monotonic() + pause * number / callers
        for request in itertools.islice(requests, number * 3, None):
            if self._stop.wait(max(0.0, due - time.monotonic())) or self._over():
                break
            self._tally.add(caller.ask(request))
            # A slow answer is not made up for in a burst: a desk asks once it was answered.
            due = max(due + pause, time.monotonic())
        caller.close()


def _bounded(least: float, most: float) -> Callable[[str], float]:
    def number(text: str) -> float:
        value = float(text)
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"expected {least:g} to {most:g}")
        return value

    return number


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="load", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("url", help="of the service, such as http://127.0.0.1:8080")
    parser.add_argument("--summary", type=Path, required=True, help="JSON file, replaced twice a second and at the end")
    parser.add_argument("--seconds", type=_bounded(1, MAX_SECONDS), default=60.0)
    parser.add_argument("--rate", type=_bounded(1, MAX_RATE), default=60.0, help="requests a second, together")
    parser.add_argument("--callers", type=int, choices=range(2, 33), default=8, metavar="2..32")
    parser.add_argument("--usage", choices=("T", "P"), default="T", help="ISA15 of the inquiries")
    parser.add_argument("--strangers", action="store_true", help="also ask about people who are no members")
    parser.add_argument("--stop-file", type=Path, help="end once this file exists")
    load = Load(parser.parse_args(arguments))
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: load.stop())
    load.run()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

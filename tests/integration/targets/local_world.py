"""A machine for the tests: real processes, a stdlib service, and a caller that counts what it loses."""

import hashlib
import http.client
import json
import os
import signal
import sys
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Self

from wardline.adapters.targets.local import LocalTarget
from wardline.adapters.targets.local.supervisor.processes import environment_tag, open_known, stat_of, tagged
from wardline.canonical import Digest
from wardline.clock import SystemClock
from wardline.deployments.plans import Release
from wardline.environments.observations import EnvironmentKey
from wardline.ids import EnvironmentName, ReleaseId
from wardline.pipelines.spec import SecretRef, StartSpec

SERVICE = """
import json, os, signal, sys, threading, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # one write per answer: two would wait for each other (RFC 896)
    def do_GET(self):
        path = self.path.partition("?")[0]
        mode = os.environ.get("MODE", "")
        if path == "/slow": time.sleep(1.5)
        if path == "/crash": os._exit(3)
        status = 500 if path == "/broken" or (mode == "unhealthy" and path == "/healthz") else 200
        body = json.dumps({"release": os.environ["WARDLINE_RELEASE"], "pid": os.getpid(),
                           "environment": dict(os.environ) if path == "/environment" else {}}).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()
    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.do_GET()
    def log_message(self, *_): pass

class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

print("starting", os.environ.get("SAYS", ""), flush=True)
if os.environ.get("MODE") == "dies": sys.exit("cannot reach jane.doe@example.org")
if os.environ.get("MODE") == "stubborn": signal.signal(signal.SIGTERM, signal.SIG_IGN)
else: signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
server = Server(("127.0.0.1", int(sys.argv[1])), Handler)
server.serve_forever()
server.server_close()
"""


class MaskingRedactor:
    """Masks one known address; enough to see that what is shown went through it."""

    def __init__(self) -> None:
        self._held = b""

    def feed(self, chunk: bytes) -> bytes:
        self._held += chunk
        return b""

    def finish(self) -> bytes:
        return self._held.replace(b"jane.doe@example.org", b"[e-mail]")


@dataclass
class World:
    folder: Path
    environ: dict[str, str] = field(default_factory=dict)
    installed: list[str] = field(default_factory=list)
    known_port: int = 0  # asked for once, so that callers need no healthy target
    key: EnvironmentKey = field(default=EnvironmentKey(service="eligibility", name=EnvironmentName("staging")))

    def __post_init__(self) -> None:
        self.bundle = self.folder / "service.bundle"
        self.bundle.write_text(SERVICE)
        self.clock = SystemClock()
        self.target = LocalTarget(
            root=self.folder / "environments",
            clock=self.clock,
            artifact=lambda _: self.bundle,
            installer=self._install,
            environ=self.environ,
            redactor=MaskingRedactor,
        )

    @property
    def place(self) -> Path:
        return self.folder / "environments" / self.key.service / self.key.name

    def release(
        self,
        name: str,
        *,
        instances: int = 1,
        port: int | None = None,
        config: Mapping[str, str] | None = None,
        secrets: Mapping[str, SecretRef] | None = None,
        timeout: float = 15,
    ) -> Release:
        return Release(
            id=ReleaseId(name),
            version="1.0",
            artifact=Digest(hashlib.sha256(self.bundle.read_bytes()).hexdigest()),
            start=StartSpec(
                command="python venv/service.py $PORT", health="/healthz", timeout=timedelta(seconds=timeout)
            ),
            config=config or {},
            secrets=secrets or {},
            instances=instances,
            port=port,
        )

    def serve(self, name: str, **kind: object) -> None:
        """Start a release and send it everybody."""
        self.target.start(self.key, self.release(name, **kind), generation=1)
        self.target.shift(self.key, {ReleaseId(name): 100}, generation=1)
        self.known_port = 0
        assert self.port

    @property
    def port(self) -> int:
        if not self.known_port:
            self.known_port = int(str(self.target.observe(self.key).url).rpartition(":")[2])
        return self.known_port

    def get(self, path: str = "/", *, timeout: float = 10) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            body = answer.read()
        finally:
            connection.close()
        return answer.status, json.loads(body)["release"] if body else ""

    def ask(self, path: str) -> dict:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=10) as answer:
            return json.load(answer)

    def state(self) -> dict:
        return json.loads((self.place / "state.json").read_bytes())

    def pid(self, name: str) -> int | None:
        """The pid of a process by its name in state.json, or of the supervisor; None while it is down."""
        state = self.state()
        return state["pid"] if name == "supervisor" else state["processes"].get(name, {}).get("pid")

    def kill(self, *names: str) -> None:
        """Kill -9 processes of this world, each by its own pid, all at once; return when they are gone."""
        found = [(pid, stat.ticks) for name in names if (pid := self.pid(name)) and (stat := stat_of(pid))]
        pidfds = [(pid, pidfd) for pid, ticks in found if (pidfd := open_known(pid, ticks)) is not None]
        for _, pidfd in pidfds:
            signal.pidfd_send_signal(pidfd, signal.SIGKILL)
        for pid, pidfd in pidfds:
            until(lambda pid=pid: (stat := stat_of(pid)) is None or stat.ended, within=5)
            os.close(pidfd)

    def processes(self) -> list[int]:
        return tagged(environment_tag(self.place))

    def _install(self, bundle: Path, into: Path) -> None:
        (into / "bin").mkdir(parents=True)
        (into / "bin" / "python").symlink_to(sys.executable)
        (into / "service.py").write_bytes(bundle.read_bytes())
        self.installed.append(into.parent.name)


@contextmanager
def world(folder: Path) -> Iterator[World]:
    """Yield a world; after it nothing of it runs."""
    made = World(folder)
    try:
        yield made
    finally:
        made.target.stop(made.key)
        assert made.processes() == []


def until(holds: Callable[[], bool], *, within: float) -> float:
    """Return after how many seconds `holds`; fail when that takes longer than `within`."""
    begun = time.monotonic()
    while not holds():
        assert time.monotonic() - begun < within, f"still not so after {within} s"
        time.sleep(0.02)
    return time.monotonic() - begun


class Load:
    """Callers in threads, half of them on a kept connection, the others on one per request."""

    def __init__(self, port: int, *, callers: int = 4, method: str = "GET", path: str = "/work?member=123-45-6789"):
        self._port, self._method, self._path = port, method, path
        self._stop = threading.Event()
        self.answers: Counter[tuple[int, str]] = Counter()
        self.lost: list[str] = []
        self._threads = [threading.Thread(target=self._call, args=(n % 2 == 0,)) for n in range(callers)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    @property
    def total(self) -> int:
        return sum(self.answers.values())

    def _call(self, keep: bool) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=15)
        body = b"{}" if self._method == "POST" else None
        while not self._stop.is_set():
            try:
                headers = {} if keep else {"Connection": "close"}
                connection.request(self._method, self._path, body=body, headers=headers)
                answer = connection.getresponse()
                content = answer.read()
                release = json.loads(content)["release"] if answer.status == 200 else ""
                self.answers[answer.status, release] += 1
            except (OSError, http.client.HTTPException) as error:
                self.lost.append(repr(error))
                connection.close()
            if not keep:
                connection.close()
            time.sleep(0.002)
        connection.close()

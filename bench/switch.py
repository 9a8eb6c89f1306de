"""Switch-over on the `local` target under load. Goals: no request dropped; p99 during a switch as before it.

Two releases take turns for all traffic while a second process calls on kept connections and on one per request,
GET and POST. Latencies of the same run are compared with each other: those that ended within a quarter of a second
after a switch against those of the quarter before it.
"""

import hashlib
import http.client
import json
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import closing
from datetime import timedelta
from pathlib import Path

from wardline.adapters.targets.local import LocalTarget
from wardline.canonical import Digest
from wardline.clock import SystemClock
from wardline.deployments.plans import Release
from wardline.environments.observations import EnvironmentKey
from wardline.ids import EnvironmentName, ReleaseId
from wardline.pipelines.spec import StartSpec

SWITCHES = 24
PAUSE = 0.75  # seconds between switches
WINDOW = 0.25  # seconds before and after a switch
CALLERS = 8
KINDS = [(keep, method) for keep in (True, False) for method in ("GET", "POST")]
HERE = EnvironmentKey(service="bench", name=EnvironmentName("production"))

SERVICE = """
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
class Handler(BaseHTTPRequestHandler):
    protocol_version, wbufsize = "HTTP/1.1", -1
    def do_GET(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")
    do_POST = do_GET
    def log_message(self, *_): pass
ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


class PlainRedactor:
    def feed(self, chunk: bytes) -> bytes:
        return chunk

    def finish(self) -> bytes:
        return b""


def install(bundle: Path, into: Path) -> None:
    (into / "bin").mkdir(parents=True)
    (into / "bin" / "python").symlink_to(sys.executable)
    (into / "service.py").write_bytes(bundle.read_bytes())


def call(port: int, number: int, stop: threading.Event, seen: list[tuple[float, float, bool]]) -> None:
    keep, method = KINDS[number % len(KINDS)]
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    with closing(connection):
        while not stop.is_set():
            began = time.monotonic()
            try:
                body = b"{}" if method == "POST" else None
                connection.request(method, "/", body=body, headers={} if keep else {"Connection": "close"})
                answer = connection.getresponse()
                answer.read()
                answered = answer.status == http.HTTPStatus.OK
            except (OSError, http.client.HTTPException):
                answered = False
                connection.close()
            if not keep:
                connection.close()
            seen.append((time.monotonic(), time.monotonic() - began, answered))


def load(port: int) -> None:
    """The second process: call until standard input ends, then print what was seen."""
    stop, seen = threading.Event(), []
    callers = [threading.Thread(target=call, args=(port, number, stop, seen)) for number in range(CALLERS)]
    for caller in callers:
        caller.start()
    sys.stdin.read()
    stop.set()
    for caller in callers:
        caller.join()
    json.dump(seen, sys.stdout)


def p99(latencies: list[float]) -> float:
    return sorted(latencies)[int(len(latencies) * 0.99)]


def measure(target: LocalTarget, bundle: Path) -> tuple[list[float], list[tuple[float, float, bool]]]:
    for name in ("one", "two"):
        release = Release(
            id=ReleaseId(name),
            version=name,
            artifact=Digest(hashlib.sha256(bundle.read_bytes()).hexdigest()),
            start=StartSpec(command="python venv/service.py $PORT", health="/", timeout=timedelta(seconds=20)),
            config={},
            secrets={},
            instances=1,
            port=None,
        )
        target.start(HERE, release, generation=1)
    target.shift(HERE, {ReleaseId("one"): 100}, generation=1)
    port = target.observe(HERE).url.rpartition(":")[2]
    switches = []
    with subprocess.Popen([sys.executable, __file__, port], stdin=-1, stdout=-1, text=True) as callers:
        time.sleep(3)
        for number in range(SWITCHES):
            target.shift(HERE, {ReleaseId(("two", "one")[number % 2]): 100}, generation=1)
            switches.append(time.monotonic())
            time.sleep(PAUSE)
        output, _ = callers.communicate(timeout=30)
    return switches, json.loads(output)


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="wardline-bench-") as folder:
        bundle = Path(folder) / "service.bundle"
        bundle.write_text(SERVICE)
        target = LocalTarget(
            root=Path(folder) / "environments",
            clock=SystemClock(),
            artifact=lambda _: bundle,
            installer=install,
            environ={},
            redactor=PlainRedactor,
        )
        try:
            switches, seen = measure(target, bundle)
        finally:
            target.stop(HERE)
    before = [took for at, took, _ in seen if any(0 < switch - at <= WINDOW for switch in switches)]
    during = [took for at, took, _ in seen if any(0 <= at - switch < WINDOW for switch in switches)]
    dropped = sum(not answered for _, _, answered in seen)
    print(f"{'switches':18} {len(switches):6d}")
    print(f"{'requests':18} {len(seen):6d} ({CALLERS} callers, kept connections and one per request, GET and POST)")
    print(f"{'dropped':18} {dropped:6d} (goal 0)")
    print(f"{'p99 ratio':18} {p99(during) / p99(before):6.2f} (during a switch / before it)")
    sys.exit(1 if dropped else 0)


if __name__ == "__main__":
    load(int(sys.argv[1])) if len(sys.argv) > 1 else main()

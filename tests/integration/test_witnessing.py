"""Witnesses as processes of their own: asked over HTTP, or looking at a log that is served; killed; lied to."""

import http.client
import http.server
import json
import random
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path

import pytest
from tests.fakes.filled_home import say, settings
from tests.fakes.growing_log import KEY, GrowingLog

from wardline.bootstrap import witnessing
from wardline.bootstrap.home import Home, open_home
from wardline.cli.witnesses_said import ask_after_run
from wardline.delivery.cosign import Standing
from wardline.delivery.restore import split_notes
from wardline.errors import Conflict, IntegrityViolation, InvalidInput, NotFound
from wardline.tlog.add_checkpoint import AddCheckpoint
from wardline.tlog.checkpoint import open_checkpoint, read_checkpoint
from wardline.tlog.cosignature import WitnessKey, verify_cosignature

PROGRAM = Path(sys.executable).with_name("wardline")
SECONDS = 60  # for any command; none takes more than a few
NAME = "witness.example/w1"


@dataclass(frozen=True)
class Ended:
    code: int
    out: str
    err: str


def wardline(*arguments: object, home: Path | None = None) -> Ended:
    environ = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"} | ({"WARDLINE_HOME": str(home)} if home else {})
    command = [str(PROGRAM), *map(str, arguments)]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert "Traceback" not in done.stderr, done.stderr
    return Ended(code=done.returncode, out=done.stdout, err=done.stderr)


class Machine:
    """The witness's machine: a key, a state folder, and no installation."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.folder = folder
        made = wardline("witness", "new-key", folder / "w.key", "--name", NAME, "--output", "json")
        self.key = WitnessKey.parse(json.loads(made.out)["key"])

    def arguments(self, log: object) -> list[object]:
        return ["--state", self.folder / "state", "--key", self.folder / "w.key", "--log", log]

    def show(self) -> tuple[int, dict]:
        shown = wardline("witness", "show", "--state", self.folder / "state", "--history", "--output", "json")
        return shown.code, json.loads(shown.out)[0]

    @contextmanager
    def serving(self, log: object) -> Iterator[str]:
        with serving("witness", "serve", *self.arguments(log), "--listen", "127.0.0.1:0") as url:
            yield url


@contextmanager
def serving(*arguments: object, home: Path | None = None) -> Iterator[str]:
    """Run a command that serves until it is told to end; yield its URL."""
    environ = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"} | ({"WARDLINE_HOME": str(home)} if home else {})
    command = [str(PROGRAM), *map(str, arguments), "--output", "json"]
    with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield json.loads(process.stdout.readline())["url"]
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(SECONDS) == 0


@contextmanager
def web_server(folder: Path) -> Iterator[str]:
    """A web server that knows nothing of logs."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None: ...

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()


def ask(url: str, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection(url.removeprefix("http://").rstrip("/"), timeout=SECONDS)
    try:
        connection.request(method, path, body or None, headers)
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    finally:
        connection.close()


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path / "witness")


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    with open_home(settings(tmp_path / "home")) as opened:
        for number in range(3):
            say(opened, number)
        yield opened


def test_what_is_no_cosigned_checkpoint_is_named_and_not_taken(home: Home, tmp_path: Path) -> None:
    (tmp_path / "w1.key").write_text("PRIVATE+KEY+…")
    with pytest.raises(InvalidInput, match=r"w1\.key: not a signed note"):
        witnessing.take(home, tmp_path / "w1.key")


def test_keys_are_taken_from_files_too(home: Home, tmp_path: Path) -> None:
    machine = Machine(tmp_path / "w")
    (tmp_path / "w.vkey").write_text(f"{machine.key}\n")
    (tmp_path / "log.vkey").write_text(f"{home.log.key}\n")
    assert wardline("log", "witnesses", "add", tmp_path / "w.vkey", home=home.settings.home).code == 0
    assert [each.key for each in witnessing.witnesses_of(home)] == [machine.key]
    told = ("--state", tmp_path / "state", "--key", machine.folder / "w.key", "--log", tmp_path / "log.vkey")
    done = wardline("witness", "check", "http://127.0.0.1:9", *told)
    assert (done.code, "no answer" in done.err) == (1, True)  # the key was read, and the log asked


@pytest.mark.slow
def test_a_witness_is_asked_as_the_log_grows_and_remembers_across_restarts(machine: Machine, home: Home) -> None:
    for round_ in range(2):
        with machine.serving(home.log.key) as url:
            if round_ == 0:
                witnessing.list_witness(home, machine.key, url)
            else:  # another port
                (home.settings.home / "witnesses").write_text(f"# moved\n\n{machine.key} {url}\n")
            for more in range(2):
                say(home, 10 * round_ + more + 3)
                (asked,) = witnessing.cosign(home)
                assert (asked.standing, asked.size) == (Standing.COSIGNED, home.log.size())
                assert wardline("log", "cosign", home=home.settings.home).code == 0  # the same head once more
    heads = wardline("witness", "show", "--state", machine.folder / "state", "--history")
    assert (heads.code, [read_checkpoint(note).size for note in split_notes(heads.out)]) == (0, [4, 5, 6, 7])
    code, log = machine.show()
    assert (code, log["origin"], log["size"], log["alarms"]) == (0, home.log.key.name, home.log.size(), [])
    assert [read_checkpoint(note).size for note in log["history"]] == [4, 5, 6, 7]
    for note in log["history"]:
        assert verify_cosignature(note, machine.key)
        open_checkpoint(note, home.log.key)


@pytest.mark.slow
def test_every_answer_of_a_witness_is_the_standards(machine: Machine) -> None:
    log, fork = GrowingLog(40), GrowingLog(40, history="other")
    with machine.serving(KEY) as url:

        def post(request: AddCheckpoint | bytes) -> tuple[int, str, bytes]:
            body = request if isinstance(request, bytes) else request.encode().encode()
            status, headers, answer = ask(url, "POST", "/add-checkpoint", body)
            return status, headers["content-type"], answer

        status, media_type, line = post(log.request(0, 11))
        assert (status, media_type) == (200, "text/plain; charset=utf-8")
        assert verify_cosignature(log.note(11) + line.decode(), machine.key)
        assert post(log.request(0, 20)) == (409, "text/x.tlog.size", b"11\n")
        assert post(fork.request(11, 11)) == (409, "text/x.tlog.size", b"11\n")
        assert post(fork.request(11, 20))[0] == 422
        assert post(AddCheckpoint(old=11, proof=(), note=log.note(20)))[0] == 422
        assert post(log.request(11, 20))[0] == 200
        assert post(b"old 1")[0] == 400
        assert post(b"\xff\xfe")[0] == 400
        assert post(log.request(0, 11).encode().replace("old 0", "old 12").encode())[0] == 400
        assert post(log.request(20).encode().replace(KEY.name, "stranger.example").encode())[0] == 404
        assert post(log.request(20).encode().replace("\n40\n", "\n41\n").encode())[0] == 403
        assert post(b"x" * 200_000)[0] == 413
        assert ask(url, "GET", "/add-checkpoint")[0] == 405
        assert ask(url, "POST", "/")[0] == 404
    code, shown = machine.show()
    assert (code, shown["size"]) == (5, 20)
    assert [alarm["kind"] for alarm in shown["alarms"]] == ["fork", "fork", "unconnected"]
    assert shown["alarms"][2]["settled_at"] is not None


@pytest.mark.slow
def test_a_rewritten_log_is_an_alarm_on_both_machines(machine: Machine, home: Home, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(home.settings.home, copy)
    for number in range(3, 5):
        say(home, number)
    with machine.serving(home.log.key) as url:
        witnessing.list_witness(home, machine.key, url)
        assert [asked.standing for asked in witnessing.cosign(home)] == [Standing.COSIGNED]
        with open_home(settings(copy)) as rewritten:  # the same key and disk, another history
            witnessing.list_witness(rewritten, machine.key, url)
            say(rewritten, 99)
            (asked,) = witnessing.cosign(rewritten)
            assert asked.standing is Standing.CONFLICT
            assert "it has seen 5 leaves of this log, which now has 4" in asked.detail
            assert machine.show()[1]["alarms"] == []  # a smaller head may be an old one that somebody sends again
            for number in (98, 97):
                say(rewritten, number)
        told = wardline("log", "cosign", "--output", "json", home=copy)
        assert told.code == 5
        assert json.loads(told.out)[0]["standing"] == "conflict"
        told = wardline("log", "cosign", home=copy)
        assert (told.code, "!! ALARM" in told.err) == (5, True)
    code, shown = machine.show()
    assert code == 5
    (alarm,) = shown["alarms"]
    assert alarm["kind"] == "fork"
    for note in (alarm["seen"], alarm["came"]):
        open_checkpoint(note, home.log.key)


@pytest.mark.slow
def test_a_log_is_looked_at_where_it_is_served(machine: Machine, home: Home, tmp_path: Path) -> None:
    note = tmp_path / "cosigned.note"
    with serving("log", "serve", "--no-entries", "--listen", "127.0.0.1:0", home=home.settings.home) as url:
        for number in range(3, 5):
            checked = wardline("witness", "check", url, *machine.arguments(home.log.key), "--to", note)
            assert checked.code == 0, checked.err
            say(home, number)
    with pytest.raises(InvalidInput, match="none of the listed"):
        witnessing.take(home, note)
    witnessing.list_witness(home, machine.key, None)
    (taken,) = witnessing.take(home, note)
    assert (taken.size, taken.standing) == (4, Standing.COSIGNED)
    assert witnessing.newest_by(home, machine.key) == 4
    assert wardline("log", "cosign", "--take", note, home=home.settings.home).code == 0
    assert machine.show()[0] == 0


@pytest.mark.slow
def test_a_log_in_files_behind_any_web_server_is_looked_at(machine: Machine, home: Home, tmp_path: Path) -> None:
    site = tmp_path / "site"
    with web_server(site) as url:
        assert wardline("witness", "check", url, *machine.arguments(home.log.key)).code == 1  # nothing there yet
        for number in range(3, 6):
            say(home, number)
            witnessing.write_log_tiles(home, site, entries=False)
            assert wardline("witness", "check", url, *machine.arguments(home.log.key)).code == 0
        old = (site / "checkpoint").read_text()
        say(home, 6)
        witnessing.write_log_tiles(home, site, entries=False)
        assert wardline("witness", "check", url, *machine.arguments(home.log.key)).code == 0
        (site / "checkpoint").write_text(old)
        rolled_back = wardline("witness", "check", url, *machine.arguments(home.log.key), "--output", "json")
        assert rolled_back.code == 5
        assert [alarm["kind"] for alarm in json.loads(rolled_back.out)["alarms"]] == ["rollback"]
        witnessing.write_log_tiles(home, site, entries=False)
        tile = site / "tile" / "0" / "000.p" / str(home.log.size())
        tile.write_bytes(tile.read_bytes()[::-1])
        mixed_up = wardline("witness", "check", url, *machine.arguments(home.log.key))
        assert (mixed_up.code, "do not have the root" in mixed_up.err) == (5, True)
    code, shown = machine.show()
    assert (code, len(shown["alarms"])) == (5, 1)


@pytest.mark.slow
def test_a_served_log_answers_as_the_standard_says(home: Home, tmp_path: Path) -> None:
    with serving("log", "serve", "--listen", "127.0.0.1:0", home=home.settings.home) as url:
        status, headers, note = ask(url, "GET", "/checkpoint")
        assert (status, headers["cache-control"]) == (200, "no-cache")
        assert headers["content-type"] == "text/plain; charset=utf-8"
        assert open_checkpoint(note.decode(), home.log.key).size == 3
        status, headers, tile = ask(url, "GET", "/tile/0/000.p/3")
        assert (status, len(tile), headers["content-type"]) == (200, 96, "application/octet-stream")
        assert "immutable" in headers["cache-control"]
        assert ask(url, "GET", "/tile/0/000.p/2")[2] == tile[:64]
        status, headers, nothing = ask(url, "HEAD", "/tile/0/000.p/3")
        assert (status, headers["content-length"], nothing) == (200, "96", b"")
        _, headers, packed = ask(url, "GET", "/tile/entries/000.p/3", **{"Accept-Encoding": "gzip"})
        assert headers["content-encoding"] == "gzip"
        assert len(packed) < len(ask(url, "GET", "/tile/entries/000.p/3")[2])
        assert ask(url, "GET", "/tile/0/000.p/4")[0] == 404
        assert ask(url, "GET", "/tile/1/000")[0] == 404
        assert ask(url, "GET", "/tile/0/0")[0] == 400
        assert ask(url, "GET", "/tile/0/%2e%2e/checkpoint")[0] == 400
        assert ask(url, "GET", "/keys/installation.pem")[0] == 404
        assert [ask(url, method, "/checkpoint")[0] for method in ("POST", "PUT", "DELETE")] == [405] * 3
        port = url.rpartition(":")[2]
        taken = wardline("log", "serve", "--listen", f"127.0.0.1:{port}", home=home.settings.home)
        assert (taken.code, "cannot listen" in taken.err) == (1, True)
    with serving("log", "serve", "--no-entries", "--listen", "127.0.0.1:0", home=home.settings.home) as url:
        assert ask(url, "GET", "/tile/entries/000.p/3")[0] == 404
        assert ask(url, "GET", "/tile/0/000.p/3")[0] == 200


@pytest.mark.slow
def test_files_are_what_the_server_answers_and_only_added_to(home: Home, tmp_path: Path) -> None:
    site = tmp_path / "site"
    for number in range(3, 30):
        say(home, number)
        before = {file: file.read_bytes() for file in site.rglob("*") if file.is_file() and file.name != "checkpoint"}
        written = witnessing.write_log_tiles(home, site, entries=number % 2 == 0)
        assert written.size == number + 1
        assert all(file.read_bytes() == content for file, content in before.items() if file.exists())
    assert witnessing.write_log_tiles(home, site, entries=True).files <= 3  # the last time was without entries
    assert witnessing.write_log_tiles(home, site, entries=True).files == 1
    with serving("log", "serve", "--listen", "127.0.0.1:0", home=home.settings.home) as url:
        for file in (file for file in site.rglob("*") if file.is_file()):
            assert ask(url, "GET", f"/{file.relative_to(site)}")[2] == file.read_bytes()


def test_files_of_another_log_or_history_are_not_added_to(home: Home, tmp_path: Path) -> None:
    site, other = tmp_path / "site", tmp_path / "other"
    with open_home(settings(tmp_path / "second")) as second:
        say(second, 1)
        witnessing.write_log_tiles(second, other, entries=True)
    with pytest.raises(IntegrityViolation, match="it holds log"):
        witnessing.write_log_tiles(home, other, entries=True)
    shutil.copytree(home.settings.home, tmp_path / "copy")
    for number in (3, 4):
        say(home, number)
    witnessing.write_log_tiles(home, site, entries=True)
    with open_home(settings(tmp_path / "copy")) as rewritten:
        with pytest.raises(IntegrityViolation, match="it has 5 leaves, the log only 3"):
            witnessing.write_log_tiles(rewritten, site, entries=True)
        for number in (99, 98, 97):
            say(rewritten, number)
        with pytest.raises(IntegrityViolation, match="not the first ones of this log"):
            witnessing.write_log_tiles(rewritten, site, entries=True)


def test_a_statement_is_proven_to_somebody_without_an_installation(home: Home, tmp_path: Path) -> None:
    proof, entry = tmp_path / "1.tlog-proof", tmp_path / "1.json"
    witnessing.write_proof(home, 1, proof, entry=entry)
    key = str(home.log.key)
    held = wardline("log", "verify", proof, "--entry", entry, "--key", key, "--output", "json")
    assert (held.code, json.loads(held.out)) == (0, {"holds": True, "index": 1, "size": 2, "witnesses": {}})
    entry.write_bytes(entry.read_bytes() + b"\n")
    assert wardline("log", "verify", proof, "--entry", entry, "--key", key).code == 5
    with pytest.raises(NotFound, match="log index 3: the log has 3 statements"):
        witnessing.write_proof(home, 3, proof, entry=None)


def test_a_witness_that_does_not_answer_changes_nothing_but_is_said(
    home: Home, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ask_after_run(home) == []
    assert capsys.readouterr() == ("", "")
    key = Machine(tmp_path / "w").key
    witnessing.list_witness(home, key, "http://127.0.0.1:9/nobody")
    (asked,) = ask_after_run(home)
    assert asked.standing is Standing.UNANSWERED
    assert f"note: witness {NAME} did not cosign (unanswered)" in capsys.readouterr().err
    (home.settings.home / "witnesses").write_text("no witness\n")
    assert ask_after_run(home) == []
    assert "witnesses:1" in capsys.readouterr().err


@pytest.mark.parametrize(
    "url", ["ftp://host/x", "file:///etc/passwd", "http://", "https://a:b@host", "https://h/?q", "x"]
)
def test_what_is_no_address_of_a_witness_is_not_listed(home: Home, tmp_path: Path, url: str) -> None:
    key = Machine(tmp_path / "w").key
    with pytest.raises(InvalidInput):
        witnessing.list_witness(home, key, url)
    assert witnessing.witnesses_of(home) == ()


def test_a_witness_is_listed_once(home: Home, tmp_path: Path) -> None:
    key = Machine(tmp_path / "w").key
    witnessing.list_witness(home, key, None)
    for again in (key, WitnessKey(name="other.example", raw=key.raw)):
        with pytest.raises(Conflict, match="listed already"):
            witnessing.list_witness(home, again, "https://w.example")


@pytest.mark.slow
def test_killed_at_any_call_a_witness_never_cosigns_two_histories(tmp_path: Path) -> None:
    if shutil.which("strace") is None:
        pytest.skip("strace kills the witness inside a call; install the package strace")
    one, other = GrowingLog(30), GrowingLog(30, history="other")
    rng = random.Random(7)
    calls = judged(tmp_path / "whole", one.request(0, 9), count=True).calls
    assert {name for name, _ in calls} >= {"fdatasync", "pwrite64"}
    silent = 0
    for number, (name, ordinal) in enumerate(rng.sample(calls, 20)):
        state = tmp_path / f"state-{number}"
        killed = judged(state, one.request(0, 9), kill=(name, ordinal))
        # Whether or not it had remembered: of the two histories it goes on with one only.
        first = judged(state, one.request(0, 9))
        assert first.status in {"cosigned", "seen 9"}
        assert killed.status in {"", "cosigned"}
        assert (killed.status, first.status) != ("cosigned", "cosigned")  # what was shown had been remembered
        silent += killed.status == ""
        for forked in (other.request(0, 9), other.request(9, 9), other.request(9, 20)):
            assert judged(state, forked).status != "cosigned"
        assert judged(state, one.request(9, 20)).status == "cosigned"
    assert silent > 5  # the kills did hit before the answer


@dataclass(frozen=True)
class Judged:
    status: str
    calls: list[tuple[str, int]]


_JUDGE = """
import sys
from pathlib import Path
from tests.fakes.growing_log import KEY, private_of, witness
from wardline.adapters.c2sp.witness_memory import WitnessMemory
from wardline.clock import SystemClock
from wardline.tlog.add_checkpoint import AddCheckpoint, Cosigned, HasSeen
from wardline.tlog.witness import Witness
w = Witness(key=witness(1), sign=private_of(1).sign, logs={KEY.name: (KEY,)},
            memory=WitnessMemory(Path(sys.argv[1])), clock=SystemClock())
answer = w.add(AddCheckpoint.parse(sys.stdin.read()))
match answer:
    case Cosigned(): print("cosigned", flush=True)
    case HasSeen(size=size): print(f"seen {size}", flush=True)
    case _: print("not connected", flush=True)
"""
_WATCHED = ("openat", "pwrite64", "write", "fsync", "fdatasync", "ftruncate", "unlink", "mkdir")


def judged(state: Path, request: AddCheckpoint, *, kill: tuple[str, int] | None = None, count: bool = False) -> Judged:
    """Let a process of its own judge one request; `kill` it inside that call on a file of its state."""
    trace = state.with_name(f"{state.name}.trace")
    under: list[str] = []
    if count or kill:
        watched = kill[0] if kill else ",".join(_WATCHED)
        paths = [part for file in ("", "-wal", "-shm") for part in ("-P", f"{state_file(state)}{file}")]
        under = ["strace", "-f", "-o", str(trace), "-e", f"trace={watched}", *paths]
        if kill:
            under += ["-e", f"inject={kill[0]}:signal=KILL:when={kill[1]}"]
    done = subprocess.run(
        [*under, sys.executable, "-c", _JUDGE, str(state)],
        input=request.encode(),
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
        timeout=SECONDS,
        check=False,
    )
    assert kill or done.returncode == 0, done.stderr
    calls: list[tuple[str, int]] = []
    seen: dict[str, int] = {}
    for line in trace.read_text().splitlines() if count else ():
        name = line.split(maxsplit=1)[1].partition("(")[0]
        if name in _WATCHED:
            seen[name] = seen.get(name, 0) + 1
            calls.append((name, seen[name]))
    return Judged(status=done.stdout.strip(), calls=calls)


def state_file(state: Path) -> Path:
    return state / f"{sha256(KEY.name.encode()).hexdigest()[:32]}.witness"

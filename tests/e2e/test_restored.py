"""A machine is lost while a run waits for people; what was backed up goes on somewhere else."""

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.fakes.tiny_service import WARDLINE, TinyWorld

QUIET = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@dataclass(frozen=True, kw_only=True)
class Elsewhere(TinyWorld):
    """The same people and repository, another home."""

    @property
    def home(self) -> Path:
        return self.folder / "elsewhere"


@pytest.fixture
def worlds(tmp_path: Path) -> Iterator[tuple[TinyWorld, TinyWorld]]:
    before, after = TinyWorld(folder=tmp_path), Elsewhere(folder=tmp_path)
    try:
        yield before, after
    finally:
        before.stop()
        if after.home.exists():
            after.stop()


def waiting(world: TinyWorld, ship: subprocess.Popen[bytes]) -> str:
    while ship.poll() is None:
        for run in world.run("runs", "list", "--output", "json").json:
            if run["waiting_for"]:
                return str(run["run"])
    pytest.fail("the run ended before it asked anybody")


def test_a_run_that_waited_goes_on_from_its_backup(worlds: tuple[TinyWorld, TinyWorld], tmp_path: Path) -> None:
    before, after = worlds
    before.enrol()
    before.commit()
    ship = subprocess.Popen([*WARDLINE, "ship", str(before.repository)], env=before.environment(), **QUIET)
    try:
        run = waiting(before, ship)
        taken = before.run("backup", tmp_path / "file", "--with-keys", "--output", "json")
        assert taken.code == 0, taken
    finally:
        ship.kill()
        ship.wait()
    key = taken.json["key"]
    restored = after.run("restore", tmp_path / "file", "--key", key, "--output", "json")
    assert restored.code == 0, restored
    assert restored.json["size"] == taken.json["size"]
    for who, role in (("sam", "clinical-safety"), ("cleo", "compliance")):
        word = after.run("approve", run, "--role", role, "--key", tmp_path / f"{who}.key", "--reason", "seen", "--yes")
        assert word.code == 0, word
    resumed = after.run("runs", "resume", run, "--output", "json")
    assert resumed.code == 0, resumed
    assert after.serving("production")
    assert after.run("packet", run, "--to", tmp_path / "packet.html").code == 0
    assert after.run("verify", tmp_path / "packet.html", "--key", key).code == 0
    assert after.run("log", "check").code == 0

"""`wardline people forget` in processes of its own: killed between statement and destruction, and completed."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.fakes.tiny_service import TinyWorld

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
NAME = "Plantedname Safety"
KILLED = """
import os, signal
from wardline.adapters.storage.{module} import {kind}
def killed(self, *_): os.kill(os.getpid(), signal.SIGKILL)
{kind}.{act} = killed
from wardline.cli.main import main
main()
"""


@pytest.fixture
def world(tmp_path: Path) -> TinyWorld:
    """An installation with an administrator, a data-protection officer and somebody to be forgotten."""
    world = TinyWorld(folder=tmp_path)
    for name in ("admin", "dora", "sam"):
        assert world.run("keys", "new", tmp_path / f"{name}.key").code == 0
    for name, role in (("admin", "administrator"), ("dora", "data-protection"), ("sam", "compliance")):
        public = () if name == "admin" else ("--public-key", tmp_path / f"{name}.key.pub")
        known = ("--name", NAME, "--email", "sam@example.org") if name == "sam" else ()
        command = ("people", "enrol", f"p-{name}", "--role", role, *public, *known, "--key", tmp_path / "admin.key")
        assert world.run(*command).code == 0
    placed = ("log", "hold", "--role", "compliance", "--code", "audit", "--reason", "an audit", "--yes")
    done = world.run(*placed, "--key", tmp_path / "sam.key")
    assert done.code == 0, done
    return world


@pytest.mark.parametrize(
    ("module", "kind", "act"), [("subject_keys", "SQLSubjectKeys", "destroy"), ("people", "SQLPeople", "erase")]
)
def test_what_a_kill_left_is_completed_by_the_next_call(world: TinyWorld, module: str, kind: str, act: str) -> None:
    command = ("people", "forget", "p-sam", "--key", str(world.folder / "dora.key"), "--yes")
    done = subprocess.run(
        [sys.executable, "-c", KILLED.format(module=module, kind=kind, act=act), *command],
        env=world.environment(),
        check=False,
        capture_output=True,
        timeout=120,
    )
    assert done.returncode == -signal.SIGKILL, done
    size = world.run("log", "check", "--output", "json").json["size"]
    assert holds(world, NAME)
    again = world.run(*command, "--output", "json")
    assert again.code == 0, again
    assert again.json["signed_at"] == again.json["log"] == size - 1
    assert world.run("log", "check", "--output", "json").json["size"] == size
    assert not holds(world, NAME)
    looked = world.run("people", "forget", "p-sam", "--dry-run", "--output", "json").json["destroys"]
    assert looked == {"name": None, "addresses": [], "keys": [], "texts": []}


def holds(world: TinyWorld, planted: str) -> bool:
    files = [Path(folder) / name for folder, _, names in os.walk(world.home) for name in names]
    return any(planted.encode() in file.read_bytes() for file in files)

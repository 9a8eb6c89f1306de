"""The supervisor stands alone, stays bounded, and ends up right whatever is killed when."""

import ast
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.integration.targets.local_world import World, until, world
from tests.integration.targets.test_surviving import PARTS, complete, revive

from wardline.adapters.targets.local import supervisor
from wardline.adapters.targets.local.supervisor.processes import stat_of
from wardline.adapters.targets.local.supervisor.spawn import bound
from wardline.errors import Unavailable
from wardline.ids import ReleaseId

A = ReleaseId("rel-a")
MODULES = sorted(Path(supervisor.__file__).parent.glob("*.py"))


@pytest.fixture
def here(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path) as made:
        yield made


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.stem)
def test_the_supervisor_needs_the_standard_library_only(module: Path) -> None:
    for node in ast.walk(ast.parse(module.read_text())):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.level == 0:
            names = [str(node.module)]
        assert {name.partition(".")[0] for name in names} <= sys.stdlib_module_names


def test_a_log_that_is_too_large_is_copied_once_and_emptied(tmp_path: Path) -> None:
    log = tmp_path / "rel-a.0.log"
    bound(log, 10)
    with log.open("ab") as instance:
        instance.write(b"0123456789")
        instance.flush()
        bound(log, 10)
        assert log.stat().st_size == 10
        instance.write(b"x")
        instance.flush()
        bound(log, 10)
        assert log.read_bytes() == b""
        instance.write(b"goes on")
    assert log.read_bytes() == b"goes on", "the instance keeps its descriptor and appends"
    assert (tmp_path / "rel-a.0.log.1").read_bytes() == b"0123456789x"


def test_a_name_with_brackets_and_spaces_does_not_shift_the_fields(tmp_path: Path) -> None:
    odd = tmp_path / "a) R 1 (b"
    odd.symlink_to("/bin/sleep")
    process = subprocess.Popen([str(odd), "60"])
    try:
        stat, own = stat_of(process.pid), stat_of(os.getpid())
        assert stat is not None
        assert own is not None
        assert stat.session == os.getsid(process.pid)
        assert own.ticks <= stat.ticks
        assert not stat.ended
    finally:
        process.kill()
        process.wait()


def test_variables_go_when_the_release_goes(here: World) -> None:
    here.serve(A)
    here.target.start(here.key, here.release("rel-b"), generation=1)
    here.target.shift(here.key, {ReleaseId("rel-b"): 100}, generation=1)
    here.target.withdraw(here.key, A, generation=1)
    assert [path.parent.name for path in here.place.rglob("environment.json")] == ["rel-b"]
    here.target.stop(here.key)
    assert list(here.place.rglob("environment.json")) == []


def test_what_cannot_be_written_is_said_and_changes_nothing(here: World) -> None:
    here.serve(A)
    (here.place / "desired.new").mkdir()  # as a full disk would: the new version cannot be written
    with pytest.raises(Unavailable, match=r"desired\.json of environment eligibility/staging cannot be used"):
        here.target.shift(here.key, {}, generation=1)
    assert here.get() == (200, A)
    (here.place / "desired.new").rmdir()
    here.target.shift(here.key, {}, generation=1)


@pytest.mark.slow
def test_random_kills_always_end_in_exactly_what_is_wanted(here: World) -> None:
    here.serve(A, instances=2)
    chance = random.Random(20261123)
    for _ in range(12):
        here.kill(*chance.sample(PARTS, chance.randint(1, 3)))
        revive(here)
        if chance.random() < 0.5:  # else the next kill comes while it is still picking up the pieces
            until(lambda: complete(here), within=60)
    until(lambda: complete(here), within=60)
    assert here.get() == (200, A)

"""A run killed before, inside and after every one of its steps ends as it would have, and nothing happens twice.

The stations and the target are fakes that survive a kill; the log, the engine, the gate and the kills are real.
"""

import os
import shutil
import signal
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import pytest
from tests.fakes.delivery_world import DeliveryWorld, delivery_world

from wardline.canonical import JSON
from wardline.ids import RunId
from wardline.pipelines.engine import Engine
from wardline.pipelines.run import RunStatus

MOMENTS = ("before", "inside", "after")
VERSIONS = {"r-first": "1.0", "r-second": "1.1"}


@dataclass
class Fatal:
    """An engine whose process dies at one moment of one step, and whose people answer as soon as they are asked."""

    inner: Engine
    world: DeliveryWorld
    run: str
    kill_at: tuple[str, int] | None
    names: list[str] = field(default_factory=list)

    def step(self, name: str, act: Callable[[], JSON]) -> JSON:
        number = len(self.names)
        self.names.append(name)

        def watched() -> JSON:
            self._die("before", number)
            result = act()
            self._die("inside", number)
            return result

        result = self.inner.step(name, watched)
        self._die("after", number)
        return result

    def wait_for(self, topic: str, *, deadline: datetime) -> JSON | None:
        # On a replay nobody is asked: what was received once is received again.
        if self.world.runs.load(RunId(self.run)).waiting_for is not None:
            for name in ("p-sam", "p-cleo"):
                self.world.approve(self.run, VERSIONS[self.run], name)
        return self.inner.wait_for(topic, deadline=deadline)

    def _die(self, moment: str, number: int) -> None:
        if self.kill_at == (moment, number):
            os.kill(os.getpid(), signal.SIGKILL)


def drive(folder: Path, run: str, *, kill_at: tuple[str, int] | None = None) -> int:
    """Drive `run` in a process of its own; return how that process ended."""
    child = os.fork()
    if child == 0:
        code = 99
        try:
            with delivery_world(folder) as world:
                engines: list[Fatal] = []

                def around(engine: Engine) -> Engine:
                    engines.append(Fatal(engine, world, run, kill_at))
                    return engines[-1]

                status = world.ship(run, VERSIONS[run], around=around)
                (folder / "steps").write_text("\n".join(engines[-1].names))
                code = 0 if status is RunStatus.SUCCEEDED else 1
        finally:
            os._exit(code)
    _, ended = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(ended)


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A world in which 1.0 is in production and 1.1 is about to be shipped; copied for every case."""
    folder = tmp_path_factory.mktemp("before") / "world"
    with delivery_world(folder) as world:
        world.enrol_everybody()
        for run, version in VERSIONS.items():
            world.begin(run, version)
    assert drive(folder, "r-first") == 0
    return folder


def shape(world: DeliveryWorld) -> list[tuple[str, str]]:
    """What the second run left, without what differs from run to run."""
    return [
        (item.statement.context.step, item.statement.context.outcome.value)
        for item in world.log.of_run(RunId("r-second"))
    ]


@dataclass(frozen=True)
class Expected:
    """What the second run leaves when nothing disturbs it."""

    shape: list[tuple[str, str]]
    effects: list[str]
    steps: int


@pytest.fixture(scope="module")
def undisturbed(before: Path, tmp_path_factory: pytest.TempPathFactory) -> Expected:
    folder = tmp_path_factory.mktemp("undisturbed") / "world"
    shutil.copytree(before, folder)
    assert drive(folder, "r-second") == 0
    with delivery_world(folder) as world:
        return Expected(shape(world), world.target.effects, len((folder / "steps").read_text().splitlines()))


def check(before: Path, folder: Path, expected: Expected, kill_at: tuple[str, int]) -> None:
    shutil.copytree(before, folder)
    assert drive(folder, "r-second", kill_at=kill_at) == -signal.SIGKILL
    with delivery_world(folder) as world:
        acknowledged = [item.key for item in world.log.every()]
    assert drive(folder, "r-second") in {0, 99}  # 99: it had ended before it was killed
    with delivery_world(folder) as world:
        assert shape(world) == expected.shape
        assert world.target.effects == expected.effects  # each deployment took effect once
        assert [item.key for item in world.log.every()][: len(acknowledged)] == acknowledged
        assert world.check_log() == world.log.size()
        assert world.runs.load(RunId("r-second")).status is RunStatus.SUCCEEDED


@pytest.mark.slow
def test_a_run_killed_at_a_spread_of_moments_ends_as_it_would_have(
    before: Path, tmp_path: Path, undisturbed: Expected
) -> None:
    for number in range(0, undisturbed.steps, 9):
        moment = MOMENTS[number // 9 % 3]
        check(before, tmp_path / f"{moment}-{number}", undisturbed, (moment, number))


@pytest.mark.exhaustive
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("moment", MOMENTS)
def test_a_run_killed_at_every_step_ends_as_it_would_have(
    before: Path, tmp_path: Path, undisturbed: Expected, moment: str
) -> None:
    for number in range(undisturbed.steps):
        check(before, tmp_path / str(number), undisturbed, (moment, number))

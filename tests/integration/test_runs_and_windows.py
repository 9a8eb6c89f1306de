"""Runs and windows: waited for, shown, taken up again after a kill; and the commands that tell of them.

The stations and the target are fakes; the log, the engine, the gate, the kill and the files are real.
"""

import json
import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.fakes.delivery_world import Answering, DeliveryWorld, delivery_world
from tests.fakes.fake_workshop import WARDLINE_YAML, fake_workshop
from typer.testing import CliRunner

from wardline.adapters.engine.immediate import Immediate
from wardline.adapters.policy.cel import CEL
from wardline.canonical import JSON
from wardline.cli.main import app
from wardline.cli.progress import SilentProgress
from wardline.clock import ManualClock
from wardline.delivery.begin import Beginnings, read_pipeline
from wardline.delivery.decide import Gate
from wardline.delivery.enrol import enrolled
from wardline.delivery.explain import explain
from wardline.delivery.foresee import foresee
from wardline.delivery.roll_back import roll_back
from wardline.delivery.ship import ship
from wardline.environments.observations import EnvironmentKey
from wardline.errors import InvalidInput
from wardline.gates.policy_files import load_policies
from wardline.ids import EnvironmentName, RandomIds, RunId
from wardline.pipelines.engine import Engine
from wardline.pipelines.run import RunStatus

FILE = "calendars/clinic.yaml"
NIGHTS = """\
calendar: 1
timezone: America/New_York
windows:
  - id: ward-nights
    kind: quiet-hours
    strength: hard
    starts: 2026-11-02T22:00
    lasts: 8h
    repeats: FREQ=DAILY;COUNT=60
    reason: nobody on the wards can go over to paper at night
  - id: handover
    kind: shift-change
    strength: hard
    starts: 2026-11-02T06:00
    lasts: 45m
    repeats: FREQ=DAILY;COUNT=60
    reason: handover
"""
FREEZE = NIGHTS.replace("lasts: 8h\n    repeats: FREQ=DAILY;COUNT=60", "lasts: 60d")
AT_NIGHT = datetime(2026, 11, 25, 4, tzinfo=UTC)  # 23:00 in New York
RUN = RunId("r-1")


def declaring(environment: str, more: str = "") -> str:
    return WARDLINE_YAML.replace(f"  {environment}:\n", f"  {environment}:\n    windows: [{FILE}]\n{more}")


class Watched(Answering):
    """People answer when they are asked; where nobody is, the clock goes on to the deadline. Keeps what was told."""

    def __init__(
        self, world: DeliveryWorld, clock: ManualClock, run: str = "r-1", version: str = "1.0", **station: object
    ) -> None:
        super().__init__(world, run, version)
        self._clock, self._station = clock, station
        self.told: list[str] = []

    def wait_for(self, topic: str, *, deadline: datetime) -> JSON:
        told = self._world.runs.load(RunId(self._run)).waiting_for
        assert told is not None
        self.told.append(told)
        if "needs" in told:
            for name in ("p-sam", "p-cleo"):
                self._world.approve(self._run, self._version, name, **self._station)
            return {"topic": topic}
        self._clock.advance(deadline - self._clock.now())
        return None


class Deaf(Immediate):
    """Nothing may be waited for."""

    def wait_for(self, topic: str, *, deadline: datetime) -> JSON:
        pytest.fail(f"waited on {topic} until {deadline}")


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(AT_NIGHT)


@pytest.fixture
def world(tmp_path: Path, clock: ManualClock) -> Iterator[DeliveryWorld]:
    with delivery_world(tmp_path, clock=clock) as opened:
        opened.enrol_everybody()
        opened.begin(RUN, "1.0")
        yield opened


def decided_at(world: DeliveryWorld, environment: str) -> datetime:
    (found,) = (item for item in world.log.of_run(RUN) if item.statement.context.step == f"{environment}/gate")
    return found.statement.context.recorded_at


def test_a_run_waits_until_no_window_keeps_it_out(world: DeliveryWorld, clock: ManualClock) -> None:
    station = {"yaml": declaring("development"), "files": {FILE: NIGHTS}}
    engine = Watched(world, clock, **station)
    assert world.walk(RUN, "1.0", engine=engine, **station) is RunStatus.SUCCEEDED
    assert engine.told[:2] == [
        "development waits for quiet-hours ward-nights until 2026-11-25 06:00 America/New_York",
        "development waits for shift-change handover until 2026-11-25 06:45 America/New_York",
    ]
    assert decided_at(world, "development") >= datetime(2026, 11, 25, 11, 45, tzinfo=UTC)


class Interrupted(Immediate):
    """Remembers what its steps gave; stopped at its first wait. Then the clock goes on to the end of each."""

    def __init__(self, clock: ManualClock) -> None:
        self._clock, self._given, self._waited = clock, {}, 0

    def step(self, name: str, act: Callable[[], JSON]) -> JSON:
        if name not in self._given:
            self._given[name] = super().step(name, act)
        return self._given[name]

    def wait_for(self, topic: str, *, deadline: datetime) -> JSON:
        self._waited += 1
        if self._waited == 1:
            raise KeyboardInterrupt
        self._clock.advance(deadline - self._clock.now())
        return None


class Telling(SilentProgress):
    def __init__(self) -> None:
        self.waited_for: list[str] = []

    def waits(self, reason: str) -> None:
        self.waited_for.append(reason)


def test_whoever_takes_a_run_up_is_told_what_it_still_waits_for(world: DeliveryWorld, clock: ManualClock) -> None:
    workshop = fake_workshop(world.folder, "1.0", yaml=declaring("development"), files={FILE: NIGHTS})
    gate = Gate(collect=world.collect, engine=CEL(), policies=load_policies())
    engine, watchers = Interrupted(clock), (Telling(), Telling())
    with pytest.raises(KeyboardInterrupt):
        ship(replace(world.travel(RUN, engine), progress=watchers[0]), workshop, gate, world.target)
    again = replace(world.travel(RUN, engine), progress=watchers[1])
    assert ship(again, workshop, gate, world.target) is RunStatus.UNDECIDED
    nights, handover, *_ = watchers[1].waited_for
    assert watchers[0].waited_for == [nights]
    assert nights.startswith("development waits for quiet-hours ward-nights")
    assert handover.startswith("development waits for shift-change handover")


def test_people_are_asked_while_a_window_keeps_the_run_out(world: DeliveryWorld, clock: ManualClock) -> None:
    station = {"yaml": declaring("production"), "files": {FILE: NIGHTS}}
    engine = Watched(world, clock, **station)
    assert world.walk(RUN, "1.0", engine=engine, **station) is RunStatus.SUCCEEDED
    asked, *waited = engine.told
    assert "production needs 1 of clinical-safety and 1 of compliance by" in asked
    assert asked.endswith("it waits for quiet-hours ward-nights until 2026-11-25 06:00 America/New_York")
    assert [told.split()[3] for told in waited] == ["quiet-hours", "shift-change"]


SOFT = """\
calendar: 1
timezone: UTC
windows:
  - {id: month-end, kind: freeze, strength: soft, approval: compliance, starts: 2026-11-25T00:00, lasts: 1d, reason: x}
"""


class Soft(Watched):
    """As Watched, but in development it is one person who answers, or nobody."""

    def __init__(self, world: DeliveryWorld, clock: ManualClock, *, answers: bool, **station: object) -> None:
        super().__init__(world, clock, **station)
        self._answers = answers

    def wait_for(self, topic: str, *, deadline: datetime) -> JSON:
        if topic.startswith("production"):
            return Answering.wait_for(self, topic, deadline=deadline)
        self.told.append(str(self._world.runs.load(RUN).waiting_for))
        if self._answers:
            self._world.approve(RUN, "1.0", "p-cleo", **self._station)
            return {"topic": topic}
        self._clock.advance(deadline - self._clock.now())
        return None


def test_a_soft_window_asks_the_role_it_names_and_nobody_else(world: DeliveryWorld, clock: ManualClock) -> None:
    station = {"yaml": declaring("development"), "files": {FILE: SOFT}}
    engine = Soft(world, clock, answers=True, **station)
    assert world.walk(RUN, "1.0", engine=engine, **station) is RunStatus.SUCCEEDED
    (told,) = engine.told
    assert told.startswith(
        "development needs 1 of compliance (freeze month-end until 2026-11-26 00:00 UTC) by 2026-11-28"
    )
    assert decided_at(world, "development") < datetime(2026, 11, 25, 5, tzinfo=UTC)


def test_a_soft_window_that_nobody_answered_is_over_when_it_ends(world: DeliveryWorld, clock: ManualClock) -> None:
    station = {"yaml": declaring("development"), "files": {FILE: SOFT}}
    engine = Soft(world, clock, answers=False, **station)
    assert world.walk(RUN, "1.0", engine=engine, **station) is RunStatus.SUCCEEDED
    assert (
        datetime(2026, 11, 26, tzinfo=UTC) <= decided_at(world, "development") < datetime(2026, 11, 26, 1, tzinfo=UTC)
    )


def test_a_run_waits_for_windows_no_longer_than_it_is_told_in_all(world: DeliveryWorld, clock: ManualClock) -> None:
    day = """\
  - {id: day, kind: freeze, strength: soft, approval: compliance, starts: 2026-11-25T06:45, lasts: 15h15m, reason: x}
"""
    station = {"yaml": declaring("development"), "files": {FILE: NIGHTS + day}}
    engine = Soft(world, clock, answers=False, **station)
    assert world.walk(RUN, "1.0", engine=engine, **station) is RunStatus.DENIED
    assert [told.split(" until ")[0].split()[-1] for told in engine.told] == ["ward-nights", "handover", "day"]
    assert decided_at(world, "development") < datetime(2026, 11, 26, 4, tzinfo=UTC)  # the next night has begun


def test_a_freeze_that_lasts_longer_than_a_run_waits_denies_at_once(world: DeliveryWorld, clock: ManualClock) -> None:
    status = world.walk(RUN, "1.0", engine=Deaf(), yaml=declaring("development"), files={FILE: FREEZE})
    assert status is RunStatus.DENIED
    assert clock.now() - AT_NIGHT < timedelta(minutes=1)
    (told,) = explain(world.runs.load(RUN), world.log)
    assert told.startswith("development gate: deny by outside-windows: a window keeps changes out")
    assert "quiet-hours ward-nights until 2027-01-01 22:00 America/New_York" in told


def test_a_run_told_not_to_wait_is_denied(world: DeliveryWorld) -> None:
    yaml = declaring("development", "    window_wait: 0s\n")
    assert world.walk(RUN, "1.0", engine=Deaf(), yaml=yaml, files={FILE: NIGHTS}) is RunStatus.DENIED


def test_a_calendar_missing_from_the_commit_leaves_the_run_undecided(world: DeliveryWorld) -> None:
    status = world.walk(RUN, "1.0", engine=Deaf(), yaml=declaring("development"))
    assert status is RunStatus.UNDECIDED
    assert any("could not be read from the commit" in told for told in explain(world.runs.load(RUN), world.log))


def test_a_run_whose_calendars_cannot_be_read_is_not_begun(tmp_path: Path) -> None:
    files = {FILE: NIGHTS.replace("COUNT=60", "INTERVAL=1")}
    with pytest.raises(InvalidInput, match="1 of 1 calendars cannot be read") as caught:
        read_pipeline(fake_workshop(tmp_path, "1.0", yaml=declaring("staging"), files=files), tmp_path, "HEAD")
    assert [problem.partition(": it never ends")[0] for problem in caught.value.problems] == [
        f"{FILE}:9: windows[0].repeats",
        f"{FILE}:16: windows[1].repeats",
    ]


def test_a_role_that_a_soft_window_names_and_nobody_has_is_told_beforehand(world: DeliveryWorld) -> None:
    files = {FILE: SOFT.replace("compliance", "operator")}
    workshop = fake_workshop(world.folder, "1.0", yaml=declaring("staging"), files=files)
    found = foresee(workshop, world.folder, "HEAD", people=enrolled(world.collect))
    assert f"  staging: windows of {FILE}, gate, blue-green 100 %, rehearsal of the rollback" in found.lines()
    (doubt,) = found.doubts
    assert doubt.startswith("a soft window of staging asks operator; nobody is enrolled with a key for it")


def test_a_rollback_waits_for_no_window(world: DeliveryWorld, clock: ManualClock) -> None:
    station = {"yaml": declaring("production"), "files": {FILE: NIGHTS}}
    world.begin("r-2", "1.1")
    for run, version in (("r-1", "1.0"), ("r-2", "1.1")):
        engine = Watched(world, clock, run, version, **station)
        assert world.walk(run, version, engine=engine, **station) is RunStatus.SUCCEEDED
    clock.advance(AT_NIGHT + timedelta(days=3) - clock.now())
    beginnings = Beginnings(runs=world.runs, log=world.log, clock=clock, ids=RandomIds())
    production = EnvironmentKey(service="trivial", name=EnvironmentName("production"))
    back = beginnings.roll_back(production, to=None, words=None)
    assert roll_back(world.travel(back.id, Deaf()), world.target) is RunStatus.SUCCEEDED


# -- killed while it waits

LOOK, WAIT = "development/waiting/look-0", "wait"


def drive(folder: Path, now: datetime, *, dies: tuple[str, str] | None) -> int:
    """Drive the run on the durable engine in a process of its own, whose clock shows `now`; return how that ended."""
    child = os.fork()
    if child == 0:
        code = 99
        try:
            with delivery_world(folder, clock=ManualClock(now)) as world:
                status = world.ship(
                    RUN, "1.0", around=lambda engine: Mortal(engine, dies), yaml=declaring("development"),
                    files={FILE: NIGHTS},
                )  # fmt: skip
                code = 0 if status is RunStatus.UNDECIDED else 1
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


class Mortal:
    """An engine whose process dies at one moment of a step or wait; in production nobody answers, and the run ends."""

    def __init__(self, inner: Engine, dies: tuple[str, str] | None) -> None:
        self._inner, self._dies = inner, dies

    def step(self, name: str, act: Callable[[], JSON]) -> JSON:
        def watched() -> JSON:
            result = act()
            self._die("inside", name)
            return result

        self._die("before", name)
        result = self._inner.step(name, watched)
        self._die("after", name)
        return result

    def wait_for(self, topic: str, *, deadline: datetime) -> JSON | None:
        if topic.startswith("production"):
            return None
        self._die("before", WAIT)
        message = self._inner.wait_for(topic, deadline=deadline)
        self._die("after", WAIT)
        return message

    def _die(self, moment: str, name: str) -> None:
        if self._dies == (moment, name):
            os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.slow
@pytest.mark.parametrize(
    "dies", [("before", LOOK), ("inside", LOOK), ("after", LOOK), ("before", WAIT), ("after", WAIT)], ids=" ".join
)
def test_a_run_killed_around_its_wait_goes_on_when_the_window_ends(tmp_path: Path, dies: tuple[str, str]) -> None:
    with delivery_world(tmp_path, clock=ManualClock(AT_NIGHT)) as world:
        world.enrol_everybody()
        world.begin(RUN, "1.0")
    ends = datetime(2026, 11, 25, 11, 45, tzinfo=UTC)
    assert drive(tmp_path, ends - timedelta(seconds=2), dies=dies) == -signal.SIGKILL
    with delivery_world(tmp_path, clock=ManualClock(ends)) as world:
        run = world.runs.load(RUN)
        told = "development waits for shift-change handover until 2026-11-25 06:45 America/New_York"
        assert run.waiting_for == (told if dies[1] == WAIT else None)
        assert world.holds.holder(EnvironmentKey(service="trivial", name=EnvironmentName("development"))) is None
        assert "development/gate" not in [item.statement.context.step for item in world.log.of_run(RUN)]
    assert drive(tmp_path, ends, dies=None) == 0
    with delivery_world(tmp_path, clock=ManualClock(ends)) as world:
        steps = [item.statement.context.step for item in world.log.of_run(RUN)]
        assert steps.count("development/gate") == 1
        assert "staging/gate" in steps  # it went on from development
        assert decided_at(world, "development") >= ends
        assert world.check_log() == world.log.size()


# -- the commands


def test_runs_are_listed_with_what_they_wait_for(world: DeliveryWorld, tmp_path: Path) -> None:
    run = world.runs.load(RUN)
    world.runs.save(run.waits("development waits for quiet-hours ward-nights until 2026-11-25 06:00 America/New_York"))
    result = CliRunner().invoke(app, ["runs", "list"], env={"WARDLINE_HOME": str(tmp_path)})
    assert result.output.splitlines()[-1] == (
        "r-1: development waits for quiet-hours ward-nights until 2026-11-25 06:00 America/New_York"
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "calendars").mkdir()
    (tmp_path / "wardline.yaml").write_text(declaring("production"))
    (tmp_path / FILE).write_text(NIGHTS)
    return tmp_path


def command(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, list(arguments))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.output


def test_windows_are_listed_in_their_own_time_and_in_utc(folder: Path) -> None:
    code, told = command("windows", "--path", str(folder), "--from", "2026-12-01", "--to", "2026-12-01")
    assert code == 0
    names = [" ".join(line.split()[:2]) for line in told.splitlines()[1:4]]
    assert names == ["production ward-nights", "production handover", "ward-nights: nobody"]
    assert "2026-11-30 22:00 America/New_York  2026-12-01 06:00 America/New_York" in told
    assert "2026-12-01 03:00 to 2026-12-01 11:00" in told


def test_windows_are_listed_for_machines_with_what_policies_read(folder: Path) -> None:
    arguments = ("--from", "2026-12-01T04:00:00Z", "--to", "2026-12-01T05:00:00Z", "--output", "json")
    _, told = command("windows", "--path", str(folder / "wardline.yaml"), *arguments)
    (found,) = json.loads(told)
    assert (found["environment"], found["id"], found["strength"]) == ("production", "ward-nights", "hard")
    assert (found["began"], found["ends"]) == ("2026-12-01T03:00:00.000Z", "2026-12-01T11:00:00.000Z")
    assert found["began_local"] == "2026-11-30 22:00 America/New_York"


def test_an_environment_without_windows_has_none_to_list(folder: Path) -> None:
    assert command("windows", "--path", str(folder), "--environment", "staging")[1].startswith("No window")


def test_what_is_wrong_with_a_calendar_is_told_with_the_file_that_names_it(folder: Path) -> None:
    (folder / FILE).write_text(NIGHTS.replace("COUNT=60", "INTERVAL=1").replace("hard", "harsh"))
    code, told = command("validate", str(folder), "--output", "json")
    problems = json.loads(told)["problems"]
    assert code == 2
    assert len(problems) == 4
    assert all(problem.startswith(f"{FILE}:") for problem in problems)
    (folder / FILE).unlink()
    _, told = command("validate", str(folder), "--output", "json")
    assert json.loads(told)["problems"] == [f"{FILE}: there is no such file beside wardline.yaml"]


def test_a_folder_whose_calendars_are_in_order_is_valid(folder: Path) -> None:
    assert command("validate", str(folder))[0] == 0


@pytest.mark.parametrize(
    "arguments",
    [("--from", "2026-12-02", "--to", "2026-11-01"), ("--from", "1000-01-01"), ("--to", "9999-12-31"), ("--from", "x")],
)
def test_a_time_that_cannot_be_listed_is_refused(folder: Path, arguments: tuple[str, ...]) -> None:
    with pytest.raises(InvalidInput):
        command("windows", "--path", str(folder), *arguments)

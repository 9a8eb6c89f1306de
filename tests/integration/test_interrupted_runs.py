"""What happens around a run that was interrupted: given up, taken up again, overtaken by a person or by the clock."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from tests.fakes.delivery_world import Answering, DeliveryWorld, delivery_world
from tests.fakes.fake_target import FakeTarget
from tests.fakes.fake_workshop import WARDLINE_YAML

from wardline.adapters.engine.immediate import Immediate
from wardline.canonical import JSON
from wardline.clock import ManualClock
from wardline.delivery.cancel import cancel
from wardline.delivery.stop import stop
from wardline.deployments import history
from wardline.deployments.plans import Release
from wardline.deployments.predicates import Phase
from wardline.environments.observations import EnvironmentKey
from wardline.errors import Conflict, Unavailable, WardlineError
from wardline.evidence.statements import evidence_key
from wardline.ids import EnvironmentName, ReleaseId, RunId
from wardline.pipelines.run import RunStatus

pytestmark = pytest.mark.slow

PRODUCTION = EnvironmentKey(service="trivial", name=EnvironmentName("production"))
STAGING = EnvironmentKey(service="trivial", name=EnvironmentName("staging"))
RUN = RunId("r-2")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[DeliveryWorld]:
    with delivery_world(tmp_path) as opened:
        opened.enrol_everybody()
        opened.begin("r-1", "1.0")
        assert opened.walk("r-1", "1.0") is RunStatus.SUCCEEDED
        opened.begin(RUN, "1.1")
        yield opened


class Killed(Exception):
    """Stands for a process that ended."""


class Dies(Answering):
    """Remembers what its steps gave, as a durable engine does; one of them is killed after its effect."""

    def __init__(self, world: DeliveryWorld, inside: str) -> None:
        super().__init__(world, RUN, "1.1")
        self._inside: str | None = inside
        self._given: dict[str, JSON] = {}
        self.names: list[str] = []

    def step(self, name: str, act: Callable[[], JSON]) -> JSON:
        self.names.append(name)
        if name not in self._given:
            given = super().step(name, act)
            if name == self._inside:
                raise Killed
            self._given[name] = given
        return self._given[name]

    def going_on(self) -> "Dies":
        self._inside = None
        return self


class Deaf(Immediate):
    """Nobody may be waited for."""

    def wait_for(self, topic: str, *, deadline: datetime) -> JSON:
        pytest.fail(f"waited on {topic} until {deadline}")


def given_up(world: DeliveryWorld) -> RunStatus:
    return cancel(world.travel(RUN, Immediate()), world.target)


def as_it_was(world: DeliveryWorld, environment: EnvironmentKey) -> bool:
    """Only the first release runs and answers, says the target, and so says the log."""
    said = history.serving(history.read(world.log.every()), environment)
    assert said is not None
    seen = world.target.observe(environment)
    return (
        said[0].version == "1.0"
        and dict(seen.weights) == {said[0].id: 100}
        and [instance.release for instance in seen.instances] == [said[0].id]
    )


def sealed_right(world: DeliveryWorld) -> bool:
    left = world.log.of_run(RUN)
    return left[-1].key == evidence_key(RUN, "seal") and left[-1].statement.body["statements"] == len(left)


# -- giving up


@pytest.mark.parametrize(
    "moment",
    [
        "staging/deploy/1-shift-100",
        "staging/rehearse-back",
        "production/hold",
        "production/gate",
        "production/deploy/0-start",
        "production/deploy/1-shift-10",
        "production/deploy/3-shift-100",
    ],
)
def test_a_run_killed_after_any_step_can_be_given_up(world: DeliveryWorld, moment: str) -> None:
    with pytest.raises(Killed):
        world.walk(RUN, "1.1", engine=Dies(world, moment))
    assert given_up(world) is RunStatus.CANCELLED
    assert as_it_was(world, PRODUCTION)
    assert sealed_right(world)
    assert world.holds.holder(PRODUCTION) is world.holds.holder(STAGING) is None


class Mortal(FakeTarget):
    """Kills the process right after an effect on the new release, before anything can be said of it."""

    def __init__(self, world: DeliveryWorld, environment: EnvironmentKey, act: str) -> None:
        super().__init__(world.folder)
        self._dying = (environment, act)

    def start(self, environment: EnvironmentKey, release: Release, *, generation: int) -> None:
        super().start(environment, release, generation=generation)
        if release.version != "1.0":
            self._die(environment, "start")

    def shift(self, environment: EnvironmentKey, weights: Mapping[ReleaseId, int], *, generation: int) -> None:
        super().shift(environment, weights, generation=generation)
        self._die(environment, "shift")

    def _die(self, *done: object) -> None:
        if done == self._dying:
            raise Killed


@pytest.mark.parametrize("act", ["start", "shift"])
@pytest.mark.parametrize("environment", [STAGING, PRODUCTION])
def test_a_run_killed_before_it_could_say_what_it_did_can_be_given_up(
    world: DeliveryWorld, environment: EnvironmentKey, act: str
) -> None:
    mortal = replace(world, target=Mortal(world, environment, act))
    with pytest.raises(Killed):
        mortal.walk(RUN, "1.1")
    assert given_up(world) is RunStatus.CANCELLED
    assert as_it_was(world, environment)
    assert sealed_right(world)
    assert world.holds.holder(environment) is None


# -- a seal is the last word


def test_what_the_seal_says_is_how_the_run_ended(world: DeliveryWorld) -> None:
    """Killed between the seal and the table of runs: giving the run up then changes nothing that was sealed."""
    assert world.walk(RUN, "1.1") is RunStatus.SUCCEEDED
    ended = world.runs.load(RUN)
    forgotten = replace(ended, status=RunStatus.RUNNING, finished_at=None, version=ended.version + 1)
    world.runs.save(forgotten)
    assert given_up(world) is RunStatus.SUCCEEDED
    assert world.runs.load(RUN).status is RunStatus.SUCCEEDED
    assert sealed_right(world)


def test_a_run_that_was_given_up_does_nothing_more(world: DeliveryWorld) -> None:
    """Killed between the seal and the table of runs: taking the run up again does not go on with the deployment."""
    engine = Dies(world, "production/gate")
    with pytest.raises(Killed):
        world.walk(RUN, "1.1", engine=engine)
    given_up(world)
    ended = world.runs.load(RUN)
    world.runs.save(replace(ended, status=RunStatus.RUNNING, finished_at=None, version=ended.version + 1))
    with pytest.raises(Conflict):
        world.walk(RUN, "1.1", engine=engine.going_on())
    assert as_it_was(world, PRODUCTION)
    assert sealed_right(world)


# -- people in between


def test_a_stop_in_the_middle_of_a_deployment_stays_a_stop(world: DeliveryWorld) -> None:
    """Whoever stops production must not find it running again because a deployment was under way."""
    engine = Dies(world, "production/deploy/2-watch-10")
    with pytest.raises(Killed):
        world.walk(RUN, "1.1", engine=engine)
    stop(world.collect, world.target, world.holds, environment=PRODUCTION, words=None)
    try:
        assert world.walk(RUN, "1.1", engine=engine.going_on()) is not RunStatus.SUCCEEDED
    except WardlineError:
        given_up(world)
    assert not world.target.observe(PRODUCTION).instances
    assert history.serving(history.read(world.log.every()), PRODUCTION) is None
    assert sealed_right(world)


def test_a_stop_in_the_middle_of_a_first_deployment_is_recorded(tmp_path: Path) -> None:
    with delivery_world(tmp_path) as world:
        world.enrol_everybody()
        world.begin(RUN, "1.1")
        engine = Dies(world, "staging/deploy/1-shift-100")
        with pytest.raises(Killed):
            world.walk(RUN, "1.1", engine=engine)
        stop(world.collect, world.target, world.holds, environment=STAGING, words=None)
        assert history.read(world.log.every())[-1].phase is Phase.STOPPED
        size = world.log.size()
        stop(world.collect, world.target, world.holds, environment=STAGING, words=None)
        assert world.log.size() == size
        assert world.walk(RUN, "1.1", engine=engine.going_on()) is RunStatus.FAILED
        assert not world.target.observe(STAGING).instances
        assert world.holds.holder(STAGING) is None


# -- the clock


def test_a_clock_that_went_backwards_stops_the_run_and_loses_nothing(tmp_path: Path) -> None:
    clock = ManualClock(datetime.fromisoformat("2026-06-01T12:00:00Z"))
    with delivery_world(tmp_path, clock=clock) as world:
        world.enrol_everybody()
        world.begin(RUN, "1.0")
        engine = Dies(world, "build")
        with pytest.raises(Killed):
            world.walk(RUN, "1.0", engine=engine)
        kept = world.log.size()
        clock.advance(timedelta(hours=-1))
        with pytest.raises(Unavailable, match="the clock went backwards: it says 2026-06-01T11"):
            world.walk(RUN, "1.0", engine=engine.going_on())
        assert world.log.size() == kept
        assert not world.target.observe(STAGING).instances
        clock.advance(timedelta(hours=1))
        assert world.walk(RUN, "1.0", engine=engine) is RunStatus.SUCCEEDED
        assert world.check_log() == world.log.size()


def test_errors_are_not_watched_to_the_end(tmp_path: Path) -> None:
    """They do not get better by waiting; slowness needs the whole window to tell."""
    clock = ManualClock(datetime.fromisoformat("2026-06-01T12:00:00Z"))
    long = WARDLINE_YAML.replace("lasting: 100ms", "lasting: 1h")
    with delivery_world(tmp_path, sick=frozenset({"staging/1.0"}), clock=clock) as world:
        world.begin(RUN, "1.0")
        assert world.walk(RUN, "1.0", yaml=long) is RunStatus.ROLLED_BACK
        watched = {
            item.statement.context.step: item.statement.body["since"] != item.statement.body["until"]
            for item in world.log.of_run(RUN)
            if "since" in item.statement.body
        }
    assert watched == {"development/deploy/2-watch-100": True, "staging/deploy/2-watch-100": True}
    assert timedelta(hours=1) <= clock.elapsed() < timedelta(hours=1, minutes=1)  # development whole, staging at once


# -- people nobody knows


def test_nobody_is_waited_for_where_the_author_is_not_known(tmp_path: Path) -> None:
    with delivery_world(tmp_path) as world:
        world.begin(RUN, "1.0")
        status = world.walk(RUN, "1.0", engine=Deaf(), author="stranger@example.org")
        assert status is RunStatus.UNDECIDED
        assert history.serving(history.read(world.log.every()), PRODUCTION) is None
        assert sealed_right(world)

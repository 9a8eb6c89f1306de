"""The road with fake stations and a fake target; the log, the gate and its policies are real."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.fakes.delivery_world import Answering, DeliveryWorld, delivery_world
from tests.fakes.fake_workshop import WARDLINE_YAML

from wardline.adapters.engine.immediate import Immediate
from wardline.canonical import JSON
from wardline.clock import SystemClock
from wardline.delivery.begin import Beginnings
from wardline.delivery.cancel import cancel
from wardline.delivery.explain import explain
from wardline.delivery.measure import measure
from wardline.delivery.roll_back import roll_back
from wardline.deployments import history
from wardline.environments.observations import EnvironmentKey
from wardline.errors import Conflict
from wardline.ids import EnvironmentName, RandomIds, RunId
from wardline.outcomes import Outcome
from wardline.pipelines.run import RunStatus
from wardline.pipelines.sealing import SEAL

PRODUCTION = EnvironmentKey(service="trivial", name=EnvironmentName("production"))
STAGING = EnvironmentKey(service="trivial", name=EnvironmentName("staging"))


@pytest.fixture
def world(tmp_path: Path) -> Iterator[DeliveryWorld]:
    with delivery_world(tmp_path, sick=frozenset({"production/1.9", "staging/1.8"})) as opened:
        opened.enrol_everybody()
        opened.begin("r-1", "1.0")
        assert opened.walk("r-1", "1.0") is RunStatus.SUCCEEDED
        yield opened


def ship(world: DeliveryWorld, run: str, version: str, **station: object) -> RunStatus:
    world.begin(run, version)
    return world.walk(run, version, **station)


def serving(world: DeliveryWorld, environment: EnvironmentKey = PRODUCTION) -> str | None:
    """What the log says serves; what the target says must be the same."""
    said = history.serving(history.read(world.log.every()), environment)
    seen = dict(world.target.observe(environment).weights)
    assert seen == ({} if said is None else {said[0].id: 100})
    return None if said is None else said[0].version


def sealed_right(world: DeliveryWorld, run: str) -> bool:
    left = world.log.of_run(RunId(run))
    seals = [item for item in left if item.statement.predicate_type == SEAL]
    return seals == [left[-1]] and seals[0].statement.body["statements"] == len(left)


def test_a_change_that_is_good_serves_everywhere(world: DeliveryWorld) -> None:
    assert ship(world, "r-2", "1.1") is RunStatus.SUCCEEDED
    assert serving(world) == serving(world, STAGING) == "1.1"
    assert sealed_right(world, "r-2")
    assert not explain(world.runs.load(RunId("r-2")), world.log)


def test_the_rollback_was_rehearsed_from_what_production_ran(world: DeliveryWorld) -> None:
    ship(world, "r-2", "1.1")
    rehearsals = [i.statement for i in world.log.every() if i.statement.context.step == "staging/rehearsal"]
    assert [statement.body["first_release"] for statement in rehearsals] == [True, False]
    before = next(i for i in world.log.of_run(RunId("r-1")) if i.statement.context.step == "build")
    assert rehearsals[1].body["from"]["artifact"]["sha256"] == before.statement.subjects[0].digest.hex  # type: ignore[index,call-overload]
    assert all(statement.context.outcome is Outcome.PASSED for statement in rehearsals)


def test_failed_tests_are_denied_by_the_first_gate_with_all_reasons(world: DeliveryWorld) -> None:
    assert ship(world, "r-2", "1.1", failed_tests=2) is RunStatus.DENIED
    assert serving(world) == "1.0"
    assert sealed_right(world, "r-2")
    assert any("tests" in reason for reason in explain(world.runs.load(RunId("r-2")), world.log))


def test_a_canary_that_answers_errors_is_rolled_back_by_itself(world: DeliveryWorld) -> None:
    assert ship(world, "r-2", "1.9") is RunStatus.ROLLED_BACK
    assert serving(world) == "1.0"
    assert [i.release for i in world.target.observe(PRODUCTION).instances] == [
        i.id
        for i, _ in [
            history.serving(history.read(world.log.every()), PRODUCTION) or pytest.fail("production serves nothing")
        ]
    ]
    figures = measure(world.log, under_way=lambda _: False, service=None, environment=None)
    ((key, production),) = figures.services
    assert key == PRODUCTION
    assert production.deployments == 1
    assert production.change_failure_rate_bp == 5000
    assert production.time_to_recovery is not None
    assert figures.trail.completeness_bp == 10_000
    assert not figures.trail.gaps


def test_what_fails_in_staging_never_reaches_production(world: DeliveryWorld) -> None:
    assert ship(world, "r-2", "1.8") is RunStatus.ROLLED_BACK
    assert not [i for i in world.log.of_run(RunId("r-2")) if i.statement.context.step.startswith("production/")]


def test_a_timeout_is_not_a_yes(world: DeliveryWorld) -> None:
    world.begin("r-2", "1.1")
    engine = Answering(world, "r-2", "1.1", silent=frozenset({"p-cleo"}))
    assert world.walk("r-2", "1.1", engine=engine) is RunStatus.UNDECIDED
    assert serving(world) == "1.0"
    assert any("approvals are missing" in reason for reason in explain(world.runs.load(RunId("r-2")), world.log))


def test_production_without_rollback_section_is_not_allowed(world: DeliveryWorld) -> None:
    bare = WARDLINE_YAML.replace("rollback: {rehearse_in: staging}\n", "")
    world.begin("r-2", "1.1")
    engine = Answering(world, "r-2", "1.1", silent=frozenset({"p-sam", "p-cleo"}))
    assert world.walk("r-2", "1.1", engine=engine, yaml=bare) in {RunStatus.DENIED, RunStatus.UNDECIDED}
    assert serving(world) == "1.0"


class Interrupted(Exception):
    """Stands for a process that ended."""


class StopsBefore(Answering):
    """Remembers what its steps gave, as a durable engine does, and ends the process before one of them."""

    def __init__(self, world: DeliveryWorld, run: str, version: str, step: str | None) -> None:
        super().__init__(world, run, version)
        self._step = step
        self._given: dict[str, JSON] = {}

    def step(self, name: str, act: Callable[[], JSON]) -> JSON:
        if name == self._step:
            raise Interrupted
        if name not in self._given:
            self._given[name] = super().step(name, act)
        return self._given[name]

    def going_on(self) -> "StopsBefore":
        """The same run in the next process."""
        self._step = None
        return self


def test_a_cancelled_run_leaves_the_environment_as_it_was(world: DeliveryWorld) -> None:
    world.begin("r-2", "1.1")
    with pytest.raises(Interrupted):
        world.walk("r-2", "1.1", engine=StopsBefore(world, "r-2", "1.1", "production/deploy/2-watch-10"))
    assert len(world.target.observe(PRODUCTION).weights) == 2
    assert cancel(world.travel(RunId("r-2"), Immediate()), world.target) is RunStatus.CANCELLED
    assert serving(world) == "1.0"
    assert len(world.target.observe(PRODUCTION).instances) == 1
    assert sealed_right(world, "r-2")
    assert world.holds.holder(PRODUCTION) is None


def test_a_run_whose_environment_was_seized_cannot_deploy_any_more(world: DeliveryWorld) -> None:
    ship(world, "r-2", "1.1")
    world.begin("r-3", "1.2")
    late = StopsBefore(world, "r-3", "1.2", "production/deploy/3-shift-100")
    with pytest.raises(Interrupted):
        world.walk("r-3", "1.2", engine=late)
    beginnings = Beginnings(runs=world.runs, log=world.log, clock=SystemClock(), ids=RandomIds())
    back = beginnings.roll_back(PRODUCTION, to=None, words=None)
    assert roll_back(world.travel(back.id, Immediate()), world.target) is RunStatus.SUCCEEDED
    assert serving(world) == "1.0"
    assert world.walk("r-3", "1.2", engine=late.going_on()) is RunStatus.FAILED
    assert serving(world) == "1.0"
    assert sealed_right(world, "r-3")


def test_an_approval_after_the_seal_is_refused(world: DeliveryWorld) -> None:
    with pytest.raises(Conflict):
        world.approve("r-1", "1.0", "p-sam")
    assert sealed_right(world, "r-1")

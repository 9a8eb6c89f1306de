"""Observer, Deployer and Traffic: what every target must hold."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.fakes.fake_target import FakeTarget
from tests.integration.targets.local_world import World, world

from wardline.delivery.deploy import Target
from wardline.deployments.plans import Release
from wardline.errors import Conflict, Unavailable
from wardline.ids import ReleaseId

A, B = ReleaseId("rel-a"), ReleaseId("rel-b")


@contextmanager
def fake(folder: Path) -> Iterator[World]:
    made = World(folder)
    made.target = FakeTarget(folder)
    yield made


TARGETS = {"local": world, "fake": fake}


@pytest.fixture(params=TARGETS)
def here(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    with TARGETS[request.param](tmp_path) as made:
        yield made


def seen(here: World) -> tuple[dict, list]:
    """Return the weights and the running instances by release, number and pid."""
    found = here.target.observe(here.key)
    return dict(found.weights), [(i.release, i.number, i.pid) for i in found.instances]


def releases(here: World) -> dict[ReleaseId, Release]:
    return {name: here.release(name, instances=1) for name in (A, B)}


def test_a_target_answers_four_protocols(here: World) -> None:
    target: Target = here.target
    for name in ("observe", "start", "withdraw", "stop", "shift", "sample", "probe"):
        assert callable(getattr(target, name))


def test_an_environment_nobody_deployed_to_is_empty(here: World) -> None:
    assert seen(here) == ({}, [])
    here.target.stop(here.key)
    here.target.shift(here.key, {}, generation=1)
    here.target.withdraw(here.key, A, generation=1)
    assert seen(here) == ({}, [])


def test_a_start_touches_neither_traffic_nor_what_runs(here: World) -> None:
    here.target.start(here.key, releases(here)[A], generation=1)
    assert seen(here)[0] == {}
    here.target.shift(here.key, {A: 100}, generation=1)
    weights, instances = seen(here)
    here.target.start(here.key, releases(here)[B], generation=1)
    assert seen(here)[0] == weights
    assert instances[0] in seen(here)[1]


def test_every_call_can_be_repeated(here: World) -> None:
    here.target.start(here.key, releases(here)[A], generation=1)
    here.target.start(here.key, releases(here)[B], generation=1)
    calls = [
        lambda: here.target.start(here.key, releases(here)[B], generation=2),
        lambda: here.target.shift(here.key, {A: 90, B: 10}, generation=2),
        lambda: here.target.shift(here.key, {B: 100}, generation=2),
        lambda: here.target.withdraw(here.key, A, generation=2),
        lambda: here.target.stop(here.key),
    ]
    for call in calls:
        call()
        once = seen(here)
        call()
        assert seen(here) == once
    assert seen(here) == ({}, [])


def test_a_late_deployment_changes_nothing(here: World) -> None:
    here.target.start(here.key, releases(here)[A], generation=5)
    here.target.shift(here.key, {A: 100}, generation=5)
    before = seen(here)
    for late in (
        lambda: here.target.start(here.key, releases(here)[B], generation=4),
        lambda: here.target.shift(here.key, {}, generation=4),
        lambda: here.target.withdraw(here.key, A, generation=4),
    ):
        with pytest.raises(Conflict):
            late()
        assert seen(here) == before
    here.target.stop(here.key)
    assert seen(here) == ({}, [])


def test_what_still_receives_callers_is_not_withdrawn(here: World) -> None:
    here.target.start(here.key, releases(here)[A], generation=1)
    here.target.start(here.key, releases(here)[B], generation=1)
    here.target.shift(here.key, {A: 95, B: 5}, generation=1)
    before = seen(here)
    with pytest.raises(Conflict):
        here.target.withdraw(here.key, B, generation=1)
    assert seen(here) == before


def test_callers_are_not_sent_to_what_does_not_run(here: World) -> None:
    here.target.start(here.key, releases(here)[A], generation=1)
    here.target.shift(here.key, {A: 100}, generation=1)
    with pytest.raises(Unavailable):
        here.target.shift(here.key, {B: 100}, generation=1)
    assert seen(here)[0] == {A: 100}


def test_what_was_withdrawn_can_be_started_again(here: World) -> None:
    for name in (A, B):
        here.target.start(here.key, releases(here)[name], generation=1)
    here.target.shift(here.key, {B: 100}, generation=1)
    here.target.withdraw(here.key, A, generation=1)
    here.target.start(here.key, releases(here)[A], generation=2)
    here.target.shift(here.key, {A: 100}, generation=2)
    here.target.withdraw(here.key, B, generation=2)
    assert seen(here)[0] == {A: 100}
    assert [(release, number) for release, number, _ in seen(here)[1]] == [(A, 0)]

"""A run that waits for people says when an approval that stood has fallen, and who is woken to look again."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.fakes.delivery_world import ADMIN, PEOPLE, Answering, DeliveryWorld, delivery_world, signer_of
from tests.fakes.fake_workshop import FakePeople, fake_workshop

from wardline.adapters.policy.cel import CEL
from wardline.canonical import JSON
from wardline.cli.progress import SilentProgress
from wardline.clock import ManualClock
from wardline.delivery.decide import Gate
from wardline.delivery.doors import door_of
from wardline.delivery.enrol import enrol
from wardline.delivery.reconsider import environment_awaited, wake
from wardline.delivery.ship import ship
from wardline.delivery.sign import Signatory
from wardline.delivery.standing import words_at
from wardline.gates.policy_files import load_policies
from wardline.gates.revocation import State
from wardline.identity.predicates import Enrolment
from wardline.identity.principals import Principal, Role
from wardline.ids import PrincipalId, RunId
from wardline.pipelines.run import Run, RunStatus

RUN = RunId("r-1")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[DeliveryWorld]:
    with delivery_world(tmp_path) as opened:
        opened.enrol_everybody()
        opened.begin(RUN, "1.0")
        yield opened


class Telling(SilentProgress):
    def __init__(self) -> None:
        self.said: list[str] = []

    def says(self, line: str) -> None:
        self.said.append(line)


def enrolled_as(world: DeliveryWorld, name: str, *roles: Role) -> int:
    key = signer_of(name).public_key if roles else None
    who = Principal(id=PrincipalId(name), key=key, roles=frozenset(roles))
    by = Signatory(principal=PrincipalId(ADMIN), signer=signer_of(ADMIN))
    return enrol(Enrolment(principal=who), by=by, collect=world.collect, people=FakePeople()).index  # type: ignore[arg-type]  # nobody is named


class Leaving(Answering):
    """Sam approves, leaves, comes back; then everybody approves. The run is woken each time."""

    def __init__(self, world: DeliveryWorld) -> None:
        super().__init__(world, RUN, "1.0")
        self.waited_for: list[str] = []
        self.left = 0

    def wait_for(self, topic: str, *, deadline: datetime) -> JSON:
        self.waited_for.append(str(self._world.runs.load(RUN).waiting_for))
        match len(self.waited_for):
            case 1:
                self._world.approve(RUN, "1.0", "p-sam")
            case 2:
                self.left = enrolled_as(self._world, "p-sam")
            case 3:
                enrolled_as(self._world, "p-eve", Role.CLINICAL_SAFETY)
                PEOPLE["p-eve"] = Role.CLINICAL_SAFETY
                self._world.approve(RUN, "1.0", "p-eve")
            case _:
                self._world.approve(RUN, "1.0", "p-cleo")
        return {"topic": topic}


def test_a_run_that_waits_says_which_approval_fell_and_by_which_leaf(world: DeliveryWorld) -> None:
    engine, progress = Leaving(world), Telling()
    workshop = fake_workshop(world.folder, "1.0")
    with CEL() as cel:
        gate = Gate(collect=world.collect, engine=cel, policies=load_policies())
        travel = replace(world.travel(RUN, engine), progress=progress)
        assert ship(travel, workshop, gate, world.target) is RunStatus.SUCCEEDED
    needs = [told.partition(" by ")[0] for told in engine.waited_for]
    both = "production needs 1 of clinical-safety and 1 of compliance"
    assert needs == [both, "production needs 1 of compliance", both, "production needs 1 of compliance"]
    fallen = [line for line in progress.said if "has fallen" in line]
    assert len(fallen) == 1
    assert fallen[0].startswith("the approval of p-sam at log index ")
    assert fallen[0].endswith(f"the signer has left (log index {engine.left})")


class Late(Answering):
    """Nobody is there until the time to answer is over; then everybody approves."""

    def __init__(self, world: DeliveryWorld, clock: ManualClock) -> None:
        super().__init__(world, RUN, "1.0")
        self._clock = clock

    def wait_for(self, topic: str, *, deadline: datetime) -> JSON:
        self._clock.advance(deadline - self._clock.now())
        return super().wait_for(topic, deadline=deadline)


def test_an_approval_after_the_deadline_does_not_let_a_run_pass_that_was_away(tmp_path: Path) -> None:
    clock = ManualClock(datetime(2026, 1, 1, tzinfo=UTC))
    with delivery_world(tmp_path, clock=clock) as world:
        world.enrol_everybody()
        world.begin(RUN, "1.0")
        assert world.walk(RUN, "1.0", engine=Late(world, clock)) is RunStatus.UNDECIDED
        workshop = fake_workshop(world.folder, "1.0")
        door = door_of(world.runs.load(RUN), world.log, workshop, environment="production")
        said = words_at(door, world.collect).words
        assert [(word.state, [cause.code for cause in word.account.causes]) for word in said] == [
            (State.NEVER_COUNTED, ["too-late"])
        ] * 2


@dataclass
class Sent:
    sent: list[tuple[str, str]] = field(default_factory=list)

    def send(self, run: RunId, topic: str, message: JSON) -> None:
        assert message is not None
        self.sent.append((run, topic))

    def forget(self, run: RunId) -> None:
        raise AssertionError(run)


def a_run(name: str, status: RunStatus, stage: str) -> Run:
    return Run(
        id=RunId(name),
        journey="ship",
        service="trivial",
        repository="/",
        commit_sha="c0ffee",
        status=status,
        stage=stage,
        waiting_for=None,
        started_at=datetime(2026, 1, 1, tzinfo=UTC),
        finished_at=None,
        version=0,
    )


def test_only_runs_that_wait_at_a_door_are_woken() -> None:
    runs = (
        a_run("r-1", RunStatus.WAITING, "production/approvals/look-3"),
        a_run("r-2", RunStatus.WAITING, "staging/waiting/look-0"),
        a_run("r-3", RunStatus.WAITING, "staging/hold"),
        a_run("r-4", RunStatus.RUNNING, "production/approvals/look-0"),
        a_run("r-5", RunStatus.SUCCEEDED, "seal"),
    )
    messenger = Sent()
    assert wake(runs, messenger, log_size=7) == ("r-1", "r-2")
    assert messenger.sent == [("r-1", "production/approvals"), ("r-2", "staging/approvals")]
    assert [environment_awaited(run) for run in runs[2:]] == [None, None, None]

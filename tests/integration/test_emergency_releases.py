"""An emergency as it is lived: a freeze and too little coverage, the glass, the release, the debt, the review.

The stations and the target are fakes; the log, the engine, the gate, the commands and the packets are real.
"""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.fakes.delivery_world import ADMIN, Answering, DeliveryWorld, NoMessenger, delivery_world, signer_of
from tests.fakes.fake_workshop import WARDLINE_YAML, FakePeople, fake_workshop

from wardline.adapters.engine.immediate import Immediate
from wardline.adapters.policy.cel import CEL
from wardline.canonical import JSON
from wardline.clock import ManualClock
from wardline.delivery.begin import Beginnings
from wardline.delivery.break_glass import GlassDesk
from wardline.delivery.decide import Gate
from wardline.delivery.doors import door_of
from wardline.delivery.enrol import enrol
from wardline.delivery.explain import explain
from wardline.delivery.owed import owed
from wardline.delivery.replay import Archive, decisions, replay
from wardline.delivery.review_emergency import ReviewDesk
from wardline.delivery.sign import Signatory
from wardline.errors import Conflict
from wardline.evidence.log import Evidence
from wardline.evidence.packets.assemble_packet import Archive as Packets
from wardline.evidence.packets.assemble_packet import assemble
from wardline.evidence.packets.verify_packet import Trust, verify_packet
from wardline.gates.break_glass_predicates import BREAK_GLASS, EmergencyCode
from wardline.gates.emergency_review import ReviewVerdict
from wardline.gates.policy_files import load_policies
from wardline.identity.predicates import Enrolment
from wardline.identity.principals import Principal, Role
from wardline.ids import PrincipalId, RandomIds, RunId
from wardline.outcomes import Outcome
from wardline.pipelines.run import RunStatus

ROOT = Path(__file__).parents[2]
AT_NIGHT = datetime(2026, 11, 25, 4, tzinfo=UTC)
FILE = "calendars/clinic.yaml"
FREEZE = """\
calendar: 1
timezone: UTC
windows:
  - {id: go-live, kind: go-live, strength: STRENGTH, starts: 2026-11-24T00:00, lasts: 7d, reason: the wards go over}
"""
BELOW = WARDLINE_YAML.replace("min_coverage: 80", "min_coverage: 95").replace(
    "  production:\n", f"  production:\n    windows: [{FILE}]\n"
)
# Production has nothing yet, and a rehearsal from nothing is one; what is left is people, a freeze, and coverage.
ASIDE = {"coverage-kept", "approved", "outside-emergency-windows"}


def frozen(strength: str = "emergency-only") -> dict[str, object]:
    return {"yaml": BELOW, "files": {FILE: FREEZE.replace("STRENGTH", strength)}}


@dataclass
class Ward(Immediate):
    """An engine without memory; whoever is waited for does as `acts` say, in turn. After them the clock goes on."""

    world: DeliveryWorld
    clock: ManualClock
    acts: list[Callable[[], object]] = field(default_factory=list)
    told: list[str] = field(default_factory=list)

    def wait_for(self, topic: str, *, deadline: datetime) -> JSON:
        (waiting,) = (run.waiting_for for run in self.world.runs.newest(1))
        self.told.append(str(waiting))
        if self.acts:
            self.acts.pop(0)()
            return {"topic": topic}
        self.clock.advance(deadline - self.clock.now())
        return None


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(AT_NIGHT)


@pytest.fixture
def world(tmp_path: Path, clock: ManualClock) -> Iterator[DeliveryWorld]:
    with delivery_world(tmp_path, clock=clock) as opened:
        opened.enrol_everybody()
        for name in ("p-oli", "p-olga"):
            who = Principal(
                id=PrincipalId(name), key=signer_of(name).public_key, roles=frozenset({Role.OPERATOR, Role.AUDITOR})
            )
            enrol(Enrolment(principal=who), by=signatory(ADMIN), collect=opened.collect, people=FakePeople())  # type: ignore[arg-type]  # nobody is named
        yield opened


def signatory(name: str) -> Signatory:
    return Signatory(principal=PrincipalId(name), signer=signer_of(name))


def begin(world: DeliveryWorld, version: str, **station: object) -> RunId:
    beginnings = Beginnings(runs=world.runs, log=world.log, clock=world.clock, ids=RandomIds())
    workshop = fake_workshop(world.folder, version, **station)  # type: ignore[arg-type]
    return beginnings.ship(workshop, world.folder, "HEAD", emergency=True).id


def desk(world: DeliveryWorld) -> GlassDesk:
    gate = Gate(collect=world.collect, engine=CEL(), policies=load_policies())
    return GlassDesk(collect=world.collect, messenger=NoMessenger(), gate=gate)


def start(world: DeliveryWorld, run: RunId, version: str, name: str = "p-oli", **station: object) -> Evidence:
    workshop = fake_workshop(world.folder, version, **station)  # type: ignore[arg-type]
    doors = [
        door_of(world.runs.load(run), world.log, workshop, environment=name)
        for name in ("development", "staging", "production")
    ]
    at = desk(world)
    return at.start(at.warn(doors), by=signatory(name), code=EmergencyCode.PATIENT_SAFETY, reason="Doses are wrong.")


def join(world: DeliveryWorld, run: RunId, name: str = "p-olga") -> Evidence:
    at = desk(world)
    return at.join(at.joinable(run), by=signatory(name), reason="I see it too.")


def review(world: DeliveryWorld, run: RunId, name: str, version: str, **station: object) -> Evidence:
    workshop = fake_workshop(world.folder, version, **station)  # type: ignore[arg-type]
    at = ReviewDesk(
        collect=world.collect,
        engine=CEL(),
        door_at=lambda of, where: door_of(world.runs.load(of), world.log, workshop, environment=where),
    )
    return at.review(*at.look(run), by=signatory(name), verdict=ReviewVerdict.JUSTIFIED, retrospective="Test more.")


def reasons(world: DeliveryWorld, run: RunId, environment: str) -> dict[str, set[str]]:
    (found,) = (item for item in world.log.of_run(run) if item.statement.context.step == f"{environment}/gate")
    said: dict[str, set[str]] = {}
    decision = found.statement.body["wardline_decision"]
    assert isinstance(decision, dict)
    for reason in decision["reasons"]:  # type: ignore[union-attr]  # a list, by its schema
        said.setdefault(reason["verdict"], set()).add(reason["policy"])  # type: ignore[call-overload,index]
    return said


def test_from_the_freeze_to_the_review(world: DeliveryWorld, clock: ManualClock) -> None:
    station = frozen()
    run = begin(world, "1.0", **station)
    engine = Ward(world, clock, [lambda: start(world, run, "1.0", **station)])
    assert world.walk(run, "1.0", engine=engine, **station) is RunStatus.SUCCEEDED
    assert engine.told[0].startswith("EMERGENCY: development waits for the glass to be broken by 2026-11-25T05:00")

    assert reasons(world, run, "production")["set-aside"] >= ASIDE
    assert reasons(world, run, "staging")["set-aside"] >= {"coverage-kept"}
    assert any("production gate: set-aside by coverage-kept: EMERGENCY" in each for each in explain_run(world, run))
    assert {debt.environment for debt in owed(world.collect)} == {"development", "staging", "production"}
    assert all(debt.due is not None and debt.run == run for debt in owed(world.collect))

    # The next normal release is denied at its first door, though nothing is wrong with it.
    clock.advance(timedelta(hours=2))
    world.begin("r-2", "1.1")
    assert world.walk("r-2", "1.1", engine=Ward(world, clock)) is RunStatus.DENIED
    assert reasons(world, RunId("r-2"), "development")["deny"] == {"no-review-debt"}

    for name in ("p-sam", "p-cleo"):
        review(world, run, name, "1.0", **station)
    assert all(debt.closed for debt in owed(world.collect))
    with pytest.raises(Conflict, match="was reviewed"):
        review(world, run, "p-sam", "1.0", **station)
    world.begin("r-3", "1.1")
    assert world.walk("r-3", "1.1", engine=Answering(world, "r-3", "1.1")) is RunStatus.SUCCEEDED
    world.check_log()

    archive = Archive(log=world.log, blobs=world.collect.blobs)
    with CEL() as cel:
        again = [replay(item, archive, engine=cel) for item in decisions(archive)]
    assert {each.outcome for each in again} == {Outcome.PASSED}


def other_verifier(folder: Path, content: bytes, key: str) -> dict[str, object]:
    """Return what the verifier says that shares no code with this one."""
    packet = folder / "packet.html"
    packet.write_bytes(content)
    command = [sys.executable, "-I", ROOT / "verifier" / "wardline_verify.py", packet, "--key", key]
    command += ["--schemas", ROOT / "docs" / "predicates", "--output", "json"]
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, check=False)
    said: dict[str, object] = json.loads(done.stdout)
    return said


def explain_run(world: DeliveryWorld, run: RunId) -> tuple[str, ...]:
    return explain(world.runs.load(run), world.log)


def test_a_hard_window_waits_for_a_second_person_and_yields_to_two(world: DeliveryWorld, clock: ManualClock) -> None:
    station = frozen("hard")
    run = begin(world, "1.0", **station)
    engine = Ward(world, clock, [lambda: start(world, run, "1.0", **station), lambda: join(world, run)])
    assert world.walk(run, "1.0", engine=engine, **station) is RunStatus.SUCCEEDED
    assert engine.told[1].startswith("EMERGENCY: production waits for a second person by 2026-11-25T04:15")
    assert "outside-windows" in reasons(world, run, "production")["set-aside"]
    assert [debt.due for debt in owed(world.collect)] == [None, None, None]


def test_a_hard_window_does_not_yield_to_one(world: DeliveryWorld, clock: ManualClock) -> None:
    station = frozen("hard")
    run = begin(world, "1.0", **station)
    engine = Ward(world, clock, [lambda: start(world, run, "1.0", **station)])
    assert world.walk(run, "1.0", engine=engine, **station) is RunStatus.DENIED
    assert reasons(world, run, "production")["deny"] == {"outside-windows"}
    assert {debt.environment for debt in owed(world.collect)} == {"development", "staging"}


def test_an_emergency_for_which_nobody_breaks_the_glass_is_judged_as_any_other(
    world: DeliveryWorld, clock: ManualClock
) -> None:
    station = frozen()
    run = begin(world, "1.0", **station)
    assert world.walk(run, "1.0", engine=Ward(world, clock), **station) is RunStatus.DENIED
    assert reasons(world, run, "development")["deny"] == {"coverage-kept"}
    assert clock.now() >= AT_NIGHT + timedelta(hours=1)
    with pytest.raises(Conflict, match="has ended"):
        start(world, run, "1.0", **station)


def test_failing_tests_are_released_in_no_emergency(world: DeliveryWorld, clock: ManualClock) -> None:
    station = frozen() | {"failed_tests": 1}
    run = begin(world, "1.0", **station)
    engine = Ward(world, clock, [lambda: start(world, run, "1.0", **station)])
    assert world.walk(run, "1.0", engine=engine, **station) is RunStatus.DENIED
    assert reasons(world, run, "development")["deny"] == {"tests-passed"}
    assert owed(world.collect) == ()


def test_the_packet_of_an_emergency_verifies_and_says_so(world: DeliveryWorld, clock: ManualClock) -> None:
    station = frozen()
    run = begin(world, "1.0", **station)
    engine = Ward(world, clock, [lambda: start(world, run, "1.0", **station)])
    world.walk(run, "1.0", engine=engine, **station)
    archive = Packets(log=world.log, blobs=world.collect.blobs)
    content = assemble(run, archive).sign(world.collect.signer).encode()
    assert verify_packet(content, Trust(key=world.log.key)).holds
    held = other_verifier(world.folder, content, str(world.log.key))
    assert (held["holds"], held["run"]) == (True, run)
    page = content.decode()
    assert page.count("EMERGENCY") > 3
    assert "broke the glass: patient-safety" in page
    assert any(item.statement.predicate_type == BREAK_GLASS for item in world.log.of_run(run))
    assert json.dumps("Doses are wrong.") not in page

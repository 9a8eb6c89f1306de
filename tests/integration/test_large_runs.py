"""A run with thousands of findings and hundreds of packages: every leaf fits, every finding counts, a packet holds."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.fakes.delivery_world import Answering, DeliveryWorld, delivery_world

from wardline.canonical import JSON
from wardline.delivery.approve import CONSENT_DOCUMENT
from wardline.evidence.log import Evidence
from wardline.evidence.mentions import blobs_of
from wardline.evidence.packets.assemble_packet import Archive, Choice, assemble
from wardline.evidence.packets.packet import Packet
from wardline.evidence.packets.verify_packet import Trust, verify_packet
from wardline.findings.finding import Finding, Severity
from wardline.gates.predicates import DECISION
from wardline.gates.readings import SCAN, findings_of
from wardline.ids import RunId
from wardline.pipelines.run import RunStatus

RUN = RunId("r-1")
LEAF = 65_535  # bytes: C2SP tlog-tiles
PAYLOAD = 48 * 1024  # bytes: what leaves room for base64 and signatures


def found(number: int, severity: Severity = Severity.LOW) -> Finding:
    return Finding(
        id=f"F-{number:012x}",
        check="bandit",
        rule="B101",
        severity=severity,
        path=f"src/trivial/some/package/module_{number}.py",
        line=number,
        message="Use of assert detected. The enclosed code will be removed when compiling to optimised byte code.",
    )


MANY = tuple(found(number) for number in range(2_000))


@pytest.fixture
def world(tmp_path: Path) -> Iterator[DeliveryWorld]:
    with delivery_world(tmp_path) as opened:
        opened.enrol_everybody()
        opened.begin(RUN, "1.0")
        yield opened


def scans(world: DeliveryWorld) -> list[Evidence]:
    return [item for item in world.log.of_run(RUN) if item.statement.predicate_type == SCAN]


def check_leaves(world: DeliveryWorld) -> None:
    for item in world.log.every():
        assert len(item.envelope.payload) <= PAYLOAD, item.statement.predicate_type
        assert len(item.envelope.encode()) <= LEAF, item.statement.predicate_type


@pytest.mark.slow
def test_a_run_with_two_thousand_findings_and_five_hundred_packages_is_proven(world: DeliveryWorld) -> None:
    assert world.walk(RUN, "1.0", findings=MANY, other_packages=500) is RunStatus.SUCCEEDED
    check_leaves(world)
    parts = scans(world)
    assert len(parts) > 1
    assert [each["id"] for part in parts for each in findings_of(part)] == [each.id for each in MANY]
    for item in world.log.of_run(RUN):
        if item.statement.predicate_type == DECISION:
            assert {part.index for part in parts} <= set(item.statement.body["wardline_decision"]["evidence"])  # type: ignore[index,call-overload,arg-type]
    shown = [each for item in world.log.of_run(RUN) for each in blobs_of(item) if each.media_type == CONSENT_DOCUMENT]
    assert all(len(json.loads(world.collect.blobs.get(each.digest))["findings"]) == len(MANY) for each in shown)
    archive = Archive(log=world.log, blobs=world.collect.blobs)
    content = assemble(RUN, archive, along=[Choice.ALL]).sign(world.collect.signer).encode()
    assert verify_packet(content, Trust(key=world.log.key)).holds
    locks = [blob.content for blob in Packet.decode(content).contents.blobs if "lock" in blob.reference.media_type]
    assert [len(json.loads(lock)["packages"]) for lock in locks] == [501]
    assert b"F-0000000007cf" in content


@pytest.mark.slow
def test_the_one_bad_finding_in_the_last_part_is_not_overlooked(world: DeliveryWorld) -> None:
    assert world.walk(RUN, "1.0", findings=(*MANY, found(9_999, Severity.CRITICAL))) is RunStatus.DENIED
    denied = [item for item in world.log.of_run(RUN) if item.statement.predicate_type == DECISION]
    assert "F-00000000270f" in denied[0].envelope.payload.decode()


class Interrupted(Exception):
    """Stands for a process that ended."""


class StopsBefore(Answering):
    """Remembers what its steps gave, as a durable engine does, and ends the process before one of them."""

    def __init__(self, world: DeliveryWorld, step: str | None) -> None:
        super().__init__(world, RUN, "1.0")
        self._step = step
        self._given: dict[str, JSON] = {}

    def step(self, name: str, act: Callable[[], JSON]) -> JSON:
        if name == self._step:
            self._step = None
            raise Interrupted
        if name not in self._given:
            self._given[name] = super().step(name, act)
        return self._given[name]


@pytest.mark.slow
def test_a_scan_interrupted_between_its_parts_goes_on_with_the_same_findings(world: DeliveryWorld) -> None:
    engine = StopsBefore(world, "scan/bandit/part-3")
    with pytest.raises(Interrupted):
        world.walk(RUN, "1.0", engine=engine, findings=MANY)
    told = [each["id"] for part in scans(world) for each in findings_of(part)]
    # A scanner that sees the same source otherwise must not mix two scans.
    assert world.walk(RUN, "1.0", engine=engine, findings=MANY[:3]) is RunStatus.SUCCEEDED
    assert [each["id"] for part in scans(world) for each in findings_of(part)] == [each.id for each in MANY]
    assert told == [each.id for each in MANY][: len(told)]


def test_a_scan_that_fits_is_one_statement(world: DeliveryWorld) -> None:
    assert world.walk(RUN, "1.0", findings=MANY[:50]) is RunStatus.SUCCEEDED
    assert len(scans(world)) == 1

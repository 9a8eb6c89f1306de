import multiprocessing
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.fakes.postgres import fresh_database

from wardline.adapters.storage.check_log import check_log
from wardline.adapters.storage.database import open_database
from wardline.adapters.storage.evidence_log import SQLEvidenceLog
from wardline.canonical import Digest, JSONObject
from wardline.errors import Conflict, IntegrityViolation, InvalidInput, NotFound, Unavailable, WardlineError
from wardline.evidence.envelopes import Envelope, seal
from wardline.evidence.statements import PAYLOAD_TYPE, Context, Statement, evidence_key
from wardline.identity.principals import PublicKey
from wardline.ids import PrincipalId, RunId
from wardline.outcomes import Outcome
from wardline.predicates import NAMESPACE, Subject
from wardline.tlog.checkpoint import open_checkpoint
from wardline.tlog.merkle import leaf_hash, verify_inclusion

ORIGIN = "wardline.example/log"
SCAN = f"{NAMESPACE}/scan/v1"
SEAL = f"{NAMESPACE}/seal/v1"
EARLIER = datetime(2026, 11, 23, 1, 2, 3, tzinfo=UTC)


@dataclass(frozen=True)
class KeySigner:
    private: Ed25519PrivateKey

    @property
    def public_key(self) -> PublicKey:
        return PublicKey.of(self.private.public_key().public_bytes_raw())

    def sign(self, message: bytes) -> bytes:
        return self.private.sign(message)


SIGNER = KeySigner(Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
STRANGER = KeySigner(Ed25519PrivateKey.from_private_bytes(bytes(32)))


@dataclass(frozen=True)
class Said:
    predicate_type: ClassVar[str] = SCAN
    outcome: ClassVar[Outcome] = Outcome.PASSED
    words: str

    def subjects(self) -> tuple[Subject, ...]:
        return (Subject(name="artifact", digest=Digest.of(b"artifact")),)

    def body(self) -> JSONObject:
        return {"words": self.words}


def said(step: str, *, run: str | None = "r-1", predicate_type: str = SCAN, signer: KeySigner = SIGNER) -> Envelope:
    context = Context(
        run=None if run is None else RunId(run),
        step=step,
        attempt=1,
        recorded_at=EARLIER,
        actor=PrincipalId("machine"),
        outcome=Outcome.PASSED,
    )
    statement = replace(Statement.of(Said(step), context), predicate_type=predicate_type)
    return seal(statement.encode(), payload_type=PAYLOAD_TYPE, signer=signer)


@contextmanager
def sql_log(folder: Path) -> Iterator[SQLEvidenceLog]:
    with open_database(folder / "log.db") as engine:
        yield SQLEvidenceLog(engine, signer=SIGNER, origin=ORIGIN)


@contextmanager
def postgres_log(_folder: Path) -> Iterator[SQLEvidenceLog]:
    with open_database(fresh_database()) as engine:
        yield SQLEvidenceLog(engine, signer=SIGNER, origin=ORIGIN)


LOGS: dict[str, Callable[[Path], object]] = {"sqlite": sql_log, "postgresql": postgres_log}


@pytest.fixture(params=LOGS)
def log(request: pytest.FixtureRequest, tmp_path: Path):
    with LOGS[request.param](tmp_path) as opened:
        yield opened


def test_an_empty_log_has_nothing(log: SQLEvidenceLog) -> None:
    assert log.size() == 0
    assert log.find(evidence_key(RunId("r-1"), "build")) is None
    assert log.of_run(RunId("r-1")) == ()
    assert list(log.every()) == []
    for act in (lambda: log.read(0), log.checkpoint):
        with pytest.raises(NotFound):
            act()


def test_what_was_appended_is_found_read_and_listed_in_order(log: SQLEvidenceLog) -> None:
    first = log.append(said("build"))
    other = log.append(said("build", run="r-2", predicate_type=SEAL))
    nowhere = log.append(said("enrol", run=None))
    last = log.append(said("test"))
    assert [e.index for e in (first, other, nowhere, last)] == [0, 1, 2, 3]
    assert log.size() == 4
    assert log.read(1) == other
    assert log.find(evidence_key(RunId("r-1"), "test")) == last
    assert log.find(evidence_key(None, "enrol")) == nowhere
    assert log.of_run(RunId("r-1")) == (first, last)
    assert list(log.every()) == [first, other, nowhere, last]
    assert list(log.every(SEAL)) == [other]
    assert list(log.every(SEAL, SCAN)) == [first, other, nowhere, last]
    assert list(log.every("unheard-of")) == []
    assert list(log.youngest(SEAL, SCAN)) == [last, nowhere, other, first]
    assert list(log.youngest("unheard-of")) == []


def test_evidence_with_the_same_key_is_kept_once(log: SQLEvidenceLog) -> None:
    first = log.append(said("build"))
    note = log.checkpoint()
    assert log.append(said("build", predicate_type=SEAL)) == first
    assert log.size() == 1
    assert log.checkpoint() == note


def test_evidence_meant_for_a_place_that_is_taken_is_a_conflict(log: SQLEvidenceLog) -> None:
    assert log.append(said("build"), at=0).index == 0
    for place in (0, 2):
        with pytest.raises(Conflict, match=f"expected {place} leaves, got 1"):
            log.append(said("test"), at=place)
    assert log.append(said("build"), at=9).index == 0  # what is there already is there
    assert log.append(said("test"), at=1).index == 1


def test_what_is_no_statement_is_refused(log: SQLEvidenceLog) -> None:
    wrong_type = seal(said("build").payload, payload_type="text/plain", signer=SIGNER)
    no_statement = seal(b"{}", payload_type=PAYLOAD_TYPE, signer=SIGNER)
    for envelope in (wrong_type, no_statement):
        with pytest.raises(InvalidInput):
            log.append(envelope)
    assert log.size() == 0


def test_every_state_of_the_log_is_signed_and_every_leaf_provable_in_it(log: SQLEvidenceLog) -> None:
    leaves = [leaf_hash(log.append(said(f"step-{number}")).envelope.encode()) for number in range(20)]
    for size in range(1, 21):
        checkpoint = open_checkpoint(log.checkpoint(size), log.key)
        assert (checkpoint.origin, checkpoint.size) == (ORIGIN, size)
        for index in range(size):
            verify_inclusion(leaves[index], index, size, log.inclusion_proof(index, size), checkpoint.root)
    assert log.checkpoint() == log.checkpoint(20)
    with pytest.raises(NotFound):
        log.checkpoint(21)
    for index, size in ((0, 21), (20, 20), (-1, 20)):
        with pytest.raises(InvalidInput):
            log.inclusion_proof(index, size)


def test_a_log_longer_than_a_page_is_listed_whole(log: SQLEvidenceLog) -> None:
    for number in range(450):
        log.append(said(f"step-{number}", predicate_type=SEAL if number % 2 else SCAN))
    assert [e.index for e in log.every()] == list(range(450))
    assert [e.index for e in log.every(SEAL)] == list(range(1, 450, 2))
    assert [e.index for e in log.youngest(SEAL)] == list(range(449, 0, -2))


def test_a_log_opened_again_goes_on_where_it_stopped(tmp_path: Path) -> None:
    with sql_log(tmp_path) as log:
        log.append(said("build"))
        note = log.checkpoint()
    with sql_log(tmp_path) as log:
        assert log.checkpoint() == note
        assert log.append(said("test")).index == 1


def test_a_log_signed_by_another_key_is_not_gone_on_with(tmp_path: Path) -> None:
    with open_database(tmp_path / "log.db") as engine:
        SQLEvidenceLog(engine, signer=STRANGER, origin=ORIGIN).append(said("build"))
        log = SQLEvidenceLog(engine, signer=SIGNER, origin=ORIGIN)
        with pytest.raises(IntegrityViolation, match="not signed by"):
            log.append(said("test"))


def test_a_full_disk_acknowledges_nothing(tmp_path: Path) -> None:
    with open_database(tmp_path / "log.db") as engine:
        log = SQLEvidenceLog(engine, signer=SIGNER, origin=ORIGIN)
        log.append(said("build"))
        with engine.begin() as connection:
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
            connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(Unavailable, match="disk is full"):
            log.append(said("large" * 3_000))
        assert log.size() == 1
        assert check_log(engine, log.key).size == 1


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=20)
@given(steps=st.lists(st.integers(0, 12), max_size=40))
def test_any_sequence_of_appends_leaves_a_log_that_checks(
    tmp_path_factory: pytest.TempPathFactory, steps: list[int]
) -> None:
    with open_database(tmp_path_factory.mktemp("log") / "log.db") as engine:
        log = SQLEvidenceLog(engine, signer=SIGNER, origin=ORIGIN)
        distinct: list[int] = []
        for step in steps:
            if step not in distinct:
                distinct.append(step)
            assert log.append(said(f"step-{step}")).index == distinct.index(step)
            checked = check_log(engine, log.key)  # the whole invariant, after each step
            assert checked.size == len(distinct)
            assert checked.root == open_checkpoint(log.checkpoint(), log.key).root


def _append_many(folder: Path, name: str, times: int) -> None:
    with sql_log(folder) as log:
        for number in range(times):
            log.append(said(f"{name}-{number}"))
            log.append(said(f"shared-{number}"))


def test_processes_that_append_at_once_leave_one_log(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_append_many, args=(tmp_path, name, 40)) for name in ("a", "b", "c")]
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)
    assert [process.exitcode for process in processes] == [0, 0, 0]
    with open_database(tmp_path / "log.db") as engine:
        log = SQLEvidenceLog(engine, signer=SIGNER, origin=ORIGIN)
        assert check_log(engine, log.key).size == log.size() == 40 * 4
        assert len({e.key for e in log.every()}) == 40 * 4


def test_a_process_killed_while_appending_loses_nothing_acknowledged(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    for attempt in range(3):
        receiver, sender = context.Pipe(duplex=False)
        process = context.Process(target=_append_until_killed, args=(tmp_path, attempt, sender))
        process.start()
        sender.close()
        acknowledged = [receiver.recv() for _ in range(10 + 7 * attempt)]
        process.kill()
        process.join(30)
        while receiver.poll():
            try:
                acknowledged.append(receiver.recv())
            except EOFError:
                break
        receiver.close()
        with open_database(tmp_path / "log.db") as engine:
            log = SQLEvidenceLog(engine, signer=SIGNER, origin=ORIGIN)
            assert check_log(engine, log.key).size >= len(acknowledged)
            for index, step in acknowledged:
                assert log.read(index).statement.context.step == step


def _append_until_killed(folder: Path, attempt: int, sender) -> None:
    with sql_log(folder) as log:
        for number in range(100_000):
            step = f"{attempt}-{number}"
            sender.send((log.append(said(step)).index, step))


TAMPERINGS = {
    "a leaf's bytes": "UPDATE log_leaves SET envelope = replace(envelope, 'sig', 'gis') WHERE \"index\" = 3",
    "a leaf and its hash": None,
    "a leaf's own hash": 'UPDATE log_leaves SET leaf_hash = zeroblob(32) WHERE "index" = 3',
    "a leaf's key": "UPDATE log_leaves SET key = 'r-9/x/1' WHERE \"index\" = 3",
    "a leaf's run": "UPDATE log_leaves SET run = 'r-9' WHERE \"index\" = 3",
    "a leaf's type": "UPDATE log_leaves SET predicate_type = 'x' WHERE \"index\" = 3",
    "a leaf gone": 'DELETE FROM log_leaves WHERE "index" = 3',
    "the first leaf gone": 'DELETE FROM log_leaves WHERE "index" = 0',
    "the last leaf gone": 'DELETE FROM log_leaves WHERE "index" = 10',
    "a leaf before the first": "INSERT INTO log_leaves SELECT -1, 'k', run, predicate_type, leaf_hash, envelope "
    'FROM log_leaves WHERE "index" = 0',
    "a subtree": 'UPDATE log_nodes SET hash = zeroblob(32) WHERE level = 2 AND "index" = 1',
    "a subtree gone": 'DELETE FROM log_nodes WHERE level = 1 AND "index" = 0',
    "a subtree too many": "INSERT INTO log_nodes VALUES (9, 9, zeroblob(32))",
    "a checkpoint": "UPDATE log_checkpoints SET note = replace(note, ' ', '  ') WHERE size = 4",
    "a checkpoint's root": "UPDATE log_checkpoints SET note = (SELECT note FROM log_checkpoints WHERE size = 5) "
    "WHERE size = 4",
    "a checkpoint gone": "DELETE FROM log_checkpoints WHERE size = 11",
    "a checkpoint too many": "INSERT INTO log_checkpoints VALUES (12, 'note')",
    "two leaves swapped": None,
}


@pytest.mark.parametrize("tampering", TAMPERINGS)
def test_whatever_is_changed_in_the_file_is_named(tmp_path: Path, tampering: str) -> None:
    path = tmp_path / "log.db"
    with sql_log(tmp_path) as log:
        for number in range(11):
            log.append(said(f"step-{number}"))
    attacker = sqlite3.connect(path, isolation_level=None)
    triggers = [name for (name,) in attacker.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")]
    for trigger in triggers:
        attacker.execute(f"DROP TRIGGER {trigger}")
    match tampering:
        case "a leaf and its hash":
            forged = said("step-3", predicate_type=SCAN, signer=STRANGER).encode()
            change = (forged, leaf_hash(forged))
            attacker.execute('UPDATE log_leaves SET envelope = ?, leaf_hash = ? WHERE "index" = 3', change)
        case "two leaves swapped":
            attacker.execute('UPDATE log_leaves SET "index" = 99 WHERE "index" = 3')
            attacker.execute('UPDATE log_leaves SET "index" = 3 WHERE "index" = 4')
            attacker.execute('UPDATE log_leaves SET "index" = 4 WHERE "index" = 99')
        case _:
            attacker.execute(TAMPERINGS[tampering])
    attacker.close()
    with open_database(path) as engine, pytest.raises(IntegrityViolation, match=r"log|statement"):
        check_log(engine, log.key)


@pytest.mark.parametrize(
    "tampering", ["a checkpoint gone", "the last leaf gone", "a leaf's own hash", "a subtree", "a checkpoint too many"]
)
def test_a_log_that_does_not_match_its_checkpoint_is_not_gone_on_with(tmp_path: Path, tampering: str) -> None:
    with sql_log(tmp_path) as log:
        for number in range(11):
            log.append(said(f"step-{number}"))
    attacker = sqlite3.connect(tmp_path / "log.db", isolation_level=None)
    for table in ("log_leaves", "log_nodes", "log_checkpoints"):
        attacker.execute(f"DROP TRIGGER {table}_no_update")
        attacker.execute(f"DROP TRIGGER {table}_no_delete")
    statement = {
        "a checkpoint gone": "DELETE FROM log_checkpoints WHERE size = 11",
        "a leaf's own hash": 'UPDATE log_leaves SET leaf_hash = zeroblob(32) WHERE "index" = 10',
        "a subtree": "UPDATE log_nodes SET hash = zeroblob(32) WHERE level = 3",
    }.get(tampering, TAMPERINGS[tampering])
    attacker.execute(statement)
    attacker.close()
    with sql_log(tmp_path) as log:
        size = log.size()
        with pytest.raises(IntegrityViolation):
            log.append(said("next"))
        assert log.size() == size


def test_a_machine_statement_by_another_key_is_named(tmp_path: Path) -> None:
    with open_database(tmp_path / "log.db") as engine:
        log = SQLEvidenceLog(engine, signer=SIGNER, origin=ORIGIN)
        log.append(said("build"))
        log.append(said("test", signer=STRANGER))
        with pytest.raises(IntegrityViolation, match=r"statement 1 \(scan/v1\): .* none of the installation's"):
            check_log(engine, log.key)


def test_an_approval_by_somebody_never_enrolled_is_named(tmp_path: Path) -> None:
    with open_database(tmp_path / "log.db") as engine:
        log = SQLEvidenceLog(engine, signer=SIGNER, origin=ORIGIN)
        log.append(said("approve", predicate_type=f"{NAMESPACE}/approval/v1"))
        with pytest.raises(IntegrityViolation, match=r"statement 0 \(approval/v1\): no key \w+ was ever enrolled"):
            check_log(engine, log.key)


@pytest.fixture(scope="module")
def grown_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("grown")
    with sql_log(folder) as log:
        for number in range(11):
            log.append(said(f"step-{number}"))
    return folder / "log.db"


@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_a_damaged_file_never_ends_in_anything_but_our_errors(
    grown_file: Path, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    damaged = bytearray(grown_file.read_bytes())
    for _ in range(data.draw(st.integers(1, 8))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.mktemp("damaged") / "log.db"
    path.write_bytes(damaged)
    with suppress(WardlineError), open_database(path) as engine:
        log = SQLEvidenceLog(engine, signer=SIGNER, origin=ORIGIN)
        acts = (lambda: check_log(engine, log.key), lambda: list(log.every()), lambda: log.append(said("next")))
        for act in acts:
            with suppress(WardlineError):
                act()

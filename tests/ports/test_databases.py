"""What every database keeps: transactions, append-only tables, errors of ours, runs, holds and people."""

import multiprocessing
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Engine, insert, text
from tests.fakes.postgres import fresh_database, server
from tests.ports.test_evidence_log import ORIGIN, SIGNER, said

from wardline.adapters.storage.check_log import check_log
from wardline.adapters.storage.database import open_database
from wardline.adapters.storage.evidence_log import SQLEvidenceLog
from wardline.adapters.storage.people import SQLPeople
from wardline.adapters.storage.reading import reading
from wardline.adapters.storage.runs import SQLHolds, SQLRuns
from wardline.adapters.storage.tables import log_checkpoints
from wardline.environments.holds import Hold
from wardline.environments.observations import EnvironmentKey
from wardline.errors import Conflict, IntegrityViolation, InvalidInput, NotFound, Unavailable
from wardline.ids import EnvironmentName, PrincipalId, RunId
from wardline.pipelines.run import Run, RunStatus
from wardline.tlog.checkpoint import read_checkpoint

PRODUCTION = EnvironmentKey(service="eligibility", name=EnvironmentName("production"))
WRITERS, EACH = 4, 15


@pytest.fixture(params=["sqlite", "postgresql"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> Path | str:
    return tmp_path / "a.db" if request.param == "sqlite" else fresh_database()


@pytest.fixture
def engine(where: Path | str) -> Iterator[Engine]:
    with open_database(where) as opened:
        yield opened


def test_opening_again_changes_nothing(where: Path | str) -> None:
    for _ in range(2):
        with open_database(where) as engine, reading(engine) as connection:
            assert connection.execute(text("SELECT count(*) FROM log_leaves")).scalar_one() == 0


def test_a_database_of_a_newer_wardline_is_refused(where: Path | str) -> None:
    with open_database(where) as engine, engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(InvalidInput, match="9999 is newer"), open_database(where):
        pass


@pytest.mark.parametrize("change", ["DELETE FROM log_checkpoints", "UPDATE log_checkpoints SET note = 'x'"])
def test_the_log_is_append_only(engine: Engine, change: str) -> None:
    with engine.begin() as connection:
        connection.execute(insert(log_checkpoints).values(size=1, note="first"))
    with pytest.raises(IntegrityViolation, match="append-only"), engine.begin() as connection:
        connection.execute(text(change))


def test_a_row_that_exists_is_a_conflict(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(insert(log_checkpoints).values(size=1, note="first"))
    with pytest.raises(Conflict, match="another writer"), engine.begin() as connection:
        connection.execute(insert(log_checkpoints).values(size=1, note="second"))


@pytest.mark.parametrize("where", ["postgresql"], indirect=True)  # SQLite has no read-only transaction
def test_who_reads_cannot_write(engine: Engine) -> None:
    with pytest.raises(Unavailable), reading(engine) as connection:
        connection.execute(insert(log_checkpoints).values(size=1, note="x"))


def test_runs_are_kept_and_an_old_version_is_refused(engine: Engine) -> None:
    runs = SQLRuns(engine)
    run = Run(
        id=RunId("r-1"),
        journey="ship",
        service="eligibility",
        repository="/srv/eligibility",
        commit_sha="c0ffee",
        status=RunStatus.RUNNING,
        stage="source",
        waiting_for=None,
        started_at=datetime(2026, 11, 25, tzinfo=UTC),
        finished_at=None,
        version=1,
        arguments={},
    )
    runs.add(run)
    assert runs.load(run.id) == run
    assert runs.newest(5) == (run,)
    with pytest.raises(Conflict):
        runs.add(run)
    with pytest.raises(Conflict, match="changed by somebody else"):
        runs.save(run)
    with pytest.raises(NotFound):
        runs.load(RunId("r-2"))


def test_a_hold_has_one_owner_and_a_growing_generation(engine: Engine) -> None:
    holds, first, second = SQLHolds(engine), RunId("r-1"), RunId("r-2")
    assert holds.claim(PRODUCTION, first) == Hold(environment=PRODUCTION, run=first, generation=1)
    assert holds.claim(PRODUCTION, second) == first
    holds.free(PRODUCTION, first)
    assert holds.claim(PRODUCTION, second) == Hold(environment=PRODUCTION, run=second, generation=2)


def test_people_are_known_by_any_of_their_addresses(engine: Engine) -> None:
    people, kim = SQLPeople(engine), PrincipalId("p-kim")
    people.remember(kim, name="Kim", emails=["Kim@clinic.example"])
    assert people.principal_of("kim@CLINIC.example") == kim
    with pytest.raises(Conflict, match="belongs to p-kim"):
        people.remember(PrincipalId("p-lee"), name="Lee", emails=["kim@clinic.example"])
    people.erase(kim)
    assert (people.name_of(kim), people.principal_of("kim@clinic.example")) == (None, None)


def _append(where: Path | str, writer: int) -> None:
    with open_database(where) as engine:
        log = SQLEvidenceLog(engine, signer=SIGNER, origin=ORIGIN)
        for number in range(EACH):
            log.append(said(f"step-{writer}-{number}"))


def test_processes_that_append_at_once_leave_one_sequence(where: Path | str) -> None:
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_append, args=(where, number)) for number in range(WRITERS)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(timeout=60)
    assert [writer.exitcode for writer in writers] == [0] * WRITERS
    with open_database(where) as engine:
        log = SQLEvidenceLog(engine, signer=SIGNER, origin=ORIGIN)
        assert check_log(engine, log.key).size == WRITERS * EACH
        steps = {item.statement.context.step for item in log.every()}
    assert steps == {f"step-{writer}-{number}" for writer in range(WRITERS) for number in range(EACH)}


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("mysql://root:secret@127.0.0.1/x", "names mysql"),
        ("secret", "no address"),
    ],
)
def test_an_address_that_is_none_is_refused_without_repeating_it(address: str, why: str) -> None:
    with pytest.raises(InvalidInput, match=why) as refused, open_database(address):
        pass
    assert "secret" not in str(refused.value)


def test_a_server_that_is_not_there_is_unavailable_and_no_password_is_told() -> None:
    with (
        pytest.raises(Unavailable, match="does not answer") as refused,
        open_database("postgresql://me:secret@127.0.0.1:1/x"),
    ):
        pass
    assert "secret" not in str(refused.value)


def test_a_connection_that_is_cut_acknowledges_nothing() -> None:
    address = fresh_database()
    with open_database(address) as engine, psycopg.connect(server().get_uri(), autocommit=True) as attacker:
        log = SQLEvidenceLog(engine, signer=SIGNER, origin=ORIGIN)
        log.append(said("build"))
        connection = engine.connect()
        transaction = connection.begin()
        connection.execute(insert(log_checkpoints).values(size=99, note="x"))
        attacker.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (engine.url.database,)
        )
        with pytest.raises(Unavailable):
            transaction.commit()
        connection.invalidate()
        log.append(said("test"))  # on a fresh connection
        assert check_log(engine, log.key).size == 2


def test_threads_that_append_at_once_share_checkpoints_and_lose_nothing(where: Path | str) -> None:
    with open_database(where) as engine:
        log = SQLEvidenceLog(engine, signer=SIGNER, origin=ORIGIN)
        with ThreadPoolExecutor(max_workers=16) as pool:
            placed = list(pool.map(lambda number: log.append(said(f"step-{number}")).index, range(200)))
        assert sorted(placed) == list(range(200))
        assert check_log(engine, log.key).size == 200
        for number, index in enumerate(placed):
            assert log.read(index).statement.context.step == f"step-{number}"
        with reading(engine) as connection:
            checkpoints = connection.execute(text("SELECT count(*) FROM log_checkpoints")).scalar_one()
        assert 1 <= checkpoints < 200
        assert read_checkpoint(log.checkpoint_covering(100)).size >= 100


def test_one_that_is_refused_does_not_take_the_batch_along(engine: Engine) -> None:
    log = SQLEvidenceLog(engine, signer=SIGNER, origin=ORIGIN)
    log.append(said("first"))
    wanted = [(said("late"), 0), (said("first"), None), (said("second"), None), (said("second"), None)]
    with ThreadPoolExecutor(max_workers=len(wanted)) as pool:
        asked = [pool.submit(log.append, envelope, at=at) for envelope, at in wanted]
    assert isinstance(asked[0].exception(), Conflict)
    assert [each.result().index for each in asked[1:]] == [0, 1, 1]
    assert log.size() == 2


def test_a_leaf_that_no_tile_could_hold_is_refused(engine: Engine) -> None:
    log = SQLEvidenceLog(engine, signer=SIGNER, origin=ORIGIN)
    with pytest.raises(InvalidInput, match="at most 65535"):
        log.append(said("x" * 60_000))
    assert log.size() == 0

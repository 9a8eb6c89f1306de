"""Batches of leaves on both databases: who gets which place, and what a log remembers of itself between them."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, text
from tests.fakes.postgres import fresh_database
from tests.ports.test_evidence_log import ORIGIN, SIGNER, said

from wardline.adapters.storage.appending import Appender, Leaf
from wardline.adapters.storage.check_log import check_log
from wardline.adapters.storage.database import open_database
from wardline.adapters.storage.evidence_log import SQLEvidenceLog
from wardline.adapters.storage.reading import reading
from wardline.errors import Conflict, IntegrityViolation
from wardline.evidence.envelopes import Envelope
from wardline.evidence.log import Evidence
from wardline.evidence.log_keys import LogKeys
from wardline.evidence.signed import SignedStatement
from wardline.tlog.checkpoint import read_checkpoint
from wardline.tlog.note import VerifierKey


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    with open_database(tmp_path / "a.db" if request.param == "sqlite" else fresh_database()) as opened:
        yield opened


def opened_log(engine: Engine) -> SQLEvidenceLog:
    return SQLEvidenceLog(engine, signer=SIGNER, origin=ORIGIN)


def opened_appender(engine: Engine) -> Appender:
    return Appender(engine, LogKeys(VerifierKey(name=ORIGIN, raw=SIGNER.public_key.raw), (SIGNER,)))


def leaf(envelope: Envelope, at: int | None = None) -> Leaf:
    return Leaf(envelope.encode(), SignedStatement.read(envelope), at)


def sizes_signed(engine: Engine) -> list[int]:
    with reading(engine) as connection:
        return list(connection.execute(text("SELECT size FROM log_checkpoints ORDER BY size")).scalars())


def test_a_batch_ends_with_one_checkpoint(engine: Engine) -> None:
    appender = opened_appender(engine)
    for count in (1, 150, 64):
        placed = appender.commit([leaf(said(f"step-{count}-{number}")) for number in range(count)])
        assert all(isinstance(each, Evidence) for each in placed)
    assert sizes_signed(engine) == [1, 151, 215]
    log = opened_log(engine)
    assert check_log(engine, log.key).size == 215
    assert [read_checkpoint(log.checkpoint_covering(size)).size for size in (1, 2, 151, 152)] == [1, 151, 151, 215]


def test_who_must_have_the_next_place_is_placed_first(engine: Engine) -> None:
    appender = opened_appender(engine)
    appender.commit([leaf(said("first"))])
    wanted = [leaf(said("any")), leaf(said("other"), at=1), leaf(said("seal"), at=1), leaf(said("third"), at=3)]
    placed = appender.commit(wanted)
    assert [each.index if isinstance(each, Evidence) else type(each) for each in placed] == [2, 1, Conflict, 3]
    assert check_log(engine, opened_log(engine).key).size == 4


def test_the_same_key_twice_in_a_batch_is_one_leaf(engine: Engine) -> None:
    appender = opened_appender(engine)
    appender.commit([leaf(said("there"))])
    first, again, there = appender.commit([leaf(said("new")), leaf(said("new"), at=9), leaf(said("there"))])
    assert first == again
    assert isinstance(there, Evidence)
    assert there.index == 0
    assert sizes_signed(engine) == [1, 2]


def test_a_batch_with_nothing_new_signs_nothing(engine: Engine) -> None:
    appender = opened_appender(engine)
    appender.commit([leaf(said("there"))])
    appender.commit([leaf(said("there")), leaf(said("late"), at=0)])
    assert sizes_signed(engine) == [1]


def test_two_logs_over_one_database_see_what_the_other_appended(engine: Engine) -> None:
    logs = [opened_log(engine), opened_log(engine)]
    for number in range(20):
        assert logs[number % 2].append(said(f"step-{number}")).index == number
        if number % 5 == 0:
            assert logs[1].append(said(f"step-{number}")).index == number
    assert check_log(engine, logs[0].key).size == 20


CUTS = {
    "the last leaf": 'DELETE FROM log_leaves WHERE "index" = 4',
    "the last checkpoint": "DELETE FROM log_checkpoints WHERE size = 5",
    "every checkpoint": "DELETE FROM log_checkpoints",
    "the checkpoint's text": "UPDATE log_checkpoints SET note = 'note' WHERE size = 5",
}


def without_guards(engine: Engine, change: str) -> None:
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("SET LOCAL session_replication_role = replica"))
        else:
            names = "SELECT name FROM sqlite_master WHERE type = 'trigger'"
            for name in connection.execute(text(names)).scalars().all():
                connection.exec_driver_sql(f"DROP TRIGGER {name}")
        connection.exec_driver_sql(change)


@pytest.mark.parametrize("cut", CUTS)
def test_a_log_that_is_changed_under_a_running_process_is_not_gone_on_with(engine: Engine, cut: str) -> None:
    log = opened_log(engine)
    for number in range(5):
        log.append(said(f"step-{number}"))
    without_guards(engine, CUTS[cut])
    size = log.size()
    with pytest.raises(IntegrityViolation):
        log.append(said("next"))
    assert log.size() == size


def test_a_log_that_was_put_back_under_a_running_process_goes_on_from_there(engine: Engine) -> None:
    log = opened_log(engine)
    for number in range(5):
        log.append(said(f"step-{number}"))
    without_guards(engine, 'DELETE FROM log_leaves WHERE "index" >= 3')
    without_guards(engine, "DELETE FROM log_checkpoints WHERE size > 3")
    without_guards(engine, 'DELETE FROM log_nodes WHERE level = 2 OR "index" = 1')
    assert log.append(said("next")).index == 3
    assert check_log(engine, log.key).size == 4


def test_a_commit_that_failed_is_not_remembered(engine: Engine) -> None:
    log = opened_log(engine)
    log.append(said("first"))
    with engine.begin() as connection:  # stands where the checkpoint of the next leaf would
        connection.exec_driver_sql(
            "INSERT INTO log_nodes VALUES (1, 0, '\\x00')"
            if engine.dialect.name == "postgresql"
            else "INSERT INTO log_nodes VALUES (1, 0, x'00')"
        )
    with pytest.raises(Conflict):
        log.append(said("second"))
    without_guards(engine, "DELETE FROM log_nodes")
    assert log.append(said("second")).index == 1
    assert check_log(engine, log.key).size == 2

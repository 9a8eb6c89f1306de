"""What is destroyed is gone from the database's files: the file itself, its write-ahead log, its free pages."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Engine
from tests.fakes.postgres import fresh_database

from wardline.adapters.storage.database import open_database
from wardline.adapters.storage.people import SQLPeople
from wardline.adapters.storage.subject_keys import SQLSubjectKeys
from wardline.adapters.storage.wiping import left_in
from wardline.errors import Unavailable
from wardline.ids import PrincipalId, SubjectId

SAM = PrincipalId("p-sam")
NAME, ADDRESS, OLD = "Plantedname Safety", "planted.safety@example.org", "planted.before@example.org"


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    with open_database(tmp_path / "wardline.db") as opened:
        yield opened


def file_of(engine: Engine) -> Path:
    return Path(str(engine.url.database))


def fill(engine: Engine) -> None:
    """Enough neighbours that pages were split and rows moved."""
    people, keys = SQLPeople(engine), SQLSubjectKeys(engine)
    for number in range(150):
        people.remember(PrincipalId(f"p-{number:03d}"), name="N" * 40, emails=[f"n{number}@example.org"])
        keys.of(SubjectId(f"p-{number:03d}"))


def test_a_name_is_gone_from_every_file(engine: Engine) -> None:
    people = SQLPeople(engine)
    people.remember(SAM, name=NAME, emails=[OLD])
    people.remember(SAM, name=NAME, emails=[ADDRESS])
    fill(engine)
    assert left_in(file_of(engine), [NAME.encode()])
    people.erase(SAM)
    assert not left_in(file_of(engine), [NAME.encode(), ADDRESS.encode(), OLD.encode()])
    assert people.name_of(SAM) is None
    assert people.addresses_of(SAM) == ()
    assert people.name_of(PrincipalId("p-007")) == "N" * 40


def test_a_key_is_gone_from_every_file(engine: Engine) -> None:
    keys = SQLSubjectKeys(engine)
    key = keys.of(SubjectId(SAM))
    fill(engine)
    assert left_in(file_of(engine), [key.secret])
    keys.destroy(frozenset({key.id}))
    assert not left_in(file_of(engine), [key.secret])
    assert len(keys.held()) == 150


def test_what_another_page_still_holds_is_wiped_too(engine: Engine) -> None:
    keys = SQLSubjectKeys(engine)
    key = keys.of(SubjectId(SAM))
    with closing(sqlite3.connect(file_of(engine), isolation_level=None)) as careless:
        careless.execute("PRAGMA secure_delete = OFF")
        careless.execute("CREATE TABLE copies (key BLOB)")
        careless.execute("INSERT INTO copies SELECT key FROM subject_keys")
        careless.execute("DROP TABLE copies")
        careless.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    keys.destroy(frozenset({key.id}))
    assert not left_in(file_of(engine), [key.secret])


def test_a_reader_that_holds_the_old_pages_is_named_and_the_next_call_wipes_them(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wardline.adapters.storage.wiping._BUSY_MS", 10)
    keys = SQLSubjectKeys(engine)
    key = keys.of(SubjectId(SAM))
    with closing(sqlite3.connect(file_of(engine), isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM subject_keys").fetchone()
        with pytest.raises(Unavailable, match="read by another process"):
            keys.destroy(frozenset({key.id}))
        assert keys.held() == ()
    keys.destroy(frozenset({key.id}))
    assert not left_in(file_of(engine), [key.secret])


def test_a_trace_across_a_chunk_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wardline.adapters.storage.wiping._CHUNK", 4)
    (tmp_path / "a.db").write_bytes(b"0123456789")
    assert left_in(tmp_path / "a.db", [b"3456"])
    assert left_in(tmp_path / "a.db", [b"23456789"])
    assert not left_in(tmp_path / "a.db", [b"3457", b""])


def test_postgresql_keeps_what_was_destroyed_in_no_table_file(tmp_path: Path) -> None:
    address = fresh_database()
    with open_database(address) as engine:
        people, keys = SQLPeople(engine), SQLSubjectKeys(engine)
        fill(engine)  # last in its page, a dead row is what no living one is moved over
        people.remember(SAM, name=NAME, emails=[ADDRESS])
        key = keys.of(SubjectId(SAM))
        assert held_by_postgresql(address, key.secret)
        assert held_by_postgresql(address, ADDRESS.encode())
        keys.destroy(frozenset({key.id}))
        people.erase(SAM)
        for trace in (key.secret, NAME.encode(), ADDRESS.encode()):
            assert not held_by_postgresql(address, trace)


def held_by_postgresql(address: str, trace: bytes) -> bool:
    """Whether a file of its tables holds `trace`, all that is in memory written out; its WAL is not looked at."""
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute("CHECKPOINT")
        ((folder,),) = connection.execute("SHOW data_directory").fetchall()
    files = [path for path in (Path(folder) / "base").rglob("*") if path.is_file()]
    return any(trace in path.read_bytes() for path in files)

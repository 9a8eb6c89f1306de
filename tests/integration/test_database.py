import multiprocessing
import os
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import insert, select, text, update

from wardline.adapters.storage import database
from wardline.adapters.storage.database import open_database
from wardline.adapters.storage.reading import reading
from wardline.adapters.storage.tables import holds, log_checkpoints, metadata
from wardline.errors import Conflict, IntegrityViolation, InvalidInput, Unavailable


def test_a_fresh_database_is_durable_private_and_has_every_table(tmp_path: Path) -> None:
    path = tmp_path / "home" / "wardline.db"
    with open_database(path) as engine, reading(engine) as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar_one() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar_one() == 2  # FULL
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar_one() == 1
        assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar_one() == 10_000
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_migrations_lead_to_the_tables_that_the_code_declares(tmp_path: Path) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    with open_database(tmp_path / "a.db") as engine, reading(engine) as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_the_stated_revision_is_the_newest_one() -> None:
    folder = Path(database.__file__).parent / "migrations"
    assert ScriptDirectory(str(folder)).get_current_head() == database.REVISION


def test_opening_a_current_database_imports_no_alembic(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with open_database(path):
        pass
    program = (
        "import sys; from pathlib import Path; from wardline.adapters.storage.database import open_database\n"
        f"with open_database(Path({str(path)!r})): sys.exit('alembic' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False, timeout=60).returncode == 0


def test_a_database_of_a_newer_wardline_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with open_database(path) as engine, engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(InvalidInput, match="9999 is newer"), open_database(path):
        pass


@pytest.mark.parametrize("table", ["log_leaves", "log_nodes", "log_checkpoints"])
def test_the_tables_of_the_log_are_append_only(tmp_path: Path, table: str) -> None:
    rows = {
        "log_leaves": """(0, 'k', NULL, 't', x'00', x'00')""",
        "log_nodes": "(0, 0, x'00')",
        "log_checkpoints": "(1, 'note')",
    }
    with open_database(tmp_path / "a.db") as engine:
        with engine.begin() as connection:
            connection.exec_driver_sql(f"INSERT INTO {table} VALUES {rows[table]}")
        for statement in (f"DELETE FROM {table}", f"UPDATE {table} SET rowid = rowid"):
            with pytest.raises(IntegrityViolation, match="append-only"), engine.begin() as connection:
                connection.exec_driver_sql(statement)


def test_a_second_row_with_the_same_key_is_a_conflict(tmp_path: Path) -> None:
    with open_database(tmp_path / "a.db") as engine:
        with engine.begin() as connection:
            connection.execute(insert(log_checkpoints).values(size=1, note="first"))
        with pytest.raises(Conflict, match="another writer"), engine.begin() as connection:
            connection.execute(insert(log_checkpoints).values(size=1, note="second"))


def test_a_file_that_is_no_database_is_an_integrity_violation(tmp_path: Path) -> None:
    content = b"no database at all, but long enough to look like one" * 40
    path = tmp_path / "a.db"
    path.write_bytes(content)
    with pytest.raises(IntegrityViolation, match="damaged") as caught, open_database(path):
        pass
    assert "backup" in str(caught.value.remedy)
    assert path.read_bytes() == content


def test_a_damaged_page_is_an_integrity_violation(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with open_database(path):
        pass
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(100)
        file.write(b"\xff" * (size - 100))
    with pytest.raises(IntegrityViolation), open_database(path):
        pass


def test_a_folder_that_cannot_be_made_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Unavailable, match="cannot be opened"), open_database(tmp_path / "file" / "a.db"):
        pass


def test_a_full_database_is_unavailable_and_loses_nothing(tmp_path: Path) -> None:
    with open_database(tmp_path / "a.db") as engine:
        with engine.begin() as connection:
            connection.execute(insert(log_checkpoints).values(size=1, note="kept"))
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
            connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")  # SQLite's own way to run out of room
        with pytest.raises(Unavailable, match="disk is full"), engine.begin() as connection:
            connection.execute(insert(log_checkpoints).values(size=2, note="x" * 100_000))
        with reading(engine) as connection:
            assert connection.execute(select(log_checkpoints.c.note)).scalars().all() == ["kept"]


def test_a_held_lock_is_unavailable_and_says_so(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with open_database(path) as engine:
        holder = sqlite3.connect(path, isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")
        try:
            with reading(engine) as connection:  # never waits for a writer
                connection.exec_driver_sql("PRAGMA busy_timeout = 50")
                connection.execute(select(holds))
            with pytest.raises(Unavailable, match="held the lock"), engine.begin():
                pass
        finally:
            holder.close()


def _count_up(path: Path, times: int) -> None:
    with open_database(path) as engine:
        for _ in range(times):
            with engine.begin() as connection:
                found = connection.execute(select(holds.c.generation)).scalar_one_or_none()
                if found is None:
                    connection.execute(insert(holds).values(environment="a", generation=1))
                else:
                    connection.execute(update(holds).values(generation=found + 1))


def test_processes_that_open_a_fresh_database_at_once_lose_no_update(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_count_up, args=(path, 25)) for _ in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0, 0, 0]
    with open_database(path) as engine, reading(engine) as connection:
        assert connection.execute(select(holds.c.generation)).scalar_one() == 100


@contextmanager
def somebody_ordinary() -> Iterator[None]:
    """Be nobody for a while where we are root, who may write everywhere."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


def test_a_read_only_file_is_unavailable() -> None:
    with TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        path = Path(folder) / "a.db"
        with open_database(path):
            pass
        path.chmod(0o400)
        with somebody_ordinary(), pytest.raises(Unavailable), open_database(path):
            pass

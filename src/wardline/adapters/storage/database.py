"""The database, opened so that what is committed survives a power cut: a SQLite file (`sqlite.py`), or `postgres.py`.

Every error of the database is raised as one of ours, wherever the engine is used.
"""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, Engine, inspect, text

from wardline.adapters.storage import sqlite
from wardline.adapters.storage.reading import reading
from wardline.errors import IntegrityViolation, InvalidInput

REVISION = "0002"  # newest of migrations/versions; held equal to it by a test, so that opening needs no Alembic


@contextmanager
def open_database(where: Path | str) -> Iterator[Engine]:
    """Open the database, made or brought up to date where needed; closed at the end.

    `where`: the path of a SQLite file, or the `postgresql://` address of a database that exists.

    `engine.begin()` starts a transaction that holds the write lock from its first statement, so that
    what it read cannot change under it; `reading(engine)` never waits for a writer.

    Raises:
        Unavailable: It cannot be opened or written, the disk is full, or another process holds the lock.
        IntegrityViolation: The file is damaged or no database.
        InvalidInput: A newer Wardline wrote it, or the address is none.
    """
    with _sqlite(where) if isinstance(where, Path) else _postgres(where) as engine:
        yield engine


@contextmanager
def _postgres(address: str) -> Iterator[Engine]:
    from wardline.adapters.storage import postgres  # psycopg costs a quarter of a second

    with postgres.engine_of(postgres.parse_url(address)) as engine:
        if _revision(engine) != REVISION:
            with engine.begin() as connection:  # whoever is first holds the writers' lock; the others find it done
                _check_not_newer(_revision_in(connection), "database")
                _migrate(connection)
        yield engine


@contextmanager
def _sqlite(path: Path) -> Iterator[Engine]:
    with sqlite.engine_of(path) as engine:
        if _revision(engine) != REVISION:
            _bring_up_to_date(engine, path)
        yield engine


def _revision(engine: Engine) -> str | None:
    with reading(engine) as connection:
        return _revision_in(connection)


def _revision_in(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    said = connection.execute(text("SELECT version_num FROM alembic_version")).scalars().all()
    if len(said) > 1 or not all(isinstance(each, str) for each in said):
        raise IntegrityViolation("database: it is damaged: it does not say which revision it has")
    return said[0] if said else None


def _check_not_newer(found: str | None, which: str) -> None:
    if found is not None and found > REVISION:
        raise InvalidInput(
            f"{which}: revision {found} is newer than {REVISION}, the newest this Wardline knows",
            remedy="Use the Wardline that wrote it, or a newer one.",
        )


def _bring_up_to_date(engine: Engine, path: Path) -> None:
    # Switching to WAL does not wait for other processes, so they are kept out by a lock of our own.
    with path.with_name(f"{path.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        found = _revision(engine)
        _check_not_newer(found, f"database {path}")
        if found != REVISION:
            sqlite.use_wal(path)
            with engine.begin() as connection:
                _migrate(connection)


def _migrate(connection: Connection) -> None:
    # Only here: importing it costs more than opening a database that is up to date.
    from alembic import command
    from alembic.config import Config

    configuration = Config()
    configuration.set_main_option("path_separator", "os")
    configuration.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    configuration.attributes["connection"] = connection
    command.upgrade(configuration, REVISION)

"""The database, opened so that what is committed survives a power cut: a SQLite file, or PostgreSQL (`postgres.py`).

SQLite: WAL with `synchronous=FULL` (https://www.sqlite.org/wal.html, /pragma.html#pragma_synchronous).
Every error of the database is raised as one of ours, wherever the engine is used.
"""

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.engine import ExceptionContext

from wardline.adapters.storage.reading import is_read_only, reading
from wardline.errors import Conflict, IntegrityViolation, InvalidInput, Unavailable, WardlineError

REVISION = "0002"  # newest of migrations/versions; held equal to it by a test, so that opening needs no Alembic
_BUSY_MS = 10_000  # an append takes milliseconds: who waits this long stands behind something stuck


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
    _create_file(path)
    engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": _BUSY_MS / 1000})
    event.listen(engine, "connect", _prepare_connection)
    event.listen(engine, "begin", _begin)
    event.listen(engine, "handle_error", _translate)
    try:
        if _revision(engine) != REVISION:
            _bring_up_to_date(engine, path)
        yield engine
    finally:
        engine.dispose()


def _create_file(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        # 0600 from the first moment: SQLite gives its WAL the same rights.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise Unavailable(
            f"database {path}: cannot be opened ({error.strerror})", remedy="Check the path, its owner and its rights."
        ) from error


def _prepare_connection(connection: sqlite3.Connection, _record: object) -> None:
    # SQLAlchemy, not the driver, says where a transaction begins: the driver's own guess leaves DDL outside.
    connection.isolation_level = None
    try:
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
    except _FOREIGN as error:
        raise _as_ours(error) from error


def _begin(connection: Connection) -> None:
    # A deferred transaction that turns to writing fails at once when another wrote meanwhile; an immediate one waits.
    connection.exec_driver_sql("BEGIN" if is_read_only(connection) else "BEGIN IMMEDIATE")


def _revision(engine: Engine) -> str | None:
    with reading(engine) as connection:
        return _revision_in(connection)


def _revision_in(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()


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
            _use_wal(path)
            with engine.begin() as connection:
                _migrate(connection)


def _use_wal(path: Path) -> None:
    try:
        with closing(sqlite3.connect(path, timeout=_BUSY_MS / 1000)) as connection:
            (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
    except _FOREIGN as error:
        raise _as_ours(error) from error
    if mode != "wal":
        raise Unavailable(
            f"database {path}: it cannot use a write-ahead log (journal mode {mode})",
            remedy="Keep it on a local file system: network file systems lack the shared memory that it needs.",
        )


def _migrate(connection: Connection) -> None:
    # Only here: importing it costs more than opening a database that is up to date.
    from alembic import command
    from alembic.config import Config

    configuration = Config()
    configuration.set_main_option("path_separator", "os")
    configuration.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    configuration.attributes["connection"] = connection
    command.upgrade(configuration, REVISION)


def _translate(context: ExceptionContext) -> None:
    error = context.original_exception
    if isinstance(error, _FOREIGN):
        raise _as_ours(error) from error


# Out of a damaged file may come text that is none; the driver then raises either, without SQLite's own code.
_FOREIGN = (sqlite3.Error, UnicodeDecodeError)


def _as_ours(error: sqlite3.Error | UnicodeDecodeError) -> WardlineError:
    if isinstance(error, UnicodeDecodeError) or "Could not decode to UTF-8" in str(error):
        return IntegrityViolation("database: it holds text that is none", remedy=_KEEP_AND_RESTORE)
    name = getattr(error, "sqlite_errorname", "") or type(error).__name__
    for prefixes, family, what, remedy in _MEANINGS:
        if name.startswith(prefixes):
            return family(f"database: {what} ({name})", remedy=remedy)
    # The driver's text names tables and columns, never their values.
    return Unavailable(f"database: {error} ({name})", remedy="Try again; if it stays, report it as a defect.")


_KEEP_AND_RESTORE = "Keep the file for investigation, restore a backup, then run `wardline log check`."
_MEANINGS: tuple[tuple[tuple[str, ...], type[WardlineError], str, str], ...] = (
    (("SQLITE_FULL",), Unavailable, "the disk is full", "Free some space and try again; nothing was acknowledged."),
    (
        ("SQLITE_BUSY", "SQLITE_LOCKED"),
        Unavailable,
        f"another process has held the lock for {_BUSY_MS // 1000} s",
        "Wait for it to finish, or stop it, and try again.",
    ),
    (
        ("SQLITE_CORRUPT", "SQLITE_NOTADB"),
        IntegrityViolation,
        "the file is damaged or is no database",
        _KEEP_AND_RESTORE,
    ),
    (
        ("SQLITE_CONSTRAINT_TRIGGER",),
        IntegrityViolation,
        "something tried to change what is append-only",
        "Nothing was changed. Report this defect.",
    ),
    (("SQLITE_CONSTRAINT",), Conflict, "another writer was first, or the row exists", "Look again and retry."),
    (
        ("SQLITE_CANTOPEN", "SQLITE_PERM", "SQLITE_READONLY", "SQLITE_IOERR", "SQLITE_AUTH"),
        Unavailable,
        "the file cannot be read or written",
        "Check the disk, the path, its owner and its rights.",
    ),
)

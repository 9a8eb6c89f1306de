"""One SQLite file, opened so that what is committed survives a power cut: WAL with `synchronous=FULL`.

Source: https://www.sqlite.org/wal.html, https://www.sqlite.org/pragma.html#pragma_synchronous
"""

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import ExceptionContext

from wardline.adapters.storage.reading import is_read_only
from wardline.errors import Conflict, IntegrityViolation, Unavailable, WardlineError

_BUSY_MS = 10_000  # an append takes milliseconds: who waits this long stands behind something stuck


@contextmanager
def engine_of(path: Path) -> Iterator[Engine]:
    """Yield the engine of a file, made where there is none. It may not have its tables yet."""
    _create_file(path)
    engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": _BUSY_MS / 1000})
    event.listen(engine, "connect", _prepare_connection)
    event.listen(engine, "begin", _begin)
    event.listen(engine, "handle_error", _translate)
    try:
        yield engine
    finally:
        engine.dispose()


class SQLiteWriter:
    """A Writer; see `writing`."""

    def __init__(self, driver: sqlite3.Connection) -> None:
        self._driver = driver

    def begin(self, question: str, values: Sequence[object]) -> Sequence[Any]:
        self._driver.execute("BEGIN IMMEDIATE")
        row: Sequence[Any] = self._driver.execute(question, values).fetchone()
        return row

    def commit(self, changes: Sequence[tuple[str, Sequence[object]]]) -> None:
        for statement, values in changes:
            self._driver.execute(statement, values)
        self._driver.commit()


@contextmanager
def translated() -> Iterator[None]:
    """Raise what the driver raises inside as one of ours."""
    try:
        yield
    except FOREIGN as error:
        raise as_ours(error) from error


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
    except FOREIGN as error:
        raise as_ours(error) from error


def _begin(connection: Connection) -> None:
    # A deferred transaction that turns to writing fails at once when another wrote meanwhile; an immediate one waits.
    connection.exec_driver_sql("BEGIN" if is_read_only(connection) else "BEGIN IMMEDIATE")


def use_wal(path: Path) -> None:
    try:
        with closing(sqlite3.connect(path, timeout=_BUSY_MS / 1000)) as connection:
            (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
    except FOREIGN as error:
        raise as_ours(error) from error
    if mode != "wal":
        raise Unavailable(
            f"database {path}: it cannot use a write-ahead log (journal mode {mode})",
            remedy="Keep it on a local file system: network file systems lack the shared memory that it needs.",
        )


def _translate(context: ExceptionContext) -> None:
    error = context.original_exception
    if isinstance(error, FOREIGN):
        raise as_ours(error) from error


# Out of a damaged file may come text that is none; the driver then raises either, without SQLite's own code.
FOREIGN = (sqlite3.Error, UnicodeDecodeError)


def as_ours(error: sqlite3.Error | UnicodeDecodeError) -> WardlineError:
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

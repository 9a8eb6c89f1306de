"""Deleting so that it is gone: what the erasable tables lose is overwritten, in the file and in its write-ahead log.

SQLite: `secure_delete` overwrites what is deleted in the pages (https://www.sqlite.org/pragma.html#pragma_secure_delete);
older pages in the WAL are cut off by a truncating checkpoint. Blocks that the file system or the drive gave up
are out of reach of any program; docs/how-to/erase-a-person.md says so. PostgreSQL: `VACUUM (FULL)` writes the two small
tables anew without dead rows (https://www.postgresql.org/docs/current/sql-vacuum.html); its WAL, replicas and base
backups keep their bytes until they are recycled, and a transaction that is still open keeps what it can see.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from sqlalchemy import Connection, Engine, text

from wardline.errors import Unavailable

_BUSY_MS = 10_000  # as any other writer waits
_CHUNK = 1 << 20
_LATER = "Nothing is lost or half done: run `wardline people forget` again when other commands have ended."


@contextmanager
def overwriting(engine: Engine) -> Iterator[Connection]:
    """Begin a transaction in which what is deleted or replaced is overwritten with zeros."""
    with engine.begin() as connection:
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("PRAGMA secure_delete = ON")
        yield connection


def wipe(engine: Engine, tables: Sequence[str], *, traces: Sequence[bytes]) -> None:
    """Make what was deleted from `tables` disappear from the files; `traces` are bytes that must not be left.

    Raises:
        Unavailable: Another process kept it from that; nothing that was deleted comes back, call again.
    """
    if engine.dialect.name != "sqlite":
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            for table in tables:
                connection.execute(text(f"VACUUM (FULL) {table}"))
        return
    if engine.url.database is None:
        return
    file = Path(engine.url.database)
    try:
        with closing(sqlite3.connect(file, timeout=_BUSY_MS / 1000, isolation_level=None)) as connection:
            _empty_write_ahead_log(connection)
            if left_in(file, traces):
                # A page that was split before keeps copies of rows in its gaps: write the whole file anew.
                connection.execute("VACUUM")
                _empty_write_ahead_log(connection)
    except sqlite3.Error as error:
        name = getattr(error, "sqlite_errorname", "") or type(error).__name__
        raise Unavailable(f"what was erased is deleted, but not wiped from {file} ({name})", remedy=_LATER) from error
    if left_in(file, traces):
        raise Unavailable(f"what was erased is deleted, but its bytes are still in {file}", remedy=_LATER)


def left_in(file: Path, traces: Sequence[bytes]) -> bool:
    """Return whether the database `file` or what lies beside it holds one of `traces`."""
    wanted = [trace for trace in traces if trace]
    overlap = max((len(trace) for trace in wanted), default=1) - 1
    for each in sorted(file.parent.glob(f"{file.name}*")):
        with each.open("rb") as content:
            before = b""
            while chunk := content.read(_CHUNK):
                seen = before + chunk
                if any(trace in seen for trace in wanted):
                    return True
                before = seen[-overlap:] if overlap else b""
    return False


def _empty_write_ahead_log(connection: sqlite3.Connection) -> None:
    (busy, _, _) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    if busy:
        raise Unavailable(
            "what was erased is deleted, but the write-ahead log that still holds it is being read by another process",
            remedy=_LATER,
        )

"""What a witness remembers: one SQLite file per log, in which nothing is ever changed or removed.

WAL with `synchronous=FULL`: what is committed survives a power cut (https://www.sqlite.org/pragma.html).
"""

import json
import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import datetime
from hashlib import sha256
from pathlib import Path

from wardline.clock import from_rfc3339, to_rfc3339
from wardline.errors import IntegrityViolation, Unavailable
from wardline.tlog.note import take_apart
from wardline.tlog.witness import Alarm, AlarmKind, Seen

_BUSY_SECONDS = 10.0  # judging takes milliseconds: who waits this long stands behind something stuck
_MOST_ALARMS = 1000  # one is enough; a log that misbehaves without end must not fill the disk
_SCHEMA = """
CREATE TABLE log (origin TEXT NOT NULL);
CREATE TABLE heads (
    size INTEGER PRIMARY KEY, root BLOB NOT NULL, note TEXT NOT NULL, line TEXT NOT NULL, at TEXT NOT NULL
);
CREATE TABLE alarms (
    id INTEGER PRIMARY KEY, digest TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, seen TEXT NOT NULL, came TEXT NOT NULL,
    proof TEXT NOT NULL, at TEXT NOT NULL
);
CREATE TABLE settled (alarm TEXT PRIMARY KEY, at TEXT NOT NULL);
"""
_KEPT = ("log", "heads", "alarms", "settled")


class WitnessMemory:
    """A Memory in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @contextmanager
    def of(self, origin: str) -> Iterator["LogMemory"]:
        with _translated(self._folder), closing(self._opened(origin)) as connection:
            # The write lock from here: of two requests the second sees what the first remembered.
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield LogMemory(connection)
            except BaseException:
                if connection.in_transaction:  # a full disk has rolled back already
                    connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")
            # Committed and synced: from here a kill or a power cut changes nothing.

    def origins(self) -> tuple[str, ...]:
        """Return every log of which something is remembered."""
        found = []
        with _translated(self._folder):
            for file in sorted(self._folder.glob("*.witness")):
                with closing(_connected(file)) as connection:
                    found += [origin for (origin,) in connection.execute("SELECT origin FROM log")]
        return tuple(found)

    def _opened(self, origin: str) -> sqlite3.Connection:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = self._folder / f"{sha256(origin.encode()).hexdigest()[:32]}.witness"
        os.close(os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        connection = _connected(file)
        try:
            _prepare(connection, origin)
        except BaseException:
            connection.close()
            raise
        return connection


class LogMemory:
    """A Recollection: all that is remembered of one log, inside one transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def newest(self) -> Seen | None:
        return self._seen("ORDER BY size DESC LIMIT 1", ())

    def of_size(self, size: int) -> Seen | None:
        return self._seen("WHERE size = ?", (size,))

    def history(self) -> tuple[Seen, ...]:
        """Return every head that was cosigned, smallest first."""
        return tuple(_to_seen(row) for row in self._connection.execute(f"{_HEADS} ORDER BY size"))

    def remember(self, seen: Seen) -> None:
        row = (seen.size, seen.root, seen.note, seen.line, to_rfc3339(seen.at))
        self._connection.execute("INSERT INTO heads (size, root, note, line, at) VALUES (?, ?, ?, ?, ?)", row)

    def raise_alarm(self, alarm: Alarm) -> None:
        (count,) = self._connection.execute("SELECT count(*) FROM alarms").fetchone()
        if count >= _MOST_ALARMS:
            return
        steps = json.dumps([step.hex() for step in alarm.proof])
        row = (_digest(alarm), alarm.kind.value, alarm.seen, alarm.came, steps, to_rfc3339(alarm.at))
        self._connection.execute(
            "INSERT INTO alarms (digest, kind, seen, came, proof, at) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            row,
        )

    def alarms(self) -> Sequence[Alarm]:
        settled = dict(self._connection.execute("SELECT alarm, at FROM settled"))
        rows = self._connection.execute("SELECT kind, seen, came, proof, at, digest FROM alarms ORDER BY id")
        return tuple(_to_alarm(row, settled.get(row[5])) for row in rows)

    def settle(self, alarm: Alarm, at: datetime) -> None:
        row = (_digest(alarm), to_rfc3339(at))
        self._connection.execute("INSERT INTO settled (alarm, at) VALUES (?, ?) ON CONFLICT DO NOTHING", row)

    def _seen(self, where: str, values: tuple[int, ...]) -> Seen | None:
        row = self._connection.execute(f"{_HEADS} {where}", values).fetchone()
        return None if row is None else _to_seen(row)


_HEADS = "SELECT size, root, note, line, at FROM heads"


def _connected(file: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(file, timeout=_BUSY_SECONDS, isolation_level=None)
    connection.execute("PRAGMA synchronous = FULL")
    return connection


def _prepare(connection: sqlite3.Connection, origin: str) -> None:
    if connection.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,):
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("BEGIN IMMEDIATE")
        if connection.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,):
            for statement in _SCHEMA.split(";")[:-1]:
                connection.execute(statement)
            for table in _KEPT:
                for change in ("UPDATE", "DELETE"):
                    connection.execute(
                        f"CREATE TRIGGER {table}_{change} BEFORE {change} ON {table} "
                        f"BEGIN SELECT RAISE(ABORT, '{table}: what a witness saw is never changed'); END"
                    )
            connection.execute("INSERT INTO log (origin) VALUES (?)", (origin,))
        connection.execute("COMMIT")
    held = connection.execute("SELECT origin FROM log").fetchone()
    if held != (origin,):
        raise IntegrityViolation(f"the memory of log {origin} is of another log", remedy=_INVESTIGATE)


def _to_seen(row: tuple[int, bytes, str, str, str]) -> Seen:
    return Seen(size=row[0], root=row[1], note=row[2], line=row[3], at=from_rfc3339(row[4]))


def _to_alarm(row: tuple[str, str, str, str, str, str], settled: str | None) -> Alarm:
    kind, seen, came, steps, at, _ = row
    return Alarm(
        kind=AlarmKind(kind),
        seen=seen,
        came=came,
        proof=tuple(bytes.fromhex(step) for step in json.loads(steps)),
        at=from_rfc3339(at),
        settled_at=None if settled is None else from_rfc3339(settled),
    )


def _digest(alarm: Alarm) -> str:
    """Name an alarm by the two texts that do not go together: further signatures make it no new one."""
    texts = (take_apart(alarm.seen)[0], take_apart(alarm.came)[0])
    return sha256("\n".join((alarm.kind, *texts)).encode()).hexdigest()


_INVESTIGATE = "Keep the folder for investigation. A witness that lost its memory must get a new key and name."


@contextmanager
def _translated(folder: Path) -> Iterator[None]:
    try:
        yield
    except (sqlite3.DatabaseError, OSError) as error:
        name = getattr(error, "sqlite_errorname", "")
        if name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB", "SQLITE_CONSTRAINT")):
            raise IntegrityViolation(
                f"memory in {folder}: damaged, or changed ({name})", remedy=_INVESTIGATE
            ) from error
        reason = name or (error.strerror if isinstance(error, OSError) else None) or type(error).__name__
        raise Unavailable(
            f"memory in {folder}: it cannot be read or written ({reason})",
            remedy="Check the disk, the path, its owner and its rights. Nothing was cosigned.",
        ) from error

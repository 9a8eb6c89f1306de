"""Members and their coverage in SQLite. Every member here is invented, and looks it.

Schema steps only ever add, so that the release before can still read the file after a rollback.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import date
from pathlib import Path

from eligibility.coverage import Coverage, Member

_BUSY_SECONDS = 5  # how long to wait for another instance that is bringing the schema up

_LAST_NAMES = ("ZZTESTER", "ZZSAMPLE", "ZZEXAMPLE", "ZZDEMO")
_FIRST_NAMES = ("ALFA", "BRAVO", "CHARLIE", "DELTA", "ECHO", "FOXTROT", "GOLF", "HOTEL", "INDIA", "JULIETT")
_PLAN = "SYNTHETIC GOLD PPO"
_ALWAYS = ("2020-01-01", "2099-12-31")
_PERIODS = {38: ("2020-01-01", "2021-06-30"), 39: None, 40: ("2099-01-01", "2099-12-31")}
_BENEFITS = (("30", None), ("98", 2000), ("86", 15000), ("88", 1250), ("47", 25000))  # service type, copay in cents

_CREATE_MEMBER = """
CREATE TABLE member (
    id TEXT PRIMARY KEY, last_name TEXT NOT NULL, first_name TEXT NOT NULL, born TEXT NOT NULL, sex TEXT NOT NULL
)
"""
_CREATE_COVERAGE = """
CREATE TABLE coverage (
    member_id TEXT NOT NULL REFERENCES member (id), service_type TEXT NOT NULL, plan TEXT NOT NULL,
    starts TEXT NOT NULL, ends TEXT NOT NULL, copay_cents INTEGER,
    PRIMARY KEY (member_id, service_type, starts)
)
"""


class Members:
    """Reads members from the file at `path`."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def find(self, member_id: str) -> Member | None:
        """Return the member with this very id."""
        with self._connection() as connection:
            return _read(connection, member_id)

    def count(self) -> int:
        """Return how many members there are; the health check's proof that the file can be read."""
        with self._connection() as connection:
            return int(connection.execute("SELECT count(*) FROM member").fetchone()[0])

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        with closing(_connect(self._path)) as connection:
            yield connection


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None)
    connection.row_factory = sqlite3.Row
    return connection


def _read(connection: sqlite3.Connection, member_id: str) -> Member | None:
    row = connection.execute("SELECT * FROM member WHERE id = ?", (member_id,)).fetchone()
    if row is None:
        return None
    rows = connection.execute("SELECT * FROM coverage WHERE member_id = ? ORDER BY service_type, starts", (member_id,))
    return Member(
        id=row["id"],
        last_name=row["last_name"],
        first_name=row["first_name"],
        born=date.fromisoformat(row["born"]),
        sex=row["sex"],
        coverages=tuple(_coverage(found) for found in rows),
    )


def _coverage(row: sqlite3.Row) -> Coverage:
    return Coverage(
        service_type=row["service_type"],
        plan=row["plan"],
        starts=date.fromisoformat(row["starts"]),
        ends=date.fromisoformat(row["ends"]),
        copay_cents=row["copay_cents"],
    )


def prepare(path: Path) -> Members:
    """Bring the file at `path` to this version's schema and return its reader.

    Safe while other instances, older or newer, do the same: one at a time takes the steps that are missing, and a
    file from a newer version is left as it is.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(_connect(path)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        done = int(connection.execute("PRAGMA user_version").fetchone()[0])
        for number, step in enumerate(_STEPS[done:], start=done + 1):
            step(connection)
            connection.execute(f"PRAGMA user_version = {number}")
        connection.execute("COMMIT")
    return Members(path)


def _create(connection: sqlite3.Connection) -> None:
    connection.execute(_CREATE_MEMBER)
    connection.execute(_CREATE_COVERAGE)
    for number in range(1, 41):
        _invent(connection, number)


def _invent(connection: sqlite3.Connection, number: int) -> None:
    """Add a synthetic member. 38 was covered until a known last day, 39 never, 40 only from 2099."""
    member_id = f"SYN{number:07}"
    last, first = _LAST_NAMES[number % 4], _FIRST_NAMES[number % 10]
    born = date(1940 + number * 2 % 70, 1 + number % 12, 1 + number % 28)
    sex = "F" if number % 2 else "M"
    connection.execute("INSERT INTO member VALUES (?, ?, ?, ?, ?)", (member_id, last, first, born.isoformat(), sex))
    period = _PERIODS.get(number, _ALWAYS)
    if period is None:
        return
    for service_type, copay in _BENEFITS:
        connection.execute(
            "INSERT INTO coverage (member_id, service_type, plan, starts, ends, copay_cents) VALUES (?, ?, ?, ?, ?, ?)",
            (member_id, service_type, _PLAN, *period, copay),
        )


_STEPS = (_create,)  # append only; each step may add, never rename or remove

"""The mirror as one SQLite file: written beside the old one, swapped in whole, and only read from then on.

The file is known by its sha256, which the log holds. Whoever opens it compares: an advisory that somebody took out
of the file is noticed before anything is called clean.
"""

import contextlib
import hashlib
import json
import os
import sqlite3
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from wardline.adapters.advisories.dumps import read_dump
from wardline.canonical import JSON, Digest, JSONObject
from wardline.errors import IntegrityViolation, InvalidInput, NotFound, Unavailable
from wardline.findings.advisories.advisory import Advisory, parse_advisory
from wardline.findings.advisories.mirror import EcosystemCount, Snapshot
from wardline.findings.advisories.versions import normal_name

_FILE: Final = "advisories.db"
_SCHEMA: Final = """
CREATE TABLE advisory (id TEXT PRIMARY KEY, modified TEXT NOT NULL, withdrawn INTEGER NOT NULL, record BLOB NOT NULL)
    WITHOUT ROWID;
CREATE TABLE package (ecosystem TEXT NOT NULL, name TEXT NOT NULL, id TEXT NOT NULL REFERENCES advisory (id),
    PRIMARY KEY (ecosystem, name, id)) WITHOUT ROWID;
"""
# What matching reads; the prose and the links of 300,000 records would be most of the file.
_KEPT: Final = ("id", "modified", "withdrawn", "aliases", "affected", "severity", "database_specific", "summary")
_IMPORT: Final = "`wardline advisories import` takes the dumps again."


@dataclass(frozen=True, slots=True, kw_only=True)
class MirrorFile:
    """An open mirror. Answers Mirror."""

    snapshot: Snapshot
    connection: sqlite3.Connection

    def about(self, ecosystem: str, name: str) -> tuple[Advisory, ...]:
        """See Mirror."""
        rows = self.connection.execute(
            "SELECT a.record FROM package p JOIN advisory a ON a.id = p.id WHERE p.ecosystem = ? AND p.name = ?"
            " ORDER BY a.id",
            (ecosystem, normal_name(ecosystem, name)),
        )
        return tuple(_parsed(row[0]) for row in rows)

    def holding(self, ids: Iterable[str]) -> tuple[Advisory, ...]:
        """See Mirror."""
        found = []
        for name in ids:
            row = self.connection.execute("SELECT record FROM advisory WHERE id = ?", (name,)).fetchone()
            found += [] if row is None else [_parsed(row[0])]
        return tuple(found)


@contextmanager
def open_mirror(folder: Path) -> Iterator[MirrorFile]:
    """Open the mirror in `folder`.

    Raises:
        NotFound: Nothing was ever imported.
        IntegrityViolation: The file is no mirror.
    """
    path = folder / _FILE
    if not path.is_file():
        raise NotFound("no advisories were imported", remedy="Import dumps of OSV: `wardline advisories import FILE…`.")
    try:
        with _connected(path, "mode=ro&immutable=1") as connection:
            yield MirrorFile(snapshot=_snapshot(connection, path), connection=connection)
    except sqlite3.DatabaseError as error:
        raise IntegrityViolation(f"{path}: the mirror of advisories is damaged", remedy=_IMPORT) from error


@contextmanager
def making_mirror(folder: Path, dumps: Iterable[Path]) -> Iterator[MirrorFile]:
    """Make a mirror of all that `dumps` hold; it takes the place of the one in `folder` when the block is left well.

    Raises:
        InvalidInput: A dump is damaged, empty or holds a record that cannot be understood. Nothing changes.
        Unavailable: It cannot be written.
    """
    begun = folder / f"{_FILE}.{os.getpid()}.new"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        begun.unlink(missing_ok=True)
        with _connected(begun, "mode=rwc") as connection:
            connection.executescript(_SCHEMA)
            for dump in dumps:
                _take(connection, dump)
            connection.commit()
            connection.execute("VACUUM")
        _sync(begun)
        with _connected(begun, "mode=ro&immutable=1") as connection:
            yield MirrorFile(snapshot=_snapshot(connection, begun), connection=connection)
        begun.replace(folder / _FILE)
        _sync(folder)
    except (OSError, sqlite3.OperationalError) as error:
        raise Unavailable(f"{folder}: the mirror of advisories cannot be written") from error
    finally:
        with contextlib.suppress(OSError):  # what could not be removed is overwritten by the next import
            begun.unlink(missing_ok=True)


def _take(connection: sqlite3.Connection, dump: Path) -> None:
    count = 0
    for count, (where, document) in enumerate(read_dump(dump), start=1):  # noqa: B007  # the count of them all
        advisory = parse_advisory(document, where=where)
        if isinstance(document, dict):
            _keep(connection, advisory, {name: document[name] for name in _KEPT if name in document})
    if not count:
        raise InvalidInput(
            f"{dump}: expected advisories, got none", remedy="Fetch it again; the mirror stays as it was."
        )


def _keep(connection: sqlite3.Connection, advisory: Advisory, record: JSONObject) -> None:
    """Keep the record, unless one that was modified later is there already."""
    known = connection.execute("SELECT modified FROM advisory WHERE id = ?", (advisory.id,)).fetchone()
    if known is not None and datetime.fromisoformat(known[0]) >= advisory.modified:
        return
    connection.execute("DELETE FROM package WHERE id = ?", (advisory.id,))
    content = zlib.compress(json.dumps(record, sort_keys=True, separators=(",", ":")).encode())
    connection.execute(
        "INSERT OR REPLACE INTO advisory VALUES (?, ?, ?, ?)",
        (advisory.id, advisory.modified.isoformat(), advisory.withdrawn, content),
    )
    packages = {(each.ecosystem, normal_name(each.ecosystem, each.name), advisory.id) for each in advisory.affected}
    connection.executemany("INSERT INTO package VALUES (?, ?, ?)", sorted(packages))


def _snapshot(connection: sqlite3.Connection, path: Path) -> Snapshot:
    moments = [datetime.fromisoformat(row[0]) for row in connection.execute("SELECT modified FROM advisory")]
    withdrawn = connection.execute("SELECT count(*) FROM advisory WHERE withdrawn").fetchone()[0]
    counts: Mapping[str, int] = Counter(
        dict(connection.execute("SELECT ecosystem, count(DISTINCT id) FROM package GROUP BY ecosystem").fetchall())
    )
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return Snapshot(
        digest=Digest(digest),
        advisories=len(moments),
        withdrawn=withdrawn,
        newest=max(moments),
        ecosystems=tuple(EcosystemCount(name=name, advisories=counts[name]) for name in sorted(counts)),
    )


def _parsed(content: bytes) -> Advisory:
    try:
        document: JSON = json.loads(zlib.decompress(content))
        return parse_advisory(document, where="mirror")
    except (ValueError, zlib.error, InvalidInput) as error:
        raise IntegrityViolation("a record in the mirror of advisories is damaged", remedy=_IMPORT) from error


@contextmanager
def _connected(path: Path, mode: str) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(f"{path.resolve().as_uri()}?{mode}", uri=True)
    try:
        yield connection
    finally:
        connection.close()


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

"""Somebody who owns the database: takes away what guards the tables, changes rows, and puts them back."""

import itertools
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from sqlalchemy import (
    Column,
    Connection,
    Engine,
    LargeBinary,
    Table,
    Text,
    and_,
    create_engine,
    delete,
    insert,
    literal,
    select,
)

from wardline.adapters.storage.postgres import parse_url
from wardline.adapters.storage.tables import log_checkpoints, log_cosignatures, log_leaves, log_nodes, metadata

_GROWING = (log_leaves, log_nodes, log_checkpoints)
Row = dict[str, object]
Change = tuple[str, object]  # what was done, and the value that stands there now


class Attacker:
    """A superuser on `where`, a SQLite file or the address of a PostgreSQL database."""

    def __init__(self, where: object) -> None:
        url = parse_url(where) if isinstance(where, str) else f"sqlite:///{where}"
        self._engine: Engine = create_engine(url)
        self.is_strict = isinstance(where, str)  # PostgreSQL holds nothing of another type than the column's
        with self._engine.begin() as connection:
            for table in metadata.sorted_tables:
                # A table made so has no trigger, no key and no constraint.
                connection.exec_driver_sql(f"CREATE TABLE bare AS SELECT * FROM {table.name}")
                connection.exec_driver_sql(f"DROP TABLE {table.name}")
                connection.exec_driver_sql(f"ALTER TABLE bare RENAME TO {table.name}")
        self.rows: Mapping[str, list[Row]] = {table.name: self._read(table) for table in metadata.sorted_tables}

    @contextmanager
    def at_work(self, *tables: Table) -> Iterator[Connection]:
        """Yield a connection to do what one likes with `tables`, which are restored afterwards."""
        with self._engine.connect() as connection:
            try:
                yield connection
            finally:
                connection.rollback()
                for table in tables:
                    connection.execute(delete(table))
                    if self.rows[table.name]:
                        connection.execute(insert(table), self.rows[table.name])
                connection.commit()

    def close(self) -> None:
        self._engine.dispose()

    def _read(self, table: Table) -> list[Row]:
        order = list(table.primary_key.columns)
        with self._engine.connect() as connection:
            return [dict(row) for row in connection.execute(select(table).order_by(*order)).mappings()]


def unguard(connection: Connection) -> None:
    """Take away what refuses changes of the log."""
    if connection.dialect.name == "postgresql":
        guards = [f"DROP TRIGGER {table.name}_append_only ON {table.name}" for table in _GROWING]
    else:
        found = connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'trigger'").scalars()
        guards = [f"DROP TRIGGER {name}" for name in found.all()]
    for guard in guards:
        connection.exec_driver_sql(guard)


def cut_back(engine: Engine, size: int) -> None:
    """Take all behind the first `size` leaves away, so that a whole log is left; a checkpoint MUST stand there."""
    with engine.begin() as connection:
        unguard(connection)
        connection.execute(delete(log_leaves).where(log_leaves.c.index >= size))
        for level in range(1, 40):
            of_level = (log_nodes.c.level == level, log_nodes.c.index >= size >> level)
            connection.execute(delete(log_nodes).where(*of_level))
        for table in (log_checkpoints, log_cosignatures):
            connection.execute(delete(table).where(table.c.size > size))


def this(table: Table, row: Row) -> object:
    """Return the condition that picks `row`."""
    return and_(*(key == row[key.name] for key in table.primary_key.columns))


def changes_of(column: Column[object], row: Row, rows: list[Row], *, strict: bool) -> Iterator[Change]:
    """Yield what could stand in `column` of `row` instead: each another value, each once."""
    value = row[column.name]
    others = (other[column.name] for other in rows if other[column.name] not in (value, None))
    found: list[Change] = [("nothing", None), *(("another row's", other) for other in itertools.islice(others, 2))]
    match value:
        case bytes():
            found += [("empty", b""), ("cut short", value[:-1]), ("longer", value + b"\0")]
            found += [(f"a bit at {at}", _flipped(value, at)) for at in (0, len(value) // 2, len(value) - 1)]
            found += [] if strict else [("as text", value.hex())]
        case str():
            found += [("empty", ""), ("cut short", value[:-1]), ("longer", value + "x"), ("more lines", value + "\n")]
            found += [(f"a letter at {at}", _lettered(value, at)) for at in _places(value)]
            found += [] if strict else [("as bytes", value.encode()), ("a number", 7)]
        case int():
            found += [
                ("the next", value + 1),
                ("a bit", value ^ 1),
                ("large", value + 1_000_000),
                ("negative", -1 - value),
            ]
            found += [] if strict else [("as text", f"x{value}")]
        case None:
            found += [("something", b"x" if isinstance(column.type, LargeBinary) else "x")]
    if value is not None and not isinstance(column.type, LargeBinary | Text):
        found = [change for change in found if not isinstance(change[1], str) or not strict]
    yield from {repr(now): (what, now) for what, now in found if now != value}.values()


def untyped(value: object) -> object:
    """Return `value` so that it is written as what it is, whatever the column is for."""
    return (
        literal(value, Text())
        if isinstance(value, str)
        else literal(value, LargeBinary())
        if isinstance(value, bytes)
        else value
    )


def _places(text: str) -> list[int]:
    """The first letter, the last, and two of each line: a note has a line for each of its parts."""
    places, start = {0, len(text) - 1, max(len(text) - 4, 0)}, 0
    for line in text.splitlines(keepends=True):
        places |= {start + min(2, len(line) - 1), start + len(line) * 2 // 3}
        start += len(line)
    return sorted(place for place in places if place < len(text))


def _lettered(text: str, at: int) -> str:
    return text[:at] + ("B" if text[at] == "A" else "A") + text[at + 1 :]


def _flipped(content: bytes, at: int) -> bytes:
    return content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]

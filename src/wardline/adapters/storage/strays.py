"""Rows that no log of its size has: what a log that was cut back leaves, or what somebody put there."""

from collections.abc import Mapping

from sqlalchemy import ColumnElement, Connection, Table, func, or_, select

from wardline.adapters.storage.tables import log_checkpoints, log_cosignatures, log_leaves, log_nodes
from wardline.errors import IntegrityViolation

_WHAT = {
    log_leaves: "leaves",
    log_nodes: "subtrees",
    log_checkpoints: "checkpoints",
    log_cosignatures: "cosignatures",
}


def check_nothing_more(connection: Connection, size: int, found: Mapping[Table, int]) -> None:
    """Return if each table of the log holds as many rows as were `found` where they belong, in a log of `size` leaves.

    Raises:
        IntegrityViolation: One holds more; the message names a row, where it can be told.
    """
    for table, expected in found.items():
        stored = connection.execute(select(func.count()).select_from(table)).scalar_one()
        if stored != expected:
            raise IntegrityViolation(
                f"log: {size} leaves have {expected} {_WHAT[table]}, but {stored} are stored"
                f"{_one_too_many(connection, table, size)}"
            )


def _one_too_many(connection: Connection, table: Table, size: int) -> str:
    keys = list(table.primary_key.columns)
    query = select(*keys).where(or_(*_out_of_place(table, size))).limit(1)
    row = connection.execute(query).one_or_none()
    again = ""
    if row is None:
        twice = select(*keys).group_by(*keys).having(func.count() > 1).limit(1)
        row, again = connection.execute(twice).one_or_none(), " is there twice"
    if row is None:
        return ""
    named = ", ".join(f"{key.name} {str(value)[:200]}" for key, value in zip(keys, row, strict=True))
    return f": that at {named}{again or ' belongs to none of them'}"


def _out_of_place(table: Table, size: int) -> list[ColumnElement[bool]]:
    places = [key.is_(None) for key in table.primary_key.columns]
    if table is log_leaves:
        return [*places, log_leaves.c.index < 0, log_leaves.c.index >= size]
    if table is log_nodes:
        level, index = log_nodes.c.level, log_nodes.c.index
        beyond = [(level == each) & (index >= size >> each) for each in range(1, size.bit_length())]
        return [*places, level < 1, level >= max(size.bit_length(), 1), index < 0, *beyond]
    sizes = table.c.size
    without = [] if table is log_checkpoints else [sizes.not_in(select(log_checkpoints.c.size))]
    return [*places, sizes < 1, sizes > size, *without]

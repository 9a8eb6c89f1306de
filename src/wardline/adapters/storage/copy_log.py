"""Copy a whole database into another one, of either product, so that what is there is a whole log at every moment.

Leaves go over in transactions that end with a checkpoint: whoever kills the copying finds a shorter log that holds,
and the next copy goes on behind it.
"""

import hashlib
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, Table, delete, func, insert, select
from sqlalchemy.exc import StatementError

from wardline.adapters.storage.reading import reading
from wardline.adapters.storage.stored_nodes import StoredNodes
from wardline.adapters.storage.tables import log_checkpoints, log_cosignatures, log_leaves, log_nodes, metadata
from wardline.adapters.storage.wiping import overwriting
from wardline.errors import Conflict, IntegrityViolation
from wardline.tlog import tree

_PAGE = 2000  # rows at once: some megabytes of leaves
_GROWING = (log_leaves, log_nodes, log_checkpoints)
# Runs, holds, names and keys change and go: they are replaced as a whole, by what the source holds at that moment.
_REPLACED = tuple(table for table in metadata.sorted_tables if table not in {*_GROWING, log_cosignatures})


@dataclass(frozen=True, slots=True, kw_only=True)
class Copied:
    """What was copied: the log of `size` leaves under `root`, of which `held` were there before."""

    size: int
    root: bytes
    held: int


def copy_database(
    source: Connection,
    target: Engine,
    *,
    without: Collection[Table] = (),
    said: Callable[[int, int], None] | None = None,
) -> Copied:
    """Copy all that `source` sees into `target`, which is empty or holds the beginning of the same log.

    `source` MUST be one consistent state: writers may go on behind it. `without`: tables that are left empty.
    `said` is called with how many leaves are there, and of how many.

    Raises:
        Conflict: The target holds something else, more than the source, or somebody writes to it.
        IntegrityViolation: The source's newest checkpoint is not that of its leaves.
    """
    size = _size(source)
    with reading(target) as connection:
        held = _held(source, connection, size)
    at = held
    for end in _ends(source, held, size):
        with target.begin() as connection:
            _append(source, connection, at, end)
        # Committed: from here a crash leaves a whole log of `end` leaves.
        at = end
        if said is not None:
            said(at, size)
    with overwriting(target) as connection:
        _replace(source, connection, without)
    return Copied(size=size, root=tree.root(StoredNodes(source), size), held=held)


def fill_database(source: Connection, target: Engine) -> None:
    """Copy all that `source` sees into `target`, which is empty, in one transaction; equal already: change nothing.

    Raises:
        Conflict: The target holds something else.
        IntegrityViolation: The source's newest checkpoint is not that of its leaves.
    """
    with reading(target) as connection:
        is_empty = not any(_count(connection, table) for table in metadata.sorted_tables)
    if not is_empty:
        try:
            check_equal(source, target)
        except IntegrityViolation as error:
            raise Conflict("the database holds something else", remedy="Name a database that is empty.") from error
        return
    with target.begin() as connection:
        _append(source, connection, 0, _size(source))
        _replace(source, connection, ())


def check_equal(source: Connection, target: Engine, *, without: Collection[Table] = ()) -> None:
    """Return if every row of every table is the same in both.

    Raises:
        IntegrityViolation: A table differs; the message names it.
    """
    with reading(target) as connection:
        for table in metadata.sorted_tables:
            if table in without:
                continue
            here, there = _digest(source, table), _digest(connection, table)
            if here != there:
                raise IntegrityViolation(
                    f"copy: table {table.name}: expected {here[0]} rows with digest {here[1]}, "
                    f"got {there[0]} rows with digest {there[1]}",
                    remedy="Do not use the copy. Was it written to meanwhile? Copy into a database of its own.",
                )


def _size(connection: Connection) -> int:
    newest = connection.execute(select(func.max(log_leaves.c.index))).scalar_one()
    size = 0 if newest is None else int(newest) + 1
    covered = connection.execute(select(func.max(log_checkpoints.c.size))).scalar_one()
    if (covered or 0) != size:
        raise IntegrityViolation(
            f"log: {size} leaves are stored, and the newest checkpoint is of {covered or 0}",
            remedy="Keep the database for investigation; run `wardline log check`, then restore a backup.",
        )
    return size


def _held(source: Connection, target: Connection, size: int) -> int:
    """Return how many of the source's leaves the target holds already."""
    held = _size(target)
    if held == 0 and any(_count(target, table) for table in metadata.sorted_tables):
        raise Conflict("the target holds runs or people of another installation", remedy=_NAME_ANOTHER)
    if held > size:
        raise Conflict(f"the target holds {held} leaves, the source {size}: somebody wrote to it", remedy=_NAME_ANOTHER)
    if tree.root(StoredNodes(source), held) != tree.root(StoredNodes(target), held):
        raise Conflict(f"the target's {held} leaves are not the first ones of the source", remedy=_NAME_ANOTHER)
    return held


_NAME_ANOTHER = "Nothing was changed. Name a database that is empty, or that an earlier copy of this log was made into."


def _ends(source: Connection, start: int, size: int) -> Iterator[int]:
    """Yield the sizes at which a transaction ends: that of the last checkpoint in each page, or of the next one."""
    sizes = log_checkpoints.c.size
    while start < size:
        within = select(func.max(sizes)).where(sizes > start, sizes <= start + _PAGE)
        end = source.execute(within).scalar_one()
        if end is None:
            end = source.execute(select(func.min(sizes)).where(sizes > start)).scalar_one()
        yield int(end)
        start = int(end)


def _append(source: Connection, target: Connection, start: int, end: int) -> None:
    if _size(target) != start:
        raise Conflict(f"the target: expected {start} leaves: somebody else writes to it", remedy=_NAME_ANOTHER)
    index = log_leaves.c.index
    for first in range(start, end, _PAGE):
        rows = source.execute(select(log_leaves).where(index >= first, index < min(first + _PAGE, end)))
        _insert(target, log_leaves, [dict(row) for row in rows.mappings()])
    for level in range(1, end.bit_length()):
        # A subtree belongs to the leaf that fills it.
        full = (log_nodes.c.level == level, log_nodes.c.index >= start >> level, log_nodes.c.index < end >> level)
        _insert(target, log_nodes, [dict(row) for row in source.execute(select(log_nodes).where(*full)).mappings()])
    notes = select(log_checkpoints).where(log_checkpoints.c.size > start, log_checkpoints.c.size <= end)
    _insert(target, log_checkpoints, [dict(row) for row in source.execute(notes).mappings()])


def _replace(source: Connection, target: Connection, without: Collection[Table]) -> None:
    _copy_cosignatures(source, target)
    for table in _REPLACED:
        target.execute(delete(table))
        if table not in without:
            _insert(target, table, [dict(row) for row in source.execute(select(table)).mappings()])


def _copy_cosignatures(source: Connection, target: Connection) -> None:
    """Witnesses may have spoken since an earlier copy; a line that is there stays."""
    table = log_cosignatures
    held = {(row.size, row.witness) for row in target.execute(select(table.c.size, table.c.witness))}
    rows = [dict(row) for row in source.execute(select(table)).mappings()]
    _insert(target, table, [row for row in rows if (row["size"], row["witness"]) not in held])


def _insert(target: Connection, table: Table, rows: list[dict[str, object]]) -> None:
    try:
        if rows:
            target.execute(insert(table), rows)
    except StatementError as error:  # what a database itself says was raised as one of ours already
        raise IntegrityViolation(
            f"table {table.name}: a row holds something of another kind than its column",
            remedy="Keep the source for investigation; run `wardline log check`, then restore a backup.",
        ) from error


def _count(connection: Connection, table: Table) -> int:
    return int(connection.execute(select(func.count()).select_from(table)).scalar_one())


def _digest(connection: Connection, table: Table) -> tuple[int, str]:
    """Return how many rows there are, and a digest of all of them that does not hang on a database's order of text."""
    if table in _GROWING:
        hashes: Iterator[bytes] = (_row_hash(row) for row in _in_order(connection, table))
    else:
        hashes = iter(sorted(_row_hash(tuple(row)) for row in connection.execute(select(table))))
    count, digest = 0, hashlib.sha256()
    for each in hashes:
        count += 1
        digest.update(each)
    return count, digest.hexdigest()


def _in_order(connection: Connection, table: Table) -> Iterator[tuple[object, ...]]:
    """Yield the rows by their numbers, a page at once."""
    if table is log_nodes:
        levels = connection.execute(select(log_nodes.c.level).distinct().order_by(log_nodes.c.level)).scalars().all()
        parts = [(select(table).where(log_nodes.c.level == level), log_nodes.c.index) for level in levels]
    else:
        (number,) = table.primary_key.columns
        parts = [(select(table), number)]
    for query, number in parts:
        after = -1
        while True:
            rows = connection.execute(query.where(number > after).order_by(number).limit(_PAGE)).mappings().all()
            if not rows:
                break
            yield from (tuple(row.values()) for row in rows)
            after = rows[-1][number]


def _row_hash(row: tuple[object, ...]) -> bytes:
    digest = hashlib.sha256()
    for value in row:
        content = value if isinstance(value, bytes) else str(value).encode()
        # With kind and length: no two rows can be written the same.
        digest.update(f"{type(value).__name__}:{len(content)}:".encode() + content)
    return digest.digest()

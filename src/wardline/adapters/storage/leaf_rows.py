"""Rows of the log's tables, read as evidence, and written with as few statements as the database allows."""

from collections.abc import Sequence
from functools import cache
from itertools import chain

from sqlalchemy import RowMapping

from wardline.errors import IntegrityViolation, InvalidInput
from wardline.evidence.envelopes import Envelope
from wardline.evidence.log import Evidence
from wardline.evidence.statements import Statement
from wardline.tlog.merkle import leaf_hash

INVESTIGATE = "Keep the database for investigation; run `wardline log check`, then restore a backup."

LeafRow = tuple[int, str, str | None, str, bytes, bytes]  # index, key, run, predicate_type, leaf_hash, envelope
NodeRow = tuple[int, int, bytes]  # level, index, hash

# Plain text on purpose: on the way of every append, building a query costs more than running it.
_LEAVES = 'INSERT INTO log_leaves ("index", "key", run, predicate_type, leaf_hash, envelope)'
_NODES = 'INSERT INTO log_nodes (level, "index", hash)'
_CHECKPOINT = "INSERT INTO log_checkpoints (size, note)"
_ROWS_AT_ONCE = 100  # SQLite before 3.32 takes 999 values in one statement


def inserts(
    mark: str, leaves: Sequence[LeafRow], nodes: Sequence[NodeRow], checkpoint: tuple[int, str]
) -> list[tuple[str, Sequence[object]]]:
    """Return what stores the additions of one batch: statements with their values, each in the place of a `mark`."""
    made: list[tuple[str, Sequence[object]]] = []
    for into, rows in ((_LEAVES, leaves), (_NODES, nodes)):
        for start in range(0, len(rows), _ROWS_AT_ONCE):
            page = rows[start : start + _ROWS_AT_ONCE]
            values = tuple(chain.from_iterable(page))
            made.append((_values(mark, into, len(page), len(page[0])), values))
    return [*made, (_values(mark, _CHECKPOINT, 1, 2), checkpoint)]


@cache
def _values(mark: str, into: str, rows: int, columns: int) -> str:
    row = f"({','.join([mark] * columns)})"
    return f"{into} VALUES {','.join([row] * rows)}"


def to_evidence(row: RowMapping) -> Evidence:
    """Return the evidence in `row` of `log_leaves`.

    Raises:
        IntegrityViolation: Its parts do not belong together.
    """
    index, content = row["index"], row["envelope"]
    if not isinstance(index, int):
        raise IntegrityViolation(f"log: a leaf is filed at index {str(index)[:80]}", remedy=INVESTIGATE)
    # A damaged SQLite file may hold text, or nothing, where bytes belong.
    if not isinstance(content, bytes) or leaf_hash(content) != row["leaf_hash"]:
        raise IntegrityViolation(f"log: leaf {index} does not have its own hash", remedy=INVESTIGATE)
    try:
        envelope = Envelope.decode(content)
        statement = Statement.decode(envelope.payload)
    except InvalidInput as error:
        raise IntegrityViolation(f"log: leaf {index} is no statement: {error.what}", remedy=INVESTIGATE) from error
    context = statement.context
    if (context.key, context.run, statement.predicate_type) != (row["key"], row["run"], row["predicate_type"]):
        raise IntegrityViolation(f"log: leaf {index} is filed as what it is not", remedy=INVESTIGATE)
    return Evidence(index=index, key=context.key, envelope=envelope, statement=statement)

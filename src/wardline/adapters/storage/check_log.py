"""Check the whole log: everything that can be derived again is derived again and compared."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, func, select

from wardline.adapters.storage.leaf_rows import to_evidence
from wardline.adapters.storage.reading import reading
from wardline.adapters.storage.tables import log_checkpoints, log_leaves, log_nodes
from wardline.errors import IntegrityViolation, InvalidInput, WardlineError
from wardline.evidence.log import Evidence
from wardline.evidence.register import REGISTERED
from wardline.evidence.signatories import Signatories
from wardline.evidence.statements import Statement
from wardline.tlog import tree
from wardline.tlog.merkle import EMPTY_ROOT
from wardline.tlog.note import VerifierKey

_PAGE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedLog:
    """What was found to hold: so many leaves under this root."""

    size: int
    root: bytes


def check_log(
    engine: Engine, key: VerifierKey, *, check_statement: Callable[[Statement], None] | None = None
) -> CheckedLog:
    """Derive every leaf hash, statement key, signatory, subtree, root and kept checkpoint again.

    What it cannot see is a log that was cut back as a whole, or an older checkpoint that was taken away where a newer
    one covers the same leaves: for that, compare with a checkpoint kept elsewhere. `check_statement` is asked about
    each statement, and raises InvalidInput where it is not what it should be.

    Raises:
        InvalidInput: As `check_statement` says, with the place of the statement.
        IntegrityViolation: Something does not hold; the message names what and where.
    """
    with reading(engine) as connection:  # one state of the database, however long it takes
        nodes = _RederivedNodes()
        signatories = Signatories(key, told=_registered(connection))
        size, root, signed, checkpoints = 0, EMPTY_ROOT, 0, 0
        for leaf in _leaves(connection, signatories, check_statement):
            for node in tree.completed_by(leaf, nodes, size):
                _check_stored(connection, node)
                nodes.keep(node)
            size += 1
            root = tree.root(nodes, size)
            if _is_signed(connection, signatories, size, root):
                signed, checkpoints = size, checkpoints + 1
        if signed != size:
            raise IntegrityViolation(f"log: the checkpoint of {size} leaves is missing")
        _check_nothing_more(connection, size, checkpoints)
    return CheckedLog(size=size, root=root)


class _RederivedNodes:
    """Only the newest two of each level are ever asked for again."""

    def __init__(self) -> None:
        self._newest: dict[int, tree.Node] = {}

    def keep(self, node: tree.Node) -> None:
        self._newest[node.level] = node

    def node(self, level: int, index: int) -> bytes:
        newest = self._newest[level]
        if newest.index != index:
            raise IntegrityViolation(f"log: asked for the subtree at level {level}, index {index} out of order")
        return newest.hash


def _registered(connection: Connection) -> list[Evidence]:
    query = select(log_leaves).where(log_leaves.c.predicate_type.in_(REGISTERED)).order_by(log_leaves.c.index)
    return [to_evidence(row) for row in connection.execute(query).mappings()]


def _leaves(
    connection: Connection, signatories: Signatories, check_statement: Callable[[Statement], None] | None
) -> Iterator[bytes]:
    expected = 0
    while True:
        query = select(log_leaves).where(log_leaves.c.index >= expected).order_by(log_leaves.c.index).limit(_PAGE)
        page = connection.execute(query).mappings().all()
        for row in page:
            if row["index"] != expected:
                raise IntegrityViolation(f"log: leaf {expected} is missing; the next one is {row['index']}")
            evidence = to_evidence(row)
            signatories.admit(evidence)
            if check_statement is not None:
                try:
                    check_statement(evidence.statement)
                except InvalidInput as error:
                    raise InvalidInput(f"statement {expected}: {error.what}", remedy=error.remedy) from error
            yield row["leaf_hash"]
            expected += 1
        if not page:
            return


def _check_stored(connection: Connection, node: tree.Node) -> None:
    if node.level == 0:  # kept beside its leaf, where it was compared already
        return
    query = select(log_nodes.c.hash).where(log_nodes.c.level == node.level, log_nodes.c.index == node.index)
    stored = connection.execute(query).scalar_one_or_none()
    if stored != node.hash:
        raise IntegrityViolation(
            f"log: subtree at level {node.level}, index {node.index}: "
            f"expected {node.hash.hex()}, got {'nothing' if stored is None else stored.hex()}"
        )


def _is_signed(connection: Connection, signatories: Signatories, size: int, root: bytes) -> bool:
    """Return whether there is a checkpoint of `size`, which then holds. A batch of leaves shares one."""
    note = connection.execute(select(log_checkpoints.c.note).where(log_checkpoints.c.size == size)).scalar_one_or_none()
    if note is None:
        return False
    try:
        checkpoint = signatories.open_checkpoint(note)
    except WardlineError as error:
        raise IntegrityViolation(f"log: the checkpoint of {size} leaves: {error.what}") from error
    if (checkpoint.size, checkpoint.root) != (size, root):
        raise IntegrityViolation(
            f"log: the checkpoint of {size} leaves: expected root {root.hex()}, "
            f"got {checkpoint.root.hex()} of {checkpoint.size}"
        )
    return True


def _check_nothing_more(connection: Connection, size: int, checkpoints: int) -> None:
    """Subtrees or checkpoints beyond the last leaf are what a log that was cut back leaves."""
    subtrees = sum(size >> level for level in range(1, size.bit_length()))
    counts = {
        "leaves": (select(func.count()).select_from(log_leaves), size),
        "subtrees": (select(func.count()).select_from(log_nodes), subtrees),
        "checkpoints": (select(func.count()).select_from(log_checkpoints), checkpoints),
    }
    for what, (query, expected) in counts.items():
        found = connection.execute(query).scalar_one()
        if found != expected:
            raise IntegrityViolation(f"log: {size} leaves have {expected} {what}, but {found} are stored")

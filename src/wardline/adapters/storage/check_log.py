"""Check the whole log: everything that can be derived again is derived again and compared."""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from sqlalchemy import Connection, Engine, Row, RowMapping, select

from wardline.adapters.storage.beside import Check, checks_beside
from wardline.adapters.storage.check_heads import CosignatureChecks, check_checkpoint
from wardline.adapters.storage.leaf_rows import to_evidence
from wardline.adapters.storage.reading import reading
from wardline.adapters.storage.strays import check_nothing_more
from wardline.adapters.storage.tables import log_checkpoints, log_cosignatures, log_leaves, log_nodes
from wardline.errors import IntegrityViolation, InvalidInput
from wardline.evidence.envelopes import Envelope, verify_signature
from wardline.evidence.log import Evidence
from wardline.evidence.register import REGISTERED, Verify
from wardline.evidence.signatories import Signatories
from wardline.evidence.statements import Statement
from wardline.identity.principals import PublicKey
from wardline.predicates import NAMESPACE
from wardline.tlog.cosignature import WitnessKey
from wardline.tlog.edge import Edge
from wardline.tlog.note import VerifierKey
from wardline.tlog.tree import Node

_PAGE = 500  # leaves read at once: half a megabyte, or some thirty of the largest


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedLog:
    """What was found to hold: so many leaves under this root.

    Attributes:
        signatories: Who may sign after all of them.
        cosignatures: How many lines of listed witnesses were verified.
        unlisted: Witnesses that are not listed, with over how many checkpoints they spoke: nobody could verify that.
    """

    size: int
    root: bytes
    checkpoints: int
    cosignatures: int
    unlisted: Mapping[str, int]
    signatories: Signatories


def check_log(
    engine: Engine,
    key: VerifierKey,
    *,
    check_statement: Callable[[Statement], None] | None = None,
    witnesses: Sequence[WitnessKey] = (),
) -> CheckedLog:
    """Derive every leaf hash, statement key, signatory, subtree, root and kept checkpoint again.

    What it cannot see is a log that was cut back as a whole, or an older checkpoint or a cosignature that was taken
    away: for that, compare with a checkpoint kept elsewhere. `check_statement` is asked about each statement, and
    raises InvalidInput where it is not what it should be; `witnesses` are those whose cosignatures can be verified.

    Raises:
        InvalidInput: As `check_statement` says, with the place of the statement.
        IntegrityViolation: Something does not hold; the message names what and where.
    """
    with reading(engine) as connection, checks_beside() as beside:  # one state of the database, however long it takes
        reader = _Reader(connection, key, check_statement, CosignatureChecks(witnesses))
        for page in _pages(connection):
            beside.check(reader.read(page))
        beside.finish()
        return reader.end()


class _Reader:
    """Derives the log again, page by page; what takes time and needs no order is given back to be checked beside."""

    def __init__(
        self,
        connection: Connection,
        key: VerifierKey,
        check_statement: Callable[[Statement], None] | None,
        cosignatures: CosignatureChecks,
    ) -> None:
        self._connection = connection
        self._check_statement = check_statement
        self._cosignatures = cosignatures
        self._signatories = _signatories(connection, key, self._verify_later)
        self._verifications: list[tuple[Envelope, PublicKey]] = []  # asked for by the statement that is admitted
        self.edge = Edge()
        self._signed = 0  # size of the newest checkpoint that was read
        self._checkpoints = 0

    def read(self, page: Sequence[RowMapping]) -> list[Check]:
        """Return the checks that are left to do for `page`, which follows on what was read.

        Raises:
            InvalidInput: As `check_statement` says.
            IntegrityViolation: Something does not hold.
        """
        checks: list[Check] = []
        start = self.edge.size
        notes = _notes(self._connection, start, start + len(page))
        subtrees: list[Node] = []
        for row in page:
            checks += self._admit(row)
            subtrees += self.edge.add(row["leaf_hash"])
            size = self.edge.size
            if size in notes:
                root = self.edge.root()
                checks.append(partial(check_checkpoint, self._signatories, notes[size], size=size, root=root))
                self._signed, self._checkpoints = size, self._checkpoints + 1
        _check_subtrees(self._connection, start, self.edge.size, subtrees)
        for said in _cosignatures(self._connection, start, self.edge.size):
            checks += self._cosignatures.check(said.size, said.witness, said.line, notes.get(said.size))
        return checks

    def end(self) -> CheckedLog:
        """Return what holds, if the last leaf is covered by a checkpoint, and nothing stands behind it."""
        size = self.edge.size
        if self._signed != size:
            raise IntegrityViolation(
                f"log: the checkpoint of {size} leaves is missing; the newest is of {self._signed}"
            )
        found = {
            log_leaves: size,
            log_checkpoints: self._checkpoints,  # before the subtrees: of a leaf cut off, it tells more
            log_nodes: sum(size >> level for level in range(1, size.bit_length())),
            log_cosignatures: self._cosignatures.counted,
        }
        check_nothing_more(self._connection, size, found)
        return CheckedLog(
            size=size,
            root=self.edge.root(),
            checkpoints=self._checkpoints,
            cosignatures=self._cosignatures.verified,
            unlisted=self._cosignatures.unlisted,
            signatories=self._signatories,
        )

    def _admit(self, row: RowMapping) -> list[Check]:
        index = self.edge.size
        evidence = _filed(row, index)
        self._verifications.clear()
        self._signatories.admit(evidence)
        if self._check_statement is not None:
            try:
                self._check_statement(evidence.statement)
            except InvalidInput as error:
                raise InvalidInput(f"statement {index}: {error.what}", remedy=error.remedy) from error
        return [partial(_check_signature, evidence, envelope, key) for envelope, key in self._verifications]

    def _verify_later(self, envelope: Envelope, key: PublicKey) -> None:
        self._verifications.append((envelope, key))


def _signatories(connection: Connection, key: VerifierKey, verify: Verify) -> Signatories:
    try:
        return Signatories(key, told=_registered(connection), verify=verify)
    except IntegrityViolation:
        # What is filed wrongly may hide who was enrolled: that is then the thing to name.
        for index, row in enumerate(row for page in _pages(connection) for row in page):
            _filed(row, index)
        raise


def _filed(row: RowMapping, index: int) -> Evidence:
    """Return the evidence in `row`, if it is the one that belongs at `index`."""
    place = row["index"]
    if isinstance(place, int) and place < index:
        raise IntegrityViolation(f"log: leaf {place} {'is there twice' if place >= 0 else 'stands before the first'}")
    if place != index:
        raise IntegrityViolation(f"log: leaf {index} is missing; the next one is {place}")
    return to_evidence(row)


def _registered(connection: Connection) -> list[Evidence]:
    query = select(log_leaves).where(log_leaves.c.predicate_type.in_(REGISTERED)).order_by(log_leaves.c.index)
    return [to_evidence(row) for row in connection.execute(query).mappings()]


def _pages(connection: Connection) -> Iterator[Sequence[RowMapping]]:
    after = -sys.maxsize  # a leaf before the first is one too many
    while True:
        query = select(log_leaves).where(log_leaves.c.index > after).order_by(log_leaves.c.index).limit(_PAGE)
        page = connection.execute(query).mappings().all()
        if not page:
            return
        yield page
        after = page[-1]["index"]


def _notes(connection: Connection, start: int, end: int) -> dict[int, object]:
    sizes = log_checkpoints.c.size
    rows = connection.execute(select(log_checkpoints).where(sizes > start, sizes <= end))
    return {row.size: row.note for row in rows}


def _cosignatures(connection: Connection, start: int, end: int) -> Sequence[Row[tuple[int, str, str]]]:
    sizes = log_cosignatures.c.size
    return connection.execute(
        select(log_cosignatures).where(sizes > start, sizes <= end).order_by(sizes, log_cosignatures.c.witness)
    ).all()


def _check_signature(evidence: Evidence, envelope: Envelope, key: PublicKey) -> None:
    try:
        verify_signature(envelope, key)
    except (IntegrityViolation, InvalidInput) as error:
        kind = evidence.statement.predicate_type.removeprefix(f"{NAMESPACE}/")
        raise IntegrityViolation(f"statement {evidence.index} ({kind}): {error.what}") from error


def _check_subtrees(connection: Connection, start: int, end: int, expected: Sequence[Node]) -> None:
    """Return if the subtrees that the leaves from `start` to `end` complete are stored as they should be."""
    stored: dict[tuple[int, int], object] = {}
    for level in range(1, end.bit_length()):
        if start >> level < end >> level:
            of_level = (
                log_nodes.c.level == level,
                log_nodes.c.index >= start >> level,
                log_nodes.c.index < end >> level,
            )
            stored |= {
                (row.level, row.index): row.hash for row in connection.execute(select(log_nodes).where(*of_level))
            }
    for node in expected:
        found = stored.get((node.level, node.index))
        if found != node.hash:
            raise IntegrityViolation(
                f"log: subtree at level {node.level}, index {node.index}: "
                f"expected {node.hash.hex()}, got {found.hex() if isinstance(found, bytes) else 'nothing'}"
            )

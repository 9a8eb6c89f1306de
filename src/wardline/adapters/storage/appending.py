"""Append leaves in batches: one transaction and one signed checkpoint for all that came at the same time."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from sqlalchemy import Engine, select

from wardline.adapters.storage.leaf_rows import INVESTIGATE, LeafRow, NodeRow, inserts, to_evidence
from wardline.adapters.storage.reading import reading
from wardline.adapters.storage.stored_nodes import StoredNodes
from wardline.adapters.storage.tables import log_leaves
from wardline.adapters.storage.writing import Writer, writing
from wardline.errors import Conflict, IntegrityViolation, InvalidInput, Unavailable, WardlineError
from wardline.evidence.log import Evidence
from wardline.evidence.log_keys import LogKeys
from wardline.evidence.register import REGISTERED
from wardline.evidence.signed import SignedStatement
from wardline.identity.predicates import KeyChange
from wardline.tlog.checkpoint import Checkpoint
from wardline.tlog.edge import Edge
from wardline.tlog.merkle import leaf_hash
from wardline.tlog.tiles import MAX_ENTRY_BYTES

Outcome = Evidence | WardlineError


@dataclass(frozen=True, slots=True)
class Leaf:
    """What somebody wants to append; `at`: the only index it may get.

    Raises:
        InvalidInput: No tile could hold it.
    """

    content: bytes
    signed: SignedStatement
    at: int | None

    def __post_init__(self) -> None:
        if len(self.content) > MAX_ENTRY_BYTES:
            raise InvalidInput(
                f"an envelope of {len(self.content)} bytes; a leaf has at most {MAX_ENTRY_BYTES}",
                remedy="What is large is kept as a blob and named by its digest.",
            )


@dataclass(frozen=True, slots=True)
class _Stored:
    """The log as the database holds it now, seen from its head."""

    newest: int | None  # index of the newest leaf
    newest_change: int | None  # of the newest key change
    note: str | None  # the newest checkpoint
    is_known: bool  # one of the batch's keys is there already


@dataclass(slots=True)
class _Batch:
    """What a batch adds to the log that ended at `edge`."""

    edge: Edge
    known: dict[str, Evidence]  # by key: what was there before, and what this batch places
    leaves: list[LeafRow]
    nodes: list[NodeRow]
    registered: list[Evidence]


class Appender:
    """Adds batches of leaves to the log; one thread at a time.

    It remembers the right edge of the tree under the newest checkpoint it saw. Where the database holds another
    checkpoint (another process appended, a backup was restored, somebody tampered), all is read and verified again.
    """

    def __init__(self, engine: Engine, keys: LogKeys) -> None:
        self._engine = engine
        self._mark = "%s" if engine.dialect.name == "postgresql" else "?"  # where a value goes in plain SQL
        self._keys = keys
        self._note: str | None = None  # the newest checkpoint that was verified, or signed by this process
        self._edge = Edge()  # of the tree under it; guarded by who leads the group commit

    def commit(self, wanted: Sequence[Leaf]) -> list[Outcome]:
        """Append those of `wanted` that are new and may be placed; return only when all of them are durable.

        Raises:
            Unavailable: The disk is full or the database does not answer; nothing was appended.
            IntegrityViolation: The stored log does not match its own checkpoint; nothing was appended.
        """
        with writing(self._engine) as writer:
            # It holds the write lock from here: what is read, here or beside it, stays true until the commit.
            stored = self._look(writer, [leaf.signed.statement.context.key for leaf in wanted])
            follow(self._keys, self._engine, stored.newest_change)
            batch = _Batch(self._verified_edge(stored), {}, [], [], [])
            if stored.is_known:
                batch.known = self._existing(wanted)
            note, base = stored.note, batch.edge.size
            outcomes: dict[int, Outcome] = {}
            # Who must have the next index is first: behind the others it could never get it.
            for place in sorted(range(len(wanted)), key=lambda place: wanted[place].at != base):
                outcomes[place] = self._place(wanted[place], batch)
            if batch.leaves:
                head = Checkpoint(origin=self._keys.root.name, size=batch.edge.size, root=batch.edge.root())
                note = self._keys.sign(head)
                writer.commit(inserts(self._mark, batch.leaves, batch.nodes, (head.size, note)))
        # Committed and synced: leaves, subtrees and checkpoint survive a power cut, or none of them does.
        self._note, self._edge = note, batch.edge
        return [outcomes[place] for place in range(len(wanted))]

    def _verified_edge(self, stored: _Stored) -> Edge:
        """Return the tree's edge, if the newest checkpoint is ours and says the same as what is stored."""
        size = 0 if stored.newest is None else stored.newest + 1
        if stored.note is None:
            if size:
                raise IntegrityViolation(f"log: {size} leaves but no checkpoint", remedy=INVESTIGATE)
            return Edge()
        if stored.note == self._note and size == self._edge.size:
            return self._edge.copy()
        checkpoint = _open(stored.note, self._keys)
        if checkpoint.size != size:
            raise IntegrityViolation(
                f"log: the newest checkpoint is of {checkpoint.size} leaves, but {size} are stored", remedy=INVESTIGATE
            )
        with reading(self._engine) as connection:
            edge = Edge.of(StoredNodes(connection), size)
        if edge.root() != checkpoint.root:
            raise IntegrityViolation(
                f"log: the {size} stored leaves are not those of the checkpoint", remedy=INVESTIGATE
            )
        return edge

    def _place(self, leaf: Leaf, batch: _Batch) -> Outcome:
        """Return the evidence that `leaf` became in `batch`, or was already, or why it may not be that."""
        statement, index = leaf.signed.statement, batch.edge.size
        key = statement.context.key
        if key in batch.known:
            return batch.known[key]
        if leaf.at is not None and leaf.at != index:
            return Conflict(f"log: expected {leaf.at} leaves, got {index}: somebody appended meanwhile")
        try:
            self._keys.check_may_append(leaf.signed.envelope, index)
        except Unavailable as error:
            return error
        hashed = leaf_hash(leaf.content)
        batch.leaves.append((index, key, statement.context.run, statement.predicate_type, hashed, leaf.content))
        batch.nodes.extend((node.level, node.index, node.hash) for node in batch.edge.add(hashed))
        placed = Evidence(index=index, key=key, envelope=leaf.signed.envelope, statement=statement)
        batch.known[key] = placed
        if statement.predicate_type in REGISTERED:
            batch.registered.append(placed)
        if statement.predicate_type == KeyChange.predicate_type:
            # It holds for the leaves behind it, and for the checkpoint, while it is in no table yet.
            follow(self._keys, self._engine, index, batch.registered)
        return placed

    def _look(self, writer: Writer, keys: Sequence[str]) -> _Stored:
        newest, newest_change, note, is_known = writer.begin(
            _head(self._mark, len(keys)), (KeyChange.predicate_type, *keys)
        )
        if not isinstance(note, str | None):  # a damaged SQLite file may hold anything
            raise IntegrityViolation("log: the newest checkpoint is no text", remedy=INVESTIGATE)
        return _Stored(newest, newest_change, note, bool(is_known))

    def _existing(self, wanted: Sequence[Leaf]) -> dict[str, Evidence]:
        keys = {leaf.signed.statement.context.key for leaf in wanted}
        with reading(self._engine) as connection:
            rows = connection.execute(select(log_leaves).where(log_leaves.c.key.in_(keys))).mappings()
            return {row["key"]: to_evidence(row) for row in rows}


def follow(keys: LogKeys, engine: Engine, newest: int | None, unstored: Sequence[Evidence] = ()) -> None:
    """Take over every change of keys up to log index `newest`; `unstored` are statements that are about to be."""

    def registered() -> list[Evidence]:
        with reading(engine) as connection:
            return [*(to_evidence(row) for row in connection.execute(_REGISTERED).mappings()), *unstored]

    keys.follow(newest, registered)


_REGISTERED = select(log_leaves).where(log_leaves.c.predicate_type.in_(REGISTERED)).order_by(log_leaves.c.index)


@cache
def _head(mark: str, keys: int) -> str:
    """Return all that is asked before a batch, in one question. Plain text: building it would cost more."""
    return (
        'SELECT (SELECT max("index") FROM log_leaves), '  # noqa: S608  # nothing but placeholders is put in
        f"(SELECT {_NEWEST_CHANGE} FROM log_leaves WHERE predicate_type = {mark}), "
        "(SELECT note FROM log_checkpoints ORDER BY size DESC LIMIT 1), "
        f'EXISTS (SELECT 1 FROM log_leaves WHERE "key" IN ({", ".join([mark] * keys)}))'
    )


# Of a bare column PostgreSQL looks for the maximum from the end of the log on: through all of it, for what is rare.
_NEWEST_CHANGE = 'max("index" + 0)'


def _open(note: str, keys: LogKeys) -> Checkpoint:
    try:
        return keys.open(note)
    except InvalidInput as error:
        raise IntegrityViolation(f"log: the newest checkpoint is none: {error.what}", remedy=INVESTIGATE) from error
    except IntegrityViolation as error:
        raise IntegrityViolation(
            f"log: the newest checkpoint: {error.what}",
            remedy="Is this the installation's own key, and was it replaced? Otherwise: " + INVESTIGATE,
        ) from error

"""The evidence log in SQL: leaves, stored subtrees, and a signed checkpoint for every batch of leaves."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, Executable, RowMapping, bindparam, func, insert, select

from wardline.adapters.storage.group_commit import GroupCommit
from wardline.adapters.storage.reading import reading
from wardline.adapters.storage.stored_nodes import StoredNodes
from wardline.adapters.storage.tables import log_checkpoints, log_leaves, log_nodes
from wardline.errors import Conflict, IntegrityViolation, InvalidInput, NotFound, Unavailable, WardlineError
from wardline.evidence.envelopes import Envelope, Signer
from wardline.evidence.log import Evidence
from wardline.evidence.log_keys import LogKeys
from wardline.evidence.register import REGISTERED
from wardline.evidence.statements import PAYLOAD_TYPE, Statement
from wardline.identity.predicates import KeyChange
from wardline.ids import EvidenceKey, RunId
from wardline.tlog import tree
from wardline.tlog.checkpoint import Checkpoint
from wardline.tlog.merkle import leaf_hash
from wardline.tlog.note import VerifierKey
from wardline.tlog.tiles import MAX_ENTRY_BYTES

_PAGE = 200  # leaves read at once: some hundred kilobytes


class SQLEvidenceLog:
    """An EvidenceLog that several processes may append to at once.

    `origin` names the log; `signer` is the installation's key and signs every checkpoint. Where there are several,
    `keys` says which of them count.
    """

    def __init__(self, engine: Engine, *, signer: Signer, origin: str, keys: LogKeys | None = None) -> None:
        self._engine = engine
        self._keys = keys or LogKeys(VerifierKey(name=origin, raw=signer.public_key.raw), (signer,))
        self.key = self._keys.root
        self._batches = GroupCommit(self._commit)

    def keys(self) -> LogKeys:
        """Return the log's keys as they are now."""
        with reading(self._engine) as connection:
            _follow(self._keys, connection)
        return self._keys

    def append(self, envelope: Envelope, *, at: int | None = None) -> Evidence:
        if envelope.payload_type != PAYLOAD_TYPE:
            raise InvalidInput(f"an envelope of {envelope.payload_type[:80]}; the log takes {PAYLOAD_TYPE}")
        content = envelope.encode()
        if len(content) > MAX_ENTRY_BYTES:
            raise InvalidInput(
                f"an envelope of {len(content)} bytes; a leaf has at most {MAX_ENTRY_BYTES}",
                remedy="What is large is kept as a blob and named by its digest.",
            )
        return self._batches.request(_Leaf(content, envelope, Statement.decode(envelope.payload), at))

    def _commit(self, batch: Sequence["_Leaf"]) -> list[Evidence | Exception]:
        # The transaction holds the write lock from here: what is read stays true until the commit.
        with self._engine.begin() as connection:
            nodes = StoredNodes(connection)
            _follow(self._keys, connection)
            before = size = self._verified_size(connection, nodes)
            outcomes: list[Evidence | Exception] = []
            for leaf in batch:
                outcome = _first(connection, _BY_KEY, leaf.statement.context.key) or self._placed(leaf, size)
                if isinstance(outcome, Evidence) and outcome.index == size:
                    self._keep(connection, nodes, leaf, size)
                    size += 1
                outcomes.append(outcome)
            if size > before:
                checkpoint = Checkpoint(origin=self.key.name, size=size, root=tree.root(nodes, size))
                connection.execute(_KEEP_CHECKPOINT, {"size": size, "note": self._keys.sign(checkpoint)})
        # Committed and synced: leaves, subtrees and checkpoint survive a power cut, or none of them does.
        return outcomes

    def find(self, key: EvidenceKey) -> Evidence | None:
        with reading(self._engine) as connection:
            return _first(connection, _BY_KEY, key)

    def read(self, index: int) -> Evidence:
        with reading(self._engine) as connection:
            found = _first(connection, _BY_INDEX, index)
        if found is None:
            raise NotFound(f"log: no leaf {index}; the log has {self.size()}")
        return found

    def size(self) -> int:
        with reading(self._engine) as connection:
            return _size(connection)

    def of_run(self, run: RunId) -> tuple[Evidence, ...]:
        query = select(log_leaves).where(log_leaves.c.run == run).order_by(log_leaves.c.index)
        with reading(self._engine) as connection:
            return tuple(to_evidence(row) for row in connection.execute(query).mappings())

    def every(self, *predicate_types: str) -> Iterator[Evidence]:
        after = -1
        while True:
            query = select(log_leaves).where(log_leaves.c.index > after).order_by(log_leaves.c.index).limit(_PAGE)
            if predicate_types:
                query = query.where(log_leaves.c.predicate_type.in_(predicate_types))
            # A page is a transaction: whoever takes his time over the evidence keeps no old state alive.
            with reading(self._engine) as connection:
                page = [to_evidence(row) for row in connection.execute(query).mappings()]
            if not page:
                return
            yield from page
            after = page[-1].index

    def checkpoint(self, size: int | None = None) -> str:
        """Return the signed note of the log's first `size` leaves; None: of all.

        Raises:
            NotFound: The log is empty, or not that large yet.
        """
        query = select(log_checkpoints.c.note).where(log_checkpoints.c.size == size)
        with reading(self._engine) as connection:
            note = _newest_note(connection) if size is None else connection.execute(query).scalar_one_or_none()
        if note is None:
            raise NotFound(f"log: no checkpoint of {size or 'any'} leaves")
        return note

    def checkpoint_covering(self, size: int) -> str:
        """Return the smallest kept signed note of `size` leaves or more.

        Raises:
            NotFound: The log is not that large yet.
        """
        query = (
            select(log_checkpoints.c.note)
            .where(log_checkpoints.c.size >= size)
            .order_by(log_checkpoints.c.size)
            .limit(1)
        )
        with reading(self._engine) as connection:
            note: str | None = connection.execute(query).scalar_one_or_none()
        if note is None:
            raise NotFound(f"log: no checkpoint covers {size} leaves")
        return note

    def inclusion_proof(self, index: int, size: int) -> tuple[bytes, ...]:
        """Return the proof that leaf `index` is in the log's first `size` leaves.

        Raises:
            InvalidInput: Not `index` < `size` ≤ the log's size.
        """
        with reading(self._engine) as connection:
            if size > _size(connection):
                raise InvalidInput(f"log: it has {_size(connection)} leaves, not yet {size}")
            return tree.inclusion_proof(StoredNodes(connection), index, size)

    def _verified_size(self, connection: Connection, nodes: StoredNodes) -> int:
        """Return the size, if the newest checkpoint is ours and says the same as what is stored."""
        size = _size(connection)
        note = _newest_note(connection)
        if note is None and size == 0:
            return 0
        if note is None:
            raise IntegrityViolation(f"log: {size} leaves but no checkpoint", remedy=_INVESTIGATE)
        checkpoint = _open(note, self._keys)
        if checkpoint.size != size:
            raise IntegrityViolation(
                f"log: the newest checkpoint is of {checkpoint.size} leaves, but {size} are stored", remedy=_INVESTIGATE
            )
        if tree.root(nodes, size) != checkpoint.root:
            raise IntegrityViolation(
                f"log: the {size} stored leaves are not those of the checkpoint", remedy=_INVESTIGATE
            )
        return size

    def _placed(self, leaf: "_Leaf", index: int) -> Evidence | WardlineError:
        """Return `leaf` as the one at `index`, or why it may not be that."""
        if leaf.at is not None and leaf.at != index:
            return Conflict(f"log: expected {leaf.at} leaves, got {index}: somebody appended meanwhile")
        try:
            self._keys.check_may_append(leaf.envelope, index)
        except Unavailable as error:
            return error
        key = leaf.statement.context.key
        return Evidence(index=index, key=key, envelope=leaf.envelope, statement=leaf.statement)

    def _keep(self, connection: Connection, nodes: StoredNodes, leaf: "_Leaf", index: int) -> None:
        node, *subtrees = tree.completed_by(leaf_hash(leaf.content), nodes, index)
        row = {
            "index": index,
            "key": leaf.statement.context.key,
            "run": leaf.statement.context.run,
            "predicate_type": leaf.statement.predicate_type,
            "leaf_hash": node.hash,
            "envelope": leaf.content,
        }
        connection.execute(_KEEP_LEAF, row)
        if subtrees:
            rows = [{"level": node.level, "index": node.index, "hash": node.hash} for node in subtrees]
            connection.execute(_KEEP_SUBTREE, rows)
        if leaf.statement.predicate_type == KeyChange.predicate_type:
            _follow(self._keys, connection)


@dataclass(frozen=True, slots=True)
class _Leaf:
    """What somebody wants to append; `at`: the only index it may get."""

    content: bytes
    envelope: Envelope
    statement: Statement
    at: int | None


def to_evidence(row: RowMapping) -> Evidence:
    """Return the evidence in `row` of `log_leaves`.

    Raises:
        IntegrityViolation: Its parts do not belong together.
    """
    index, content = row["index"], row["envelope"]
    # A damaged SQLite file may hold text, or nothing, where bytes belong.
    if not isinstance(content, bytes) or leaf_hash(content) != row["leaf_hash"]:
        raise IntegrityViolation(f"log: leaf {index} does not have its own hash", remedy=_INVESTIGATE)
    try:
        envelope = Envelope.decode(content)
        statement = Statement.decode(envelope.payload)
    except InvalidInput as error:
        raise IntegrityViolation(f"log: leaf {index} is no statement: {error.what}", remedy=_INVESTIGATE) from error
    context = statement.context
    if (context.key, context.run, statement.predicate_type) != (row["key"], row["run"], row["predicate_type"]):
        raise IntegrityViolation(f"log: leaf {index} is filed as what it is not", remedy=_INVESTIGATE)
    return Evidence(index=index, key=context.key, envelope=envelope, statement=statement)


_INVESTIGATE = "Keep the database for investigation; run `wardline log check`, then restore a backup."


# Built once: building a query costs more than running it.
_BY_KEY = select(log_leaves).where(log_leaves.c.key == bindparam("value"))
_BY_INDEX = select(log_leaves).where(log_leaves.c.index == bindparam("value"))
_NEWEST_INDEX = select(func.max(log_leaves.c.index))
_NEWEST_NOTE = select(log_checkpoints.c.note).order_by(log_checkpoints.c.size.desc()).limit(1)
_NEWEST_CHANGE = select(func.max(log_leaves.c.index)).where(log_leaves.c.predicate_type == KeyChange.predicate_type)
_REGISTERED = select(log_leaves).where(log_leaves.c.predicate_type.in_(REGISTERED)).order_by(log_leaves.c.index)
_KEEP_LEAF, _KEEP_SUBTREE, _KEEP_CHECKPOINT = insert(log_leaves), insert(log_nodes), insert(log_checkpoints)


def _first(connection: Connection, query: Executable, value: str | int) -> Evidence | None:
    row = connection.execute(query, {"value": value}).mappings().one_or_none()
    return None if row is None else to_evidence(row)


def _size(connection: Connection) -> int:
    newest = connection.execute(_NEWEST_INDEX).scalar_one()
    return 0 if newest is None else int(newest) + 1


def _newest_note(connection: Connection) -> str | None:
    return connection.execute(_NEWEST_NOTE).scalar_one_or_none()


def _follow(keys: LogKeys, connection: Connection) -> None:
    newest = connection.execute(_NEWEST_CHANGE).scalar_one()
    keys.follow(newest, lambda: [to_evidence(row) for row in connection.execute(_REGISTERED).mappings()])


def _open(note: str, keys: LogKeys) -> Checkpoint:
    try:
        return keys.open(note)
    except InvalidInput as error:
        raise IntegrityViolation(f"log: the newest checkpoint is none: {error.what}", remedy=_INVESTIGATE) from error
    except IntegrityViolation as error:
        raise IntegrityViolation(
            f"log: the newest checkpoint: {error.what}",
            remedy="Is this the installation's own key, and was it replaced? Otherwise: " + _INVESTIGATE,
        ) from error

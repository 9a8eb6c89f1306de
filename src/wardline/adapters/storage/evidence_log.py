"""The evidence log in SQL: leaves, stored subtrees, and a signed checkpoint for every batch of leaves."""

from array import array
from collections.abc import Iterator, Sequence

from sqlalchemy import Connection, Engine, Executable, bindparam, func, select

from wardline.adapters.storage.appending import Appender, Leaf, follow
from wardline.adapters.storage.group_commit import GroupCommit
from wardline.adapters.storage.leaf_rows import to_evidence
from wardline.adapters.storage.reading import reading
from wardline.adapters.storage.stored_nodes import StoredNodes
from wardline.adapters.storage.tables import log_checkpoints, log_leaves
from wardline.errors import IntegrityViolation, InvalidInput, NotFound
from wardline.evidence.envelopes import Envelope, Signer
from wardline.evidence.log import Evidence
from wardline.evidence.log_keys import LogKeys
from wardline.evidence.signed import SignedStatement
from wardline.identity.predicates import KeyChange
from wardline.ids import EvidenceKey, RunId
from wardline.tlog import tree
from wardline.tlog.note import VerifierKey

_PAGE = 200  # leaves read at once: some hundred kilobytes
_MANY = 10_000  # places fetched at once
_WINDOW = 256  # leaves looked through first, from the end of the log: a few runs


class SQLEvidenceLog:
    """An EvidenceLog that several processes may append to at once.

    `origin` names the log; `signer` is the installation's key and signs every checkpoint. Where there are several,
    `keys` says which of them count.
    """

    def __init__(self, engine: Engine, *, signer: Signer, origin: str, keys: LogKeys | None = None) -> None:
        self._engine = engine
        self._keys = keys or LogKeys(VerifierKey(name=origin, raw=signer.public_key.raw), (signer,))
        self.key = self._keys.root
        self._batches: GroupCommit[Leaf, Evidence] = GroupCommit(Appender(engine, self._keys).commit)

    def keys(self) -> LogKeys:
        """Return the log's keys as they are now."""
        with reading(self._engine) as connection:
            newest = connection.execute(_NEWEST_CHANGE).scalar_one()
        follow(self._keys, self._engine, newest)
        return self._keys

    def append(self, envelope: Envelope | SignedStatement, *, at: int | None = None) -> Evidence:
        signed = envelope if isinstance(envelope, SignedStatement) else SignedStatement.read(envelope)
        return self._batches.request(Leaf(signed.envelope.encode(), signed, at))

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
        if predicate_types:
            yield from self._at(self._places(predicate_types))
            return
        after = -1
        while True:
            query = select(log_leaves).where(log_leaves.c.index > after).order_by(log_leaves.c.index).limit(_PAGE)
            # A page is a transaction: whoever takes his time over the evidence keeps no old state alive.
            with reading(self._engine) as connection:
                page = [to_evidence(row) for row in connection.execute(query).mappings()]
            if not page:
                return
            yield from page
            after = page[-1].index

    def youngest(self, *predicate_types: str) -> Iterator[Evidence]:
        # In growing windows from the end: who stops early costs what a window does, however long the log is.
        end, width = self.size(), _WINDOW
        while end > 0:
            start = max(0, end - width)
            yield from self._at(self._places(predicate_types, range(start, end))[::-1])
            end, width = start, width * 8

    def _places(self, predicate_types: Sequence[str], among: range | None = None) -> Sequence[int]:
        """Return where leaves of these types are, in log order, by the index of types alone.

        Asked page by page in log order, a database goes through the log itself: for what is rare, through all of it.
        """
        query = select(log_leaves.c.index).where(log_leaves.c.predicate_type.in_(predicate_types))
        if among is not None:
            query = query.where(log_leaves.c.index >= among.start, log_leaves.c.index < among.stop)
        with reading(self._engine) as connection:
            found = connection.execute(query, execution_options={"yield_per": _MANY}).scalars()
            return array("q", sorted(array("q", found)))

    def _at(self, places: Sequence[int]) -> Iterator[Evidence]:
        for start in range(0, len(places), _PAGE):
            wanted = places[start : start + _PAGE]
            query = select(log_leaves).where(log_leaves.c.index.in_(wanted))
            with reading(self._engine) as connection:
                page = {row["index"]: row for row in connection.execute(query).mappings()}
            for index in wanted:
                if index not in page:
                    raise IntegrityViolation(f"log: leaf {index} is filed by its type, and not there")
                yield to_evidence(page[index])

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


# Built once: building a query costs more than running it.
_BY_KEY = select(log_leaves).where(log_leaves.c.key == bindparam("value"))
_BY_INDEX = select(log_leaves).where(log_leaves.c.index == bindparam("value"))
_NEWEST_INDEX = select(func.max(log_leaves.c.index))
_NEWEST_NOTE = select(log_checkpoints.c.note).order_by(log_checkpoints.c.size.desc()).limit(1)
# `+ 0`: see appending.py.
_NEWEST_CHANGE = select(func.max(log_leaves.c.index + 0)).where(log_leaves.c.predicate_type == KeyChange.predicate_type)


def _first(connection: Connection, query: Executable, value: str | int) -> Evidence | None:
    row = connection.execute(query, {"value": value}).mappings().one_or_none()
    return None if row is None else to_evidence(row)


def _size(connection: Connection) -> int:
    newest = connection.execute(_NEWEST_INDEX).scalar_one()
    return 0 if newest is None else int(newest) + 1


def _newest_note(connection: Connection) -> str | None:
    return connection.execute(_NEWEST_NOTE).scalar_one_or_none()

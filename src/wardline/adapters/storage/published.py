"""The log as outsiders read it: heads, hashes of subtrees, entries. Nothing here writes."""

from sqlalchemy import Engine, select

from wardline.adapters.storage.cosignatures import SQLCosignatures
from wardline.adapters.storage.reading import reading
from wardline.adapters.storage.stored_nodes import StoredNodes
from wardline.adapters.storage.tables import log_checkpoints, log_leaves, log_nodes
from wardline.errors import NotFound
from wardline.tlog import tree
from wardline.tlog.cosignature import with_cosignatures


class SQLPublishedLog:
    """A Published over the tables of the log, with proofs for those who ask for none of its tiles."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._cosignatures = SQLCosignatures(engine)

    def checkpoint(self) -> str:
        query = select(log_checkpoints).order_by(log_checkpoints.c.size.desc()).limit(1)
        with reading(self._engine) as connection:
            row = connection.execute(query).mappings().one_or_none()
        if row is None:
            raise NotFound("the log is empty: it has no checkpoint yet")
        return with_cosignatures(row["note"], self._cosignatures.of(row["size"]))

    def checkpoint_from(self, size: int) -> str:
        """Return the smallest checkpoint of at least `size` leaves, a cosigned one if there is any.

        Raises:
            NotFound: The log is not that large yet.
        """
        cosigned = self._cosignatures.smallest_from(size)
        query = select(log_checkpoints).order_by(log_checkpoints.c.size).limit(1)
        with reading(self._engine) as connection:
            for least in (cosigned, size):
                at_least = log_checkpoints.c.size >= (least or size)
                row = connection.execute(query.where(at_least)).mappings().one_or_none()
                if row is not None:
                    return with_cosignatures(row["note"], self._cosignatures.of(row["size"]))
        raise NotFound(f"log: no checkpoint of {size} leaves or more")

    def hashes(self, level: int, start: int, count: int) -> tuple[bytes, ...]:
        if level == 0:
            query = select(log_leaves.c.leaf_hash).where(log_leaves.c.index.between(start, start + count - 1))
            query = query.order_by(log_leaves.c.index)
        else:
            query = select(log_nodes.c.hash).where(log_nodes.c.level == level)
            query = query.where(log_nodes.c.index.between(start, start + count - 1)).order_by(log_nodes.c.index)
        with reading(self._engine) as connection:
            found = tuple(connection.execute(query).scalars())
        if len(found) != count:
            raise NotFound(f"log: no {count} subtrees at level {level} from {start} on; it is not that large yet")
        return found

    def entries(self, start: int, count: int) -> tuple[bytes, ...]:
        query = select(log_leaves.c.envelope).where(log_leaves.c.index.between(start, start + count - 1))
        with reading(self._engine) as connection:
            found = tuple(connection.execute(query.order_by(log_leaves.c.index)).scalars())
        if len(found) != count:
            raise NotFound(f"log: no {count} entries from {start} on; it is not that large yet")
        return found

    def inclusion_proof(self, index: int, size: int) -> tuple[bytes, ...]:
        """Return the proof that leaf `index` is among the first `size` leaves.

        Raises:
            InvalidInput: Not `index` < `size`.
        """
        with reading(self._engine) as connection:
            return tree.inclusion_proof(StoredNodes(connection), index, size)

    def consistency_proof(self, size1: int, size2: int) -> tuple[bytes, ...]:
        """Return the proof that the first `size1` leaves begin the first `size2`; from nothing, an empty one.

        Raises:
            InvalidInput: Not 0 ≤ `size1` ≤ `size2`.
        """
        if size1 == 0 <= size2:
            return ()
        with reading(self._engine) as connection:
            return tree.consistency_proof(StoredNodes(connection), size1, size2)

    def root(self, size: int) -> bytes:
        """Return the root of the first `size` leaves.

        Raises:
            InvalidInput: `size` is negative.
        """
        with reading(self._engine) as connection:
            return tree.root(StoredNodes(connection), size)

"""The log's stored subtrees, read as the tree wants them."""

from sqlalchemy import Connection, bindparam, select

from wardline.adapters.storage.tables import log_leaves, log_nodes
from wardline.errors import IntegrityViolation
from wardline.tlog.merkle import HASH_BYTES

# Built once: building a query costs more than running it.
_LEAF_HASH = select(log_leaves.c.leaf_hash).where(log_leaves.c.index == bindparam("at"))
_SUBTREE = select(log_nodes.c.hash).where(log_nodes.c.level == bindparam("of"), log_nodes.c.index == bindparam("at"))


class StoredNodes:
    """A NodeStore over one transaction. Leaf hashes are kept once, beside their leaves."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._read: dict[tuple[int, int], bytes] = {}  # a full subtree never changes

    def node(self, level: int, index: int) -> bytes:
        if (level, index) not in self._read:
            self._read[level, index] = self._stored(level, index)
        return self._read[level, index]

    def _stored(self, level: int, index: int) -> bytes:
        if level == 0:
            found = self._connection.execute(_LEAF_HASH, {"at": index}).scalar_one_or_none()
        else:
            found = self._connection.execute(_SUBTREE, {"of": level, "at": index}).scalar_one_or_none()
        if not isinstance(found, bytes) or len(found) != HASH_BYTES:  # a damaged database may hold anything
            raise IntegrityViolation(
                f"log: the subtree at level {level}, index {index} is missing or no hash",
                remedy="Keep the database for investigation; run `wardline log check`.",
            )
        return found

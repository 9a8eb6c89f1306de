"""The right edge of a growing tree: all that is needed to add leaves and to know the root, without a store."""

from collections.abc import Iterable
from typing import Self

from wardline.tlog.merkle import EMPTY_ROOT, node_hash
from wardline.tlog.tree import Node, NodeStore


class Edge:
    """The perfect subtrees that a tree of `size` leaves consists of: one for each bit of the size, largest first."""

    def __init__(self, size: int = 0, subtrees: Iterable[bytes] = ()) -> None:
        self.size = size
        self._subtrees = list(subtrees)

    @classmethod
    def of(cls, nodes: NodeStore, size: int) -> Self:
        """Return the edge of the first `size` leaves.

        Raises:
            IntegrityViolation: A subtree is missing.
        """
        levels = (level for level in reversed(range(size.bit_length())) if size >> level & 1)
        # Left of it are only larger ones, so each is the last whole one of its level.
        return cls(size, (nodes.node(level, (size >> level) - 1) for level in levels))

    def copy(self) -> Self:
        return type(self)(self.size, self._subtrees)

    def add(self, leaf: bytes) -> tuple[Node, ...]:
        """Add `leaf` (a leaf hash) and return the subtrees above it that it completes, smallest first."""
        completed = []
        level, index, subtree = 0, self.size, leaf
        while index % 2:
            level, index = level + 1, index >> 1
            subtree = node_hash(self._subtrees.pop(), subtree)
            completed.append(Node(level=level, index=index, hash=subtree))
        self._subtrees.append(subtree)
        self.size += 1
        return tuple(completed)

    def root(self) -> bytes:
        """Return the root over all leaves (RFC 9162 §2.1.1): the smaller subtrees go up as they are."""
        if not self._subtrees:
            return EMPTY_ROOT
        *larger, root = self._subtrees
        for subtree in reversed(larger):
            root = node_hash(subtree, root)
        return root

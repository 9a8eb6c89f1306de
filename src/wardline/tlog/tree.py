"""A growing Merkle tree over stored subtrees: append, root and proofs in O(log n).

Only perfect subtrees are kept: once full, a subtree never changes, so nothing stored is ever rewritten.
The ragged right edge is hashed again from at most log2(n) of them.
"""

from dataclasses import dataclass
from typing import Protocol

from wardline.errors import InvalidInput
from wardline.tlog.merkle import EMPTY_ROOT, HASH_BYTES, node_hash, split


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A perfect subtree of 2^level leaves, the `index`-th of its level from the left."""

    level: int
    index: int
    hash: bytes


class NodeStore(Protocol):
    """Gives back the subtrees that `completed_by` said to keep."""

    def node(self, level: int, index: int) -> bytes:
        """Return the hash of that perfect subtree; level 0 are the leaf hashes.

        Raises:
            IntegrityViolation: It should be there and is not.
        """
        ...


def completed_by(leaf: bytes, nodes: NodeStore, size: int) -> tuple[Node, ...]:
    """Return the subtrees to keep when `leaf` (a leaf hash) joins a tree of `size`, the leaf itself first.

    Raises:
        InvalidInput: `leaf` is not 32 bytes long, or `size` is negative.
    """
    if len(leaf) != HASH_BYTES or size < 0:
        raise InvalidInput(f"no leaf: a hash of {len(leaf)} bytes joins a tree of {size}")
    node = Node(level=0, index=size, hash=leaf)
    completed = [node]
    while node.index % 2:
        sibling = nodes.node(node.level, node.index - 1)
        node = Node(level=node.level + 1, index=node.index >> 1, hash=node_hash(sibling, node.hash))
        completed.append(node)
    return tuple(completed)


def root(nodes: NodeStore, size: int) -> bytes:
    """Return the root of the first `size` leaves; of none, the hash of nothing.

    Raises:
        InvalidInput: `size` is negative.
    """
    if size < 0:
        raise InvalidInput(f"there is no tree of {size} leaves")
    return _range_hash(nodes, 0, size) if size else EMPTY_ROOT


def inclusion_proof(nodes: NodeStore, index: int, size: int) -> tuple[bytes, ...]:
    """Return PATH(index, D[size]) of RFC 9162 §2.1.3.1.

    Raises:
        InvalidInput: `index` is not below `size`.
    """
    if not 0 <= index < size:
        raise InvalidInput(f"no leaf {index} in a tree of {size}")
    return tuple(_path(nodes, index, 0, size))


def consistency_proof(nodes: NodeStore, size1: int, size2: int) -> tuple[bytes, ...]:
    """Return PROOF(size1, D[size2]) of RFC 9162 §2.1.4.1.

    Raises:
        InvalidInput: Not 1 ≤ `size1` ≤ `size2`.
    """
    if not 1 <= size1 <= size2:
        raise InvalidInput(f"sizes {size1} and {size2}; expected 1 ≤ first ≤ second")
    return tuple(_subproof(nodes, size1, 0, size2))


def _range_hash(nodes: NodeStore, start: int, end: int) -> bytes:
    """Return the hash over the leaves from `start` up to `end`, a range that the tree's own splits give."""
    size = end - start
    if size & (size - 1) == 0:
        level = size.bit_length() - 1
        return nodes.node(level, start >> level)
    middle = start + split(size)
    return node_hash(_range_hash(nodes, start, middle), _range_hash(nodes, middle, end))


def _path(nodes: NodeStore, index: int, start: int, end: int) -> list[bytes]:
    if end - start == 1:
        return []
    middle = start + split(end - start)
    if index < middle:
        return [*_path(nodes, index, start, middle), _range_hash(nodes, middle, end)]
    return [*_path(nodes, index, middle, end), _range_hash(nodes, start, middle)]


def _subproof(nodes: NodeStore, old: int, start: int, end: int) -> list[bytes]:
    """Return SUBPROOF for the leaves from `start` to `end`, where the old tree ended at `old`."""
    if old == end:
        # A range that begins the tree is the old root, which the verifier has.
        return [_range_hash(nodes, start, end)] if start else []
    middle = start + split(end - start)
    if old <= middle:
        return [*_subproof(nodes, old, start, middle), _range_hash(nodes, middle, end)]
    return [*_subproof(nodes, old, middle, end), _range_hash(nodes, start, middle)]

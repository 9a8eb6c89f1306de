import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardline.errors import IntegrityViolation
from wardline.tlog import tree
from wardline.tlog.edge import Edge
from wardline.tlog.merkle import EMPTY_ROOT, root_hash


class Kept:
    """A store of what the edge completed."""

    def __init__(self, leaves: list[bytes], nodes: list[tree.Node]) -> None:
        self._hashes = {(0, index): leaf for index, leaf in enumerate(leaves)}
        self._hashes |= {(node.level, node.index): node.hash for node in nodes}

    def node(self, level: int, index: int) -> bytes:
        if (level, index) not in self._hashes:
            raise IntegrityViolation(f"no subtree {level}, {index}")
        return self._hashes[level, index]


def leaves_of(size: int) -> list[bytes]:
    return [hashlib.sha256(b"%d" % number).digest() for number in range(size)]


def grown(leaves: list[bytes]) -> tuple[Edge, list[tree.Node]]:
    edge = Edge()
    return edge, [node for leaf in leaves for node in edge.add(leaf)]


def test_an_empty_edge_has_the_root_of_an_empty_tree() -> None:
    assert Edge().root() == EMPTY_ROOT


@given(size=st.integers(0, 300))
def test_the_root_and_the_subtrees_are_those_of_the_tree(size: int) -> None:
    leaves = leaves_of(size)
    edge, completed = grown(leaves)
    assert (edge.size, edge.root()) == (size, root_hash(leaves))
    kept = Kept(leaves, completed)
    assert tree.root(kept, size) == edge.root()
    assert len(completed) == sum(size >> level for level in range(1, size.bit_length()))


@given(size=st.integers(0, 300), more=st.integers(0, 40))
def test_an_edge_read_back_goes_on_as_the_one_that_was_kept(size: int, more: int) -> None:
    leaves = leaves_of(size + more)
    edge, completed = grown(leaves[:size])
    again = Edge.of(Kept(leaves, completed), size)
    for leaf in leaves[size:]:
        assert again.add(leaf) == edge.add(leaf)
        assert again.root() == edge.root()


def test_a_copy_grows_apart() -> None:
    edge, _ = grown(leaves_of(6))
    root = edge.root()
    other = edge.copy()
    other.add(leaves_of(1)[0])
    assert (edge.size, edge.root(), other.size) == (6, root, 7)


def test_an_edge_with_a_subtree_missing_is_not_read() -> None:
    with pytest.raises(IntegrityViolation):
        Edge.of(Kept(leaves_of(4), []), 4)

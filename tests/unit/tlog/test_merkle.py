import hashlib

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from wardline.errors import IntegrityViolation, InvalidInput
from wardline.tlog.merkle import leaf_hash, root_hash, verify_consistency, verify_inclusion
from wardline.tlog.tree import completed_by, consistency_proof, inclusion_proof, root

# The inputs and roots that every implementation of Certificate Transparency is tested with
# (google/certificate-transparency, cpp/merkletree/merkle_tree_test.cc).
ENTRIES = tuple(
    bytes.fromhex(entry)
    for entry in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
)
ROOTS = (
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)
EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
INCLUSIONS = (  # index, size, proof
    (0, 1, ()),
    (
        0,
        8,
        (
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ),
    ),
    (
        5,
        8,
        (
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ),
    ),
    (2, 3, ("fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",)),
)
CONSISTENCIES = (  # first size, second size, proof
    (1, 1, ()),
    (
        1,
        8,
        (
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ),
    ),
    (
        6,
        8,
        (
            "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ),
    ),
    (
        2,
        5,
        (
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        ),
    ),
)


class Tree:
    """The subtrees of a log, in a dictionary."""

    def __init__(self, leaves: list[bytes]) -> None:
        self.leaves = leaves
        self.nodes: dict[tuple[int, int], bytes] = {}
        self.reads = 0
        for size, leaf in enumerate(leaves):
            for node in completed_by(leaf, self, size):
                assert (node.level, node.index) not in self.nodes  # nothing stored is ever rewritten
                self.nodes[node.level, node.index] = node.hash

    def node(self, level: int, index: int) -> bytes:
        self.reads += 1
        return self.nodes[level, index]


def leaves_of(size: int) -> list[bytes]:
    return [leaf_hash(b"%d" % number) for number in range(size)]


def naive_root(leaves: list[bytes]) -> bytes:
    """MTH as RFC 9162 §2.1.1 defines it, over leaf hashes."""
    if not leaves:
        return hashlib.sha256().digest()
    if len(leaves) == 1:
        return leaves[0]
    k = naive_split(len(leaves))
    return hashlib.sha256(b"\x01" + naive_root(leaves[:k]) + naive_root(leaves[k:])).digest()


def naive_path(m: int, leaves: list[bytes]) -> list[bytes]:
    """PATH of RFC 9162 §2.1.3.1."""
    if len(leaves) == 1:
        return []
    k = naive_split(len(leaves))
    if m < k:
        return [*naive_path(m, leaves[:k]), naive_root(leaves[k:])]
    return [*naive_path(m - k, leaves[k:]), naive_root(leaves[:k])]


def naive_subproof(m: int, leaves: list[bytes], *, known: bool) -> list[bytes]:
    """SUBPROOF of RFC 9162 §2.1.4.1."""
    if m == len(leaves):
        return [] if known else [naive_root(leaves)]
    k = naive_split(len(leaves))
    if m <= k:
        return [*naive_subproof(m, leaves[:k], known=known), naive_root(leaves[k:])]
    return [*naive_subproof(m - k, leaves[k:], known=False), naive_root(leaves[:k])]


def naive_split(size: int) -> int:
    k = 1
    while k * 2 < size:
        k *= 2
    return k


sizes = st.integers(min_value=1, max_value=130)


def test_the_published_roots_are_reached() -> None:
    leaves = [leaf_hash(entry) for entry in ENTRIES]
    tree = Tree(leaves)
    assert root(tree, 0).hex() == root_hash([]).hex() == EMPTY
    assert [root(tree, size).hex() for size in range(1, 9)] == list(ROOTS)
    assert [root_hash(leaves[:size]).hex() for size in range(1, 9)] == list(ROOTS)


@pytest.mark.parametrize(("index", "size", "proof"), INCLUSIONS)
def test_the_published_inclusion_proofs_are_made_and_hold(index: int, size: int, proof: tuple[str, ...]) -> None:
    tree = Tree([leaf_hash(entry) for entry in ENTRIES])
    assert [step.hex() for step in inclusion_proof(tree, index, size)] == list(proof)
    steps = [bytes.fromhex(step) for step in proof]
    verify_inclusion(tree.leaves[index], index, size, steps, bytes.fromhex(ROOTS[size - 1]))


@pytest.mark.parametrize(("first", "second", "proof"), CONSISTENCIES)
def test_the_published_consistency_proofs_are_made_and_hold(first: int, second: int, proof: tuple[str, ...]) -> None:
    tree = Tree([leaf_hash(entry) for entry in ENTRIES])
    assert [step.hex() for step in consistency_proof(tree, first, second)] == list(proof)
    steps = [bytes.fromhex(step) for step in proof]
    verify_consistency(first, second, steps, bytes.fromhex(ROOTS[first - 1]), bytes.fromhex(ROOTS[second - 1]))


@given(size=sizes, data=st.data())
def test_the_tree_agrees_with_the_definition(size: int, data: st.DataObject) -> None:
    leaves = leaves_of(size)
    tree = Tree(leaves)
    assert root(tree, size) == root_hash(leaves) == naive_root(leaves)
    index = data.draw(st.integers(0, size - 1))
    proof = inclusion_proof(tree, index, size)
    assert list(proof) == naive_path(index, leaves)
    verify_inclusion(leaves[index], index, size, proof, naive_root(leaves))
    first = data.draw(st.integers(1, size))
    proof = consistency_proof(tree, first, size)
    assert list(proof) == naive_subproof(first, leaves, known=True)
    verify_consistency(first, size, proof, naive_root(leaves[:first]), naive_root(leaves))


@given(size=sizes, data=st.data())
def test_no_other_leaf_index_proof_or_root_is_included(size: int, data: st.DataObject) -> None:
    tree = Tree(leaves_of(size))
    index = data.draw(st.integers(0, size - 1))
    proof = list(inclusion_proof(tree, index, size))
    top = root(tree, size)
    leaf, other_index, other_proof = tree.leaves[index], index, proof
    match data.draw(st.sampled_from(("leaf", "index", "proof", "shorter", "longer", "swapped", "root"))):
        case "leaf":
            leaf = data.draw(st.binary(min_size=32, max_size=32))
        case "index":
            other_index = data.draw(st.integers(-1, size + 1))
        case "proof" if proof:
            other_proof = list(proof)
            other_proof[data.draw(st.integers(0, len(proof) - 1))] = data.draw(st.binary(min_size=31, max_size=33))
        case "shorter":
            other_proof = proof[:-1]
        case "longer":
            other_proof = [*proof, data.draw(st.binary(min_size=32, max_size=32))]
        case "swapped":
            other_proof = proof[::-1]
        case _:
            top = data.draw(st.binary(min_size=32, max_size=32))
    changed = (leaf, other_index, other_proof, top) != (tree.leaves[index], index, proof, root(tree, size))
    assume(changed)
    with pytest.raises((IntegrityViolation, InvalidInput)):
        verify_inclusion(leaf, other_index, size, other_proof, top)


def test_an_inclusion_proof_alone_does_not_tell_the_size() -> None:
    # Where two sizes give a leaf the same path. So a size is only ever taken out of the signed checkpoint.
    tree = Tree(leaves_of(3))
    for size in (3, 4):
        verify_inclusion(tree.leaves[0], 0, size, inclusion_proof(tree, 0, 3), root(tree, 3))


@given(size=sizes, data=st.data())
def test_no_other_history_is_consistent(size: int, data: st.DataObject) -> None:
    tree = Tree(leaves_of(size))
    first = data.draw(st.integers(1, size))
    proof = list(consistency_proof(tree, first, size))
    old, new = root(tree, first), root(tree, size)
    arguments = [first, size, proof, old, new]
    match data.draw(st.sampled_from(("old", "new", "proof", "shorter", "longer", "first"))):
        case "old":
            arguments[3] = data.draw(st.binary(min_size=32, max_size=32))
        case "new":
            arguments[4] = data.draw(st.binary(min_size=32, max_size=32))
        case "proof" if proof:
            step = data.draw(st.integers(0, len(proof) - 1))
            arguments[2] = [*proof[:step], data.draw(st.binary(min_size=31, max_size=33)), *proof[step + 1 :]]
        case "shorter":
            arguments[2] = proof[:-1]
        case "longer":
            arguments[2] = [*proof, data.draw(st.binary(min_size=32, max_size=32))]
        case _:
            arguments[0] = data.draw(st.integers(-1, size + 1))
    assume(arguments != [first, size, proof, old, new])
    with pytest.raises((IntegrityViolation, InvalidInput)):
        verify_consistency(*arguments)


@pytest.mark.parametrize(
    ("index", "size"),
    [(0, 0), (1, 1), (-1, 1), (8, 8), (0, 2**53)],
)
def test_a_leaf_that_is_not_in_the_tree_is_refused(index: int, size: int) -> None:
    leaf = leaf_hash(b"")
    with pytest.raises(InvalidInput):
        verify_inclusion(leaf, index, size, (), leaf)


@pytest.mark.parametrize("wrong", [b"", b"\x00" * 31, b"\x00" * 33])
def test_a_hash_of_another_length_is_refused(wrong: bytes) -> None:
    leaf = leaf_hash(b"")
    with pytest.raises(InvalidInput):
        verify_inclusion(wrong, 0, 1, (), wrong)
    with pytest.raises(InvalidInput):
        verify_consistency(1, 2, (wrong,), leaf, leaf)


@pytest.mark.parametrize(("first", "second"), [(0, 0), (0, 1), (2, 1), (-1, 1), (1, 2**53)])
def test_sizes_that_are_no_history_are_refused(first: int, second: int) -> None:
    with pytest.raises(InvalidInput):
        verify_consistency(first, second, (), leaf_hash(b""), leaf_hash(b""))


def test_an_entry_that_looks_like_a_node_is_another_leaf() -> None:
    left, right = leaves_of(2)
    assert leaf_hash(left + right) != naive_root([left, right])


@given(st.integers(min_value=1, max_value=300))
def test_an_append_and_a_proof_read_a_logarithm_of_nodes(size: int) -> None:
    tree = Tree(leaves_of(size))
    bound = 2 * size.bit_length() + 2
    for act in (
        lambda: completed_by(leaf_hash(b"next"), tree, size),
        lambda: root(tree, size),
        lambda: inclusion_proof(tree, size // 3, size),
        lambda: consistency_proof(tree, size // 3 + 1, size),
    ):
        tree.reads = 0
        act()
        assert tree.reads <= bound


@pytest.mark.parametrize(("index", "size"), [(0, 1), (1, 2)])
def test_hashes_left_over_are_refused_even_where_they_lead_to_the_root(index: int, size: int) -> None:
    leaves = leaves_of(size)
    proof = [*naive_path(index, leaves), leaf_hash(b"left")]
    top = hashlib.sha256(b"\x01" + leaf_hash(b"left") + naive_root(leaves)).digest()
    with pytest.raises(IntegrityViolation, match="left over"):
        verify_inclusion(leaves[index], index, size, proof, top)
    with pytest.raises(IntegrityViolation, match="left over"):
        verify_consistency(
            size, size + 1, [*consistency_proof(Tree(leaves_of(size + 1)), size, size + 1), top], top, top
        )

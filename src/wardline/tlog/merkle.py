"""Merkle tree hashing and the verification of proofs, RFC 9162 §2.1."""

import hashlib
from collections.abc import Sequence

from wardline.errors import IntegrityViolation, InvalidInput

HASH_BYTES = 32
EMPTY_ROOT = hashlib.sha256().digest()  # RFC 9162 §2.1.1: the hash of an empty list
_MAX_SIZE = 2**53 - 1  # the largest integer that JSON keeps exactly


def leaf_hash(entry: bytes) -> bytes:
    """Return the 32-byte leaf hash of `entry`."""
    # 0x00 and 0x01 keep a leaf from passing as a node (RFC 9162 §2.1.1).
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the 32-byte hash over two subtrees."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def split(size: int) -> int:
    """Return the largest power of two below `size`, which is at least 2: how many leaves go left."""
    return 1 << ((size - 1).bit_length() - 1)


def root_hash(leaves: Sequence[bytes]) -> bytes:
    """Return the root over `leaves`, which are leaf hashes. Reads them all: for checking, not for serving.

    Raises:
        InvalidInput: A leaf hash is not 32 bytes long.
    """
    _check_hashes(*leaves)
    level = list(leaves)
    if not level:
        return EMPTY_ROOT
    while len(level) > 1:
        # An odd last one goes up as it is, which gives the left-full tree of RFC 9162 §2.1.1.
        odd = level[-1:] if len(level) % 2 else []
        level = [node_hash(left, right) for left, right in zip(level[::2], level[1::2], strict=False)] + odd
    return level[0]


def verify_inclusion(leaf_hash: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Return if `leaf_hash` is the one at `index` in the tree of `size` leaves under `root`.

    RFC 9162 §2.1.3.2.

    Raises:
        InvalidInput: A hash is not 32 bytes long, or the index is not below the size.
        IntegrityViolation: The proof does not lead from the leaf to the root.
    """
    _check_hashes(leaf_hash, root, *proof)
    if not 0 <= index < size <= _MAX_SIZE:
        raise InvalidInput(f"inclusion proof: no leaf {index} in a tree of {size}")
    place = f"inclusion proof of leaf {index} in a tree of {size}"
    node, last, found = index, size - 1, leaf_hash
    for sibling in proof:
        if last == 0:
            raise IntegrityViolation(f"{place}: it has hashes left over")
        if node % 2 or node == last:
            found = node_hash(sibling, found)
            node, last = _climb_left_edge(node, last)
        else:
            found = node_hash(found, sibling)
        node, last = node >> 1, last >> 1
    if last:
        raise IntegrityViolation(f"{place}: hashes are missing")
    if found != root:
        raise IntegrityViolation(f"{place}: expected root {root.hex()}, got {found.hex()}")


def verify_consistency(size1: int, size2: int, proof: Sequence[bytes], root1: bytes, root2: bytes) -> None:
    """Return if the tree of `size2` leaves only adds to the one of `size1`.

    RFC 9162 §2.1.4.2.

    Raises:
        InvalidInput: A hash is not 32 bytes long, or not 1 ≤ `size1` ≤ `size2`: an empty tree commits to nothing.
        IntegrityViolation: The proof does not connect the two roots.
    """
    _check_hashes(root1, root2, *proof)
    place = f"consistency proof from {size1} to {size2}"
    if _of_one_size(size1, size2):
        if proof or root1 != root2:
            raise IntegrityViolation(f"{place}: one size, but two roots or a proof that is not empty")
    elif roots_behind(size1, size2, proof, root1) != (root1, root2):
        raise IntegrityViolation(f"{place}: it leads to other roots")


def roots_behind(size1: int, size2: int, proof: Sequence[bytes], root1: bytes) -> tuple[bytes, bytes]:
    """Return the two roots that `proof` leads to; RFC 9162 §2.1.4.2, for `size1` < `size2`.

    A proof that leads to the newer root of a log, and to another older root than the log once signed, shows that
    the log has two histories. Where `size1` is a power of two the older root is `root1`, as given: the proof leaves
    it out.

    Raises:
        InvalidInput: A hash is not 32 bytes long, or not 1 ≤ `size1` < `size2`.
        IntegrityViolation: The proof has too few hashes, or too many.
    """
    _check_hashes(root1, *proof)
    if _of_one_size(size1, size2):
        raise InvalidInput(f"consistency proof: sizes {size1} and {size2}; expected two")
    place = f"consistency proof from {size1} to {size2}"
    # The old root of a full tree is itself a node of the new tree, so the proof leaves it out.
    path = [root1, *proof] if size1 & (size1 - 1) == 0 else list(proof)
    if not path:
        raise IntegrityViolation(f"{place}: hashes are missing")
    return _connect(size1, size2, path, place)


def _of_one_size(size1: int, size2: int) -> bool:
    """Return whether both heads are of the same size."""
    if not 1 <= size1 <= size2 <= _MAX_SIZE:
        raise InvalidInput(f"consistency proof: sizes {size1} and {size2}; expected 1 ≤ first ≤ second")
    return size1 == size2


def _connect(size1: int, size2: int, path: Sequence[bytes], place: str) -> tuple[bytes, bytes]:
    node, last = size1 - 1, size2 - 1
    while node % 2:
        node, last = node >> 1, last >> 1
    old = new = path[0]
    for sibling in path[1:]:
        if last == 0:
            raise IntegrityViolation(f"{place}: it has hashes left over")
        if node % 2 or node == last:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            node, last = _climb_left_edge(node, last)
        else:
            new = node_hash(new, sibling)
        node, last = node >> 1, last >> 1
    if last:
        raise IntegrityViolation(f"{place}: hashes are missing")
    return old, new


def _climb_left_edge(node: int, last: int) -> tuple[int, int]:
    """Skip the levels at which the node has no sibling and goes up as it is."""
    while node and node % 2 == 0:
        node, last = node >> 1, last >> 1
    return node, last


def _check_hashes(*hashes: bytes) -> None:
    for value in hashes:
        if len(value) != HASH_BYTES:
            raise InvalidInput(f"a hash of {len(value)} bytes; expected {HASH_BYTES}")

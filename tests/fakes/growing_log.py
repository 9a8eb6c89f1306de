"""A log that grows in memory and may fork, with its signed heads, and keys of witnesses. Tree and keys are real."""

from datetime import UTC, datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from wardline.errors import NotFound
from wardline.tlog import tree
from wardline.tlog.add_checkpoint import AddCheckpoint
from wardline.tlog.checkpoint import Checkpoint
from wardline.tlog.cosignature import WitnessKey, cosign
from wardline.tlog.merkle import leaf_hash
from wardline.tlog.note import VerifierKey
from wardline.tlog.tiles import Tile, encode_tile

PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
KEY = VerifierKey(name="wardline.example/log", raw=PRIVATE.public_key().public_bytes_raw())


NOW = datetime(2026, 11, 25, 7, 0, 0, tzinfo=UTC)


def private_of(number: int) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32)


def witness(number: int, name: str | None = None) -> WitnessKey:
    return WitnessKey(name=name or f"witness.example/{number}", raw=private_of(number).public_key().public_bytes_raw())


def line_of(number: int, text: str, *, at: datetime = NOW, name: str | None = None) -> str:
    return cosign(text, witness(number, name), at=at, sign=private_of(number).sign)


class GrowingLog:
    """Entries named by `history` from `forked_at` on; a NodeStore, a Published and a Served at once."""

    def __init__(self, size: int, *, history: str = "one", forked_at: int = 0) -> None:
        self.size = size
        self.asked: list[Tile] = []
        self._entries = [f"{'one' if n < forked_at else history} {n}".encode() for n in range(size)]
        self._nodes: dict[tuple[int, int], bytes] = {}
        for number, entry in enumerate(self._entries):
            for node in tree.completed_by(leaf_hash(entry), self, number):
                self._nodes[node.level, node.index] = node.hash

    def node(self, level: int, index: int) -> bytes:
        return self._nodes[level, index]

    def head(self, size: int | None = None) -> Checkpoint:
        size = self.size if size is None else size
        return Checkpoint(origin=KEY.name, size=size, root=tree.root(self, size))

    def note(self, size: int | None = None) -> str:
        return self.head(size).sign(KEY, sign=PRIVATE.sign)

    def request(self, old: int, size: int | None = None) -> AddCheckpoint:
        size = self.size if size is None else size
        proof = tree.consistency_proof(self, old, size) if 1 <= old < size else ()
        return AddCheckpoint(old=old, proof=proof, note=self.note(size))

    def checkpoint(self) -> str:
        return self.note()

    def hashes(self, level: int, start: int, count: int) -> tuple[bytes, ...]:
        if start + count > self.size >> level:
            raise NotFound("not that large yet")
        return tuple(self._nodes[level, index] for index in range(start, start + count))

    def entries(self, start: int, count: int) -> tuple[bytes, ...]:
        if start + count > self.size:
            raise NotFound("not that large yet")
        return tuple(self._entries[start : start + count])

    def tile(self, tile: Tile) -> bytes:
        self.asked.append(tile)
        return encode_tile(self, tile)

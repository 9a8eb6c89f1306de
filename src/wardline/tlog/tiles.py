"""The log as files that never change: tiles of hashes, bundles of entries (https://c2sp.org/tlog-tiles)."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, Self

from wardline.errors import IntegrityViolation, InvalidInput
from wardline.tlog.merkle import HASH_BYTES, node_hash

CHECKPOINT = "checkpoint"  # where the signed head of the log is, under the same prefix as the tiles
WIDTH = 256  # hashes of a full tile, entries of a full bundle
MAX_ENTRY_BYTES = 65_535  # its length is written in 16 bits
MAX_BUNDLE_BYTES = WIDTH * (2 + MAX_ENTRY_BYTES)
_HEIGHT = 8  # levels of the tree that one tile spans
_MAX_LEVEL = 63
_ENTRIES = "entries"
# Eighteen digits number more tiles than there can be leaves, and int() takes no text of any length.
_PATH = re.compile(r"tile/(0|[1-9][0-9]?|entries)/((?:x[0-9]{3}/){0,5}[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?", re.ASCII)


class Published(Protocol):
    """A log as outsiders read it: its newest checkpoint and everything under it."""

    def checkpoint(self) -> str:
        """Return the newest signed checkpoint with the cosignatures it has.

        Raises:
            NotFound: The log is empty.
        """
        ...

    def hashes(self, level: int, start: int, count: int) -> tuple[bytes, ...]:
        """Return that many subtrees of 2^level leaves each, from the `start`-th on.

        Raises:
            NotFound: The log is not that large yet.
        """
        ...

    def entries(self, start: int, count: int) -> tuple[bytes, ...]:
        """Return that many entries, from index `start` on.

        Raises:
            NotFound: The log is not that large yet.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """`width` hashes, the first being the `index * 256`-th subtree of 256^level leaves; below 256 it is partial.

    `level` None: the bundle of the entries that the tile of level 0 with this index has the hashes of.
    """

    level: int | None
    index: int
    width: int = WIDTH

    @property
    def path(self) -> str:
        """Where it is, relative to the log's prefix."""
        level = _ENTRIES if self.level is None else str(self.level)
        number = f"{self.index % 1000:03}"
        rest = self.index // 1000
        while rest:
            number = f"x{rest % 1000:03}/{number}"
            rest //= 1000
        return f"tile/{level}/{number}" + ("" if self.width == WIDTH else f".p/{self.width}")

    @classmethod
    def parse(cls, path: str) -> Self:
        """Return the tile at `path`.

        Raises:
            InvalidInput: No tile has this path, or it is not how that tile's path is written.
        """
        match = _PATH.fullmatch(path)
        if match is None:
            raise InvalidInput(f"no tile: {path[:80]!r}; expected tile/LEVEL/NUMBER or tile/entries/NUMBER")
        level = None if match[1] == _ENTRIES else int(match[1])
        width = WIDTH if match[3] is None else int(match[3])
        tile = cls(level=level, index=int(match[2].replace("x", "").replace("/", "")), width=width)
        if tile.path != path or (level or 0) > _MAX_LEVEL or width > WIDTH:
            raise InvalidInput(f"no tile: {path[:80]!r}")
        return tile

    @property
    def full(self) -> Self:
        """The tile that this one grows into."""
        return type(self)(level=self.level, index=self.index)

    def is_in(self, size: int) -> bool:
        """Return whether a log of `size` leaves has all of this tile."""
        return self.index * WIDTH + self.width <= size >> (_HEIGHT * (self.level or 0))


def tiles_of(size: int, *, after: int = 0, entries: bool) -> Iterator[Tile]:
    """Yield the tiles of a log of `size` leaves that one of `after` leaves did not have, lowest level first."""
    levels: list[int | None] = [*([None] if entries else []), *range(_MAX_LEVEL + 1)]
    for level in levels:
        hashes, known = (number >> (_HEIGHT * (level or 0)) for number in (size, after))
        if hashes == 0:
            return
        if hashes == known:
            continue
        for index in range(known // WIDTH, hashes // WIDTH):
            yield Tile(level=level, index=index)
        if hashes % WIDTH:
            yield Tile(level=level, index=hashes // WIDTH, width=hashes % WIDTH)


def encode_tile(log: Published, tile: Tile) -> bytes:
    """Return the bytes of `tile`, hashes or entries.

    Raises:
        NotFound: The log is not that large yet.
    """
    if tile.level is None:
        return encode_bundle(log.entries(tile.index * WIDTH, tile.width))
    return b"".join(log.hashes(tile.level * _HEIGHT, tile.index * WIDTH, tile.width))


def encode_bundle(entries: Sequence[bytes]) -> bytes:
    """Return `entries` as one bundle: each after its length in two bytes, big-endian.

    Raises:
        InvalidInput: An entry has more than 65,535 bytes.
    """
    for entry in entries:
        if len(entry) > MAX_ENTRY_BYTES:
            raise InvalidInput(f"an entry of {len(entry)} bytes; a bundle takes at most {MAX_ENTRY_BYTES}")
    return b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries)


def decode_bundle(content: bytes) -> tuple[bytes, ...]:
    """Return the entries of a bundle.

    Raises:
        InvalidInput: It ends within an entry, or has more entries than a bundle takes.
    """
    entries: list[bytes] = []
    at = 0
    while at < len(content):
        if len(entries) == WIDTH:
            raise InvalidInput(f"an entry bundle of more than {WIDTH} entries")
        start = at + 2
        at = start + int.from_bytes(content[at:start], "big")
        if start > len(content) or at > len(content):
            raise InvalidInput(f"an entry bundle of {len(content)} bytes ends within an entry")
        entries.append(content[start:at])
    return tuple(entries)


class TiledNodes:
    """A NodeStore over the tiles of a log of `size` leaves, fetched as they are needed.

    What it gives is only as good as who serves the tiles: hold what follows from it against a signed root.
    """

    def __init__(self, size: int, fetch: Callable[[Tile], bytes]) -> None:
        self._size = size
        self._fetch = fetch
        self._tiles: dict[tuple[int, int], bytes] = {}

    def node(self, level: int, index: int) -> bytes:
        tile_level, height = divmod(level, _HEIGHT)
        first = index << height  # of the tile's own hashes below this node
        tile = self._tile(tile_level, first // WIDTH)
        start = first % WIDTH
        row = [tile[at : at + HASH_BYTES] for at in range(start * HASH_BYTES, len(tile), HASH_BYTES)][: 1 << height]
        if len(row) != 1 << height:
            raise InvalidInput(f"tiles of {self._size} leaves: no subtree at level {level}, index {index}")
        while len(row) > 1:
            row = [node_hash(left, right) for left, right in zip(row[::2], row[1::2], strict=True)]
        return row[0]

    def _tile(self, level: int, index: int) -> bytes:
        if (level, index) not in self._tiles:
            width = min((self._size >> (_HEIGHT * level)) - index * WIDTH, WIDTH)
            if width < 1:
                raise InvalidInput(f"tiles of {self._size} leaves: no tile {index} at level {level}")
            tile = Tile(level=level, index=index, width=width)
            content = self._fetch(tile)
            if len(content) != width * HASH_BYTES:
                raise IntegrityViolation(
                    f"{tile.path}: {len(content)} bytes; expected {width} hashes of {HASH_BYTES} bytes"
                )
            self._tiles[level, index] = content
        return self._tiles[level, index]

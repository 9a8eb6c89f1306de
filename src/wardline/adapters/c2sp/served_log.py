"""A log that somebody serves as tiles over HTTP."""

from wardline.adapters.c2sp.http import Peer
from wardline.errors import Unavailable
from wardline.tlog.tiles import CHECKPOINT, MAX_BUNDLE_BYTES, Tile

_MAX_CHECKPOINT_BYTES = 131_072  # dozens of signatures
_MAX_TILE_BYTES = 8_192
_OK = 200


class ServedLog:
    """A Served behind a URL prefix."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer

    def checkpoint(self) -> str:
        content = self._get(CHECKPOINT, _MAX_CHECKPOINT_BYTES)
        try:
            return content.decode()
        except UnicodeDecodeError as error:
            raise Unavailable(f"{self._peer.prefix}: its checkpoint is no text") from error

    def tile(self, tile: Tile) -> bytes:
        limit = MAX_BUNDLE_BYTES if tile.level is None else _MAX_TILE_BYTES
        size = tile.width * _MAX_TILE_BYTES // 256
        try:
            return self._get(tile.path, limit)
        except Unavailable:
            if tile.level is None or tile == tile.full:
                raise
        # A log may drop a partial tile once the full one is there; its first hashes are the same (tlog-tiles).
        return self._get(tile.full.path, limit)[:size]

    def _get(self, path: str, at_most: int) -> bytes:
        reply = self._peer.get(path, at_most=at_most)
        if reply.status != _OK:
            raise Unavailable(f"{self._peer.prefix}: {path} cannot be had (status {reply.status})")
        return reply.body

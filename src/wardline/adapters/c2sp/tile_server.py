"""A log served read-only over HTTP: checkpoint, tiles and, where wanted, entries (https://c2sp.org/tlog-tiles)."""

import gzip

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from wardline.adapters.c2sp.serving import ANSWERS
from wardline.errors import InvalidInput, NotFound
from wardline.tlog.checkpoint import read_checkpoint
from wardline.tlog.tiles import CHECKPOINT, Published, Tile, encode_tile

# The path of a tile names its content for ever; the checkpoint is another one with every append.
_FOREVER = {"Cache-Control": "max-age=31536000, immutable"}
_NEVER = {"Cache-Control": "no-cache"}


def tile_server(log: Published, *, entries: bool) -> Starlette:
    """Return the ASGI application that serves `log`. Without `entries`, hashes alone: enough for a witness."""

    async def checkpoint(_request: Request) -> Response:
        note = await run_in_threadpool(log.checkpoint)
        return PlainTextResponse(note, headers=_NEVER)

    async def tile(request: Request) -> Response:
        wanted = Tile.parse(request.url.path.removeprefix("/"))
        if wanted.level is None and not entries:
            raise NotFound("entries are not served here")
        content = await run_in_threadpool(_content, log, wanted)
        headers = dict(_FOREVER)
        if wanted.level is None and "gzip" in request.headers.get("accept-encoding", ""):
            content = await run_in_threadpool(gzip.compress, content, mtime=0)
            headers |= {"Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
        return Response(content, media_type="application/octet-stream", headers=headers)

    return Starlette(
        routes=[
            Route(f"/{CHECKPOINT}", checkpoint, methods=["GET"]),
            Route("/tile/{path:path}", tile, methods=["GET"]),
        ],
        exception_handlers=ANSWERS,
    )


def _content(log: Published, tile: Tile) -> bytes:
    # Only what a signed checkpoint covers is shown.
    if not tile.is_in(read_checkpoint(log.checkpoint()).size):
        raise NotFound(f"{tile.path}: the log is not that large yet")
    try:
        return encode_tile(log, tile)
    except InvalidInput as error:
        raise NotFound(f"{tile.path}: {error.what}") from error

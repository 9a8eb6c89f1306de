"""A witness that others ask over HTTP: `POST /add-checkpoint` (https://c2sp.org/tlog-witness)."""

import asyncio

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from wardline.adapters.c2sp.serving import ANSWERS
from wardline.errors import InvalidInput
from wardline.tlog.add_checkpoint import MAX_BYTES, PATH, SIZE_TYPE, AddCheckpoint, Answer, Cosigned, HasSeen
from wardline.tlog.witness import Witness

_BODY_SECONDS = 30  # for at most 128 KiB
_TOO_SLOW = 408
_TOO_LARGE = 413
_CONFLICT = 409
_NOT_CONNECTED = 422


def witness_server(witness: Witness) -> Starlette:
    """Return the ASGI application that answers for `witness`."""

    async def add_checkpoint(request: Request) -> Response:
        body = await _body(request)
        # Judging waits for the disk: a thread does, so that others are answered meanwhile.
        return _response(await run_in_threadpool(witness.add, AddCheckpoint.parse(body)))

    return Starlette(
        routes=[Route(f"/{PATH}", add_checkpoint, methods=["POST"])],
        exception_handlers=ANSWERS,
    )


async def _body(request: Request) -> str:
    content = b""
    try:
        async with asyncio.timeout(_BODY_SECONDS):
            async for piece in request.stream():
                content += piece
                if len(content) > MAX_BYTES:
                    raise HTTPException(_TOO_LARGE, f"more than {MAX_BYTES} bytes")
    except TimeoutError as error:
        raise HTTPException(_TOO_SLOW, "the request did not come in time") from error
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise InvalidInput("the request is no text in UTF-8") from error


def _response(answer: Answer) -> Response:
    match answer:
        case Cosigned(lines=lines):
            return PlainTextResponse(lines)
        case HasSeen(size=size):
            return Response(f"{size}\n", status_code=_CONFLICT, headers={"Content-Type": SIZE_TYPE})
        case _:
            return PlainTextResponse(f"{answer.said}\n", status_code=_NOT_CONNECTED)

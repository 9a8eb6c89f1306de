"""HTTP servers for logs and witnesses: our errors as statuses, and one process that serves until it is told to end."""

import signal
import socket
from collections.abc import Callable, Generator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any

import uvicorn
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp

from wardline.errors import Conflict, IntegrityViolation, InvalidInput, NotFound, Refused, Unavailable, WardlineError

_BACKLOG = 256
_MOST_CONNECTIONS = 256  # further ones get 503: a proxy in front is for those who serve the whole Internet
_IDLE_SECONDS = 15
_GRACE_SECONDS = 10  # for answers under way when the server is told to end

_STATUSES: dict[type[WardlineError], HTTPStatus] = {
    InvalidInput: HTTPStatus.BAD_REQUEST,
    NotFound: HTTPStatus.NOT_FOUND,
    Refused: HTTPStatus.FORBIDDEN,
    Conflict: HTTPStatus.SERVICE_UNAVAILABLE,
    Unavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    IntegrityViolation: HTTPStatus.INTERNAL_SERVER_ERROR,
}


async def _answer(_request: Request, error: Exception) -> Response:
    if not isinstance(error, WardlineError):
        raise error
    status = next(status for family, status in _STATUSES.items() if isinstance(error, family))
    return PlainTextResponse(f"{error.what}\n", status_code=status, headers={"Cache-Control": "no-store"})


ANSWERS: dict[Any, Callable[[Request, Exception], Any]] = {WardlineError: _answer}


def serve(application: ASGIApp, listen: str, *, ready: Callable[[str], None]) -> None:
    """Serve `application` at `listen` (HOST:PORT) until SIGINT or SIGTERM.

    `ready` is told the URL once connections are taken; with port 0 the system chooses a free one.

    Raises:
        InvalidInput: `listen` is no address.
        Unavailable: It cannot be listened at.
    """
    host, port = _address(listen)
    with _listening(host, port) as listener:
        configuration = uvicorn.Config(
            application,
            lifespan="off",
            ws="none",
            log_level="error",
            access_log=False,
            server_header=False,
            limit_concurrency=_MOST_CONNECTIONS,
            timeout_keep_alive=_IDLE_SECONDS,
            timeout_graceful_shutdown=_GRACE_SECONDS,
        )
        # The kernel takes connections from here, and keeps them until the server does.
        ready(f"http://{f'[{host}]' if ':' in host else host}:{listener.getsockname()[1]}")
        _Server(configuration).run(sockets=[listener])


class _Server(uvicorn.Server):
    """Ends in peace: uvicorn's own raises the signal again once it is done, and so ends as if it had been killed."""

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        before = {number: signal.signal(number, self.handle_exit) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def _address(listen: str) -> tuple[str, int]:
    host, colon, port = listen.rpartition(":")
    if not colon or not host or not port.isascii() or not port.isdecimal() or int(port) > 0xFFFF:  # noqa: PLR2004  # 16 bits
        raise InvalidInput(f"{listen[:100]!r} is no address to listen at; expected HOST:PORT such as 127.0.0.1:8470")
    return host.removeprefix("[").removesuffix("]"), int(port)


def _listening(host: str, port: int) -> socket.socket:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, address = found[0]
        listener = socket.socket(family, kind, protocol)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen(_BACKLOG)
        except OSError:
            listener.close()
            raise
    except OSError as error:
        raise Unavailable(
            f"cannot listen at {host}:{port}: {error.strerror}",
            remedy="Is the port in use, or the address not this machine's?",
        ) from error
    return listener

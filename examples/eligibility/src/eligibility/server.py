"""Serves the application with waitress, and stops without breaking off an answer.

Left to itself waitress dies of SIGTERM with whatever is under way; asked by SystemExit it cancels the requests that
wait for a thread. So its loop is turned here, and stopping has three parts: say `Connection: close` while still
answering, stop listening, wait for what is under way.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from wsgiref.types import WSGIApplication

from waitress import wasyncore
from waitress.channel import HTTPChannel
from waitress.server import TcpWSGIServer
from waitress.task import WSGITask

from eligibility.web import MAX_BYTES

HOST = "127.0.0.1"
_TURN_SECONDS = 0.2  # of the loop; also how late a stop may be noticed without a request
_FAREWELL_SECONDS = 0.5  # how long callers with an idle connection are still answered, and told to close it
# Longer than a proxy keeps an idle connection (Caddy: 120 s), so that it is never closed under a request on its way.
_IDLE_SECONDS = 300
_CONNECTIONS = 1000  # waitress's own 100 is less than a busy proxy keeps open; past it callers wait in the backlog


class _Task(WSGITask):
    def build_response_header(self) -> bytes:
        server = self.channel.server
        if isinstance(server, _Listener) and server.leaving.is_set():
            self.set_close_on_finish()
        return super().build_response_header()


class _Channel(HTTPChannel):
    task_class = _Task


class _Listener(TcpWSGIServer):
    channel_class = _Channel
    leaving: threading.Event


class Server:
    """Listens from the moment it is made."""

    def __init__(self, application: WSGIApplication, *, port: int, threads: int) -> None:
        self._sockets: dict[int, Any] = {}
        self._listener: Any = _Listener(
            application,
            map=self._sockets,
            host=HOST,
            port=port,
            threads=threads,
            ident=None,
            connection_limit=_CONNECTIONS,
            channel_timeout=_IDLE_SECONDS,
            max_request_body_size=MAX_BYTES,
            asyncore_use_poll=True,
        )
        self._listener.leaving = threading.Event()
        self.port = int(self._listener.effective_port)

    def leave(self) -> None:
        """Begin to stop; may be called from a signal handler, and more than once."""
        self._listener.leaving.set()
        self._listener.pull_trigger()

    def run(self, *, drain_seconds: float) -> bool:
        """Serve until `leave` is called; return whether everything under way was then answered in time."""
        with self._closing():
            while not self._listener.leaving.is_set():
                self._turn()
            began = time.monotonic()
            while time.monotonic() - began < _FAREWELL_SECONDS:
                self._turn()
            wasyncore.dispatcher.close(self._listener)  # the listening socket alone
            while (busy := self._busy()) and time.monotonic() - began < drain_seconds:
                self._turn()
            return not busy

    def _turn(self) -> None:
        wasyncore.loop(timeout=_TURN_SECONDS, use_poll=True, map=self._sockets, count=1)

    def _busy(self) -> bool:
        channels = list(self._listener.active_channels.values())
        return any(c.requests or c.request or c.total_outbufs_len for c in channels)

    @contextmanager
    def _closing(self) -> Iterator[None]:
        try:
            yield
        finally:
            self._listener.task_dispatcher.shutdown(timeout=0.1)
            wasyncore.close_all(self._sockets)

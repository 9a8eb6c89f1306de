"""The public listening socket. The supervisor holds it too, so that callers wait while the proxy is restarted."""

import socket

from .ports import LISTENER_FD, listen, take_over


class Door:
    def __init__(self) -> None:
        self._listener: socket.socket | None = None
        self.problem: str | None = None  # why nobody can come in

    def adopt(self, proxy_pidfd: int) -> None:
        """Hold the socket of a proxy that an earlier supervisor started.

        Where the system forbids it the proxy goes on alone: killed then, it loses those who were waiting.
        """
        self._listener = take_over(proxy_pidfd, LISTENER_FD)

    def open(self, port: int) -> int | None:
        """Return the descriptor of the socket on `port`; None, and a `problem`, where it cannot be had."""
        if self._listener is None:
            try:
                self._listener = listen(port)
            except OSError as error:
                self.problem = f"port {port}: {error.strerror}"
                return None
        self.problem = None
        return self._listener.fileno()

    def close(self) -> None:
        if self._listener is not None:
            self._listener.close()
            self._listener = None

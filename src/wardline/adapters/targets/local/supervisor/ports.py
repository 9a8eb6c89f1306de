"""Loopback ports: finding a free one, and the listening socket that outlives the proxy."""

import ctypes
import os
import socket
from collections.abc import Container

LOOPBACK = "127.0.0.1"
LISTENER_FD = 3  # where the proxy finds its listening socket
# Below the range from which the system takes ports for outgoing connections (32768 up, ip(7)),
# so that none of those sits on the port of an instance that is just being restarted.
_FIRST, _LAST = 20000, 32767
_BACKLOG = 1024  # connections that wait while the proxy is being restarted
_TRIES = 500
_PIDFD_GETFD = 438  # the same number on every architecture


def nobody(release: str) -> str:
    """Return the address of `release` while none of its instances listens: a socket that is never made."""
    return f"unix/nobody/{release}"


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # old connections in TIME_WAIT are no listener
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True


def free_port(avoid: Container[int]) -> int:
    """Return a port nobody listens on and that is not in `avoid`.

    Raises:
        OSError: None was found.
    """
    for _ in range(_TRIES):
        port = _FIRST + int.from_bytes(os.urandom(4)) % (_LAST - _FIRST + 1)
        if port not in avoid and is_free(port):
            return port
    raise OSError(f"no free port found between {_FIRST} and {_LAST} in {_TRIES} tries")


def is_listening(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((LOOPBACK, port)) == 0


def listen(port: int) -> socket.socket:
    """Raises OSError: the port is taken or not allowed."""
    listener = socket.socket()
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((LOOPBACK, port))
        listener.listen(_BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


def take_over(pidfd: int, descriptor: int) -> socket.socket | None:
    """Return a duplicate of the socket that another process of ours has open (pidfd_getfd(2)).

    None where the system forbids it, as Yama does at `ptrace_scope` 1 and above.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    found: int = libc.syscall(_PIDFD_GETFD, pidfd, descriptor, 0)
    return None if found < 0 else socket.socket(fileno=found)

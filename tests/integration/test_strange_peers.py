"""Witnesses and logs that answer as they should not: nothing is followed, believed or waited for without end."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from tests.fakes.growing_log import GrowingLog

from wardline.adapters.c2sp.http import Peer, Reply
from wardline.adapters.c2sp.remote_witness import RemoteWitness
from wardline.adapters.c2sp.served_log import ServedLog
from wardline.clock import SystemClock
from wardline.errors import InvalidInput, Refused, Unavailable
from wardline.tlog.add_checkpoint import Cosigned, HasSeen, NotConnected
from wardline.tlog.tiles import Tile

REQUEST = GrowingLog(7).request(0)
SIZE = "Content-Type: text/x.tlog.size\r\n"


@contextmanager
def answering(answer: bytes, *, once: bool = True) -> Iterator[str]:
    """A server that reads a request and says `answer`, whatever it was asked."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def work() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65_536)
                connection.sendall(answer)
                if not once:
                    connection.recv(1)  # until the other side has had enough

        thread = threading.Thread(target=work)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            thread.join()


def reply(status: str, body: bytes, headers: str = "") -> bytes:
    return f"HTTP/1.1 {status}\r\n{headers}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body


def peer(url: str, *, patience: timedelta = timedelta(seconds=20)) -> Peer:
    return Peer(prefix=url, clock=SystemClock(), patience=patience)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (reply("200 OK", "— w AAAA\n".encode()), Cosigned(lines="— w AAAA\n")),
        (reply("409 Conflict", b"7\n", SIZE), HasSeen(size=7)),
        (reply("422 Unprocessable Entity", b"no\x1b[31m proof\n"), NotConnected(said="no [31m proof")),
    ],
)
def test_an_answer_of_a_witness_is_understood(answer: bytes, expected: object) -> None:
    with answering(answer) as url:
        assert RemoteWitness(peer(url)).add(REQUEST) == expected


@pytest.mark.parametrize(
    ("answer", "family"),
    [
        (reply("403 Forbidden", b""), Refused),
        (reply("404 Not Found", b""), Refused),
        (reply("409 Conflict", b"7\n"), Unavailable),
        (reply("409 Conflict", b"seven\n", SIZE), Unavailable),
        (reply("409 Conflict", b"07\n", SIZE), Unavailable),
        (reply("500 Internal Server Error", b"oh"), Unavailable),
        (reply("302 Found", b"", "Location: http://127.0.0.1:1/\r\n"), Unavailable),
        (reply("200 OK", b"x" * 70_000), Unavailable),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort", Unavailable),
        (b"no HTTP at all", Unavailable),
        (b"", Unavailable),
    ],
)
def test_what_is_no_answer_of_a_witness_is_refused_as_such(answer: bytes, family: type[Exception]) -> None:
    with answering(answer) as url, pytest.raises(family):
        RemoteWitness(peer(url)).add(REQUEST)


def test_a_peer_that_never_ends_is_left() -> None:
    with answering(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n", once=False) as url, pytest.raises(Unavailable):
        RemoteWitness(peer(url, patience=timedelta(milliseconds=200))).add(REQUEST)


def test_a_dropped_partial_tile_is_read_from_the_full_one() -> None:
    full = GrowingLog(256).tile(Tile(level=0, index=0))

    class Dropped:
        prefix = "here"

        def get(self, path: str, *, at_most: int) -> Reply:
            known = path == "tile/0/000"
            return Reply(status=200 if known else 404, media_type="", body=full if known else b"")

    assert ServedLog(Dropped()).tile(Tile(level=0, index=0, width=3)) == full[:96]
    with pytest.raises(Unavailable, match="status 404"):
        ServedLog(Dropped()).tile(Tile(level=None, index=0, width=3))


@pytest.mark.parametrize("url", ["", "host", "ftp://host", "file:///x", "http://[", "https://u:p@host", "http://h/#f"])
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(InvalidInput):
        peer(url)

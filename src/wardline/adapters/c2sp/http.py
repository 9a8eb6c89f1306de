"""Asking others over HTTP: bounded in time and size, never following where it is sent on to."""

import ssl
from dataclasses import dataclass
from datetime import timedelta
from http.client import HTTPException, HTTPMessage
from urllib.error import URLError
from urllib.parse import SplitResult, urlsplit
from urllib.request import HTTPHandler, HTTPSHandler, OpenerDirector, ProxyHandler, Request, UnknownHandler

from wardline.clock import Clock
from wardline.errors import InvalidInput, Unavailable

_PIECE_BYTES = 65_536
_AGENT = "wardline"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What came back, whatever its status."""

    status: int
    media_type: str
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """Somebody with a URL prefix. `patience`: for a whole exchange, however slowly its pieces come.

    Certificates are checked against those that the system trusts. No proxy is used and no redirect followed: what is
    asked for is fetched from there or not at all.

    Raises:
        InvalidInput: `prefix` is no HTTP URL.
    """

    prefix: str
    clock: Clock
    patience: timedelta

    def __post_init__(self) -> None:
        parts = _split(self.prefix)
        if (
            parts is None
            or parts.scheme not in {"http", "https"}
            or not parts.hostname
            or parts.query
            or parts.fragment
        ):
            raise InvalidInput(f"not a URL prefix: {self.prefix[:200]!r}; expected https://host/path")
        if parts.username or parts.password:
            raise InvalidInput(f"the URL prefix of {parts.hostname} holds credentials; it takes none")

    def get(self, path: str, *, at_most: int) -> Reply:
        """Return what is at `path` under the prefix.

        Raises:
            Unavailable: It does not answer in time, or with more than `at_most` bytes.
        """
        return self._exchange(Request(self._url(path), method="GET"), at_most=at_most)  # noqa: S310  # http(s) only

    def post(self, path: str, body: bytes, *, at_most: int) -> Reply:
        """Send `body` to `path` under the prefix and return the answer.

        Raises:
            Unavailable: It does not answer in time, or with more than `at_most` bytes.
        """
        headers = {"Content-Type": "text/plain; charset=utf-8"}
        request = Request(self._url(path), data=body, headers=headers, method="POST")  # noqa: S310  # http(s) only
        return self._exchange(request, at_most=at_most)

    def _url(self, path: str) -> str:
        return f"{self.prefix.rstrip('/')}/{path}"

    def _exchange(self, request: Request, *, at_most: int) -> Reply:
        request.add_header("User-Agent", _AGENT)
        request.add_header("Accept-Encoding", "identity")
        deadline = self.clock.elapsed() + self.patience
        try:
            # Without an error processor among the handlers, every status comes back as an answer.
            with _opener().open(request, timeout=self.patience.total_seconds()) as answer:
                body = b""
                while piece := answer.read1(_PIECE_BYTES):
                    body += piece
                    if len(body) > at_most or self.clock.elapsed() > deadline:
                        raise Unavailable(f"{request.full_url}: more than {at_most} bytes, or too slow")
                if answer.length:  # bytes announced that did not come; read1 does not say so
                    raise Unavailable(f"{request.full_url}: the answer ends {answer.length} bytes early")
                headers: HTTPMessage = answer.headers
                return Reply(status=int(answer.status or 0), media_type=headers.get_content_type(), body=body)
        except (URLError, HTTPException, OSError, ValueError) as error:
            reason = getattr(error, "reason", None) or error
            raise Unavailable(
                f"{request.full_url}: no answer ({str(reason)[:200]})", remedy="Is it running, and can it be reached?"
            ) from error


def _split(prefix: str) -> SplitResult | None:
    try:
        return urlsplit(prefix)
    except ValueError:
        return None


def _opener() -> OpenerDirector:
    opener = OpenerDirector()
    for handler in (
        ProxyHandler({}),
        HTTPHandler(),
        HTTPSHandler(context=ssl.create_default_context()),
        UnknownHandler(),
    ):
        opener.add_handler(handler)
    return opener

"""The service as a WSGI application (PEP 3333).

An error never repeats what was sent: it may be somebody's name or number. For the same reason nothing about a person
is ever in a path or a query: both end up in logs.
"""

import json
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from wsgiref.types import StartResponse, WSGIEnvironment

from eligibility import __version__
from eligibility.coverage import Answered, Rejected, answer
from eligibility.inquiry import Inquiry, from_json, from_x12
from eligibility.journal import Journal
from eligibility.members import Members
from eligibility.reply import to_json, to_x12
from eligibility.x12 import MalformedError, read

MAX_BYTES = 64 * 1024  # of a request: a real-time inquiry has about one kilobyte
_X12 = "application/edi-x12"
_JSON = "application/json"
_PROBLEM = "application/problem+json"  # RFC 9457
_REASONS = {
    200: "OK",
    400: "Bad Request",
    404: "Not Found",
    405: "Method Not Allowed",
    413: "Content Too Large",
    500: "Internal Server Error",
    503: "Service Unavailable",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """`outcome` goes into the log: a code, never anything that was sent."""

    status: int
    body: bytes
    media_type: str
    outcome: str
    headers: tuple[tuple[str, str], ...] = ()


class Application:
    """Routes a request, answers it, and leaves one line in the journal."""

    def __init__(
        self, members: Members, journal: Journal, *, usage: str | None = None, now: Callable[[], datetime] | None = None
    ) -> None:
        self._members = members
        self._journal = journal
        self._usage = usage
        self._now = now or _utc
        self._routes: dict[str, tuple[str, Callable[[bytes], Response]]] = {
            "/x12": ("POST", self._answer_x12),
            "/eligibility": ("POST", self._answer_json),
            "/healthz": ("GET", self._health),
            "/version": ("GET", self._version),
        }

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        began = time.monotonic()
        path = environ.get("PATH_INFO", "")
        response = self._respond(environ["REQUEST_METHOD"], path, environ)
        took_ms = round((time.monotonic() - began) * 1000)
        # An unknown path may be anything, a name included: it is not written.
        route = path if path in self._routes else "other"
        self._journal.write("request", route=route, status=response.status, outcome=response.outcome, ms=took_ms)
        start_response(
            f"{response.status} {_REASONS[response.status]}",
            [
                ("Content-Type", response.media_type),
                ("Content-Length", str(len(response.body))),
                ("Cache-Control", "no-store"),
                ("Eligibility-Version", __version__),
                *response.headers,
            ],
        )
        return [response.body]

    def _respond(self, method: str, path: str, environ: WSGIEnvironment) -> Response:
        if path not in self._routes:
            return _problem(404, "nothing here: POST /x12 or /eligibility, GET /healthz or /version")
        allowed, handle = self._routes[path]
        if method != allowed:
            return _problem(405, f"expected {allowed}", headers=(("Allow", allowed),))
        length = int(environ.get("CONTENT_LENGTH") or 0)
        if length > MAX_BYTES:
            return _problem(413, f"expected at most {MAX_BYTES} bytes")
        try:
            return handle(environ["wsgi.input"].read(length))
        except MalformedError as error:
            return _problem(400, error.why, code=error.code, segment=error.segment)
        except Exception as error:  # noqa: BLE001 - the last line of defence: the caller gets a 500, the log the kind
            # The kind alone: a message may quote what was sent.
            return _problem(500, "the service failed; nothing was answered", code=type(error).__name__)

    def _answer_x12(self, body: bytes) -> Response:
        interchange = read(body)
        if self._usage and interchange.isa[15] != self._usage:
            raise MalformedError(f"ISA15: only {self._usage} is answered here", code="TA105:020", segment=1)
        transaction = from_x12(interchange)
        result = self._answer(transaction.inquiry)
        for trace in transaction.traces:
            self._journal.write(
                "answered", trace=self._journal.reference("*".join(trace[2:4])), outcome=_outcome(result)
            )
        body = to_x12(interchange, transaction, result, now=self._now())
        return Response(status=200, body=body, media_type=_X12, outcome=_outcome(result))

    def _answer_json(self, body: bytes) -> Response:
        try:
            asked: object = json.loads(body)
        except (ValueError, RecursionError):
            asked = None
        result = self._answer(from_json(asked))
        return _json(200, to_json(result), outcome=_outcome(result))

    def _answer(self, inquiry: Inquiry) -> Answered | Rejected:
        member = self._members.find(inquiry.member_id) if inquiry.member_id else None
        return answer(inquiry, member, today=self._now().date())

    def _health(self, _: bytes) -> Response:
        if self._members.count() == 0:
            return _problem(503, "there are no members to answer from")
        return _json(200, {"status": "ok"}, outcome="ok")

    def _version(self, _: bytes) -> Response:
        return _json(200, {"service": "eligibility", "version": __version__}, outcome="ok")


def _utc() -> datetime:
    return datetime.now(UTC)


def _outcome(result: Answered | Rejected) -> str:
    return f"AAA {result.reason}" if isinstance(result, Rejected) else "answered"


def _json(status: int, value: dict[str, object], *, outcome: str) -> Response:
    return Response(status=status, body=json.dumps(value).encode(), media_type=_JSON, outcome=outcome)


def _problem(
    status: int,
    detail: str,
    *,
    code: str | None = None,
    segment: int | None = None,
    headers: tuple[tuple[str, str], ...] = (),
) -> Response:
    facts = {"status": status, "title": _REASONS[status], "detail": detail, "code": code, "segment": segment}
    body = json.dumps({key: value for key, value in facts.items() if value is not None}).encode()
    return Response(status=status, body=body, media_type=_PROBLEM, outcome=code or str(status), headers=headers)

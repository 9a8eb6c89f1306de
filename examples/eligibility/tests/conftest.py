import io
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from wsgiref.types import WSGIEnvironment

import pytest
from eligibility.journal import Journal
from eligibility.members import prepare
from eligibility.web import Application

NOW = datetime(2024, 1, 15, 12, 30, tzinfo=UTC)


class Caller:
    """Calls the application as a server would."""

    def __init__(self, database: Path, usage: str | None = None) -> None:
        self.log = io.StringIO()
        self.journal = Journal(self.log, key=b"k")
        self.application = Application(prepare(database), self.journal, usage=usage, now=lambda: NOW)
        self.headers: dict[str, str] = {}
        self.status = 0

    def call(self, method: str, path: str, body: bytes = b"") -> bytes:
        environ: WSGIEnvironment = {
            "REQUEST_METHOD": method,
            "PATH_INFO": path,
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.input": io.BytesIO(body),
        }
        return b"".join(self.application(environ, self._start))

    def _start(self, status: str, headers: list[tuple[str, str]], _: object = None) -> Callable[[bytes], object]:
        self.status = int(status.split(maxsplit=1)[0])
        self.headers = dict(headers)
        return lambda _: None

    def x12(self, body: bytes) -> bytes:
        return self.call("POST", "/x12", body)

    def ask(self, **asked: object) -> dict[str, object]:
        answer: dict[str, object] = json.loads(self.call("POST", "/eligibility", json.dumps(asked).encode()))
        return answer


@pytest.fixture
def caller(tmp_path: Path) -> Caller:
    return Caller(tmp_path / "eligibility.sqlite")

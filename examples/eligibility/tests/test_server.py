"""The running process: it answers, and it leaves politely."""

import http.client
import io
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest
from eligibility.__main__ import main
from eligibility.server import Server
from interchanges import inquiry


@contextmanager
def process(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    environment = {**os.environ, "ELIGIBILITY_DB": str(tmp_path / "e.sqlite"), "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-m", "eligibility", "--port", "0"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as started:
        try:
            assert started.stdout is not None
            yield started, json.loads(started.stdout.readline())["port"]
        finally:
            started.kill()


def test_process_answers_keeps_connections_and_ends_with_zero(tmp_path: Path) -> None:
    with process(tmp_path) as (started, port), closing(http.client.HTTPConnection("127.0.0.1", port, 10)) as connection:
        for _ in range(3):
            connection.request("POST", "/x12", inquiry())
            response = connection.getresponse()
            assert b"*271*" in response.read()
            assert (response.status, response.getheader("Connection")) == (200, None)
        started.send_signal(signal.SIGTERM)
        # An idle connection is still answered for a moment, and told that it was the last answer.
        connection.request("GET", "/healthz")
        response = connection.getresponse()
        response.read()
        assert response.status == 200
        assert response.getheader("Connection") == "close"
        assert started.wait(timeout=10) == 0
        assert started.stdout is not None
        assert json.loads(started.stdout.read().splitlines()[-1])["outcome"] == "finished"


class Slow:
    """An application whose answer takes until `go` is set."""

    def __init__(self) -> None:
        self.asked, self.go = threading.Event(), threading.Event()

    def __call__(self, _environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        self.asked.set()
        self.go.wait(10)
        start_response("200 OK", [("Content-Length", "4")])
        return [b"done"]


def leave_during_an_answer(application: Slow, *, drain_seconds: float) -> tuple[Server, threading.Thread, list[bool]]:
    server = Server(application, port=0, threads=2)
    finished: list[bool] = []
    turning = threading.Thread(target=lambda: finished.append(server.run(drain_seconds=drain_seconds)))
    turning.start()
    return server, turning, finished


def test_answer_under_way_is_finished_after_the_socket_is_closed() -> None:
    application = Slow()
    server, turning, finished = leave_during_an_answer(application, drain_seconds=10)
    with closing(http.client.HTTPConnection("127.0.0.1", server.port, 10)) as connection:
        connection.request("GET", "/")
        assert application.asked.wait(5)
        server.leave()
        while _listens(server.port):
            turning.join(0.05)
        application.go.set()
        assert connection.getresponse().read() == b"done"
    turning.join(5)
    assert finished == [True]


def test_answer_that_takes_too_long_is_broken_off() -> None:
    application = Slow()
    server, turning, finished = leave_during_an_answer(application, drain_seconds=0)
    with closing(http.client.HTTPConnection("127.0.0.1", server.port, 10)) as connection:
        connection.request("GET", "/")
        assert application.asked.wait(5)
        server.leave()
        with pytest.raises(ConnectionError):
            connection.getresponse()
    application.go.set()
    turning.join(5)
    assert finished == [False]


def _listens(port: int) -> bool:
    try:
        with closing(http.client.HTTPConnection("127.0.0.1", port, 1)) as connection:
            connection.connect()
    except ConnectionError:
        return False
    return True


def test_wrong_arguments_are_said(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("ELIGIBILITY_USAGE", "X")
    with pytest.raises(SystemExit) as ended:
        main(["--port", "0"])
    assert ended.value.code == 2
    assert "ELIGIBILITY_USAGE: expected T or P" in capsys.readouterr().err


def test_main_serves_until_a_signal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WARDLINE_DATA_DIR", str(tmp_path / "data"))
    kept = [(n, signal.getsignal(n)) for n in (signal.SIGTERM, signal.SIGINT)]
    timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGTERM))
    timer.start()
    try:
        assert main(["--port", "0"]) == 0
    finally:
        timer.join()
        for number, handler in kept:
            signal.signal(number, handler)
    assert io.StringIO(capsys.readouterr().out).readline().startswith('{"at"')
    assert (tmp_path / "data" / "eligibility.sqlite").exists()

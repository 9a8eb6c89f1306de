"""A run and a witness elsewhere: it is asked after the seal, and the packet carries what it said."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.e2e.installation import PROGRAM, Installation, repository
from tests.e2e.tiny import tiny

pytestmark = [pytest.mark.slow, pytest.mark.timeout(420)]


@pytest.fixture
def wardline(tmp_path: Path) -> Iterator[Installation]:
    installation = Installation(tmp_path)
    installation.enrol_everybody()
    yield installation
    installation.stop()


@contextmanager
def serving(command: list[str]) -> Iterator[str]:
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield json.loads(process.stdout.readline())["url"]
        finally:
            process.terminate()
            process.wait(60)


def test_a_run_is_witnessed_and_its_packet_says_so(wardline: Installation, tmp_path: Path) -> None:
    repo = repository(tmp_path / "tiny", tiny("1.0"))
    log_key = wardline("keys", "show").strip()
    key = wardline("witness", "new-key", tmp_path / "w.key", "--name", "witness.example/w1").strip()
    serve = ["witness", "serve", "--state", tmp_path / "state", "--key", tmp_path / "w.key", "--log", log_key]
    command = [str(PROGRAM), *map(str, serve), "--listen", "127.0.0.1:0", "--output", "json"]
    with serving(command) as url:
        wardline("log", "witnesses", "add", key, "--url", url)
        run = wardline.ship(repo)
        run.until_it_waits("production needs")
        wardline.approve(run.run)
        assert run.end() == 0
    (listed,) = wardline.json("log", "witnesses", "list")
    assert listed["cosigned"] == wardline.json("log", "check")["size"]
    packet = tmp_path / "run.packet.html"
    wardline("packet", run.run, "--to", packet)
    wardline("verify", packet, "--key", log_key, "--witness", key)
    other = wardline("witness", "new-key", tmp_path / "other.key", "--name", "other.example").strip()
    assert wardline.attempt("verify", packet, "--key", log_key, "--witness", other).code == 5
    # Nobody answers any more: the next run is what it would have been.
    rolled = wardline.attempt(
        "rollback", "staging", "--to", wardline.status("staging")["serves"]["id"], "--reason", "Again."
    )
    assert "did not cosign (unanswered)" in rolled.err
    assert rolled.code == 0
    assert wardline.attempt("log", "cosign").code == 1

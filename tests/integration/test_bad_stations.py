"""A change that goes wrong at a station: the run says where and why, is sealed, and what served before still serves.

Real commands, a real service, no network; one release serves in staging before each of them.
"""

import http.client
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from tests.fakes.tiny_service import Ended, TinyWorld, free_port

ERROR, DENIED, UNDECIDED = 1, 4, 6
pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


class Serving(NamedTuple):
    world: TinyWorld
    release: str
    port: int


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    world = TinyWorld(folder=tmp_path_factory.mktemp("stations"))
    world.enrol()
    world.commit(within="1s")
    try:
        first = world.ship()
        assert first.code == UNDECIDED, first  # nobody answers; staging has it
        release = world.serving("staging")
        assert release is not None
        (status,) = world.run("status", "--output", "json").json
        yield Serving(world, release, int(status["url"].rpartition(":")[2]))
    finally:
        world.stop()


def shipped(serving: Serving, files: dict[str, str] | None = None, **changed: str) -> Ended:
    """Ship a change, and see that the run is sealed and that nothing else has moved."""
    serving.world.commit(files, **changed)
    ended = serving.world.ship()
    run = ended.json["run"]
    left = serving.world.evidence(run)
    assert left[-1]["step"] == "seal", ended
    assert left[-1]["predicate"]["statements"] == len(left)
    assert serving.world.serving("staging") == serving.release
    assert answers(serving.port) == 200
    file = serving.world.folder / f"{run}.html"
    packet = serving.world.run("packet", run, "--to", file, "--output", "json")
    assert serving.world.run("verify", file, "--key", packet.json["key"]).code == 0
    return ended


def answers(port: int) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status
    finally:
        connection.close()


def stopped(serving: Serving, ended: Ended, stage: str) -> dict:
    """What the run's statement about the stage that stopped says."""
    (found,) = [item for item in serving.world.evidence(ended.json["run"]) if item["step"] == stage]
    assert found["predicate_type"].endswith("/stage-stopped/v1")
    return found


BUILDS = {
    "command-not-found": ({"build": "no-such-program"}, "build-failed", "failed"),
    "command-fails": ({"build": "exit 7"}, "build-failed", "failed"),
    "command-hangs": ({"build": "sleep 60", "build_timeout": "1s"}, "timed-out", "errored"),
    "glob-matches-none": ({"artifact": "out/*.whl"}, "artifact-not-found", "failed"),
    "glob-matches-two": (
        {"build": "python make_wheel.py 1.0 && python make_wheel.py 2.0"},
        "artifact-ambiguous",
        "failed",
    ),
    "artifact-is-no-wheel": (
        {"build": "mkdir dist && echo no > dist/tiny-1.0-py3-none-any.whl"},
        "artifact-invalid",
        "failed",
    ),
    "lock-missing": ({"lock": ", lock: away.lock"}, "lock-not-found", "failed"),
    "dependency-without-hash": ({"lock": ", lock: open.lock"}, "dependency-without-hash", "failed"),
}


@pytest.mark.parametrize("case", BUILDS)
def test_a_build_that_comes_to_nothing(serving: Serving, case: str) -> None:
    changed, code, outcome = BUILDS[case]
    ended = shipped(serving, {"open.lock": "requests==2.0\n"}, **changed)
    assert ended.code == ERROR
    said = stopped(serving, ended, "build")
    assert (said["predicate"]["code"], said["outcome"]) == (code, outcome)
    assert ended.json["why"] == [f"build {outcome}: {code}"]


WRITES_COVERAGE = "printf '<coverage lines-valid=\\'2\\' lines-covered=\\'2\\'/>' > coverage.xml; "
TESTS = {
    "command-not-found": ({"test": "no-such-program"}, "report-missing"),
    "command-hangs": ({"test": "sleep 60", "test_timeout": "1s"}, "timed-out"),
    "no-report": ({"test": "true"}, "report-missing"),
    "no-test-executed": ({"test": "python check.py && echo '<testsuite/>' > junit.xml"}, "no-tests"),
    "junit-malformed": ({"test": "python check.py && echo '<testsuite' > junit.xml"}, "report-malformed"),
    "junit-of-another-kind": ({"test": "python check.py && echo '<html/>' > junit.xml"}, "report-malformed"),
    "coverage-missing": ({"test": "python check.py && rm coverage.xml"}, "report-missing"),
    "coverage-malformed": ({"test": "python check.py && echo no > coverage.xml"}, "coverage-malformed"),
}


@pytest.mark.parametrize("case", TESTS)
def test_tests_that_show_nothing_leave_the_gate_undecided(serving: Serving, case: str) -> None:
    changed, code = TESTS[case]
    ended = shipped(serving, **changed)
    assert ended.code == UNDECIDED
    said = stopped(serving, ended, "test")
    assert (said["predicate"]["code"], said["outcome"]) == (code, "errored")
    assert f"test errored: {code}" in ended.json["why"]
    assert any(reason.startswith("staging gate: undecided by tests-passed") for reason in ended.json["why"])


def test_tests_that_pass_with_an_exit_code_that_does_not_are_denied(serving: Serving) -> None:
    ended = shipped(serving, test="python check.py; exit 3")
    assert ended.code == DENIED


def test_a_secret_reference_that_leads_to_nothing(serving: Serving) -> None:
    ended = shipped(serving, secrets='TOKEN: "env:TINY_TOKEN"')
    assert ended.code == ERROR
    assert ended.json["status"] == "rolled-back" or ended.json["status"] == "failed"
    assert any("not-healthy" in reason for reason in ended.json["why"])


def test_a_service_that_never_gets_healthy(serving: Serving) -> None:
    ended = shipped(serving, mode="sick")
    assert ended.code == ERROR
    (started,) = [e for e in serving.world.evidence(ended.json["run"]) if e["step"] == "staging/deploy/0-start"]
    assert (started["outcome"], started["predicate"]["reason"]) == ("failed", "not-healthy")


def test_a_service_that_dies_after_the_switch_is_taken_back(serving: Serving) -> None:
    ended = shipped(serving, mode="dies")
    assert ended.code == ERROR
    assert ended.json["status"] == "rolled-back"
    assert any("instance-crashed" in reason or "error-rate" in reason for reason in ended.json["why"])


def test_a_public_port_that_is_taken(serving: Serving) -> None:
    """The environment is served on a port already, so another one is refused before anything is moved."""
    ended = shipped(serving, port=f", port: {free_port()}")
    assert ended.code == ERROR
    (started,) = [e for e in serving.world.evidence(ended.json["run"]) if e["step"] == "staging/deploy/0-start"]
    assert started["outcome"] == "failed"


def test_a_public_port_that_somebody_else_has(tmp_path: Path) -> None:
    world = TinyWorld(folder=tmp_path)
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        world.commit(port=f", port: {port}")
        try:
            ended = world.run("ship", world.repository)
            assert ended.code == ERROR
            assert f"port {port}: it is taken" in ended.err
            assert world.serving("staging") is None
        finally:
            world.stop()


def test_an_unmapped_author_is_undecided_at_once(serving: Serving) -> None:
    """Nobody could tell author and approver apart, so nobody is waited for, though 72 hours are declared."""
    serving.world.commit(author="stranger@example.org")
    ended = serving.world.run("ship", serving.world.repository, "--output", "json")
    assert ended.code == UNDECIDED
    assert any("author of the change is not enrolled" in reason for reason in ended.json["why"])
    assert "stranger" not in ended.out + ended.err
    assert serving.world.serving("production") is None


def test_what_has_ended_cannot_be_taken_up_again(serving: Serving) -> None:
    (newest, *_) = serving.world.run("runs", "list", "--output", "json").json
    for verb in ("resume", "cancel"):
        ended = serving.world.run("runs", verb, newest["run"])
        assert ended.code == ERROR
        assert "already" in ended.err
    assert json.dumps(serving.world.evidence(newest["run"])[-1]).count("seal")

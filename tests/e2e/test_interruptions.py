"""The real command, interrupted everywhere: Ctrl-C, kill -9 after every step, two at once, and parts of what runs."""

import json
import os
import signal
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.e2e.installation import Driven, Installation, commit, repository
from tests.e2e.tiny import tiny

BACK_WITHIN = 10.0  # seconds until what was killed answers again
INTERRUPTED = 130
ASKED = "people were asked"  # killed while the run waits for them, too
pytestmark = [pytest.mark.slow, pytest.mark.timeout(420)]


@pytest.fixture(scope="module")
def wardline(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    installation = Installation(tmp_path_factory.mktemp("interruptions"))
    installation.enrol_everybody()
    yield installation
    installation.stop()


@pytest.fixture(scope="module")
def repo(wardline: Installation) -> Path:
    return repository(wardline.folder / "tiny", tiny("1.0"))


@pytest.fixture(autouse=True)
def _nothing_under_way(wardline: Installation) -> Iterator[None]:
    """So that one failure does not become the next one's."""
    yield
    wardline.leave_nothing_under_way()


class TestControlC:
    def test_during_the_build(self, wardline: Installation, repo: Path) -> None:
        ship = wardline.ship(repo)
        ship.until(lambda line: "$ python -m pip wheel" in line)
        interrupt(wardline, ship)
        assert not working_below(wardline.home / "rooms"), "the build's own processes ended with it"
        assert run_on(wardline, ship.run) == "succeeded"
        assert serves(wardline) == "1.0"
        wardline.checks()

    def test_during_the_canary_and_another_ship_waits_for_it(self, wardline: Installation, repo: Path) -> None:
        commit(repo, tiny("1.2", lasting="3s"), "Once more")
        held = wardline.ship(repo)
        held.until_it_waits("production needs")
        wardline.approve(held.run)
        held.until_begun("production/deploy/2-watch-50")
        interrupt(wardline, held)
        assert weights(wardline) == [50, 50], "it is left as it stood"
        assert f"wardline runs resume {held.run}" in str(held)

        commit(repo, tiny("1.3"), "Overtake it")
        second = wardline.ship(repo)
        second.until_it_waits("production needs")
        wardline.approve(second.run)
        second.until_it_waits(f"production is held by run {held.run}, interrupted")
        assert run_on(wardline, held.run) == "succeeded"
        # Its way back was rehearsed from what production ran before; that is not what it runs now.
        assert second.end() == 4, second
        assert any("deny by rollback-rehearsed" in line for line in second.lines)
        assert serves(wardline) == "1.2"
        wardline.checks()

    def test_cancelling_an_interrupted_canary_puts_back_what_served(self, wardline: Installation, repo: Path) -> None:
        before = serves(wardline)
        commit(repo, tiny("1.4", lasting="3s"), "Not this one")
        ship = wardline.ship(repo)
        ship.until_it_waits("production needs")
        wardline.approve(ship.run)
        ship.until_begun("production/deploy/2-watch-50")
        busy = wardline.attempt("runs", "cancel", ship.run)
        assert busy.code == 1
        assert "driven by another process" in busy.err
        interrupt(wardline, ship)
        assert wardline("runs", "cancel", ship.run).strip().endswith("cancelled")
        assert serves(wardline) == before
        assert weights(wardline) == [100]
        assert wardline.shown(ship.run)["status"] == "cancelled"
        assert wardline.attempt("runs", "resume", ship.run).code == 1
        wardline.checks()


class TestKills:
    def test_killed_after_every_step_it_ends_as_it_would_have(self, wardline: Installation, repo: Path) -> None:
        """One run, killed as soon as each step is reported done, and resumed until nothing is left to do."""
        commit(repo, tiny("2.0"), "Whatever happens")
        driven, killed = wardline.ship(repo), []
        run = driven.run
        while driven is not None:
            driven, step = kill_after_next(wardline, driven, run, done=killed)
            if step is not None:
                killed.append(step)
        stations = {"source", "build", "test", "sbom", "scan/bandit", "staging/deploy/4-finish", "staging/rehearsal"}
        assert stations < set(killed), killed
        canary = ("0-start", "1-shift-50", "2-watch-50", "3-shift-100", "4-watch-100", "5-withdraw", "6-finish")
        assert {"production/gate", *(f"production/deploy/{move}" for move in canary)} < set(killed), killed
        assert wardline.shown(run)["status"] == "succeeded"
        each_deployment_succeeded_once(wardline, run)
        assert serves(wardline) == "2.0"
        wardline.checks()
        again = wardline.attempt("runs", "resume", run)
        assert again.code == 1
        assert "succeeded already" in again.err


class TestPartsOfWhatRuns:
    def test_they_are_killed_during_a_canary_and_answer_again(self, wardline: Installation, repo: Path) -> None:
        commit(repo, tiny("3.0", lasting="12s"), "While parts of it die")
        ship = wardline.ship(repo)
        ship.until_it_waits("production needs")
        wardline.approve(ship.run)
        ship.until_begun("production/deploy/2-watch-50")
        before = wardline.status("production")
        url, parts = before["url"], running(wardline)
        (newer,) = set(before["weights"]) - {before["serves"]["id"]}
        instance = next(name for name in parts if name.startswith(newer))
        for name in (instance, "proxy", "supervisor"):
            os.kill(parts[name], signal.SIGKILL)
            answers_again(url)
        assert ship.end() == 1, ship
        shown = wardline.shown(ship.run)
        assert shown["status"] == "rolled-back"
        said = [each["predicate"] for each in shown["evidence"] if each["step"] == "production/deploy/2-watch-50"]
        # The record says what happened: whichever was seen first, the crash or the answers that failed.
        assert {"instance-crashed", "error-rate"} & set(said[0]["reasons"]), said
        assert serves(wardline) != "3.0"
        wardline.checks()


def kill_after_next(
    wardline: Installation, driven: Driven, run: str, *, done: list[str]
) -> tuple[Driven | None, str | None]:
    """Kill `driven` after the next step that was not done yet, and resume; None where it came to its end."""

    def fresh() -> list[str]:
        return [step for step in driven.steps if step not in done]

    def asked() -> bool:
        return ASKED not in done and any("… waiting: production needs" in line for line in driven.lines)

    driven.until(lambda line: bool(fresh()) or asked() or line == f"run {run} succeeded")
    driven.kill()
    if asked():
        wardline.approve(run)  # while nobody drives it
        return wardline.resume(run), ASKED
    if wardline.shown(run)["status"] != "running":
        return None, None
    return wardline.resume(run), (fresh() or [None])[0]


def interrupt(wardline: Installation, driven: Driven) -> None:
    driven.signal(signal.SIGINT)
    assert driven.end() == INTERRUPTED, driven
    (found,) = [each for each in wardline.json("runs", "list") if each["run"] == driven.run]
    assert found["status"] in {"running", "waiting"}
    assert not found["driven"]


def run_on(wardline: Installation, run: str) -> str:
    """Resume `run` to its end, people answering if they are asked, and return how it ended."""
    driven = wardline.resume(run)

    def asked_or_over(line: str) -> bool:
        return "… waiting: production needs" in line or line.startswith(f"run {run} ")

    if "waiting" in driven.until(asked_or_over):
        wardline.approve(run)
    driven.end()
    return wardline.shown(run)["status"]


def each_deployment_succeeded_once(wardline: Installation, run: str) -> None:
    said = [each["predicate"] for each in wardline.shown(run)["evidence"] if "deploy/" in each["step"]]
    ended = [each["deployment"] for each in said if each.get("phase") == "succeeded"]
    assert sorted(ended) == [f"{run}/production", f"{run}/staging"]
    steps = [each["step"] for each in wardline.shown(run)["evidence"]]
    assert len(steps) == len(set(steps)), "no step left two statements"


def serves(wardline: Installation) -> str:
    """Return the version callers are answered by in production, which is the one the log names."""
    seen = wardline.status("production")
    assert not seen["drifted"], seen
    return get(seen["url"])


def weights(wardline: Installation) -> list[int]:
    return sorted(wardline.status("production")["weights"].values())


def running(wardline: Installation) -> dict[str, int]:
    """Return the processes of production by name, from the files that its supervisor keeps."""
    state = json.loads((wardline.home / "environments" / "tiny" / "production" / "state.json").read_text())
    return {"supervisor": state["pid"]} | {name: each["pid"] for name, each in state["processes"].items()}


def get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=5) as answer:
        return answer.read().decode()


def answers_again(url: str) -> None:
    deadline = time.monotonic() + BACK_WITHIN
    while True:
        try:
            get(url)
        except (OSError, urllib.error.URLError):
            assert time.monotonic() < deadline, f"nobody answers at {url}"
            threading.Event().wait(0.1)
        else:
            return


def working_below(folder: Path) -> list[str]:
    """Return the command lines of processes that work in `folder`."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppressed():
            command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            if str(folder) in command or (process / "cwd").readlink().is_relative_to(folder):
                found.append(command)
    return found


@contextmanager
def suppressed() -> Iterator[None]:
    """A process that is gone, or somebody else's, works nowhere here."""
    try:
        yield
    except OSError:
        return

"""The durable engine on a real database: what survives a kill, what is parked, whose runs are left alone."""

import os
import signal
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from wardline.adapters.engine.dbos_engine import DBOSMessenger, DBOSRuns
from wardline.canonical import JSON
from wardline.clock import SystemClock
from wardline.errors import Conflict, NotFound, Unavailable
from wardline.ids import RunId
from wardline.pipelines.engine import Engine

CLOCK = SystemClock()


def in_a_process(act: Callable[[], None]) -> int:
    """Run `act` in a process of its own and return its exit code, negative if a signal ended it."""
    child = os.fork()
    if child == 0:
        code = 70
        try:
            act()
            code = 0
        except Unavailable:
            code = 75
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def counting(folder: Path, *, die_at: int | None = None, fail_at: int | None = None) -> Callable[[RunId, Engine], JSON]:
    """A journey of five steps; each appends its number to a file named after the run, as an effect to count."""

    def journey(run: RunId, engine: Engine) -> JSON:
        def act(number: int) -> JSON:
            with (folder / f"{run}.effects").open("a") as file:
                file.write(f"{number}\n")
            if number == die_at:
                os.kill(os.getpid(), signal.SIGKILL)
            if number == fail_at:
                raise Unavailable("the disk is full")
            return {"number": number}

        given = [engine.step(f"step-{number}", lambda number=number: act(number)) for number in range(5)]
        return [str(item) for item in given]

    return journey


def runs(folder: Path, journey: Callable[[RunId, Engine], JSON]) -> DBOSRuns:
    return DBOSRuns(folder / "engine.db", journeys={"count": journey}, clock=CLOCK)


def effects(folder: Path, run: str) -> list[int]:
    return [int(line) for line in (folder / f"{run}.effects").read_text().split()]


def test_only_the_step_in_flight_runs_again_after_a_kill(tmp_path: Path) -> None:
    first = in_a_process(lambda: runs(tmp_path, counting(tmp_path, die_at=2)).drive(RunId("r-1"), "count"))
    assert first == -signal.SIGKILL
    assert in_a_process(lambda: runs(tmp_path, counting(tmp_path)).drive(RunId("r-1"), "count")) == 0
    assert effects(tmp_path, "r-1") == [0, 1, 2, 2, 3, 4]


def test_a_step_that_raises_is_not_recorded_and_runs_again(tmp_path: Path) -> None:
    assert in_a_process(lambda: runs(tmp_path, counting(tmp_path, fail_at=3)).drive(RunId("r-1"), "count")) == 75
    assert in_a_process(lambda: runs(tmp_path, counting(tmp_path)).drive(RunId("r-1"), "count")) == 0
    assert effects(tmp_path, "r-1") == [0, 1, 2, 3, 3, 4]


def test_driving_one_run_never_wakes_another(tmp_path: Path) -> None:
    in_a_process(lambda: runs(tmp_path, counting(tmp_path, die_at=1)).drive(RunId("r-1"), "count"))

    def drive_and_linger() -> None:
        runs(tmp_path, counting(tmp_path)).drive(RunId("r-2"), "count")
        time.sleep(1.5)  # the engine's own recovery would have taken the other run by now

    assert in_a_process(drive_and_linger) == 0
    assert effects(tmp_path, "r-2") == [0, 1, 2, 3, 4]
    assert effects(tmp_path, "r-1") == [0, 1]


def test_what_was_sent_while_nothing_ran_is_received(tmp_path: Path) -> None:
    def waiting(run: RunId, engine: Engine) -> JSON:
        if not (tmp_path / "asked").exists():
            (tmp_path / "asked").touch()
            os.kill(os.getpid(), signal.SIGKILL)
        answer = engine.wait_for("word", deadline=CLOCK.now() + timedelta(seconds=20))
        (tmp_path / "answer").write_text(str(answer))
        return answer

    assert in_a_process(lambda: runs(tmp_path, waiting).drive(RunId("r-1"), "count")) == -signal.SIGKILL
    DBOSMessenger(tmp_path / "engine.db").send(RunId("r-1"), "word", {"yes": True})
    assert in_a_process(lambda: runs(tmp_path, waiting).drive(RunId("r-1"), "count")) == 0
    assert (tmp_path / "answer").read_text() == "{'yes': True}"


def test_a_deadline_that_passes_gives_nothing(tmp_path: Path) -> None:
    def waiting(run: RunId, engine: Engine) -> JSON:
        answer = engine.wait_for("word", deadline=CLOCK.now() + timedelta(seconds=1))
        (tmp_path / "answer").write_text(repr(answer))
        return answer

    assert in_a_process(lambda: runs(tmp_path, waiting).drive(RunId("r-1"), "count")) == 0
    assert (tmp_path / "answer").read_text() == "None"


def test_a_run_that_has_ended_or_was_forgotten_is_not_taken_up(tmp_path: Path) -> None:
    in_a_process(lambda: runs(tmp_path, counting(tmp_path)).drive(RunId("r-1"), "count"))
    in_a_process(lambda: runs(tmp_path, counting(tmp_path, die_at=1)).drive(RunId("r-2"), "count"))
    DBOSMessenger(tmp_path / "engine.db").forget(RunId("r-2"))

    def refused(run: str) -> None:
        with pytest.raises(Conflict, match="ended already"):
            runs(tmp_path, counting(tmp_path)).drive(RunId(run), "count")

    assert in_a_process(lambda: refused("r-1")) == 0
    assert in_a_process(lambda: refused("r-2")) == 0


def test_an_unknown_journey_or_engine_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="count"):
        runs(tmp_path, counting(tmp_path)).drive(RunId("r-1"), "fly")
    with pytest.raises(NotFound):
        DBOSMessenger(tmp_path / "engine.db").send(RunId("r-1"), "word", None)

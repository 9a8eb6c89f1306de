"""Kills in every combination: what served serves again, nothing runs twice, nobody else is touched."""

import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import combinations
from pathlib import Path

import pytest
from tests.integration.targets.local_world import Load, World, until, world

from wardline.adapters.targets.local.folder import EnvironmentFolder
from wardline.adapters.targets.local.supervision import Supervision
from wardline.adapters.targets.local.supervisor.ports import LISTENER_FD, is_listening, nobody, take_over
from wardline.adapters.targets.local.supervisor.processes import TAG, environment_tag, stat_of
from wardline.adapters.targets.local.supervisor.slots import read
from wardline.errors import Conflict
from wardline.ids import ReleaseId

pytestmark = pytest.mark.slow

A, B = ReleaseId("rel-a"), ReleaseId("rel-b")
PARTS = ("supervisor", "proxy", "rel-a/0", "rel-a/1")
KILLS = [names for size in (1, 2, 3, 4) for names in combinations(PARTS, size)]
BACK_WITHIN = 10.0  # seconds; far above what is measured, so that a busy machine does not fail the test


@pytest.fixture
def here(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path) as made:
        yield made


@pytest.fixture
def bystander() -> Iterator[subprocess.Popen]:
    """A process of somebody else."""
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
    yield process
    assert process.poll() is None, "a process that is not ours was touched"
    process.kill()
    process.wait()


def pids(here: World) -> dict[str, int]:
    return {"supervisor": here.pid("supervisor")} | {n: p["pid"] for n, p in here.state()["processes"].items()}


def revive(here: World) -> None:
    """Do what the next command does: look after the supervisor."""
    place = EnvironmentFolder(here.folder / "environments", here.key)
    Supervision(place, here.clock).ensure()


def complete(here: World) -> bool:
    found = pids(here)
    return (
        sorted(found) == ["proxy", "rel-a/0", "rel-a/1", "supervisor"]
        and None not in found.values()
        and sorted(here.processes()) == sorted(found.values())
        and here.target.observe(here.key).supervised
        and all(i.healthy for i in here.target.observe(here.key).instances)
    )


@pytest.mark.parametrize("names", KILLS, ids="+".join)
def test_what_was_killed_is_back_and_what_was_not_goes_on(here: World, names: tuple[str, ...]) -> None:
    here.serve(A, instances=2)
    before = pids(here)
    here.kill(*names)
    revive(here)
    until(lambda: complete(here), within=BACK_WITHIN)
    assert here.get() == (200, A)
    after = pids(here)
    assert {name for name in PARTS if after[name] != before[name]} == set(names)
    here.target.stop(here.key)
    assert here.processes() == []


@pytest.mark.parametrize("names", KILLS, ids="+".join)
def test_a_stop_works_when_parts_are_dead(here: World, names: tuple[str, ...]) -> None:
    here.serve(A, instances=2)
    here.kill(*names)
    here.target.stop(here.key)
    assert here.processes() == []
    assert here.target.observe(here.key).weights == {}


@pytest.mark.parametrize("names", [("supervisor",), ("supervisor", "proxy"), ("supervisor", "rel-a/0", "rel-a/1")])
def test_the_next_call_brings_the_supervisor_back(here: World, names: tuple[str, ...]) -> None:
    here.serve(A, instances=2)
    here.target.start(here.key, here.release(B), generation=2)
    here.kill(*names)
    here.target.shift(here.key, {B: 100}, generation=2)
    assert here.get() == (200, B)
    here.kill("supervisor")
    here.target.withdraw(here.key, A, generation=2)
    here.kill("supervisor")
    here.target.start(here.key, here.release(A), generation=2)
    assert here.target.observe(here.key).supervised
    assert here.get() == (200, B)


def test_one_instance_killed_under_load_costs_no_get(here: World) -> None:
    here.serve(A, instances=2)
    with Load(here.port) as load:
        until(lambda: load.total >= 100, within=20)
        here.kill("rel-a/0")
        until(lambda: complete(here), within=BACK_WITHIN)
        more = load.total
        until(lambda: load.total >= more + 100, within=20)
    assert load.lost == []
    assert set(load.answers) == {(200, A)}


def test_while_one_instance_is_down_the_slots_name_only_the_other(here: World) -> None:
    here.serve(A, instances=2)
    both = {f"127.0.0.1:{here.state()['processes'][f'rel-a/{n}']['port']}": n for n in (0, 1)}
    assert {both[address] for address in read(here.place / "slots")} == {0, 1}
    here.kill("rel-a/0")
    until(lambda: {both[address] for address in read(here.place / "slots")} == {1}, within=BACK_WITHIN)
    until(lambda: {both[address] for address in read(here.place / "slots")} == {0, 1}, within=BACK_WITHIN)


def test_what_nobody_answers_is_an_error_of_the_release_that_should_have(here: World) -> None:
    here.serve(A)
    since = here.clock.now()
    (here.place / "releases" / A / "venv" / "service.py").write_text("raise SystemExit(1)")
    here.kill("rel-a/0")
    until(lambda: set(read(here.place / "slots")) == {nobody(A)}, within=BACK_WITHIN)
    assert here.get()[0] == 502
    sample = here.target.sample(here.key, A, since=since, until=here.clock.now())
    assert (sample.requests, sample.errors) == (1, 1)
    assert here.target.observe(here.key).weights == {A: 100}


def test_callers_wait_from_the_moment_a_supervisor_is_back(here: World) -> None:
    here.serve(A)
    old = here.pid("supervisor")
    here.kill("supervisor", "proxy")
    revive(here)
    until(lambda: here.pid("supervisor") != old, within=BACK_WITHIN)
    # It ended soon after its start, so it is not due for 0.4 s; the door is open all the same.
    assert here.get() == (200, A)


def test_a_crash_is_restarted_on_its_port_and_counted(here: World) -> None:
    here.serve(A)
    since, port = here.clock.now(), here.state()["processes"]["rel-a/0"]["port"]
    with pytest.raises(OSError, match=r"without response|reset"):
        urllib.request.urlopen(f"http://127.0.0.1:{port}/crash", timeout=5)
    until(lambda: here.target.observe(here.key).instances[0].healthy, within=BACK_WITHIN)
    assert here.state()["processes"]["rel-a/0"]["port"] == port
    assert here.target.observe(here.key).instances[0].restarts == 1
    assert here.target.sample(here.key, A, since=since, until=here.clock.now()).restarts == 1
    assert here.target.sample(here.key, B, since=since, until=here.clock.now()).restarts == 0
    log = (here.place / "logs" / "supervisor.log").read_text()
    assert "exited with 3" in log, "the record says what happened"


def test_a_port_taken_meanwhile_is_changed_and_the_slots_follow(here: World, bystander: subprocess.Popen) -> None:
    here.serve(A)
    port = here.state()["processes"]["rel-a/0"]["port"]
    here.kill("supervisor", "rel-a/0")
    squatter = subprocess.Popen([sys.executable, "-m", "http.server", "--bind", "127.0.0.1", str(port)], stderr=-3)
    try:
        until(lambda: is_listening(port), within=10)
        revive(here)
        until(lambda: here.state()["processes"]["rel-a/0"]["port"] != port, within=BACK_WITHIN)
        assert here.get() == (200, A), "nobody but the release itself is ever asked"
        assert here.target.observe(here.key).weights == {A: 100}
    finally:
        squatter.kill()
        squatter.wait()


def test_callers_wait_while_the_proxy_is_restarted(here: World) -> None:
    here.serve(A)
    with Load(here.port) as load:
        until(lambda: load.total >= 50, within=20)
        here.kill("proxy")
        more = load.total
        until(lambda: load.total >= more + 100, within=20)
    # Lost is at most what each caller had inside the proxy; nobody is refused.
    assert len(load.lost) <= 4
    assert not [error for error in load.lost if "refused" in error]


def may_take_descriptors() -> bool:
    """Whether the system lets one process of ours take a descriptor of another (pidfd_getfd(2))."""
    yama = Path("/proc/sys/kernel/yama/ptrace_scope")
    return os.geteuid() == 0 or not yama.exists() or yama.read_text().strip() == "0"


@pytest.mark.skipif(not may_take_descriptors(), reason="Yama forbids pidfd_getfd between these processes")
def test_callers_wait_for_a_proxy_that_was_adopted_too(here: World) -> None:
    here.serve(A)
    here.kill("supervisor")
    revive(here)
    until(lambda: here.target.observe(here.key).supervised, within=BACK_WITHIN)
    with Load(here.port) as load:
        until(lambda: load.total >= 50, within=20)
        here.kill("proxy")
        more = load.total
        until(lambda: load.total >= more + 100, within=20)
    assert len(load.lost) <= 4
    assert not [error for error in load.lost if "refused" in error]


def test_a_recycled_pid_is_never_touched(here: World, bystander: subprocess.Popen) -> None:
    here.serve(A, instances=2)
    here.kill("supervisor", "proxy", "rel-a/0")
    state = here.state()
    # As if the system had given each number to somebody else: once with another start, once in another boot.
    state["processes"]["rel-a/0"]["pid"] = bystander.pid
    state["processes"]["proxy"]["pid"] = bystander.pid
    (here.place / "state.json").write_text(json.dumps(state))
    revive(here)
    until(lambda: complete(here), within=BACK_WITHIN)
    here.kill("supervisor")
    state = here.state()
    state["boot"] = "another"
    for record in state["processes"].values():
        record["pid"], record["ticks"] = bystander.pid, stat_of(bystander.pid).ticks
    (here.place / "state.json").write_text(json.dumps(state))
    assert not here.target.observe(here.key).proxied
    revive(here)
    until(lambda: complete(here), within=BACK_WITHIN)
    here.target.stop(here.key)
    assert here.processes() == []


def test_a_stray_is_killed_and_a_stranger_is_not(here: World, bystander: subprocess.Popen) -> None:
    here.serve(A, instances=2)
    here.kill("supervisor")
    tag = f"{environment_tag(here.place)}/0123456789abcdef"
    stray = subprocess.Popen(["sleep", "600"], env={TAG: tag, "PATH": os.environ["PATH"]})
    revive(here)
    assert stray.wait(timeout=BACK_WITHIN) == -signal.SIGKILL
    until(lambda: complete(here), within=BACK_WITHIN)


def test_many_at_once_start_one_supervisor(here: World) -> None:
    here.serve(A, instances=2)
    here.kill("supervisor")
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda _: revive(here), range(6)))
    until(lambda: complete(here), within=BACK_WITHIN)


def test_a_late_deployment_is_refused_by_the_supervisor_itself(here: World) -> None:
    here.serve(A, instances=2)
    here.target.shift(here.key, {A: 100}, generation=7)
    desired = json.loads((here.place / "desired.json").read_bytes())
    late = {**desired, "generation": 6, "serial": desired["serial"] + 1, "releases": {}, "weights": {}}
    (here.place / "desired.json").write_text(json.dumps(late))
    before = pids(here)
    os.kill(here.pid("supervisor"), signal.SIGHUP)
    with pytest.raises(AssertionError):
        until(lambda: here.state()["applied"] >= late["serial"], within=1.5)
    here.kill("supervisor")
    revive(here)
    until(lambda: here.target.observe(here.key).supervised, within=BACK_WITHIN)
    assert {n: p for n, p in pids(here).items() if n != "supervisor"} == {
        n: p for n, p in before.items() if n != "supervisor"
    }
    with pytest.raises(Conflict):
        here.target.shift(here.key, {}, generation=6)
    assert here.get() == (200, A)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"generation": "x"}'])
@pytest.mark.parametrize("name", ["desired.json", "state.json"])
def test_a_stop_works_over_damaged_files(here: World, name: str, content: str) -> None:
    here.serve(A)
    (here.place / name).write_text(content)
    assert here.get() == (200, A)
    here.target.stop(here.key)
    assert here.processes() == []
    here.serve(B)
    assert here.get() == (200, B)


def test_a_damaged_wish_ends_nothing(here: World) -> None:
    here.serve(A, instances=2)
    before = pids(here)
    good = (here.place / "desired.json").read_bytes()
    (here.place / "desired.json").write_text("{")
    here.kill("supervisor")
    revive(here)
    until(lambda: here.pid("supervisor") != before["supervisor"], within=BACK_WITHIN)
    assert here.get() == (200, A)
    (here.place / "desired.json").write_bytes(good)
    until(lambda: complete(here), within=BACK_WITHIN)
    assert {n: p for n, p in pids(here).items() if n != "supervisor"} == {
        n: p for n, p in before.items() if n != "supervisor"
    }


def test_a_folder_that_is_taken_away_leaves_no_orphan(here: World) -> None:
    here.serve(A, instances=2)
    here.place.rename(here.place.with_name("gone"))
    until(lambda: here.processes() == [], within=20)


@pytest.mark.slow
def test_an_instance_that_will_not_end_is_killed_after_its_grace(here: World) -> None:
    here.serve(A, config={"MODE": "stubborn"})
    here.target.start(here.key, here.release(B), generation=1)
    here.target.shift(here.key, {B: 100}, generation=1)
    here.target.withdraw(here.key, A, generation=1)
    assert len(here.processes()) == 3
    assert here.get() == (200, B)


@pytest.mark.slow
def test_a_stop_works_over_a_supervisor_that_hangs(here: World) -> None:
    here.serve(A, instances=2)
    os.kill(here.pid("supervisor"), signal.SIGSTOP)
    here.target.stop(here.key)
    assert here.processes() == []


def test_a_descriptor_that_is_no_socket_or_not_there_is_not_taken(bystander: subprocess.Popen) -> None:
    pidfd = os.pidfd_open(bystander.pid)
    try:
        assert take_over(pidfd, LISTENER_FD + 500) is None
    finally:
        os.close(pidfd)

"""Releases come up beside each other and callers move between them: nothing is lost, and what was seen adds up."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.integration.targets.local_world import Load, World, until, world

from wardline.ids import ReleaseId

A, B = ReleaseId("rel-a"), ReleaseId("rel-b")


@pytest.fixture
def here(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path) as made:
        yield made


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_canary_and_a_switch_lose_no_request(here: World, method: str) -> None:
    here.serve(A, instances=2)
    since = here.clock.now()
    with Load(here.port, method=method) as load:
        until(lambda: load.total >= 100, within=20)
        here.target.start(here.key, here.release(B, instances=2), generation=2)
        assert load.answers[200, B] == 0

        here.target.shift(here.key, {A: 90, B: 10}, generation=2)
        before = load.answers.copy()
        until(lambda: (load.answers - before).total() >= 400, within=30)
        canary = load.answers - before
        assert 0.08 <= canary[200, B] / canary.total() <= 0.12

        here.target.shift(here.key, {B: 100}, generation=2)
        here.target.withdraw(here.key, A, generation=2)
        moved = load.answers.copy()
        until(lambda: (load.answers - moved).total() >= 100, within=20)
        assert (load.answers - moved)[200, A] == 0
    assert load.lost == []
    assert {status for status, _ in load.answers} == {200}

    until_now = here.clock.now()
    for release in (A, B):
        sample = here.target.sample(here.key, release, since=since, until=until_now)
        assert (sample.requests, sample.errors, sample.probes) == (load.answers[200, release], 0, 0)
        assert sample.p95_ms is not None
    kept = b"".join(p.read_bytes() for p in here.place.rglob("*") if p.is_file() and not p.is_symlink())
    assert b"member" not in kept, "paths and queries may hold identifiers"


def test_new_requests_follow_as_soon_as_shift_returns(here: World) -> None:
    here.serve(A)
    here.target.start(here.key, here.release(B), generation=1)
    for release in (B, A, B, A):
        here.target.shift(here.key, {release: 100}, generation=1)
        assert {here.get() for _ in range(5)} == {(200, release)}
        assert here.target.observe(here.key).weights == {release: 100}


def test_a_request_in_flight_ends_on_the_release_it_began_on(here: World) -> None:
    here.serve(A)
    here.target.start(here.key, here.release(B), generation=1)
    answers: list[tuple[int, str]] = []
    slow = threading.Thread(target=lambda: answers.append(here.get("/slow")))
    slow.start()
    until(lambda: here.get("/") == (200, A) and not answers, within=5)
    here.target.shift(here.key, {B: 100}, generation=1)
    here.target.withdraw(here.key, A, generation=1)
    slow.join()
    assert answers == [(200, A)]
    assert [i.release for i in here.target.observe(here.key).instances] == [B]


def test_empty_weights_answer_503_and_can_be_left_again(here: World) -> None:
    here.target.start(here.key, here.release(A), generation=1)
    assert here.get()[0] == 503
    here.target.shift(here.key, {A: 100}, generation=1)
    assert here.get() == (200, A)
    here.target.shift(here.key, {}, generation=1)
    assert here.get()[0] == 503
    assert here.target.observe(here.key).weights == {}


def test_errors_slowness_and_probes_are_told_apart_per_release(here: World) -> None:
    here.serve(A)
    since = here.clock.now()
    assert [here.get(path)[0] for path in ("/", "/broken", "/slow")] == [200, 500, 200]
    here.target.probe(here.key, A, path="/healthz")
    here.target.probe(here.key, A, path="/broken")
    sample = here.target.sample(here.key, A, since=since, until=here.clock.now())
    assert (sample.requests, sample.errors, sample.probes, sample.restarts) == (5, 2, 2, 0)
    assert sample.p95_ms is not None
    assert 1500 <= sample.p95_ms < 5000
    quiet = here.target.sample(here.key, B, since=since, until=here.clock.now())
    assert (quiet.requests, quiet.p95_ms) == (0, None)


def test_an_instance_that_does_not_answer_a_probe_is_an_error_and_no_exception(here: World) -> None:
    here.serve(A)
    since = here.clock.now()
    here.kill("supervisor", "rel-a/0")
    here.target.probe(here.key, A, path="/healthz")
    sample = here.target.sample(here.key, A, since=since, until=here.clock.now())
    assert (sample.requests, sample.errors, sample.probes) == (1, 1, 1)


def test_two_environments_do_not_meet(here: World, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    with world(tmp_path / "other") as other:
        here.serve(A)
        other.serve(B)
        assert here.port != other.port
        assert here.get() == (200, A)
        assert other.get() == (200, B)
        other.target.stop(other.key)
        assert here.get() == (200, A)


def test_the_last_installations_stay_for_the_way_back_and_older_ones_go(here: World) -> None:
    previous = None
    for name in ("r1", "r2", "r3", "r4", "r5", "r6"):
        here.serve(name)
        if previous is not None:
            here.target.withdraw(here.key, ReleaseId(previous), generation=1)
        previous = name
    assert sorted(folder.name for folder in (here.place / "releases").iterdir()) == ["r3", "r4", "r5", "r6"]
    here.serve("r5")
    assert here.installed.count("r5") == 1


def test_data_survives_releases_and_stops(here: World) -> None:
    here.serve(A)
    data = Path(here.ask("/environment")["environment"]["WARDLINE_DATA_DIR"])
    (data / "members.db").write_text("kept")
    here.target.stop(here.key)
    here.serve(B)
    assert here.ask("/environment")["environment"]["WARDLINE_DATA_DIR"] == str(data)
    assert (data / "members.db").read_text() == "kept"

"""A check goes blind on a real installation: its gates are Undecided until it sees again. Real commands, no network."""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from tests.fakes.tiny_service import Ended, TinyWorld

from wardline.bootstrap.home import open_existing_home
from wardline.bootstrap.self_testing import run_self_test
from wardline.delivery.self_test import Asked
from wardline.findings.scanning import CodeScan, LookedAt, ScannerId
from wardline.settings import read_settings

UNDECIDED = 6
VERIFIER = Path(__file__).resolve().parents[2] / "verifier" / "wardline_verify.py"
SCHEMAS = VERIFIER.parents[1] / "docs" / "predicates"
CHECKS = {"redactor", "packet", "log", "scan/bandit", "scan/osv", "sbom/syft", "tests", "releases/local"}
pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@dataclass(frozen=True)
class Blind:
    """What is left of a scanner that lost its rules: it looks at every file and finds nothing."""

    version: str

    def scan(self, source, *, paths, timeout):
        return CodeScan(
            scanner=ScannerId(name="bandit", version=self.version),
            looked_at=LookedAt(files=1, lines=1),
            findings=(),
            reason=None,
            report=None,
        )


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TinyWorld]:
    world = TinyWorld(folder=tmp_path_factory.mktemp("tried"))
    world.enrol()
    world.commit(within="1s")
    try:
        yield world
    finally:
        world.stop()


def shipped(world: TinyWorld) -> dict[str, dict[str, str]]:
    """Ship, and return what was not content at each gate."""
    ended = world.ship()
    assert ended.code == UNDECIDED, ended  # nobody approves production
    return objections(world, ended)


def objections(world: TinyWorld, ended: Ended) -> dict[str, dict[str, str]]:
    left = [item["predicate"]["wardline_decision"] for item in decisions(world, ended.json["run"])]
    return {
        each["environment"]: {
            r["policy"]: r["message"] for r in each["reasons"] if r["verdict"] not in ("allow", "warn")
        }
        for each in left
    }


def decisions(world: TinyWorld, run: str) -> list[dict]:
    return [item for item in world.evidence(run) if "wardline_decision" in item["predicate"]]


def blind_the_scanner(world: TinyWorld) -> None:
    """Try the installation's checks with a scanner that sees nothing, in place of the one that was there."""
    with open_existing_home(replace(read_settings(), home=world.home)) as home:
        run = world.run("runs", "list", "--output", "json").json[0]["run"]
        version = home.log.read(scan_of(world, run)).statement.body["scanner"]["version"]
        home.__dict__["workshop"] = replace(home.workshop, code_scanners={"bandit": Blind(version)})
        told = []
        tested = run_self_test(home, Asked(names=("scan/bandit",)), say=told.append)
    assert [(trial.name, trial.outcome) for trial in tested.trials] == [("scan/bandit", "failed")]


def scan_of(world: TinyWorld, run: str) -> int:
    return next(item["index"] for item in world.evidence(run) if item["step"] == "scan/bandit")


@pytest.fixture(scope="module")
def first(world: TinyWorld) -> str:
    """A run that came as far as a run comes that nobody approves."""
    ended = world.ship()
    assert ended.code == UNDECIDED, ended
    found = objections(world, ended)
    assert (found["staging"], set(found["production"])) == ({}, {"approved"})
    return ended.json["run"]


def test_policies_are_tried_once_before_anything_is_decided(world: TinyWorld, first: str) -> None:
    (tried,) = [item for item in world.run("log", "list", "--output", "json").json if is_self_test(item)]
    staging, production = decisions(world, first)
    assert tried["index"] == staging["index"] - 1
    for each in (staging, production):
        assert tried["index"] in each["predicate"]["wardline_decision"]["evidence"]


def test_everything_that_is_planted_is_caught(world: TinyWorld, first: str) -> None:
    whole = world.run("controls", "selftest", "--output", "json")
    assert whole.code == 0, whole
    assert {trial["name"] for trial in whole.json["trials"] if trial["kind"] == "check"} == CHECKS
    assert all(trial["caught"] == trial["planted"] > 0 for trial in whole.json["trials"])
    assert world.run("controls", "selftest", "--if-older-than", "1h").out.startswith("nothing was due; ")


def test_a_check_that_went_blind_stops_the_next_release_until_it_sees_again(world: TinyWorld, first: str) -> None:
    blind_the_scanner(world)
    blind = world.ship()
    assert blind.code == UNDECIDED, blind
    stopped = objections(world, blind)
    assert set(stopped) == {"staging"}  # it never came to production
    assert set(stopped["staging"]) == {"self-tests-pass"}
    assert "scan/bandit failed" in stopped["staging"]["self-tests-pass"]
    assert "scan/bandit failed" in world.run("gate", "explain", blind.json["run"]).out

    mended = world.run("controls", "selftest", "--check", "scan/bandit")
    assert mended.code == 0, mended
    assert shipped(world)["staging"] == {}
    assert world.run("gate", "replay").code == 0


def test_coverage_believes_no_blind_check(world: TinyWorld, first: str) -> None:
    scan, before = scan_of(world, first), coverage(world, first)
    counting_on_it = {control for control, row in before.items() if scan in indices(row["answered"])}
    assert counting_on_it
    blind_the_scanner(world)
    blind = coverage(world, first)
    for control in counting_on_it:
        assert blind[control]["state"] == "missing", control
        assert {"index": scan, "outcome": "inconclusive"} in blind[control]["against"]
    assert blind["hipaa:164.308(a)(8)"]["state"] == "missing"
    assert world.run("controls", "selftest", "--check", "scan/bandit").code == 0
    mended = coverage(world, first)
    assert {control: row["state"] for control, row in mended.items()} == {
        control: row["state"] for control, row in before.items()
    }


def test_the_packet_holds_the_self_tests_that_its_decisions_rest_on(world: TinyWorld, first: str) -> None:
    file = world.folder / "run.html"
    packet = world.run("packet", first, "--to", file, "--output", "json")
    assert world.run("verify", file, "--key", packet.json["key"]).code == 0
    key = world.folder / "log.key"
    key.write_text(packet.json["key"] + "\n")
    alone = subprocess.run(
        [sys.executable, "-I", VERIFIER, file, "--key", key, "--schemas", SCHEMAS],
        capture_output=True,
        text=True,
        check=False,
    )
    assert alone.returncode == 0, alone.stdout + alone.stderr


def test_the_log_holds_and_every_self_test_in_it(world: TinyWorld, first: str) -> None:
    assert world.run("log", "check").code == 0


def is_self_test(item: dict) -> bool:
    return item["predicate_type"].endswith("/self-test/v1")


def coverage(world: TinyWorld, run: str) -> dict[str, dict]:
    shown = world.run("controls", "show", "--run", run, "--output", "json").json
    return {row["control"]: row for catalogue in shown["catalogues"] for row in catalogue["rows"]}


def indices(answered: list[dict]) -> set[int]:
    return {index for each in answered for index in each["indices"]}


def test_what_is_asked_for_and_is_none_is_refused(world: TinyWorld, first: str) -> None:
    unknown = world.run("controls", "selftest", "--check", "nobody")
    assert (unknown.code, "Known: policies," in unknown.err) == (2, True)
    assert world.run("controls", "selftest", "--if-older-than", "soon").code == 2
    assert json.loads(world.run("controls", "selftest", "--check", "redactor", "--output", "json").out)["log"]

"""Every check is green as shipped; blind, or with its fault mended, it is seen. Real tools, real processes."""

import ast
import os
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

import wardline
from wardline.bootstrap.home import open_home
from wardline.bootstrap.plants import code, suites, texts
from wardline.bootstrap.plants.advisories import plant_advisories
from wardline.bootstrap.plants.code import plant_in_code
from wardline.bootstrap.plants.components import plant_components
from wardline.bootstrap.plants.logs import plant_in_log, plant_in_packet
from wardline.bootstrap.plants.releases import plant_releases
from wardline.bootstrap.plants.suites import plant_suites
from wardline.bootstrap.plants.table import checks
from wardline.bootstrap.plants.texts import plant_texts
from wardline.clock import SystemClock
from wardline.environments.observations import Observation
from wardline.evidence.packets.verify_packet import verify_packet
from wardline.findings.redactor import StreamingRedactor
from wardline.findings.scanning import CodeScan, LookedAt, SBOMScan, ScannerId
from wardline.outcomes import Outcome, worst
from wardline.pipelines.building import Tested
from wardline.settings import read_settings

SLOW = {"sbom/syft", "releases/local"}
QUICK = ("redactor", "packet", "log", "scan/bandit", "scan/osv", "tests")


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    settings = replace(read_settings(), home=tmp_path_factory.mktemp("home"))
    with open_home(settings) as opened:
        yield opened


def on_trial(home, name):
    return next(check for check in checks(home) if check.name == name)


def outcome(planted):
    return worst(each.outcome for each in planted)


@pytest.mark.parametrize("name", [*QUICK, *(pytest.param(name, marks=pytest.mark.slow) for name in sorted(SLOW))])
def test_a_check_as_shipped_catches_all_that_is_planted_before_it(home, tmp_path, name):
    tool, planted = on_trial(home, name).plant(tmp_path)
    assert [each for each in planted if each.outcome is not Outcome.PASSED] == []
    assert len(planted) >= 4
    assert len({each.fault for each in planted}) == len(planted)
    assert tool.version != "unknown"


def test_the_table_names_every_check_that_is_tried_here(home):
    assert {check.name for check in checks(home)} == {*QUICK, *SLOW}


def test_every_adapter_that_looks_has_a_plant(home):
    """A class that answers `scan`, `test` or `sample` is a check: it is in the table, or this fails."""
    adapters = Path(wardline.__file__).parent / "adapters"
    looking = {
        node.name
        for file in adapters.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
        for member in node.body
        if isinstance(member, ast.FunctionDef) and member.name in {"scan", "test", "sample"}
    }
    shop = home.workshop
    tried = {
        type(each).__name__
        for each in (
            *shop.code_scanners.values(),
            *shop.dependency_scanners.values(),
            shop.sbom_scanner,
            shop.tester,
            home.target,
        )
    }
    assert looking == tried
    assert {f"scan/{name}" for name in (*shop.code_scanners, *shop.dependency_scanners)} <= {
        check.name for check in checks(home)
    }


def test_a_scanner_without_a_plant_is_on_the_table_and_errored(home, tmp_path):
    shop = replace(home.workshop, code_scanners={"bandit": BlindScanner(), "another": BlindScanner()})
    other = replace(home)
    other.__dict__["workshop"] = shop  # where the cached property keeps it
    (another,) = (check for check in checks(other) if check.name == "scan/another")
    _, planted = another.plant(tmp_path)
    assert (planted, outcome(planted)) == ((), Outcome.ERRORED)


def test_what_is_tried_is_known_by_its_code_and_settings(home):
    configurations = Counter(check.configuration for check in checks(home))
    assert set(configurations.values()) == {1}
    again = {check.name: check.configuration for check in checks(home)}
    assert all(check.configuration == again[check.name] for check in checks(home))


@dataclass(frozen=True)
class BlindScanner:
    """Says of everything that it looked and found nothing."""

    def scan(self, source, *, paths, timeout):
        return CodeScan(
            scanner=ScannerId(name="blind", version="1"),
            looked_at=LookedAt(files=1, lines=1),
            findings=(),
            reason=None,
            report=None,
        )


def test_a_blind_code_scanner_is_seen(tmp_path):
    _, planted = plant_in_code(BlindScanner())(tmp_path)
    assert {each.outcome for each in planted} == {Outcome.FAILED}


def test_weakness_that_was_mended_is_not_caught(home, tmp_path):
    mended = [(rule, what, "X = 1\n") for rule, what, _ in code.WEAK]
    _, planted = plant_in_code(home.workshop.code_scanners["bandit"], weak=mended)(tmp_path)
    missed = [each.fault for each in planted if each.outcome is Outcome.FAILED]
    assert missed == [f"{what}, svc/planted.py" for _, what, _ in code.WEAK]


def test_a_blind_lookup_of_advisories_is_seen(tmp_path):
    class Blind:
        def scan(self, sbom):
            return BlindScanner().scan(None, paths=(), timeout=None)

    _, planted = plant_advisories(lambda *_: Blind())(tmp_path)
    assert {each.outcome for each in planted} == {Outcome.FAILED}


@dataclass(frozen=True)
class BlindLister:
    def scan(self, installed, *, expected, timeout):
        return SBOMScan(
            scanner=ScannerId(name="blind", version="1"),
            spec_version="1.6",
            components=1,
            names_artifact=True,
            reason=None,
            report=None,
        )


def test_a_blind_lister_of_components_is_seen(home, tmp_path):
    _, planted = plant_components(BlindLister(), home.workshop.builder)(tmp_path)
    assert {each.outcome for each in planted} == {Outcome.FAILED}


@dataclass(frozen=True)
class BlindTester:
    def test(self, source, bundle, spec, *, work, say):
        return Tested(
            executed=1, passed=1, failed=0, errored=0, skipped=0, coverage_bp=9000, exit_code=0, reports=(), output=b""
        )


def test_a_blind_tester_is_seen(tmp_path):
    _, planted = plant_suites(BlindTester())(tmp_path)
    assert {each.outcome for each in planted} == {Outcome.FAILED}


def test_a_suite_that_was_mended_is_not_caught(home, tmp_path):
    mended = [(fault, suites.PASSING, 90, "loud", expected) for fault, _, _, _, expected in suites.SUITES[:2]]
    _, planted = plant_suites(home.workshop.tester, suites=mended)(tmp_path)
    assert [(each.outcome, each.got) for each in planted] == [(Outcome.FAILED, "passed")] * 2


class Showing:
    """Masks nothing."""

    def feed(self, chunk):
        return chunk

    def finish(self):
        return b""


class Swallowing(Showing):
    """Shows nothing at all."""

    def feed(self, chunk):
        return b""


def test_a_redactor_that_masks_nothing_is_seen(tmp_path):
    _, planted = plant_texts(Showing)(tmp_path)
    assert {each.outcome for each in planted} == {Outcome.FAILED}


def test_a_redactor_that_swallows_everything_has_masked_nothing(tmp_path):
    _, planted = plant_texts(Swallowing)(tmp_path)
    assert {each.got for each in planted} == {"gone", "changed"}
    assert planted[-1].outcome is Outcome.ERRORED


def test_a_value_that_is_none_is_not_caught(tmp_path):
    harmless = [("ssn", "row 7: ", "078-05-112", " found")]
    _, planted = plant_texts(StreamingRedactor, faults=harmless)(tmp_path)
    assert {each.outcome for each in planted} == {Outcome.FAILED}


def test_every_kind_that_is_masked_is_planted():
    assert texts.KINDS == texts.LOOKED_FOR


def test_a_verification_that_lets_pass_everything_is_seen(tmp_path):
    def blind(content, trust):
        found = verify_packet(content, trust)
        return replace(found, checks=tuple(replace(check, outcome=Outcome.PASSED) for check in found.checks))

    _, planted = plant_in_packet(SystemClock(), verify=blind)(tmp_path)
    assert {each.outcome for each in planted} == {Outcome.FAILED}


def test_a_check_of_the_log_that_lets_pass_everything_is_seen(tmp_path):
    _, planted = plant_in_log(SystemClock(), check=lambda *_, **__: None)(tmp_path)
    missed = {each.fault for each in planted if each.outcome is Outcome.FAILED}
    # What is no database any more is found before anybody checks the log in it.
    assert len(missed) == 4
    assert "log: the file cut in half" not in missed


@dataclass
class BlindTarget:
    """Calls every release healthy and has seen no error; real targets are tried above."""

    weights: dict = field(default_factory=dict)

    def start(self, environment, release, *, generation): ...

    def shift(self, environment, weights, *, generation):
        self.weights = dict(weights)

    def withdraw(self, environment, release, *, generation): ...

    def stop(self, environment, *, generation=0): ...

    def probe(self, environment, release, *, path): ...

    def observe(self, environment):
        return Observation(
            environment=environment, url=None, supervised=True, proxied=True, weights=self.weights, instances=()
        )

    def sample(self, environment, release, *, since, until):
        from wardline.analysis.signals import Sample

        return Sample(since=since, until=until, requests=12, errors=0, p95_ms=1, probes=12, restarts=0)


def test_a_target_that_calls_everything_healthy_is_seen(tmp_path):
    _, planted = plant_releases(lambda *_: BlindTarget(), SystemClock())(tmp_path)
    caught = {each.fault for each in planted if each.outcome is not Outcome.FAILED}
    # Nothing went wrong that it could have noticed, so what served before serves on.
    assert all(fault.endswith("what served before it") for fault in caught)
    assert len(planted) - len(caught) == 5


def test_nothing_that_is_planted_names_a_place_of_this_machine(home, tmp_path):
    for name in ("redactor", "packet", "log", "tests"):
        _, planted = on_trial(home, name).plant(tmp_path / name)
        assert not any(os.sep + "tmp" in text for each in planted for text in (each.fault, each.got)), name

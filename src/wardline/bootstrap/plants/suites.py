"""Test suites planted before a tester: they fail, they run nothing, they cover too little."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Final

import wardline
from wardline.bootstrap.plants.bundles import make_bundle
from wardline.bootstrap.plants.telling import Plant, told, unshown, write
from wardline.canonical import Digest
from wardline.gates.trials import Planted, Tool
from wardline.outcomes import Outcome
from wardline.pipelines.building import Stopped, Tested, Tester
from wardline.pipelines.predicates import TestResult
from wardline.pipelines.spec import TestSpec
from wardline.predicates import BlobRef, Subject

_TIMEOUT: Final = timedelta(minutes=2)
_MIN_COVERAGE: Final = 80  # percent
_BASIS_POINTS: Final = 100

# Runs `suite.py` with unittest and writes what CI tools read, with nothing but the standard library.
_RUNNER: Final = """
import pathlib, sys, unittest
import planted_service

loaded = unittest.defaultTestLoader.discover(".", pattern="suite.py")
result = unittest.TestResult()
loaded.run(result)
cases = "<testcase name='passed'/>" * (result.testsRun - len(result.failures) - len(result.errors))
cases += "<testcase name='failed'><failure/></testcase>" * len(result.failures)
cases += "<testcase name='errored'><error/></testcase>" * len(result.errors)
pathlib.Path("junit.xml").write_text(f"<testsuite>{cases}</testsuite>")
covered = int(sys.argv[1])
pathlib.Path("coverage.xml").write_text(
    f"<coverage lines-valid='100' lines-covered='{covered}'><packages><package><classes>"
    f"<class filename='{planted_service.__file__}'/></classes></package></packages></coverage>")
sys.exit(0 if sys.argv[2] == "quiet" or result.wasSuccessful() else 1)
"""
_SUITE: Final = "import unittest\n\n\nclass Suite(unittest.TestCase):\n    def test(self):\n        {}\n"
PASSING, _FAILING = _SUITE.format("assert 1 + 1 == 2"), _SUITE.format("self.fail('planted')")
_ERRORED, _EMPTY = _SUITE.format("raise RuntimeError('planted')"), "import unittest\n"


# What is wrong, the suite, the percent of lines it covers, how its command ends, and what a run records of it.
SUITES: Final = (
    ("a test that fails", _FAILING, 90, "loud", Outcome.FAILED),
    ("a test that fails under a command that ends well", _FAILING, 90, "quiet", Outcome.FAILED),
    ("a test that breaks off", _ERRORED, 90, "quiet", Outcome.FAILED),
    ("a suite without a test", _EMPTY, 90, "quiet", Outcome.ERRORED),
    (f"coverage of 79 % where {_MIN_COVERAGE} % is stated", PASSING, 79, "loud", Outcome.FAILED),
)


def plant_suites(tester: Tester, *, suites: Sequence[tuple[str, str, int, str, Outcome]] = SUITES) -> Plant:
    """Return what plants suites before `tester` that no result may call passed."""

    def plant(work: Path) -> tuple[Tool, tuple[Planted, ...]]:
        bundle = make_bundle(work / "made").bundle
        planted = []
        for number, (fault, suite, covered, manner, expected) in enumerate(suites):
            got = _outcome(tester, bundle, work / f"suite-{number}", suite, f"{covered} {manner}")
            planted.append(told(fault, expected=expected.value, got=got.value, caught=got is expected))
        sound = _outcome(tester, bundle, work / "sound", PASSING, "90 loud")
        if sound is not Outcome.PASSED:
            planted.append(unshown("a suite that passes", expected="passed", got=sound.value))
        return Tool(name="wardline", version=wardline.__version__), tuple(planted)

    return plant


def _outcome(tester: Tester, bundle: Path, folder: Path, suite: str, arguments: str) -> Outcome:
    """Return how a run would record this suite."""
    write(folder / "source" / "suite.py", suite)
    write(folder / "source" / "run.py", _RUNNER)
    spec = TestSpec(
        run=f"python run.py {arguments}",
        junit="junit.xml",
        coverage="coverage.xml",
        min_coverage=_MIN_COVERAGE,
        timeout=_TIMEOUT,
    )
    tested = tester.test(folder / "source", bundle, spec, work=folder / "work", say=lambda _: None)
    match tested:
        case Stopped(errored=errored):
            return Outcome.ERRORED if errored else Outcome.FAILED
        case Tested():
            return TestResult(
                artifact=Subject(name="artifact", digest=Digest.of(b"planted")),
                tested=tested,
                pipeline=Digest.of(b"planted"),
                min_coverage_bp=_MIN_COVERAGE * _BASIS_POINTS,
                reports=(),
                output=BlobRef(digest=Digest.of(b""), media_type="text/plain", size_bytes=0),
            ).outcome

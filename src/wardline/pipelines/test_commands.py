"""Guessing how a project is tested: with pytest, which also runs unittest's cases."""

import re
from collections.abc import Mapping

from wardline.pipelines.guesses import Guess
from wardline.pipelines.projects import Project, is_plain, package_of, specifiers

__test__ = False  # pytest: no tests here, but the words for them

_TEST_FILE = re.compile(r"(?:.*/)?(?:test_[^/]*|[^/]*_test)\.py")
_EXTRAS = ("test", "tests", "testing", "dev", "develop")
_FILES = re.compile(r"(?:.*[/_.-])?(?:test|tests|testing|dev|develop|development)(?:[/_.-].*)?")
_OTHERS_RUN = frozenset({"tox", "nox", "pre-commit", "build", "twine"})  # they run or publish; Wardline does that here
_NEEDED = ("pytest", "pytest-cov")
_MANY = 5  # packages; beyond it `--cov` measures all that is imported

REPORTS = {"test.junit": "reports/junit.xml", "test.coverage": "reports/coverage.xml"}


def guess_tests(files: Mapping[str, str], project: Project, packages: tuple[str, ...]) -> tuple[Guess, ...]:
    """Return the guesses for everything under `test` but the standards."""
    tests = [path for path in files if _TEST_FILE.fullmatch(path)]
    command = _command(files, tests, packages)
    return (
        command,
        *(Guess(key=key, value=path, why="written by the command above") for key, path in REPORTS.items()),
        _requirements(project),
    )


def _command(files: Mapping[str, str], tests: list[str], packages: tuple[str, ...]) -> Guess:
    if not tests:
        return _blank("the command that runs the tests; no test_*.py was found, and nothing is shipped without tests")
    if "manage.py" in files and "pytest" not in " ".join(
        files.get(n, "") for n in ("pyproject.toml", "setup.cfg", "pytest.ini")
    ):
        return _blank("the command that runs the tests and writes JUnit XML; Django's own runner writes none")
    folders = sorted({path.partition("/")[0] for path in tests if "/" in path})
    folder = next((f for f in ("tests", "test") if f in folders), None)
    measured = [f"--cov={name}" for name in packages] if len(packages) <= _MANY else ["--cov"]
    parts = [
        "pytest",
        *([folder] if folder else []),
        f"--junitxml={REPORTS['test.junit']}",
        *(measured or ["--cov"]),
        f"--cov-report=xml:{REPORTS['test.coverage']}",
    ]
    more = f" and {len(tests) - 1} more" if len(tests) > 1 else ""
    return Guess(key="test.run", value=" ".join(parts), why=f"tests in {min(tests)}{more}")


def _blank(why: str) -> Guess:
    return Guess(key="test.run", value=None, why=why)


def _requirements(project: Project) -> Guess:
    found, why = _declared(project)
    names = {package_of(text) for text in found}
    missing = [name for name in _NEEDED if name not in names and not any(text.startswith("-r ") for text in found)]
    added = f"; {' and '.join(missing)} for the reports" if missing else ""
    return Guess(key="test.requirements", value=(*found, *missing), why=f"{why}{added}")


def _declared(project: Project) -> tuple[tuple[str, ...], str]:
    for extra in _EXTRAS:
        found = _own(project, project.extras.get(extra, ()))
        if found:
            return found, f"from {extra} in {' and '.join(project.sources)}"
    for path, text in project.requirement_files.items():
        if path.endswith(".txt") and _FILES.fullmatch(path.removesuffix(".txt").replace("requirements", "")):
            return ((f"-r {path}",) if is_plain(text) else _own(project, specifiers(text))), f"from {path}"
    return (), "the project declares no test requirements"


def _own(project: Project, requirements: tuple[str, ...]) -> tuple[str, ...]:
    """Return what is to be installed for the tests; an extra may name other extras of the same project."""
    found: list[str] = []
    for text in requirements:
        name = package_of(text)
        if name is not None and name != package_of(project.name or "") and name not in _OTHERS_RUN:
            found.append(text)
    return tuple(dict.fromkeys(found))

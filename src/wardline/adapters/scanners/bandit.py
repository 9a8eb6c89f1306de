"""Bandit: weaknesses in Python source.

Bandit ends with exit code 0 for a folder that does not exist, an empty one, and a file it cannot parse. So
Wardline lists the files itself, names every one on the command line, and believes a report only if it has a line
count for each of them and no error. Nothing in the repository can narrow the look: its `.bandit` and its
`# nosec` comments are ignored. A finding is passed by a waiver, which is signed and expires.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path, PurePosixPath
from typing import Final

from wardline.adapters.scanners.programs import UNKNOWN, CouldNotLook, Programs
from wardline.canonical import JSON, JSONObject
from wardline.findings.finding import Finding, Severity
from wardline.findings.fingerprint import Sighting, identify
from wardline.findings.scanning import CodeScan, LookedAt, ScannerId

_NAME: Final = "bandit"
_MAX_ARGUMENTS: Final = 1 << 20  # bytes of file names; Linux passes twice that, variables included
_TEST_FOLDERS: Final = frozenset({"test", "tests"})
_TEST_FILES: Final = re.compile(r"test_.*\.py|.*_test\.py|conftest\.py")
_SEVERITIES: Final = {
    "HIGH": Severity.HIGH,
    "MEDIUM": Severity.MEDIUM,
    "LOW": Severity.LOW,
    "UNDEFINED": Severity.NOTE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Bandit:
    """Answers CodeScanner. Tests are not looked at: they are not shipped, and assert and fake passwords abound."""

    programs: Programs

    def scan(self, source: Path, *, paths: tuple[str, ...], timeout: timedelta) -> CodeScan:
        """See CodeScanner."""
        try:
            files = _files(source, paths)
            report = self._report(source, files, timeout)
            looked_at = _looked_at(report, files)
            findings = identify(_sightings(source, report))
        except CouldNotLook as why:
            return _not_looked(why)
        return CodeScan(
            scanner=ScannerId(name=_NAME, version=_version()),
            looked_at=looked_at,
            findings=findings,
            reason=None,
            report=self.programs.masked(_without_source(report)),
        )

    def _report(self, source: Path, files: tuple[str, ...], timeout: timedelta) -> JSONObject:
        # An empty list of exclusions: the default one leaves out every path that contains "CVS".
        options = ("--quiet", "--format", "json", "--ignore-nosec", "--exclude", "")
        names = (f"./{name}" for name in files)
        return self.programs.report(_NAME, *options, *names, timeout=timeout, cwd=source, accepts=range(2))


def _files(source: Path, paths: tuple[str, ...]) -> tuple[str, ...]:
    """Return the Python files below `paths` that are shipped, as names below `source`."""
    root = source.resolve()
    found = set()
    for path in paths:
        start = (root / path).resolve()
        if not start.exists() or not start.is_relative_to(root):
            raise CouldNotLook("path-not-found", f"scan.paths: {path} is not in the commit.")
        found |= {file.relative_to(root).as_posix() for file in _python(start, root)}
    if not found:
        raise CouldNotLook("nothing-to-look-at", f"There is no Python file below {', '.join(paths)}, tests left out.")
    if sum(len(name) + 3 for name in found) > _MAX_ARGUMENTS:
        raise CouldNotLook("too-many-files", "Narrow scan.paths to what is shipped.")
    return tuple(sorted(found))


def _python(start: Path, root: Path) -> Iterator[Path]:
    for file in [start] if start.is_file() else start.rglob("*.py"):
        folders = file.relative_to(root).parts[:-1]
        hidden = any(part.startswith(".") for part in folders)
        tests = _TEST_FOLDERS.intersection(folders) or _TEST_FILES.fullmatch(file.name)
        if file.is_file() and not file.is_symlink() and not hidden and not tests:
            yield file


def _looked_at(report: JSONObject, files: tuple[str, ...]) -> LookedAt:
    """Return how much was looked at, or say that it was not everything."""
    match report:
        case {"errors": [], "metrics": dict(metrics), "results": list()}:
            pass
        case {"errors": list(errors), "metrics": dict(), "results": list()}:
            names = ", ".join(str(error.get("filename")) for error in errors[:5] if isinstance(error, dict))
            raise CouldNotLook("file-not-read", f"bandit could not parse {names}; correct it or leave it out.")
        case _:
            raise CouldNotLook("report-malformed", "bandit wrote JSON of another shape.")
    lines = {_below(name): _count(counts) for name, counts in metrics.items() if name != "_totals"}
    if set(lines) != set(files):
        lacking = sorted(set(files) - set(lines))
        raise CouldNotLook(
            "file-not-looked-at", f"bandit left out {', '.join(lacking[:5]) or 'nothing, but added some'}."
        )
    if not sum(lines.values()):
        raise CouldNotLook("nothing-to-look-at", "The Python files have no line of code.")
    return LookedAt(files=len(lines), lines=sum(lines.values()))


def _count(counts: JSON) -> int:
    match counts:
        case {"loc": int(lines)}:
            return lines
        case _:
            raise CouldNotLook("report-malformed", "bandit gave no line count for a file.")


def _sightings(source: Path, report: JSONObject) -> Iterable[Sighting]:
    results = report["results"]
    return [_sighting(source, result) for result in results] if isinstance(results, list) else []


def _sighting(source: Path, result: JSON) -> Sighting:
    match result:
        case {
            "test_id": str(rule),
            "test_name": str(name),
            "issue_text": str(text),
            "issue_severity": str(severity),
            "filename": str(filename),
            "line_number": int(line),
        } if severity in _SEVERITIES:
            path = _below(filename)
            finding = Finding(
                id="",
                check=_NAME,
                rule=rule,
                severity=_SEVERITIES[severity],
                path=path,
                line=line,
                message=_message(text, name),
            )
            return Sighting(finding=finding, text=_line(source / path, line))
        case _:
            raise CouldNotLook("report-malformed", "bandit described a finding in another way.")


def _message(text: str, name: str) -> str:
    """Return what the rule says, without what it quotes from the source: a hard-coded password, say."""
    own = re.split(r"['\"(]", text, maxsplit=1)[0].rstrip(" :")
    return own if " " in own else name.replace("_", " ")


def _line(path: Path, number: int) -> str:
    lines = path.read_text(errors="replace").splitlines()
    return lines[number - 1] if 0 < number <= len(lines) else ""


def _without_source(report: JSONObject) -> JSONObject:
    results = report["results"]
    if not isinstance(results, list):
        return report
    kept: list[JSON] = []
    for result in results:
        if isinstance(result, dict):
            words = _message(str(result["issue_text"]), str(result["test_name"]))
            kept.append({name: value for name, value in result.items() if name != "code"} | {"issue_text": words})
    return report | {"results": kept}


def _below(name: str) -> str:
    return PurePosixPath(name).as_posix()  # bandit puts "./" in front


def _version() -> str:
    try:
        return version(_NAME)
    except PackageNotFoundError:
        return UNKNOWN


def _not_looked(why: CouldNotLook) -> CodeScan:
    return CodeScan(
        scanner=ScannerId(name=_NAME, version=_version()),
        looked_at=LookedAt(files=0, lines=0),
        findings=(),
        reason=why.reason,
        report=None,
        remedy=why.remedy,
    )

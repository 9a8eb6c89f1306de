"""What test runs write: JUnit XML and Cobertura XML, read without trust.

Sources: https://github.com/testmoapp/junitxml (there is no standard: what pytest, unittest, nose and Maven write is
read), https://raw.githubusercontent.com/cobertura/web/master/htdocs/xml/coverage-04.dtd.
"""

import re
from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Final
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from wardline.errors import InvalidInput

MAX_REPORT: Final = 32 << 20  # bytes; 100,000 tests with their output. Read whole, it takes ten times that in memory
_COUNT: Final = re.compile(r"\d{1,12}", re.ASCII)
_RATE: Final = re.compile(r"\d(?:\.\d{1,20})?", re.ASCII)
_FULL: Final = 10_000  # basis points


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Every test that was reported, once each. A skipped one was not executed."""

    passed: int
    failed: int
    errored: int
    skipped: int

    @property
    def executed(self) -> int:
        return self.passed + self.failed + self.errored


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    covered_bp: int  # basis points of lines, rounded down
    files: tuple[str, ...]  # what was measured, as the report names it
    sources: tuple[str, ...]  # folders those names may be relative to


def read_junit(content: bytes) -> Counts:
    """Count the test cases of a JUnit report, however deep its suites are nested.

    Raises:
        InvalidInput: It is no well-formed JUnit XML, or it is a bomb.
    """
    root = _parse(content, "JUnit", {"testsuites", "testsuite"})
    endings = Counter(_ending(case) for case in root.iter("testcase"))
    return Counts(
        passed=endings["passed"], failed=endings["failure"], errored=endings["error"], skipped=endings["skipped"]
    )


def read_cobertura(content: bytes) -> Coverage:
    """Return how many of the lines that a Cobertura report names were executed.

    Raises:
        InvalidInput: It is no well-formed Cobertura XML, it is a bomb, or it measured no line.
    """
    root = _parse(content, "Cobertura", {"coverage"})
    return Coverage(
        covered_bp=_covered_bp(root),
        files=tuple(sorted({name for c in root.iter("class") if (name := c.get("filename"))})),
        sources=tuple(text for source in root.iter("source") if (text := (source.text or "").strip())),
    )


def _parse(content: bytes, kind: str, roots: set[str]) -> Element:
    if len(content) > MAX_REPORT:
        raise InvalidInput(f"the {kind} report has {len(content)} bytes; expected at most {MAX_REPORT}")
    try:
        root: Element = fromstring(content)
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise InvalidInput(f"the {kind} report is no well-formed, harmless XML: {type(error).__name__}") from error
    if root.tag not in roots:
        raise InvalidInput(
            f"the {kind} report begins with <{root.tag[:40]}>; expected <{'> or <'.join(sorted(roots))}>"
        )
    return root


def _ending(case: Element) -> str:
    children = {child.tag for child in case}
    return next((ending for ending in ("error", "failure", "skipped") if ending in children), "passed")


def _covered_bp(root: Element) -> int:
    valid, covered = root.get("lines-valid"), root.get("lines-covered")
    if valid is not None and covered is not None:
        return _ratio(valid, covered)
    lines = list(root.iter("line"))
    if lines:
        return _ratio(str(len(lines)), str(sum(line.get("hits", "0") != "0" for line in lines)))
    return _rate(root.get("line-rate"))


def _ratio(valid: str, covered: str) -> int:
    if not (_COUNT.fullmatch(valid) and _COUNT.fullmatch(covered)):
        raise InvalidInput("the Cobertura report counts lines in something other than whole numbers")
    if int(valid) == 0 or int(covered) > int(valid):
        raise InvalidInput(
            f"the Cobertura report covers {covered} of {valid} lines; expected some, of at least as many"
        )
    return _FULL * int(covered) // int(valid)


def _rate(text: str | None) -> int:
    if text is None or not _RATE.fullmatch(text):
        raise InvalidInput("the Cobertura report has no line-rate from 0 to 1")
    rate = Decimal(text)
    if rate > 1:
        raise InvalidInput(f"the Cobertura report has the line-rate {rate}; expected 0 to 1")
    return int(rate * _FULL)


def lies_below(folder: Path, coverage: Coverage) -> bool:
    """Return whether every measured file is one of `folder`: then nothing that was installed was measured."""
    root = folder.resolve()
    return bool(coverage.files) and all(_is_of(root, name, coverage.sources) for name in coverage.files)


def _is_of(root: Path, name: str, sources: tuple[str, ...]) -> bool:
    candidates = [Path(source, name) for source in sources if Path(source).is_absolute()] + [root / name]
    return any(path.is_file() and path.resolve().is_relative_to(root) for path in candidates)

"""`.wardline-allow.yaml`: what a project lets stand, each with its reason, and how it writes record numbers."""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import yaml

from wardline.errors import InvalidInput
from wardline.findings.sensitive.classes import SensitiveClass
from wardline.findings.sensitive.sighting import SensitiveFinding

NAME: Final = ".wardline-allow.yaml"
MAX_BYTES: Final = 1 << 20
_SHORTEST_REASON: Final = 8  # letters; "ok" is no reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """A place where findings are let stand."""

    path: str  # a glob below the file's folder; `**` crosses folders
    kind: SensitiveClass | None  # None: every class but secrets
    reason: str

    def covers(self, finding: SensitiveFinding) -> bool:
        same = finding.kind is self.kind if self.kind is not None else finding.kind is not SensitiveClass.SECRET
        return same and _glob(self.path).fullmatch(finding.finding.path) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class AllowFile:
    allowances: tuple[Allowance, ...] = ()
    record_number: str | None = None

    def allows(self, finding: SensitiveFinding) -> bool:
        return any(allowance.covers(finding) for allowance in self.allowances)


def parse_allow_file(text: str) -> AllowFile:
    """Read the file.

    Raises:
        InvalidInput: Everything that is wrong with it, at once.
    """
    try:
        document = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise InvalidInput(f"{NAME} is no YAML") from error
    if document is None:
        return AllowFile()
    if not isinstance(document, dict) or not set(document) <= {"allow", "record_number"}:
        raise InvalidInput(f"{NAME}: expected a mapping with `allow` and `record_number`")
    entries = document.get("allow") or []
    if not isinstance(entries, list):
        raise InvalidInput(f"{NAME}: `allow` is no list")
    problems: list[str] = []
    allowances = [_allowance(entry, f"{NAME}: allow[{number}]", problems) for number, entry in enumerate(entries)]
    pattern = document.get("record_number")
    if pattern is not None and not isinstance(pattern, str):
        problems.append(f"{NAME}: record_number: expected a regular expression, as text")
    if problems:
        raise InvalidInput(f"{NAME} has {len(problems)} problems", problems=problems)
    return AllowFile(
        allowances=tuple(each for each in allowances if each is not None),
        record_number=_pattern(pattern) if isinstance(pattern, str) else None,
    )


def _pattern(pattern: str) -> str:
    try:
        empty = re.compile(pattern.encode()).match(b"") is not None
    except re.error as error:
        raise InvalidInput(f"{NAME}: record_number is no regular expression: {error}") from error
    if empty:
        raise InvalidInput(f"{NAME}: record_number matches nothing at all; expected at least one character")
    return pattern


def _allowance(entry: object, where: str, problems: list[str]) -> Allowance | None:
    if not isinstance(entry, dict) or not set(entry) <= {"path", "class", "reason"}:
        problems.append(f"{where}: expected path, reason and, where only one class is meant, class")
        return None
    path, kind, reason = entry.get("path"), entry.get("class"), entry.get("reason")
    if not isinstance(path, str) or not path:
        problems.append(f"{where}: path: expected a glob")
    elif not isinstance(reason, str) or len(reason.strip()) < _SHORTEST_REASON:
        problems.append(f"{where}: reason: expected a sentence that an auditor can read")
    elif kind is not None and kind not in set(SensitiveClass):
        problems.append(f"{where}: class: expected one of {', '.join(SensitiveClass)}")
    else:
        return Allowance(path=path, kind=None if kind is None else SensitiveClass(kind), reason=reason)
    return None


@lru_cache(maxsize=512)
def _glob(pattern: str) -> re.Pattern[str]:
    pieces = (
        ".*" if part == "**" else "[^/]*" if part == "*" else "[^/]" if part == "?" else re.escape(part)
        for part in re.split(r"(\*\*|\*|\?)", pattern)
    )
    return re.compile("".join(pieces), re.DOTALL)

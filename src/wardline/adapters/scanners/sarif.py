"""SARIF 2.1.0 of any tool, read into our findings: https://docs.oasis-open.org/sarif/sarif/v2.1.0/.

A file says that a tool looked only if it says so: a run without results, or with none and without an invocation that
succeeded, is `errored`. What the source suppresses is a finding all the same; a waiver is signed and expires.
The message of a result is left out, because it may quote the source; the words are those of the rule.
"""

import json
from collections.abc import Iterator
from typing import Final
from urllib.parse import unquote

from wardline.canonical import JSON, JSONObject
from wardline.errors import InvalidInput
from wardline.findings.advisories.severity import of_score
from wardline.findings.finding import Finding, Severity
from wardline.findings.fingerprint import Sighting, identify
from wardline.findings.scanning import CodeScan, LookedAt, ScannerId

MAX_BYTES: Final = 256 << 20  # the largest report seen has 90 MB
_MOST_RESULTS: Final = 200_000
_LONGEST: Final = 400  # characters of what is taken over
_LEVELS: Final = {"error": Severity.HIGH, "warning": Severity.MEDIUM, "note": Severity.LOW, "none": Severity.NOTE}
_NO_FINDINGS: Final = frozenset({"pass", "notApplicable", "informational"})  # §3.27.9
_HIGHEST_SCORE: Final = 10


class _Malformed(Exception):
    """A run is not what SARIF says. Travels inside this module only."""


def read_sarif(content: bytes) -> tuple[CodeScan, ...]:
    """Return what each run of a SARIF file says; one that cannot be believed is a scan with its `reason`.

    Raises:
        InvalidInput: It is no SARIF 2.1.0 file, is cut short or too large, or holds no run.
    """
    if len(content) > MAX_BYTES:
        raise InvalidInput(f"SARIF: expected at most {MAX_BYTES} bytes, got {len(content)}")
    try:
        document: JSON = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise InvalidInput("SARIF: expected JSON, got something else or a part of it") from error
    match document:
        case {"version": "2.1.0", "runs": [_, *_] as runs}:
            return tuple(_scan(run) for run in runs)
        case {"version": "2.1.0", "runs": []}:
            raise InvalidInput(
                "SARIF: expected at least one run, got none", remedy="Nothing was looked at: run the tool."
            )
        case _:
            raise InvalidInput("SARIF: expected version 2.1.0 and its runs")


def _scan(run: JSON) -> CodeScan:
    tool = ScannerId(name="unknown", version="unknown")
    try:
        found = _object(run)
        tool = _tool(found)
        reason = _reason(found)
        results = [] if reason is not None else _list(found.get("results"))
        if len(results) > _MOST_RESULTS:
            reason, results = "report-too-large", []
        rules = _rules(found)
        findings = identify(sighting for each in results for sighting in _sighting(_object(each), rules, tool.name))
    except _Malformed:
        reason, findings = "report-malformed", ()
    files = {finding.path for finding in findings}
    return CodeScan(
        scanner=tool, looked_at=LookedAt(files=len(files), lines=0), findings=findings, reason=reason, report=None
    )


def _reason(run: JSONObject) -> str | None:
    """Return why the run cannot be believed; None: it can."""
    invocations = [_object(each) for each in _list(run.get("invocations"))]
    notes = [_object(note) for each in invocations for note in _list(each.get("toolExecutionNotifications"))]
    if any(each.get("executionSuccessful") is not True for each in invocations):
        return "scanner-crashed"
    if any(note.get("level") == "error" for note in notes):
        return "scanner-reported-errors"
    if run.get("results") is None:  # §3.14.23: it did not try
        return "results-missing"
    return None if run["results"] or invocations else "success-not-stated"


def _tool(run: JSONObject) -> ScannerId:
    match run.get("tool"):
        case {"driver": {"name": str(name), **more}} if name.strip():
            version = more.get("semanticVersion") or more.get("version")
            return ScannerId(name=_line(name), version=_line(version) if isinstance(version, str) else "unknown")
        case _:
            raise _Malformed


def _rules(run: JSONObject) -> list[JSONObject]:
    tool = _object(run.get("tool"))
    parts = [_object(tool.get("driver")), *(_object(each) for each in _list(tool.get("extensions")))]
    return [_object(rule) for part in parts for rule in _list(part.get("rules"))]


def _sighting(result: JSONObject, rules: list[JSONObject], tool: str) -> Iterator[Sighting]:
    kind = result.get("kind", "fail")
    if not isinstance(kind, str):
        raise _Malformed
    if kind in _NO_FINDINGS or result.get("baselineState") == "absent":
        return
    name, rule = _rule_of(result, rules)
    path, line, text = _place(result)
    finding = Finding(
        id="", check=tool, rule=name, severity=_severity(result, rule), path=path, line=line, message=_words(name, rule)
    )
    yield Sighting(finding=finding, text=text)


def _rule_of(result: JSONObject, rules: list[JSONObject]) -> tuple[str, JSONObject]:
    own = _object(result.get("rule"))
    name, index = result.get("ruleId", own.get("id")), result.get("ruleIndex", own.get("index"))
    if name is None and isinstance(index, int) and 0 <= index < len(rules):
        name = rules[index].get("id")
    if not isinstance(name, str) or not name.strip():
        raise _Malformed
    # §3.52.4: a result may name a rule more exactly than the table, as in CA1000/1.
    wanted = (name, name.rpartition("/")[0])
    return _line(name), next((rule for rule in rules if rule.get("id") in wanted), {})


def _severity(result: JSONObject, rule: JSONObject) -> Severity:
    score = _object(rule.get("properties")).get("security-severity")
    try:
        value = float(score) if isinstance(score, str | int | float) else None
    except ValueError as error:
        raise _Malformed from error
    if value is not None:
        if not 0 <= value <= _HIGHEST_SCORE:
            raise _Malformed
        return of_score(value)
    level = result.get("level", _object(rule.get("defaultConfiguration")).get("level", "warning"))
    if not isinstance(level, str) or level not in _LEVELS:
        raise _Malformed
    return _LEVELS[level]


def _place(result: JSONObject) -> tuple[str, int, str]:
    """Return path, line and source text of the first place; a result without one stands for the whole."""
    places = _list(result.get("locations"))
    physical = _object(_object(places[0]).get("physicalLocation")) if places else {}
    uri, region = _object(physical.get("artifactLocation")).get("uri"), _object(physical.get("region"))
    line, text = region.get("startLine", 0), _object(region.get("snippet")).get("text", "")
    if not isinstance(line, int) or isinstance(line, bool) or not 0 <= line < 1 << 31 or not isinstance(text, str):
        raise _Malformed
    return _below(uri) if isinstance(uri, str) else ".", line, text


def _below(uri: str) -> str:
    path = unquote(uri.removeprefix("file://")).replace("\\", "/")
    parts = [part for part in path.split("/") if part not in {"", "."}]
    if ".." in parts:
        raise _Malformed
    return _line("/".join(parts)) or "."


def _words(name: str, rule: JSONObject) -> str:
    texts = [_object(rule.get(each)).get("text") for each in ("shortDescription", "fullDescription")]
    words = next((text for text in (*texts, rule.get("name")) if isinstance(text, str) and text.strip()), name)
    return _line(words)


def _line(text: str) -> str:
    """Return `text` as one line that prints, cut off where it is too long."""
    printable = "".join(c if c.isprintable() else " " for c in text)
    return " ".join(printable.split())[:_LONGEST]


def _object(value: JSON) -> JSONObject:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise _Malformed
    return value


def _list(value: JSON) -> list[JSON]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise _Malformed
    return value

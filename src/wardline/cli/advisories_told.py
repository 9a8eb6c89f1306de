"""How an SBOM that was held against advisories is told: for people, as JSON, as SARIF 2.1.0."""

from collections.abc import Iterator

from wardline import __version__
from wardline.bootstrap.advisories import Checked
from wardline.canonical import JSON, JSONObject
from wardline.findings.advisories.matching import Vulnerability
from wardline.findings.finding import Severity

_LEVELS = {
    Severity.CRITICAL: "error",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "note",
    Severity.NOTE: "note",
}


def as_text(checked: Checked) -> Iterator[str]:
    matched, known = checked.matched, checked.known
    for each in matched.open:
        finding = each.finding
        yield f"{finding.severity.value:8}  {finding.message}  [{finding.id}]"
    for each in matched.not_affected:
        reason = each.said.justification if each.said is not None else None
        yield f"not affected: {each.component.name} {each.component.version}, {each.ids[0]}: {reason}"
    for name, code in matched.unknown:
        yield f"errored   {name}: {code}"
    yield (
        f"{matched.compared} components compared, {len(matched.open)} vulnerabilities, {len(matched.not_affected)} "
        f"not affected by VEX, {len(matched.unknown)} not compared; advisories as of {known.snapshot.newest:%Y-%m-%d}, "
        f"{known.age.days} days ago"
    )


def as_json(checked: Checked) -> JSONObject:
    matched, known = checked.matched, checked.known
    unknown: list[JSON] = [{"component": name, "code": code} for name, code in matched.unknown]
    return {
        "advisories": known.snapshot.to_json() | {"log": known.log, "age_days": known.age.days},
        "compared": matched.compared,
        "findings": [each.to_json() for each in matched.open],
        "not_affected": [each.to_json() for each in matched.not_affected],
        "not_compared": unknown,
    }


def as_sarif(checked: Checked) -> JSONObject:
    """Return a SARIF log with one run; `executionSuccessful` is false where a component could not be compared."""
    matched = checked.matched
    rules = {each.ids[0]: each for each in (*matched.open, *matched.not_affected)}
    notes: list[JSON] = [{"level": "error", "message": {"text": f"{name}: {code}"}} for name, code in matched.unknown]
    run: JSONObject = {
        "tool": {
            "driver": {
                "name": "wardline advisories",
                "version": __version__,
                "rules": [{"id": name, "helpUri": f"https://osv.dev/vulnerability/{name}"} for name in sorted(rules)],
            }
        },
        "invocations": [{"executionSuccessful": not matched.unknown, "toolExecutionNotifications": notes}],
        "results": [*map(_result, matched.open), *map(_result, matched.not_affected)],
    }
    return {"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": [run]}


def _result(each: Vulnerability) -> JSONObject:
    finding = each.finding
    result: JSONObject = {
        "ruleId": finding.rule,
        "level": _LEVELS[finding.severity],
        "message": {"text": finding.message},
        "locations": [{"logicalLocations": [{"fullyQualifiedName": finding.path, "kind": "package"}]}],
        "partialFingerprints": {"wardline/v1": finding.id},
    }
    if each.said is None or not each.said.clears:
        return result
    reason = each.said.justification or ""
    return result | {"suppressions": [{"kind": "external", "justification": reason, "status": "accepted"}]}

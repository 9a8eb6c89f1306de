"""How the result of a scan looks: for people, as JSON, as SARIF 2.1.0. None of them holds a value."""

from typing import Final

from wardline import __version__
from wardline.bootstrap.scanning import SensitiveScan
from wardline.canonical import JSON, JSONObject
from wardline.cli.shell import say
from wardline.findings.finding import Severity
from wardline.findings.sensitive.classes import MESSAGES, SensitiveClass
from wardline.findings.sensitive.sighting import PREVIEW, SensitiveFinding

_ORDER: Final = tuple(Severity)
_LEVELS: Final = {Severity.CRITICAL: "error", Severity.HIGH: "error", Severity.MEDIUM: "warning"}


def counts_over(result: SensitiveScan, threshold: str) -> int:
    """Return how many findings are at least as severe as `threshold`."""
    most = _ORDER.index(Severity(threshold))
    return sum(_ORDER.index(each.finding.severity) <= most for each in result.findings)


def tell_scan(result: SensitiveScan) -> None:
    for each in result.findings:
        place = f"{_printable(each.finding.path)}:{each.finding.line}:{each.column}"
        say(f"{place}  {each.finding.severity}  {each.kind}  {PREVIEW}  {each.finding.message} ({each.finding.rule})")
    for unread in result.looked.unread:
        say(f"{_printable(unread.name)}  errored  {unread.reason}: not looked at")
    looked = result.looked
    say(
        f"{len(result.findings)} findings in {looked.files} files ({looked.remembered} unchanged since clean, "
        f"{len(looked.skipped)} without text, {len(looked.unread)} not looked at, {result.allowed} findings allowed)"
    )
    if result.findings:
        say("→ Take the values out, or make up others; a secret that was committed is to be replaced, not removed.")
        say("  What may stay goes into .wardline-allow.yaml, with its reason.")


def scan_to_json(result: SensitiveScan) -> JSONObject:
    looked = result.looked
    return {
        "findings": [each.to_json() for each in result.findings],
        "errored": [{"path": each.name, "reason": each.reason} for each in looked.unread],
        "skipped": [{"path": each.name, "reason": each.reason} for each in looked.skipped],
        "looked_at": {"files": looked.files, "bytes": looked.bytes_read, "unchanged": looked.remembered},
        "allowed": result.allowed,
        "clean": not result.findings and not looked.unread,
    }


def scan_to_sarif(result: SensitiveScan) -> JSONObject:
    driver: JSONObject = {
        "name": "wardline scan",
        "version": __version__,
        "rules": [_rule(kind) for kind in SensitiveClass],
    }
    run: JSONObject = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "invocations": [
            {
                "executionSuccessful": not result.looked.unread,
                "toolExecutionNotifications": [
                    {
                        "level": "error",
                        "message": {"text": f"not looked at: {each.reason}"},
                        "locations": [_location(each.name, None)],
                    }
                    for each in result.looked.unread
                ],
            }
        ],
        "results": [_result(each) for each in result.findings],
    }
    return {"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": [run]}


def _rule(kind: SensitiveClass) -> JSONObject:
    return {"id": kind.value, "shortDescription": {"text": MESSAGES[kind]}}


def _result(each: SensitiveFinding) -> JSONObject:
    region: JSONObject = {"startLine": each.finding.line, "startColumn": each.column}
    return {
        "ruleId": each.kind.value,
        "level": _LEVELS.get(each.finding.severity, "note"),
        "message": {"text": f"{each.finding.message} ({each.finding.rule})"},
        "locations": [_location(each.finding.path, region)],
        "partialFingerprints": {"wardline/v1": each.finding.id},
    }


def _location(path: str, region: JSON) -> JSONObject:
    from urllib.parse import quote

    place: JSONObject = {"artifactLocation": {"uri": quote(path)}}
    return {"physicalLocation": place if region is None else place | {"region": region}}


def _printable(text: str) -> str:
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)

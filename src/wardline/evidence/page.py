"""The page of a packet: what its statements say, for a person who reads it in a browser or on paper.

A pure function of the statements, and part of packet format 1: any change to what it returns is a
new format, because a verifier renders the page again and compares.
"""

import base64
import hashlib
import html
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from wardline.canonical import JSON, JSONObject
from wardline.clock import to_rfc3339
from wardline.evidence.log import Evidence
from wardline.evidence.mentions import member
from wardline.ids import RunId
from wardline.predicates import NAMESPACE

STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; color: #1a1a1a; max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }
h1 { margin-bottom: 0; } h2 { margin-top: 2rem; border-bottom: 1px solid #999; } h3 { margin-bottom: .2rem; }
table { border-collapse: collapse; width: 100%; font-size: 14px; }
th, td { text-align: left; vertical-align: top; padding: .25rem .6rem .25rem 0; border-bottom: 1px solid #ddd; }
th { font-weight: 600; } td { overflow-wrap: anywhere; } td:first-child { white-space: nowrap; }
code { font-family: ui-monospace, monospace; overflow-wrap: anywhere; }
.notice, .warning { border: 2px solid #555; padding: .6rem 1rem; margin: 1rem 0; } .warning { border-color: #a00; }
.good { color: #06602b; font-weight: 600; } .bad { color: #a00; font-weight: 600; } .open { color: #8a5a00; font-weight: 600; }
@media print { body { margin: 0; max-width: none; font-size: 11px; } table { font-size: 10px; } h2 { break-after: avoid; } tr { break-inside: avoid; } }
"""  # noqa: E501  # one byte sequence, pinned by its hash in the page's policy
STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()

_SOURCE = f"{NAMESPACE}/source/v1"
_PROVENANCE = "https://slsa.dev/provenance/v1"
_TEST_RESULT = "https://in-toto.io/attestation/test-result/v0.1"
_SBOM = f"{NAMESPACE}/sbom/v1"
_SCAN = f"{NAMESPACE}/scan/v1"
_STAGE_STOPPED = f"{NAMESPACE}/stage-stopped/v1"
_DECISION = "https://slsa.dev/verification_summary/v1"
_APPROVAL = f"{NAMESPACE}/approval/v1"
_REJECTION = f"{NAMESPACE}/rejection/v1"
_WAIVER = f"{NAMESPACE}/waiver/v1"
_ENROLMENT = f"{NAMESPACE}/enrolment/v1"
_DEPLOYMENT = f"{NAMESPACE}/deployment/v1"
_ANALYSIS = f"{NAMESPACE}/analysis/v1"
_REHEARSAL = f"{NAMESPACE}/rollback-rehearsal/v1"
_SEAL = f"{NAMESPACE}/seal/v1"

# Phases that end a deployment; those before are steps on its way.
_ENDINGS = frozenset({"succeeded", "rolled-back", "failed", "stopped", "fenced"})
_COLOURS = {
    **dict.fromkeys(("passed", "PASSED", "allow", "succeeded", "approved"), "good"),
    **dict.fromkeys(("failed", "FAILED", "deny", "denied", "rejected", "rolled-back", "critical", "high"), "bad"),
    **dict.fromkeys(("errored", "inconclusive", "undecided", "not sealed", "cancelled"), "open"),
}
_Row = tuple[JSON, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a page is made from. `evidence` is in log order; some of it stands outside `run`."""

    run: RunId
    origin: str
    evidence: Sequence[Evidence]

    def of(self, *predicate_types: str) -> list[Evidence]:
        """Return what the run itself said of these types."""
        return [item for item in self.every(*predicate_types) if item.statement.context.run == self.run]

    def every(self, *predicate_types: str) -> list[Evidence]:
        return [item for item in self.evidence if item.statement.predicate_type in predicate_types]

    def own(self) -> list[Evidence]:
        return [item for item in self.evidence if item.statement.context.run == self.run]


def render(told: Told) -> str:
    """Return the HTML that stands between the frame's parts."""
    parts = [_heading(told), _notice(told)]
    parts += [f"<h2>{title}</h2>\n{section(told)}" for title, section in _SECTIONS]
    return "\n".join(parts) + "\n"


def _heading(told: Told) -> str:
    service, version = _service(told), _version(told)
    return (
        f"<h1>Release record: {_escape(service)} {_escape(version)}</h1>\n<p>Run <code>{_escape(told.run)}</code></p>"
    )


def _notice(told: Told) -> str:
    notice = (
        '<p class="notice">This page proves nothing until <code>wardline verify</code> says so, with a key that did '
        "not come with this file. It records evidence; whether that meets a requirement of the law is for people to "
        "judge. It is not legal advice.</p>"
    )
    if told.of(_SEAL):
        return notice
    return f'{notice}\n<p class="warning">This run is not sealed: its record is not complete.</p>'


def _summary(told: Told) -> str:
    own, source = told.own(), _body(told.of(_SOURCE))
    rows: list[_Row] = [
        ("Service", _service(told)),
        ("Version", _version(told)),
        ("Artifact", _artifact(told)),
        ("Commit", member(source, "commit", "sha")),
        ("Author", member(source, "author") or ("unmapped" if source else None)),
        ("Criticality", member(source, "criticality")),
        ("Data", _list(member(source, "data"))),
        ("Regulations named", _list(member(source, "regulations"))),
        ("Began", _when(own[0]) if own else None),
        ("Ended", _when(own[-1]) if told.of(_SEAL) else None),
        ("How it ended", member(_body(told.of(_SEAL)), "status") or "not sealed"),
        ("Log", told.origin),
    ]
    return _table((), rows)


def _environments(told: Told) -> str:
    rows: list[_Row] = []
    for item in told.of(_DEPLOYMENT):
        body = item.statement.body
        if _plain(member(body, "phase")) in _ENDINGS:
            release = f"{_plain(member(body, 'release', 'version'))} ({_plain(member(body, 'release', 'id'))})"
            serving = member(body, "serving") or "nothing"
            head = (member(body, "environment"), _when(item), member(body, "phase"), release)
            rows.append((*head, member(body, "strategy"), member(body, "reason"), serving, member(body, "decision")))
    headings = ("Environment", "When", "How it ended", "Release", "Strategy", "Reason", "Serving after", "Allowed by")
    return _table(headings, rows)


def _gates(told: Told) -> str:
    parts = []
    for item in told.of(_DECISION):
        decision = member(item.statement.body, "wardline_decision")
        verdict = _plain(member(decision, "verdict"))
        reasons = member(decision, "reasons")
        rows: list[_Row] = [
            (member(r, "policy"), member(r, "verdict"), member(r, "message"), _list(member(r, "controls")))
            for r in (reasons if isinstance(reasons, list) else [])
        ]
        parts.append(
            f"<h3>{_escape(member(decision, 'environment'))}: {_coloured(verdict)}</h3>\n"
            f"<p>Statement {item.index}, {_escape(_when(item))}. "
            f"Policies <code>{_escape(member(decision, 'policy_digest', 'sha256'))}</code>, "
            f"asked about <code>{_escape(member(decision, 'input_digest', 'sha256'))}</code>.</p>\n"
            + _table(("Policy", "Verdict", "Why", "Controls it speaks to"), rows)
        )
    return "\n".join(parts) or _NOTHING


def _approvals(told: Told) -> str:
    rows: list[_Row] = []
    for item in told.of(_APPROVAL, _REJECTION):
        body = item.statement.body
        answer = "approved" if item.statement.predicate_type == _APPROVAL else "rejected"
        who = item.statement.context.actor
        key = item.envelope.signatures[0].keyid
        rows.append((member(body, "environment"), member(body, "role"), answer, who, _when(item), key, item.index))
    return _table(("Environment", "Role", "Answer", "By", "When", "Signed with key", "Statement"), rows)


def _tests(told: Told) -> str:
    rows: list[_Row] = []
    for item in told.of(_TEST_RESULT):
        tests = member(item.statement.body, "wardline_tests")
        counts = tuple(member(tests, name) for name in ("executed", "passed", "failed", "errored", "skipped"))
        coverage = (_percent(member(tests, "coverage_bp")), _percent(member(tests, "min_coverage_bp")))
        rows.append((item.statement.context.outcome.value, *counts, *coverage, item.index))
    headings = ("Outcome", "Executed", "Passed", "Failed", "Errored", "Skipped", "Coverage", "Required", "Statement")
    return _table(headings, rows)


def _scans(told: Told) -> str:
    rows: list[_Row] = []
    for item in told.of(_SCAN, _SBOM):
        body = item.statement.body
        scanner = f"{_plain(member(body, 'scanner', 'name'))} {_plain(member(body, 'scanner', 'version'))}"
        if item.statement.predicate_type == _SBOM:
            saw = f"{_plain(member(body, 'components'))} components"
        else:
            seen = member(body, "looked_at")
            saw = f"{_plain(member(seen, 'files'))} files, {_plain(member(seen, 'lines'))} lines"
        rows.append((scanner, item.statement.context.outcome.value, saw, member(body, "reason"), item.index))
    return _table(("Scanner", "Outcome", "Looked at", "Reason", "Statement"), rows)


def _findings(told: Told) -> str:
    waived = {_plain(member(item.statement.body, "finding")) for item in told.every(_WAIVER)}
    rows: list[_Row] = []
    for item in told.of(_SCAN):
        findings = member(item.statement.body, "findings")
        for found in findings if isinstance(findings, list) else []:
            place = f"{_plain(member(found, 'path'))}:{_plain(member(found, 'line'))}"
            known = (
                member(found, "id"),
                member(found, "severity"),
                member(found, "rule"),
                place,
                member(found, "message"),
            )
            rows.append((*known, "a waiver names it" if _plain(member(found, "id")) in waived else None))
    return _table(("Finding", "Severity", "Rule", "Place", "What the rule says", "Waiver"), rows)


def _waivers(told: Told) -> str:
    rows: list[_Row] = []
    for item in told.every(_WAIVER):
        body, who = item.statement.body, item.statement.context.actor
        environment = member(body, "environment") or "all"
        rows.append((member(body, "finding"), environment, member(body, "expires_at"), who, _when(item), item.index))
    return _table(("Finding", "Environment", "Expires", "Signed by", "When", "Statement"), rows)


def _analyses(told: Told) -> str:
    rows: list[_Row] = []
    for item in told.of(_ANALYSIS):
        body = item.statement.body
        seen = tuple(member(body, name) for name in ("requests", "errors", "p95_ms", "restarts"))
        head = (member(body, "environment"), member(body, "percent"), item.statement.context.outcome.value)
        rows.append((*head, *seen, _list(member(body, "reasons")), item.index))
    headings = ("Environment", "Traffic %", "Outcome", "Requests", "Errors", "p95 ms", "Restarts", "Why", "Statement")
    return _table(headings, rows)


def _rehearsals(told: Told) -> str:
    rows: list[_Row] = []
    for item in told.of(_REHEARSAL):
        body = item.statement.body
        back = member(body, "from", "release") or "nothing: a first release"
        same = "yes" if member(body, "same_digests") is True else "no"
        head = (member(body, "environment"), _when(item), item.statement.context.outcome.value)
        rows.append((*head, back, member(body, "to", "release"), member(body, "rollback_ms"), same, item.index))
    headings = ("Environment", "When", "Outcome", "Back to", "And to", "Back after ms", "Same digests", "Statement")
    return _table(headings, rows)


def _stopped(told: Told) -> str:
    rows: list[_Row] = [
        (
            member(item.statement.body, "stage"),
            item.statement.context.outcome.value,
            member(item.statement.body, "code"),
            item.index,
        )
        for item in told.of(_STAGE_STOPPED)
    ]
    return _table(("Stage", "Outcome", "Why", "Statement"), rows)


def _people(told: Told) -> str:
    rows: list[_Row] = []
    for item in told.every(_ENROLMENT):
        body, by = item.statement.body, item.statement.context.actor
        roles = _list(member(body, "roles"))
        rows.append((member(body, "principal"), roles, member(body, "key", "keyid"), by, _when(item), item.index))
    return _table(("Principal", "Roles", "Key", "Enrolled by", "When", "Statement"), rows)


def _everything(told: Told) -> str:
    rows: list[_Row] = []
    for item in told.evidence:
        statement, context = item.statement, item.statement.context
        kind = statement.predicate_type.removeprefix(f"{NAMESPACE}/")
        outcome = context.outcome.value
        rows.append((item.index, _when(item), context.run or "outside", context.step, kind, outcome, context.actor))
    return _table(("Index", "When", "Run", "Step", "Says", "Outcome", "By"), rows)


_SECTIONS: tuple[tuple[str, Callable[[Told], str]], ...] = (
    ("What was shipped, and how it ended", _summary),
    ("Where it went", _environments),
    ("Gates", _gates),
    ("Approvals", _approvals),
    ("Tests", _tests),
    ("Scans", _scans),
    ("Findings", _findings),
    ("Waivers", _waivers),
    ("Analyses", _analyses),
    ("Rollback rehearsal", _rehearsals),
    ("Stages that came to nothing", _stopped),
    ("People and their keys", _people),
    ("Every statement in this packet", _everything),
)
# What cannot be seen (controls, marks that turn the direction of text) must not change what is read.
# Spelled out: what Python calls printable changes with its version, and this page must not.
_UNSEEN = re.compile(
    "[\\x00-\\x1f\\x7f-\\x9f\\u061c\\u200b-\\u200f\\u2028-\\u202e\\u2060-\\u206f\\ufeff\\ufff9-\\ufffb\\U000e0000-\\U000e007f]"
)
_NOTHING = "<p>None in this packet.</p>"


def _service(told: Told) -> JSON:
    return member(_body(told.of(_SOURCE)), "service") or member(_body(told.of(_SEAL)), "service")


def _version(told: Told) -> JSON:
    built = member(_body(told.of(_PROVENANCE)), "wardline_bundle", "version")
    return built or member(_body(told.of(_DEPLOYMENT)), "release", "version")


def _artifact(told: Told) -> JSON:
    built = told.of(_PROVENANCE) or told.of(_DEPLOYMENT)
    return str(built[0].statement.subjects[0].digest) if built else None


def _when(item: Evidence) -> str:
    return to_rfc3339(item.statement.context.recorded_at)


def _body(items: Sequence[Evidence]) -> JSONObject:
    return items[0].statement.body if items else {}


def _list(value: JSON) -> str | None:
    return ", ".join(_plain(item) for item in value) if isinstance(value, list) and value else None


def _percent(value: JSON) -> str | None:
    return f"{value // 100}.{value % 100:02} %" if isinstance(value, int) and value >= 0 else None


def _plain(value: JSON) -> str:
    match value:
        case None | dict() | list():
            return "-"
        case bool():
            return "yes" if value else "no"
        case _:
            return _UNSEEN.sub("\N{REPLACEMENT CHARACTER}", str(value))


def _escape(value: JSON) -> str:
    return html.escape(_plain(value), quote=True)


def _coloured(text: str) -> str:
    return f'<span class="{_COLOURS[text]}">{_escape(text)}</span>' if text in _COLOURS else _escape(text)


def _table(headings: Sequence[str], rows: Sequence[_Row]) -> str:
    if not rows:
        return _NOTHING
    head = ["<tr>" + "".join(f"<th>{_escape(heading)}</th>" for heading in headings) + "</tr>"] if headings else []
    lines = ["<tr>" + "".join(f"<td>{_coloured(_plain(cell))}</td>" for cell in row) + "</tr>" for row in rows]
    return "\n".join(["<table>", *head, *lines, "</table>"])

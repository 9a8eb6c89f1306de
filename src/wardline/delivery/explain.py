"""Explain: why a run ended as it did, in a few lines, from what it left in the log."""

import re

from wardline.canonical import JSONObject
from wardline.deployments.predicates import DEPLOYMENT
from wardline.evidence.log import Evidence, EvidenceLog
from wardline.gates.predicates import DECISION
from wardline.gates.readings import SCAN, findings_of
from wardline.outcomes import Outcome
from wardline.pipelines.predicates import STAGE_STOPPED
from wardline.pipelines.run import Run, RunStatus

_FINDING = re.compile(r"F-[0-9a-f]{12}")


def explain(run: Run, log: EvidenceLog) -> tuple[str, ...]:
    """Return the reasons, most telling first; empty where all went well and nothing was set aside."""
    left = log.of_run(run.id)
    if run.status is RunStatus.SUCCEEDED:
        return tuple(_set_aside(left))
    decisions = _decisions(left)
    reasons = [*decisions, *_findings(left, named=decisions), *_stages(left), *_deployments(left)]
    return tuple(dict.fromkeys(reasons))


def _decisions(left: tuple[Evidence, ...], *, passed: bool = False) -> list[str]:
    found = []
    for item in left:
        if item.statement.predicate_type != DECISION or (item.statement.context.outcome is Outcome.PASSED) != passed:
            continue
        match item.statement.body.get("wardline_decision"):
            case {"environment": str(environment), "reasons": list(reasons)}:
                found += [_reason(environment, reason) for reason in reasons if isinstance(reason, dict)]
            case _:
                continue
    return [reason for reason in found if reason]


def _set_aside(left: tuple[Evidence, ...]) -> list[str]:
    """Return what an emergency release that went well owes: it is told every time, until somebody reads it."""
    return [reason for reason in _decisions(left, passed=True) if ": set-aside by " in reason]


def _reason(environment: str, reason: JSONObject) -> str:
    if reason.get("verdict") == "allow":
        return ""
    return f"{environment} gate: {reason.get('verdict')} by {reason.get('policy')}: {reason.get('message')}"


def _findings(left: tuple[Evidence, ...], *, named: list[str]) -> list[str]:
    """Return what and where the findings are that the decisions name, and the two ways on."""
    found = {str(each["id"]): each for item in left if _is_scan(item) for each in findings_of(item)}
    ids = [name for name in dict.fromkeys(_FINDING.findall(" ".join(named))) if name in found]
    lines = ["{id}: {severity}, {check} {rule} at {path}:{line}: {message}".format_map(found[name]) for name in ids]
    ways_on = [f"mend it, or let it pass for a while: `wardline waive {name} --days 90 --reason …`" for name in ids[:1]]
    return lines + ways_on


def _is_scan(item: Evidence) -> bool:
    return item.statement.predicate_type == SCAN


def _stages(left: tuple[Evidence, ...]) -> list[str]:
    return [
        f"{item.statement.body['stage']} {item.statement.context.outcome}: {item.statement.body['code']}"
        for item in left
        if item.statement.predicate_type == STAGE_STOPPED
    ]


def _deployments(left: tuple[Evidence, ...]) -> list[str]:
    found = []
    for item in left:
        body, outcome = item.statement.body, item.statement.context.outcome
        if outcome is Outcome.PASSED:
            continue
        if item.statement.predicate_type == DEPLOYMENT:
            serving = body.get("serving") or "nothing"
            found.append(f"{body['environment']} {body['phase']}: {body['reason']}; {serving} serves")
        elif "limits" in body and isinstance(codes := body.get("reasons"), list):
            seen = f"{body['requests']} requests, {body['errors']} errors, p95 {body['p95_ms']} ms"
            found.append(f"{body['environment']} analysis {outcome}: {', '.join(map(str, codes))} ({seen})")
            if "too-few-requests" in codes:
                found.append("watch longer (analysis.lasting, soak), or say that fewer will do (analysis.min_requests)")
    return found

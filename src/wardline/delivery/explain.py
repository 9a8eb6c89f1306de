"""Explain: why a run ended as it did, in a few lines, from what it left in the log."""

from wardline.canonical import JSONObject
from wardline.deployments.predicates import DEPLOYMENT
from wardline.evidence.log import Evidence, EvidenceLog
from wardline.gates.predicates import DECISION
from wardline.outcomes import Outcome
from wardline.pipelines.predicates import STAGE_STOPPED
from wardline.pipelines.run import Run, RunStatus


def explain(run: Run, log: EvidenceLog) -> tuple[str, ...]:
    """Return the reasons, most telling first; empty where all went well."""
    if run.status is RunStatus.SUCCEEDED:
        return ()
    left = log.of_run(run.id)
    reasons = [*_decisions(left), *_stages(left), *_deployments(left)]
    return tuple(dict.fromkeys(reasons))


def _decisions(left: tuple[Evidence, ...]) -> list[str]:
    found = []
    for item in left:
        if item.statement.predicate_type != DECISION or item.statement.context.outcome is Outcome.PASSED:
            continue
        match item.statement.body.get("wardline_decision"):
            case {"environment": str(environment), "reasons": list(reasons)}:
                found += [_reason(environment, reason) for reason in reasons if isinstance(reason, dict)]
            case _:
                continue
    return [reason for reason in found if reason]


def _reason(environment: str, reason: JSONObject) -> str:
    if reason.get("verdict") == "allow":
        return ""
    return f"{environment} gate: {reason.get('verdict')} by {reason.get('policy')}: {reason.get('message')}"


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
    return found

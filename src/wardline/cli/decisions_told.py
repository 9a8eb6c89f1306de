"""How explained and replayed decisions are told."""

from wardline.canonical import JSONObject
from wardline.delivery.replay import Explained, Replayed
from wardline.evidence.log import Evidence
from wardline.gates.decisions import Decision, Reason
from wardline.gates.replay import CheckExplained
from wardline.ids import RunId
from wardline.outcomes import Outcome

_MARKS = {"allow": "✓", "deny": "✗", "undecided": "?", "warn": "!", "set-aside": "!", True: "✓", False: "✗", None: "?"}
_SAID = {Outcome.PASSED: "the same", Outcome.FAILED: "NOT THE SAME", Outcome.ERRORED: "could not be looked at"}


def asked(which: str) -> tuple[RunId | None, int | None]:
    """Return the run or the log index that `which` names."""
    return (None, int(which)) if which.isascii() and which.isdigit() else (RunId(which), None)


def explained_to_lines(explained: Explained, *, whole: bool) -> list[str]:
    lines = [_headline(explained.evidence, explained.decision)]
    reasons = explained.decision.judgement.reasons
    for each in explained.policies:
        mine = [reason for reason in reasons if reason.policy == each.policy.id]
        content = all(reason.verdict == "allow" for reason in mine)
        if content and not whole:
            lines.append(f"  {_MARKS['allow']} {each.policy.id}: {each.policy.title}")
            continue
        lines += [f"  {_MARKS[reason.verdict]} {reason.policy}: {reason.message}" for reason in mine]
        lines += [line for check in each.checks for line in _check_to_lines(check)]
        lines += [] if content else [f"      speaks to {', '.join(each.policy.controls) or 'no requirement'}"]
    return lines


def explained_to_json(explained: Explained) -> JSONObject:
    return _decision_to_json(explained.evidence, explained.decision) | {
        "policies": [
            {
                "policy": each.policy.id,
                "controls": list(each.policy.controls),
                "checks": [
                    {
                        "expression": check.expression,
                        "value": check.answer.value,
                        "problem": check.answer.problem,
                        "values": dict(check.values),
                    }
                    for check in each.checks
                ],
            }
            for each in explained.policies
        ]
    }


def replayed_to_lines(replayed: Replayed) -> list[str]:
    return [
        f"{_headline(replayed.evidence, replayed.decision)}: {_SAID[replayed.outcome]}",
        *(f"    {detail}" for detail in replayed.details),
    ]


def replayed_to_json(replayed: Replayed) -> JSONObject:
    return _decision_to_json(replayed.evidence, replayed.decision) | {
        "replay": str(replayed.outcome),
        "details": list(replayed.details),
    }


def _headline(evidence: Evidence, decision: Decision) -> str:
    judgement = decision.judgement
    emergency = "" if judgement.emergency is None else ", EMERGENCY"
    return (
        f"log index {evidence.index}: {judgement.environment} gate of {evidence.statement.context.run}: "
        f"{decision.verdict}{emergency} "
        f"(policies {judgement.policy_digest.hex[:12]}, input {judgement.input_digest.hex[:12]})"
    )


def _decision_to_json(evidence: Evidence, decision: Decision) -> JSONObject:
    judgement = decision.judgement
    return {
        "index": evidence.index,
        "run": evidence.statement.context.run,
        "environment": judgement.environment,
        "verdict": decision.verdict,
        "emergency": judgement.emergency,
        "policy_digest": judgement.policy_digest.hex,
        "input_digest": judgement.input_digest.hex,
        "reasons": [_reason_to_json(reason) for reason in judgement.reasons],
    }


def _reason_to_json(reason: Reason) -> JSONObject:
    return {
        "policy": reason.policy,
        "verdict": reason.verdict,
        "message": reason.message,
        "controls": list(reason.controls),
    }


def _check_to_lines(check: CheckExplained) -> list[str]:
    values = ", ".join(f"{path} = {'not known' if value is None else value}" for path, value in check.values.items())
    problem = "" if check.answer.problem is None else f" ({check.answer.problem})"
    return [
        f"      {_MARKS[check.answer.value]} {' '.join(check.expression.split())}{problem}",
        *([f"          {values}"] if values else []),
    ]

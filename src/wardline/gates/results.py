"""What policy tools outside came to for the commit at a door."""

from collections.abc import Sequence

from wardline.canonical import JSON, JSONObject
from wardline.evidence.log import Evidence
from wardline.findings.policy_results import POLICY_RESULTS
from wardline.gates.door import Door

_COUNTS = ("tested", "passed", "failed", "warned", "errored", "commit")


def results_section(door: Door, evidence: Sequence[Evidence], change: JSONObject | None) -> list[JSON] | None:
    """Return the latest results of each tool that were handed in for the commit; None: the commit is not known."""
    commit = None if change is None else change.get("commit")
    if not isinstance(commit, str):
        return None
    latest: dict[str, JSON] = {}
    for item in evidence:
        body = item.statement.body
        if item.statement.predicate_type != POLICY_RESULTS:
            continue
        if (body.get("service"), body.get("commit")) != (door.pipeline.service.name, commit):
            continue
        match body.get("tool"):
            case {"name": str(tool)}:
                about: JSONObject = {
                    "log": item.index,
                    "tool": tool,
                    "outcome": item.statement.context.outcome.value,
                }
                latest[tool] = about | {name: body[name] for name in _COUNTS if name in body}
            case _:
                continue
    return [latest[tool] for tool in sorted(latest)]

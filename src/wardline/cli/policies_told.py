"""How policies are listed, and shown before they are signed."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

from wardline.canonical import JSON, JSONObject
from wardline.gates.declared_policies import where_asked
from wardline.gates.matching import Match, Scope
from wardline.gates.overlays import Added
from wardline.gates.policy import Check, Policy
from wardline.ids import PrincipalId
from wardline.pipelines.spec import Pipeline

HEADINGS = ("policy", "asked at", "severity", "emergency", "from", "asks", "controls")


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One policy and where it comes from. `policy` None: it could not be read, and `problem` says why."""

    policy: Policy | None
    id: str
    source: str
    added: Added | None = None
    by: PrincipalId | None = None
    problem: str | None = None

    @classmethod
    def of(cls, added: Added, *, by: PrincipalId | None = None) -> Self:
        source = added.source if by is None else f"{added.source} by {by}"
        return cls(policy=added.policy, id=added.id or "-", source=source, added=added, by=by, problem=added.problem)


def to_row(listed: Listed, pipeline: Pipeline | None) -> tuple[str, ...]:
    policy = listed.policy
    if policy is None:
        return (listed.id, "every door: undecided", "-", "-", listed.source, f"NOT READ: {listed.problem}", "-")
    return (
        policy.id,
        _where(policy.match, pipeline),
        policy.severity.value,
        policy.emergency.value,
        listed.source,
        policy.title,
        ", ".join(policy.controls) or "-",
    )


def to_json(listed: Listed, pipeline: Pipeline | None) -> JSONObject:
    added, policy = listed.added, listed.policy
    origin: JSONObject = {"kind": "shipped"}
    if added is not None:
        digest = None if added.digest is None else str(added.digest)
        kind = "adopted" if added.file is None else "declared"
        origin = {"kind": kind, "log": added.log, "file": added.file, "digest": digest, "by": listed.by}
    told: JSONObject = {"id": listed.id, "from": origin, "problem": listed.problem}
    if policy is None:
        return told
    asked: JSON = None if pipeline is None else [*where_asked(policy.match, pipeline)]
    whole: JSONObject = {
        "match": policy.match.to_json(),
        "severity": policy.severity.value,
        "source": policy.source,
        "emergency": policy.emergency.value,
    }
    return policy.to_json() | whole | told | {"asked_at": asked}


def shown(policy: Policy) -> Iterator[str]:
    """Yield a policy as whoever signs for it reads it."""
    yield f"{policy.id}: {policy.title}"
    yield f"  asked at   {_where(policy.match, None)}"
    yield f"  severity   {policy.severity}; under break-glass {policy.emergency}"
    yield f"  source     {policy.source or '-'}"
    yield f"  speaks to  {', '.join(policy.controls) or 'no requirement'}"
    for kind, checks in (("needs", policy.needs), ("must hold", policy.validations)):
        for check in checks:
            yield from _check(kind, check)


def _check(kind: str, check: Check) -> Iterator[str]:
    yield f"  {kind:<10} {' '.join(check.expression.split())}"
    yield f"             else: {check.message}"


def _where(match: Match, pipeline: Pipeline | None) -> str:
    if pipeline is not None:
        return ", ".join(where_asked(match, pipeline)) or "not here"
    environments = match.environments
    told = [environments.value if isinstance(environments, Scope) else ", ".join(environments)]
    told += [f"services {', '.join(match.services)}"] if match.services else []
    told += [f"criticality {', '.join(match.criticality)}"] if match.criticality else []
    told += [f"data {', '.join(match.data)}"] if match.data else []
    return "; ".join(told)

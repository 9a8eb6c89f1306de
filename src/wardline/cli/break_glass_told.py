"""How emergencies are told: what is warned of, and what is owed."""

from collections.abc import Sequence
from datetime import datetime

from wardline.canonical import JSON, JSONObject
from wardline.clock import to_rfc3339
from wardline.environments.observations import EnvironmentKey
from wardline.evidence.mentions import member
from wardline.gates.emergency_review import AskedAgain
from wardline.gates.review_debts import REVIEWING, Debt

HEADINGS = ("run", "service", "environment", "code", "decision", "broken by", "released", "review due", "reviewed by")


def warning_to_lines(content: JSON) -> list[str]:
    """Return what somebody is warned of before they break the glass."""
    artifact = member(content, "subject", "artifact", "sha256")
    lines = [f"EMERGENCY release of {member(content, 'service')}, artifact sha256:{artifact}"]
    for door in _items(member(content, "doors")):
        lines.append(f"  {member(door, 'environment')}")
        lines += [f"    is set aside: {told}" for told in _items(member(door, "set_aside"))] or ["    all is well now"]
        lines += [f"    STAYS IN THE WAY: {told}" for told in _items(member(door, "still_in_the_way"))]
    return [*lines, f"  Owed for it: {member(content, 'owed')}"]


def asked_again_to_lines(owed: Sequence[Debt], again: Sequence[AskedAgain]) -> list[str]:
    """Return what was set aside at each door, and what those rules say by now."""
    lines = []
    for debt, asked in zip(owed, again, strict=True):
        broken = ", ".join(debt.people) or "somebody who may no more"
        lines.append(
            f"{debt.environment}, decision {debt.decision}: {debt.code or 'no code'}, glass broken by {broken}"
        )
        lines += [f"    {policy} was set aside; asked again today: {verdict}" for policy, verdict in asked.answers]
    return lines


def debt_to_row(debt: Debt, now: datetime) -> tuple[str, ...]:
    due = "without a date" if debt.due is None else to_rfc3339(debt.due)
    if debt.overdue(now):
        due = f"OVERDUE since {due}"
    reviews = ", ".join(f"{each.by} as {each.role} ({each.verdict})" for each in debt.reviews)
    return (
        debt.run,
        debt.service,
        debt.environment,
        debt.code or "-",
        str(debt.decision),
        ", ".join(debt.people) or "-",
        to_rfc3339(debt.opened_at),
        "closed" if debt.closed else due,
        reviews or "-",
    )


def debt_to_line(debt: Debt, now: datetime) -> str:
    """Return what is owed, for a list of other things."""
    due = "owed" if debt.due is None else f"{'OVERDUE since' if debt.overdue(now) else 'due by'} {to_rfc3339(debt.due)}"
    where = f"{debt.service}/{debt.environment}"
    return f"EMERGENCY: {where} was released under break-glass; review {due}: wardline break-glass review {debt.run}"


def is_at(debt: Debt, environment: EnvironmentKey) -> bool:
    return (debt.service, debt.environment) == (environment.service, environment.name)


def debt_to_json(debt: Debt, now: datetime) -> JSONObject:
    missing = REVIEWING - {each.role for each in debt.reviews}
    return {
        "run": debt.run,
        "service": debt.service,
        "environment": debt.environment,
        "artifact": str(debt.artifact),
        "code": debt.code,
        "decision": debt.decision,
        "break_glass": debt.glass,
        "broken_by": list(debt.people),
        "opened_at": to_rfc3339(debt.opened_at),
        "due": None if debt.due is None else to_rfc3339(debt.due),
        "overdue": debt.overdue(now),
        "closed": debt.closed,
        "missing": [*sorted(role.value for role in missing)],
        "reviews": [
            {"log": each.index, "by": each.by, "role": each.role.value, "verdict": each.verdict.value}
            for each in debt.reviews
        ],
    }


def _items(value: JSON) -> list[JSON]:
    return value if isinstance(value, list) else []

"""How windows are told on a terminal and as JSON."""

from datetime import UTC, datetime, timedelta

from wardline.canonical import JSONObject
from wardline.errors import InvalidInput, NotFound
from wardline.evidence.retention.completeness import parse_moment
from wardline.gates.windows import InEffect
from wardline.ids import EnvironmentName
from wardline.pipelines.spec import EnvironmentSpec, Pipeline

_WEEK = timedelta(days=7)
_LONGEST = timedelta(days=366)  # of a list that somebody reads
_YEARS = range(2000, 2200)  # as calendars have them


def span(since: str | None, until: str | None, *, now: datetime) -> tuple[datetime, datetime]:
    """Return the time that is asked for, its last instant included.

    Raises:
        InvalidInput: One is no moment, or they are no time to list.
    """
    first = now if since is None else parse_moment(since)
    last = first + _WEEK if until is None else parse_moment(until, end=True) - timedelta(microseconds=1)
    if not timedelta() <= last - first <= _LONGEST or not {first.year, last.year} <= set(_YEARS):
        raise InvalidInput(
            f"from {since or 'now'} to {until or 'a week later'}: expected a time of at most {_LONGEST.days} days",
            remedy="Name two dates or RFC 3339 times, the earlier one first.",
        )
    return first, last


def at(pipeline: Pipeline, name: str | None) -> tuple[EnvironmentSpec, ...]:
    """Return the environments that are asked for.

    Raises:
        NotFound: There is none of this name.
    """
    if name is None:
        return pipeline.environments
    found = pipeline.environment(name)
    if found is None:
        known = ", ".join(each.name for each in pipeline.environments)
        raise NotFound(f"there is no environment {name}; known: {known}")
    return (found,)


def to_json(environment: EnvironmentName, found: InEffect, *, now: datetime) -> JSONObject:
    return {
        "environment": environment,
        "state": _state(found, now),
        **found.to_json(),
        "began_local": found.local(found.began),
        "ends_local": found.local(found.ends),
        "reason": found.window.reason,
    }


def row(environment: EnvironmentName, found: InEffect, *, now: datetime) -> tuple[str, ...]:
    window = found.window
    strength = window.strength.value if window.approval is None else f"{window.strength}: {window.approval}"
    return (
        environment,
        window.id,
        window.kind.value,
        strength,
        found.local(found.began),
        found.local(found.ends),
        f"{found.began.astimezone(UTC):%Y-%m-%d %H:%M} to {found.ends.astimezone(UTC):%Y-%m-%d %H:%M}",
        _state(found, now),
    )


def _state(found: InEffect, now: datetime) -> str:
    if now < found.began:
        return "to come"
    return "in effect" if now < found.ends else "over"

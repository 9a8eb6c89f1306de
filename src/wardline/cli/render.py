"""How values of the product look on a terminal and as JSON."""

from datetime import timedelta

from wardline.canonical import JSONObject
from wardline.clock import to_rfc3339
from wardline.evidence.log import Evidence
from wardline.pipelines.run import Run


def run_to_json(run: Run, *, driven: bool) -> JSONObject:
    return {
        "run": run.id,
        "journey": run.journey,
        "service": run.service,
        "commit": run.commit_sha,
        "status": run.status.value,
        "stage": run.stage,
        "waiting_for": run.waiting_for,
        "driven": driven,
        "started_at": to_rfc3339(run.started_at),
        "finished_at": None if run.finished_at is None else to_rfc3339(run.finished_at),
    }


def run_to_row(run: Run, *, driven: bool) -> tuple[str, ...]:
    status = run.status.value if run.ended or driven else f"{run.status} (interrupted)"
    return (run.id, run.journey, run.service, run.commit_sha[:12], status, run.stage, to_rfc3339(run.started_at))


def evidence_to_json(item: Evidence) -> JSONObject:
    context = item.statement.context
    return {
        "index": item.index,
        "step": context.step,
        "outcome": context.outcome.value,
        "predicate_type": item.statement.predicate_type,
        "actor": context.actor,
        "recorded_at": to_rfc3339(context.recorded_at),
        "predicate": item.statement.body,
    }


def evidence_to_row(item: Evidence) -> tuple[str, ...]:
    context = item.statement.context
    kind = "/".join(item.statement.predicate_type.rstrip("/").split("/")[-2:])
    return (str(item.index), context.step, context.outcome.value, kind, to_rfc3339(context.recorded_at))


def duration(value: timedelta | None) -> str:
    """Return a duration as people say it, e.g. `3 min 5 s`; "-" where there is none."""
    if value is None:
        return "-"
    seconds = value.total_seconds()
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            rest = duration(timedelta(seconds=seconds % length)) if length > 60 else f"{seconds % length:.0f} s"  # noqa: PLR2004  # seconds in a minute
            return f"{seconds // length:.0f} {unit} {rest}"
    return f"{seconds:.1f} s"


def share(basis_points: int | None) -> str:
    """Return basis points as percent; "-" where there is nothing to share."""
    return "-" if basis_points is None else f"{basis_points / 100:g} %"

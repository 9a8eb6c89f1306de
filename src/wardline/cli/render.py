"""How values of the product look on a terminal and as JSON."""

from datetime import timedelta

from wardline.canonical import JSONObject
from wardline.clock import to_rfc3339
from wardline.evidence.log import Evidence
from wardline.evidence.private_texts import PrivateText
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


def text_to_json(item: Evidence, text: PrivateText) -> JSONObject:
    erased_at = None if text.erased_at is None else to_rfc3339(text.erased_at)
    return {
        "index": item.index,
        "state": text.state.value,
        "text": text.text,
        "erased_at": erased_at,
        "subject": text.subject,
    }


def text_to_lines(item: Evidence, text: PrivateText) -> list[str]:
    """Return a private text as it stands under the list of statements; of an erased one, that it was."""
    whose = "" if text.subject is None else f" ({text.subject})"
    return [
        f"{item.index} {item.statement.context.step}{whose}:",
        *(f"    {_printable(line)}" for line in str(text).splitlines()),
    ]


def _printable(line: str) -> str:
    # Anybody may have written it: nothing in it may steer the terminal.
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in line)


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

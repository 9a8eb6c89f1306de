"""`wardline windows`: what keeps changes out now, and what will."""

from pathlib import Path
from typing import Annotated

import typer

from wardline.cli.shell import Output, say, say_json, say_table


def windows(
    environment: Annotated[str | None, typer.Option(help="Only this environment.")] = None,
    since: Annotated[str | None, typer.Option("--from", help="A date or RFC 3339 time; default: now.")] = None,
    until: Annotated[str | None, typer.Option("--to", help="A date or RFC 3339 time; default: a week later.")] = None,
    path: Annotated[Path, typer.Option(help="A wardline.yaml, or the folder it lies in.")] = Path(),
    *,
    output: Annotated[Output, typer.Option(help="How the result is printed.")] = Output.TEXT,
) -> None:
    """List the windows that keep changes out, by the calendars beside wardline.yaml as they stand there."""
    from wardline.cli.declared import calendars_of, pipeline_file, read_pipeline
    from wardline.cli.windows_told import at, row, span, to_json
    from wardline.clock import SystemClock
    from wardline.gates.windows import windows_between

    now = SystemClock().now()
    first, last = span(since, until, now=now)
    file = pipeline_file(path)
    pipeline = read_pipeline(file)
    found = [
        (each.name, window)
        for each in at(pipeline, environment)
        for window in windows_between(calendars_of(file, each).read, first, last)
    ]
    if output is Output.JSON:
        say_json([to_json(name, window, now=now) for name, window in found])
        return
    if not found:
        say("No window keeps changes out in that time.")
        return
    headings = ("environment", "window", "kind", "strength", "begins", "ends", "in UTC", "")
    say_table(headings, [row(name, window, now=now) for name, window in found])
    for window in {each.window.id: each.window for _, each in found}.values():
        plan = f" (downtime plan: {window.downtime_plan})" if window.downtime_plan else ""
        say(f"{window.id}: {window.reason}{plan}")

"""`wardline ship`: take a commit to production."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from wardline.cli.shell import Output, say, say_json


def ship(
    path: Annotated[Path, typer.Argument(help="The repository; default: where you stand.")] = Path(),
    ref: Annotated[str, typer.Option(help="Commit, branch or tag to ship.")] = "HEAD",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would happen, change nothing.")] = False,
    emergency: Annotated[
        bool,
        typer.Option("--emergency", help="Wait at the first door, an hour at most, until somebody breaks the glass."),
    ] = False,
    output: Annotated[Output, typer.Option()] = Output.TEXT,
) -> None:
    """Take a commit through build, test, scan and every environment to production.

    The commit is shipped, never the working tree. Ctrl-C leaves the run where it stands;
    `wardline runs resume` takes it up again.
    """
    from wardline.cli.driving import drive
    from wardline.cli.home import home

    with home() as wardline:
        plan = wardline.foresee(path.resolve(), ref)
        if dry_run:
            if output is Output.JSON:
                say_json(plan.to_json())
                return
            for line in plan.lines():
                say(line)
            return
        run = wardline.begin(path.resolve(), ref, emergency=emergency)
        if output is Output.TEXT:
            say(f"run {run.id}: {run.service} at {run.commit_sha[:12]}")
            for doubt in plan.doubts:
                print(f"note: {doubt}", file=sys.stderr)  # noqa: T201
        drive(wardline, run, output=output)

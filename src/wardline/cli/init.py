"""`wardline init`."""

from pathlib import Path
from typing import Annotated

import typer

from wardline.cli.shell import Output


def init(
    path: Annotated[Path, typer.Argument(help="The repository; default: where you stand.")] = Path(),
    *,
    name: Annotated[str | None, typer.Option(help="The service's name.")] = None,
    owner: Annotated[str | None, typer.Option(help="The team that answers for the service.")] = None,
    criticality: Annotated[str | None, typer.Option(help="What stops when it stops, e.g. clinical-support.")] = None,
    data: Annotated[str | None, typer.Option(help="Data it touches, e.g. phi,pii or none.")] = None,
    regulations: Annotated[str | None, typer.Option(help="Laws it answers to, e.g. hipaa,gdpr.")] = None,
    ask: Annotated[bool, typer.Option("--ask/--no-ask", help="Ask, where there is a terminal.")] = True,
    measure: Annotated[
        bool, typer.Option("--measure/--no-measure", help="Run the tests once for their coverage.")
    ] = True,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print what would be written, write nothing.")] = False,
    output: Annotated[Output, typer.Option(help="How the result is printed.")] = Output.TEXT,
) -> None:
    """Write a first, commented wardline.yaml from what the last commit holds.

    Nothing of the service is imported; its tests run once, in an environment of their own, so that the standard for
    coverage is measured. What cannot be known is asked on a terminal, or left blank and marked. A file that is there
    is never overwritten.
    """
    from wardline.bootstrap.initialisation import open_initialisation
    from wardline.cli.questions import Interview, not_measured, show
    from wardline.delivery.initialise import draft, initialise
    from wardline.settings import read_settings

    given = {
        "service.name": name,
        "service.owner": owner,
        "service.criticality": criticality,
        "service.data": data,
        "regulations": regulations,
    }
    interview = Interview(
        {key: text for key, text in given.items() if text is not None}, asks=ask and output is Output.TEXT
    )
    act = draft if dry_run else initialise
    with open_initialisation(read_settings(), path, say=interview.follow) as (repository, measuring):
        made = act(repository, answer=interview.answer, measure=measuring if measure else not_measured)
    show(made, written=not dry_run, output=output)

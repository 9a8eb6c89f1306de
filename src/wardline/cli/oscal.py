"""`wardline controls export`: coverage in the formats of those who assess."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from wardline.cli.shell import Output, say, say_json


class ReportFormat(StrEnum):
    OSCAL = "oscal"


def export(
    to: Annotated[Path, typer.Option(help="Folder to make; it must not be there yet.")],
    form: Annotated[ReportFormat, typer.Option("--format", help="NIST OSCAL 1.2, as JSON.")] = ReportFormat.OSCAL,
    run: Annotated[str | None, typer.Option(help="This run; default: the last one that succeeded.")] = None,
    service: Annotated[str | None, typer.Option(help="Of this service; default: the only one.")] = None,
    environment: Annotated[
        str | None, typer.Option(help="Only what was said of it; without --run, of what serves there.")
    ] = None,
    catalogue: Annotated[
        list[str] | None, typer.Option(help="Only these; default: those the service's regulations call for.")
    ] = None,
    proposed: Annotated[bool, typer.Option("--proposed", help="Proposals of law too.")] = False,
    output: Annotated[Output, typer.Option()] = Output.TEXT,
) -> None:
    """Write coverage as OSCAL: catalogs, component definition, assessment plan and results, plan of action."""
    from wardline.bootstrap.oscal import export_oscal
    from wardline.cli.home import existing_home
    from wardline.delivery.show_controls import Question
    from wardline.ids import EnvironmentName, RunId

    question = Question(
        run=None if run is None else RunId(run),
        service=service,
        environment=None if environment is None else EnvironmentName(environment),
        catalogues=tuple(catalogue or ()),
        proposed=proposed,
    )
    with existing_home() as wardline:
        exported = export_oscal(wardline, question, to)
    if output is Output.JSON:
        say_json(
            {
                "run": exported.run,
                "format": form.value,
                "documents": list(exported.documents),
                "leaves": exported.leaves,
            }
        )
        return
    say(f"run {exported.run}: {len(exported.documents)} documents and {exported.leaves} leaves of the log in {to}")
    for name in exported.documents:
        say(f"  {name}")

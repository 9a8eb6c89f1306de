"""`wardline controls`: what laws ask, and how far the evidence of a release answers it."""

from typing import Annotated

import typer

from wardline.cli.control_words import attest, decide, records
from wardline.cli.oscal import export
from wardline.cli.shell import Output, say, say_json, say_table
from wardline.cli.show_first import ShowFirst

app = typer.Typer(cls=ShowFirst, help="How far evidence answers the controls of each law; `show` may be left out.")


@app.command("show")
def show_controls(
    run: Annotated[str | None, typer.Option(help="This run; default: the last one that succeeded.")] = None,
    service: Annotated[str | None, typer.Option(help="Of this service; default: the only one.")] = None,
    environment: Annotated[
        str | None, typer.Option(help="Only what was said of it; without --run, of what serves there.")
    ] = None,
    catalogue: Annotated[
        list[str] | None, typer.Option(help="Only these; default: those the service's regulations call for.")
    ] = None,
    proposed: Annotated[bool, typer.Option("--proposed", help="Proposals of law too.")] = False,
    details: Annotated[bool, typer.Option("--details", help="Why, and what stays for a person.")] = False,
    output: Annotated[Output, typer.Option()] = Output.TEXT,
) -> None:
    """Show how far the evidence behind a release answers each control, and what needs a person."""
    from wardline.bootstrap.controls import show
    from wardline.cli.controls_told import lines
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
        shown = show(wardline, question)
    if output is Output.JSON:
        say_json(shown.to_json())
        return
    for line in lines(shown, details=details):
        say(line)


@app.command("list")
def list_controls(
    catalogue: Annotated[str | None, typer.Option(help="The controls of this one.")] = None,
    output: Annotated[Output, typer.Option()] = Output.TEXT,
) -> None:
    """List the catalogues, or the controls of one."""
    from wardline.bootstrap.controls import library
    from wardline.cli.controls_told import catalogue_rows, control_rows
    from wardline.cli.home import existing_home

    with existing_home() as wardline:
        books = library(wardline)
    found = books.catalogues if catalogue is None else (books.catalogue(catalogue),)
    if output is Output.JSON:
        say_json([each.to_json() | {"digest": str(each.digest)} for each in found])
    elif catalogue is None:
        say_table(("catalogue", "version", "of", "status", "rows", "checked", "title"), catalogue_rows(found))
    else:
        say_table(("control", "requirement", "checked", "title"), control_rows(found[0]))


app.command("attest")(attest)
app.command("decide")(decide)
app.command("records")(records)
app.command("export")(export)

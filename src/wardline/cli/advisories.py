"""`wardline advisories`: what is known of vulnerabilities, and what of an SBOM is affected."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from wardline.cli.shell import ERROR, FINDINGS, Output, leave, say, say_json

app = typer.Typer(help="Known vulnerabilities: an OSV mirror on disk, and SBOMs held against it.")


class Form(StrEnum):
    """How findings are printed."""

    TEXT = "text"
    JSON = "json"
    SARIF = "sarif"


@app.command("import")
def import_(
    dumps: Annotated[list[Path], typer.Argument(help="Dumps of OSV: .zip, .tar.gz, or folders of records.")],
    fewer: Annotated[
        bool, typer.Option("--accept-fewer", help="Take it even if it knows less than the import before.")
    ] = False,
    output: Annotated[Output, typer.Option()] = Output.TEXT,
) -> None:
    """Make the mirror of all that the dumps hold; it takes the place of the one before."""
    from wardline.bootstrap.advisories import import_dumps
    from wardline.cli.home import home

    with home() as wardline:
        snapshot, evidence = import_dumps(wardline, dumps, fewer=fewer)
    if output is Output.JSON:
        say_json(snapshot.to_json() | {"log": evidence.index})
        return
    counts = ", ".join(f"{each.name} {each.advisories}" for each in snapshot.ecosystems)
    say(f"{snapshot.advisories} advisories ({snapshot.withdrawn} withdrawn): {counts}")
    say(f"newest change {snapshot.newest:%Y-%m-%d}; on record: log index {evidence.index}")


@app.command("show")
def show(output: Annotated[Output, typer.Option()] = Output.TEXT) -> None:
    """Show what is known, and how old it is."""
    from wardline.bootstrap.advisories import known
    from wardline.cli.home import existing_home

    with existing_home() as wardline:
        found = known(wardline)
    snapshot = found.snapshot
    if output is Output.JSON:
        say_json(snapshot.to_json() | {"log": found.log, "age_days": found.age.days})
        return
    for each in snapshot.ecosystems:
        say(f"{each.name}  {each.advisories}")
    say(f"newest change {snapshot.newest:%Y-%m-%d}, {found.age.days} days ago; import: log index {found.log}")


@app.command("check")
def check(
    sbom: Annotated[Path, typer.Argument(help="CycloneDX or SPDX 2, as JSON.", metavar="SBOM")],
    vex: Annotated[list[Path] | None, typer.Option(help="OpenVEX or CSAF, as JSON; may be given again.")] = None,
    output: Annotated[Form, typer.Option()] = Form.TEXT,
) -> None:
    """Say which components of an SBOM are affected by what. Nothing is recorded."""
    from wardline.bootstrap.advisories import check as hold
    from wardline.cli.advisories_told import as_json, as_sarif, as_text
    from wardline.cli.home import existing_home

    with existing_home() as wardline:
        checked = hold(wardline, sbom, vex or [])
    match output:
        case Form.JSON:
            say_json(as_json(checked))
        case Form.SARIF:
            say_json(as_sarif(checked))
        case Form.TEXT:
            for line in as_text(checked):
                say(line)
    if checked.matched.unknown:
        leave(ERROR)
    if checked.matched.open:
        leave(FINDINGS)

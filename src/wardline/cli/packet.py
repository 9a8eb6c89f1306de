"""`wardline packet`: one file an outsider verifies offline."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from wardline.cli.shell import Output, say, say_json


class Along(StrEnum):
    """`all`: everything but the words of people, which could not be erased from a copy."""

    REPORTS = "reports"
    SBOM = "sbom"
    OUTPUTS = "outputs"
    ALL = "all"


def packet(
    run: Annotated[str, typer.Argument(help="The run's id.")],
    to: Annotated[Path | None, typer.Option(help="File to write; default: RUN.packet.html here.")] = None,
    along: Annotated[
        list[Along] | None,
        typer.Option("--with", help="What else to take along; may be given more than once.", show_default=False),
    ] = None,
    output: Annotated[Output, typer.Option()] = Output.TEXT,
) -> None:
    """Write the evidence of a run, its proofs and a page a person can read into one file."""
    from wardline.bootstrap.packets import write_packet
    from wardline.cli.home import existing_home
    from wardline.evidence.packets.assemble_packet import Choice
    from wardline.ids import RunId

    choices = [Choice(each.value) for each in along or ()]
    with existing_home() as wardline:
        written = write_packet(wardline, RunId(run), to or Path(f"{run}.packet.html"), along=choices)
        key = wardline.log.key
    if output is Output.JSON:
        say_json({"file": str(written), "key": str(key)})
        return
    say(f"{written}")
    say(f"Verify it anywhere: wardline verify {written} --key {key}")

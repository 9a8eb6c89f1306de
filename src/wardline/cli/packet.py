"""`wardline packet`: one file an outsider verifies offline."""

from pathlib import Path
from typing import Annotated

import typer

from wardline.cli.shell import Output, say, say_json


def packet(
    run: Annotated[str, typer.Argument(help="The run's id.")],
    to: Annotated[Path | None, typer.Option(help="File to write; default: RUN.packet.html here.")] = None,
    output: Annotated[Output, typer.Option()] = Output.TEXT,
) -> None:
    """Write the evidence of a run, its proofs and a page a person can read into one file."""
    from wardline.cli.home import home
    from wardline.ids import RunId

    with home() as wardline:
        written = wardline.write_packet(RunId(run), to or Path(f"{run}.packet.html"))
        key = wardline.log.key
    if output is Output.JSON:
        say_json({"file": str(written), "key": str(key)})
        return
    say(f"{written}")
    say(f"Verify it anywhere: wardline verify {written} --key {key}")

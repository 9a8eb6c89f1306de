"""`wardline verify`: hold a packet against a key, with nothing else at hand."""

from pathlib import Path
from typing import Annotated

import typer

from wardline.cli.shell import Output, leave
from wardline.cli.verifying import Asked, verify_file


def verify(
    file: Annotated[Path, typer.Argument(help="The packet.", show_default=False)],
    key: Annotated[
        str,
        typer.Option(
            help="The installation's verification key (name+hash+base64), or a file that holds it. "
            "Get it by another way than the packet.",
            show_default=False,
        ),
    ],
    witness: Annotated[
        list[str] | None,
        typer.Option(
            help="Key of a witness that must have cosigned the checkpoint, or a file that holds it; "
            "may be given more than once.",
            show_default=False,
        ),
    ] = None,
    witnesses_needed: Annotated[
        int | None, typer.Option(help="How many of the witnesses suffice; default: all of them.", show_default=False)
    ] = None,
    output: Annotated[Output, typer.Option(help="How to print the checks.")] = Output.TEXT,
) -> None:
    """Check a packet offline: every signature, every proof, every byte. Exit 0: it holds; 5: it does not."""
    asked = Asked(file=str(file), key=key, witnesses=witness or (), needed=witnesses_needed, output=output)
    leave(verify_file(asked))

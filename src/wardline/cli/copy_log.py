"""`wardline log copy`: move the log, and what stands beside it, to another database."""

from typing import Annotated

import typer

from wardline.cli.shell import Output, say, say_json


def copy(
    to: Annotated[str, typer.Option("--to", help="postgresql://… or a file for SQLite; empty, or of an earlier copy.")],
    output: Annotated[Output, typer.Option()] = Output.TEXT,
) -> None:
    """Copy the whole database into another one and prove both equal. Killed on the way, the next copy goes on."""
    from wardline.bootstrap.backup import copy_log
    from wardline.cli.home import existing_home

    def said(done: int, size: int) -> None:
        if output is Output.TEXT:
            say(f"{done} of {size} statements")

    with existing_home() as wardline:
        copied = copy_log(wardline, to, said=said)
        now = wardline.log.size()
    if output is Output.JSON:
        document = {
            "size": copied.size,
            "root": copied.root.hex(),
            "held": copied.held,
            "appended_since": now - copied.size,
        }
        say_json(document)
        return
    say(f"equal: {copied.size} statements under root {copied.root.hex()}, derived again from the copy")
    if now > copied.size:
        say(f"{now - copied.size} statements were added here meanwhile: stop writing and copy again before you switch")

"""`wardline log`: look at the evidence log and hold it against its own proofs."""

from typing import Annotated

import typer

from wardline.cli.shell import Output, say, say_json, say_table

app = typer.Typer(help="List the evidence log, or check it against its own proofs.", no_args_is_help=True)


@app.command("list")
def list_evidence(
    since: Annotated[int, typer.Option(help="First log index.", min=0)] = 0,
    output: Annotated[Output, typer.Option()] = Output.TEXT,
) -> None:
    """List statements in log order."""
    from wardline.cli.home import existing_home
    from wardline.cli.render import evidence_to_json, evidence_to_row

    with existing_home() as wardline:
        found = [item for item in wardline.log.every() if item.index >= since]
    if output is Output.JSON:
        say_json([evidence_to_json(item) for item in found])
        return
    say_table(("index", "step", "outcome", "statement", "at"), [evidence_to_row(item) for item in found])


@app.command("check")
def check(output: Annotated[Output, typer.Option()] = Output.TEXT) -> None:
    """Derive every leaf, subtree, root and signature again; exit 5 where one does not hold."""
    from wardline.cli.home import existing_home

    with existing_home() as wardline:
        size = wardline.check_log()
        checkpoint = wardline.log.checkpoint() if size else ""
    if output is Output.JSON:
        say_json({"size": size, "checkpoint": checkpoint})
        return
    say(f"the log holds: {size} statements, every leaf, root and signature derived again")

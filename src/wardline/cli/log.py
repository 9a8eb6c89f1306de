"""`wardline log`: look at the evidence log and hold it against its own proofs."""

from pathlib import Path
from typing import Annotated

import typer

from wardline.cli.shell import UNDECIDED, VERIFICATION_FAILED, Output, leave, say, say_json, say_table

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
def check(
    against: Annotated[
        list[Path] | None,
        typer.Option(
            help="File with a checkpoint of this log that was kept elsewhere; repeat for each.", show_default=False
        ),
    ] = None,
    blobs: Annotated[
        bool, typer.Option(help="Read every blob and artifact that a statement names, or look at none.")
    ] = True,
    output: Annotated[Output, typer.Option()] = Output.TEXT,
) -> None:
    """Derive every leaf, subtree, root and signature again; exit 5 where one does not hold."""
    from wardline.bootstrap import checking
    from wardline.cli.home import existing_home
    from wardline.cli.log_checked import checked_to_json, checked_to_lines, kept_heads
    from wardline.outcomes import Outcome

    # Read before the log is: what was kept elsewhere cannot be newer than what is then found here.
    kept = [kept_heads(file) for file in against or ()]
    with existing_home() as wardline:
        checked = checking.check(wardline, against=kept, things=blobs)
    if output is Output.JSON:
        say_json(checked_to_json(checked))
    else:
        say("\n".join(checked_to_lines(checked)))
    outcome = Outcome.PASSED if checked.things is None else checked.things.outcome
    if outcome is not Outcome.PASSED:
        leave(VERIFICATION_FAILED if outcome is Outcome.FAILED else UNDECIDED)

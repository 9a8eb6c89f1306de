"""The command `wardline`: every verb and where it is written. Heavy imports stay inside the commands."""

import sys
from typing import Annotated

import typer

from wardline.cli import (
    advisories,
    approvals,
    break_glass,
    controls,
    decisions,
    environments,
    gate,
    keys,
    log,
    people,
    policies,
    publish,
    retention,
    runs,
    witness,
)
from wardline.cli.backup import backup, restore
from wardline.cli.controls_selftest import selftest
from wardline.cli.copy_log import copy
from wardline.cli.export import export
from wardline.cli.forget import forget
from wardline.cli.init import init
from wardline.cli.metrics import metrics
from wardline.cli.packet import packet
from wardline.cli.sarif import sarif
from wardline.cli.scan import scan
from wardline.cli.shell import leave, report, say
from wardline.cli.ship import ship
from wardline.cli.training import train
from wardline.cli.validate import validate
from wardline.cli.verify import verify
from wardline.cli.windows import windows
from wardline.errors import WardlineError

app = typer.Typer(
    name="wardline",
    help="Takes a change to healthcare software from commit to production, and proves it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,  # a traceback with local variables could print what must not be seen
    rich_markup_mode=None,
)

app.command("init")(init)
app.command("validate")(validate)
app.command("windows")(windows)
app.command("ship")(ship)
app.add_typer(runs.app, name="runs")
app.command("status")(environments.status)
app.command("approve")(approvals.approve)
app.command("reject")(approvals.reject)
app.command("approvals")(approvals.approvals)
app.command("waive")(approvals.waive)
app.add_typer(advisories.app, name="advisories")
app.command("sarif")(sarif)
app.command("waivers")(approvals.waivers)
app.add_typer(break_glass.app, name="break-glass")
app.command("rollback")(environments.rollback)
app.command("rehearse")(environments.rehearse)
app.add_typer(environments.app, name="environments")
gate.app.command("adopt")(policies.adopt)
gate.app.command("retire")(policies.retire)
gate.app.command("import")(policies.import_results)
gate.app.command("explain")(decisions.explain)
gate.app.command("replay")(decisions.replay)
app.add_typer(gate.app, name="gate")
people.app.command("forget")(forget)
people.app.command("train")(train)
app.add_typer(people.app, name="people")
controls.app.command("selftest")(selftest)
app.add_typer(controls.app, name="controls")
app.add_typer(keys.app, name="keys")
app.add_typer(log.app, name="log")
log.app.command("export")(export)
log.app.command("copy")(copy)
app.command("backup")(backup)
app.command("restore")(restore)
retention.register(log.app)
publish.register(log.app)
app.add_typer(witness.app, name="witness")
app.command("packet")(packet)
app.command("verify")(verify)
app.command("metrics")(metrics)
app.command("scan")(scan)


def _version(wanted: bool) -> None:
    if wanted:
        from wardline import __version__

        say(f"wardline {__version__}")
        leave(0)


@app.callback()
def _options(
    _version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    """Take a change to healthcare software from commit to production, and prove it."""


def main() -> None:
    """Run the command line; every error of ours becomes one message and one exit code."""
    try:
        app()
    except WardlineError as error:
        sys.exit(report(error))

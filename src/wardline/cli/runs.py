"""`wardline runs`: look at runs, take them up again, give them up."""

from typing import Annotated

import typer

from wardline.cli.shell import Output, say, say_json, say_table

app = typer.Typer(help="List, show, resume or cancel runs.", no_args_is_help=True)


@app.command("list")
def list_runs(
    limit: Annotated[int, typer.Option(help="How many, newest first.", min=1)] = 20,
    output: Annotated[Output, typer.Option()] = Output.TEXT,
) -> None:
    """List runs, newest first."""
    from wardline.cli.home import existing_home
    from wardline.cli.render import run_to_json, run_to_row

    with existing_home() as wardline:
        found = wardline.runs.newest(limit)
        driven = {run.id for run in found if wardline.drivers.is_driven(run.id)}
    if output is Output.JSON:
        say_json([run_to_json(run, driven=run.id in driven) for run in found])
        return
    if not found:
        say("No run yet. Start one with `wardline ship`.")
        return
    rows = [run_to_row(run, driven=run.id in driven) for run in found]
    say_table(("run", "journey", "service", "commit", "status", "at", "started"), rows)
    for run in found:
        if run.waiting_for is not None and not run.ended:
            say(f"{run.id}: {run.waiting_for}")


@app.command("show")
def show(
    run: Annotated[str, typer.Argument(help="The run's id.")],
    output: Annotated[Output, typer.Option()] = Output.TEXT,
) -> None:
    """Show what a run left in the log, in order."""
    from wardline.bootstrap.approvals import printed_names, waivers
    from wardline.bootstrap.forgetting import texts
    from wardline.cli.approvals_told import people_to_lines
    from wardline.cli.home import existing_home
    from wardline.cli.render import evidence_to_json, evidence_to_row, run_to_json, text_to_json, text_to_lines
    from wardline.ids import RunId

    with existing_home() as wardline:
        found = wardline.runs.load(RunId(run))
        driven = wardline.drivers.is_driven(found.id)
        left = wardline.log.of_run(found.id)
        why = wardline.explain(found) if found.ended else ()
        opened = texts(wardline)
        said = [(item, text) for item in left for text in opened.in_statement(item)]
        names, accepted = printed_names(wardline), waivers(wardline, run=found.id)
    if output is Output.JSON:
        evidence = [evidence_to_json(item) for item in left]
        words = [text_to_json(item, text) for item, text in said]
        let_pass = [each.to_json() for each in accepted]
        say_json(run_to_json(found, driven=driven) | {"evidence": evidence, "texts": words, "waivers": let_pass})
        return
    say(f"run {found.id} of {found.service}, commit {found.commit_sha[:12]}: {found.status}")
    for reason in why:
        say(f"  {reason}")
    if found.waiting_for is not None and not found.ended:
        say(f"waiting: {found.waiting_for}")
    if not driven and not found.ended:
        say(f"interrupted: resume it with `wardline runs resume {found.id}`")
    say_table(("index", "step", "outcome", "statement", "at"), [evidence_to_row(item) for item in left])
    for line in (*people_to_lines(left, accepted, names), *(line for one in said for line in text_to_lines(*one))):
        say(line)


@app.command("resume")
def resume(
    run: Annotated[str, typer.Argument(help="The run's id.")],
    output: Annotated[Output, typer.Option()] = Output.TEXT,
) -> None:
    """Take a run up where it stopped."""
    from wardline.cli.driving import drive
    from wardline.cli.home import existing_home
    from wardline.ids import RunId

    with existing_home() as wardline:
        found = wardline.runs.load(RunId(run))
        drive(wardline, found, output=output)


@app.command("cancel")
def cancel(
    run: Annotated[str, typer.Argument(help="The run's id.")],
    output: Annotated[Output, typer.Option()] = Output.TEXT,
) -> None:
    """Give a run up: what served before serves again, the run is sealed as cancelled."""
    from wardline.cli.home import existing_home
    from wardline.cli.progress import showing
    from wardline.ids import RunId

    with existing_home() as wardline, showing(quiet=output is Output.JSON) as progress:
        wardline.cancel(RunId(run), progress)
        found = wardline.runs.load(RunId(run))
        why = wardline.explain(found)
    if output is Output.JSON:
        say_json({"run": found.id, "status": found.status.value, "why": list(why)})
        return
    say(f"run {found.id}: {found.status}")
    for reason in why:
        say(f"  {reason}")

"""`wardline gate`: the policies, where they come from, and whether they still do what their own cases say."""

from pathlib import Path
from typing import Annotated

import typer

from wardline.cli.shell import ERROR, Output, leave, say, say_json, say_table

app = typer.Typer(
    help="List, test, adopt and retire policies; explain decisions and make them again.", no_args_is_help=True
)


@app.command("list")
def list_policies(
    path: Annotated[
        Path | None, typer.Option(help="A wardline.yaml, or the folder it lies in: its own policies, too.")
    ] = None,
    output: Annotated[Output, typer.Option()] = Output.TEXT,
) -> None:
    """List policies: where each is asked, where it comes from, and the requirements it speaks to."""
    from wardline.bootstrap.policies import adopted_here
    from wardline.cli.declared import declared_at
    from wardline.cli.policies_told import HEADINGS, Listed, to_json, to_row
    from wardline.gates.policy_files import load_policies
    from wardline.settings import read_settings

    pipeline, declared = (None, ()) if path is None else declared_at(path)
    here = adopted_here(read_settings())
    listed = [
        *(Listed(policy=policy, id=policy.id, source="Wardline") for policy in load_policies()),
        *(Listed.of(each.added, by=each.by) for each in here or ()),
        *(Listed.of(each) for each in declared),
    ]
    if output is Output.JSON:
        say_json({"installation": here is not None, "policies": [to_json(each, pipeline) for each in listed]})
        return
    say_table(HEADINGS, [to_row(each, pipeline) for each in listed])
    if here is None:
        say("No installation is here: what an organisation adopted is not listed. Set WARDLINE_HOME to where it is.")


@app.command("test")
def hold_against_cases(
    path: Annotated[
        Path | None, typer.Option(help="A wardline.yaml, or the folder it lies in: its own policies, too.")
    ] = None,
    output: Annotated[Output, typer.Option()] = Output.TEXT,
) -> None:
    """Run every policy's own cases: what must pass, what must be denied, what cannot be decided."""
    from wardline.bootstrap.policies import adopted_here
    from wardline.bootstrap.policy_cases import test_policies
    from wardline.cli.declared import declared_at
    from wardline.settings import read_settings

    declared = () if path is None else declared_at(path)[1]
    added = [*(each.added for each in adopted_here(read_settings()) or ()), *declared]
    unread = [(each.id or each.source, each.problem) for each in added if each.problem is not None]
    tested = [
        *test_policies([each.policy for each in added if each.policy is not None]),
        *((name, 0, (problem,)) for name, problem in unread),
    ]
    if output is Output.JSON:
        say_json([{"policy": policy, "cases": cases, "failures": list(failures)} for policy, cases, failures in tested])
    else:
        for policy, cases, failures in tested:
            say(f"{'✗' if failures else '✓'} {policy}: {cases} cases")
            for failure in failures:
                say(f"    {failure}")
    if any(failures for _, _, failures in tested):
        leave(ERROR)

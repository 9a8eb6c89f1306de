"""`wardline gate`: the policies, and whether they still do what their own cases say."""

from typing import Annotated

import typer

from wardline.cli.shell import ERROR, Output, leave, say, say_json, say_table

app = typer.Typer(help="List and test the policies; explain decisions and make them again.", no_args_is_help=True)


@app.command("list")
def list_policies(output: Annotated[Output, typer.Option()] = Output.TEXT) -> None:
    """List policies with the requirements they speak to."""
    from wardline.gates.policy_files import load_policies

    found = load_policies()
    if output is Output.JSON:
        say_json([policy.to_json() for policy in found])
        return
    say_table(("policy", "asks", "controls"), [(p.id, p.title, ", ".join(p.controls)) for p in found])


@app.command("test")
def hold_against_cases(output: Annotated[Output, typer.Option()] = Output.TEXT) -> None:
    """Run every policy's own cases: what must pass, what must be denied, what cannot be decided."""
    from wardline.bootstrap.policies import test_policies

    tested = test_policies()
    if output is Output.JSON:
        say_json([{"policy": policy, "cases": cases, "failures": list(failures)} for policy, cases, failures in tested])
    else:
        for policy, cases, failures in tested:
            say(f"{'✗' if failures else '✓'} {policy}: {cases} cases")
            for failure in failures:
                say(f"    {failure}")
    if any(failures for _, _, failures in tested):
        leave(ERROR)

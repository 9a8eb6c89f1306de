"""`wardline status`, `rollback`, `rehearse` and `environments stop`: what runs where, and the ways back."""

from typing import Annotated

import typer

from wardline.cli.shell import Output, say, say_json, say_table

app = typer.Typer(help="Stop what runs in an environment.", no_args_is_help=True)

_Service = Annotated[str | None, typer.Option("--service", help="Needed where several services are deployed here.")]
_By = Annotated[
    str | None,
    typer.Option(help="Your pseudonymous id: the reason is erased with you. Without it, it stands alone."),
]
_Output = Annotated[Output, typer.Option()]


def status(service: _Service = None, output: _Output = Output.TEXT) -> None:
    """Show what serves in every environment: what the log says, and what is seen."""
    from wardline.bootstrap.approvals import printed_names, waivers_where
    from wardline.bootstrap.break_glass import debts
    from wardline.cli.approvals_told import waiver_to_line
    from wardline.cli.break_glass_told import debt_to_json, debt_to_line, is_at
    from wardline.cli.home import existing_home

    with existing_home() as wardline:
        found = wardline.status(service)
        accepted = {each.environment: waivers_where(wardline, each) for each in found}
        names = printed_names(wardline)
        owed = [debt for debt in debts(wardline, service=service) if not debt.closed]
        now = wardline.clock.now()
    if output is Output.JSON:
        say_json(
            [
                each.to_json()
                | {"waivers": [one.to_json() for one in accepted[each.environment]]}
                | {"review_debts": [debt_to_json(one, now) for one in owed if is_at(one, each.environment)]}
                for each in found
            ]
        )
        return
    if not found:
        say("Nothing is deployed here yet.")
        return
    rows = [each.row() for each in found]
    say_table(("environment", "serves", "artifact", "instances", "seen", "url", "held by"), rows)
    for environment, waivers in accepted.items():
        for waiver in waivers:
            say(f"{environment}: {waiver_to_line(waiver, names)}")
    for debt in owed:
        say(debt_to_line(debt, now))


def rollback(
    environment: Annotated[str, typer.Argument(help="Where, e.g. production.")],
    to: Annotated[str | None, typer.Option(help="A release that served there; default: the one before.")] = None,
    reason: Annotated[str | None, typer.Option(help="Why, in your words; kept outside the log.")] = None,
    by: _By = None,
    service: _Service = None,
    output: _Output = Output.TEXT,
) -> None:
    """Put an earlier release in front of callers again. It waits for no gate, and is always recorded."""
    from wardline.cli.driving import drive
    from wardline.cli.home import existing_home
    from wardline.identity.principals import parse_principal_id

    with existing_home() as wardline:
        run = wardline.begin_rollback(
            environment, service=service, to=to, reason=reason, by=None if by is None else parse_principal_id(by)
        )
        drive(wardline, run, output=output)


def rehearse(service: _Service = None, output: _Output = Output.TEXT) -> None:
    """Rehearse the rollback again, for the release that waits in the rehearsal environment."""
    from wardline.cli.driving import drive
    from wardline.cli.home import existing_home

    with existing_home() as wardline:
        run = wardline.begin_rehearsal(service=service)
        drive(wardline, run, output=output)


@app.command("stop")
def stop(
    environment: Annotated[str, typer.Argument(help="Which; or `all`.")],
    service: _Service = None,
    reason: Annotated[str | None, typer.Option(help="Why, in your words; kept outside the log.")] = None,
    by: _By = None,
    output: _Output = Output.TEXT,
) -> None:
    """Stop everything in an environment, proxy and supervisor included. Its data stays; the stop is recorded."""
    from wardline.cli.home import existing_home
    from wardline.identity.principals import parse_principal_id

    with existing_home() as wardline:
        stopped = wardline.stop(
            environment, service=service, reason=reason, by=None if by is None else parse_principal_id(by)
        )
    if output is Output.JSON:
        say_json({"stopped": stopped})
        return
    for each in stopped:
        say(f"stopped {each}")

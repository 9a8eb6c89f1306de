"""`wardline break-glass`: release in an emergency, together where it can be, and review it afterwards."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from wardline.cli.shell import ERROR, Output, leave, say, say_json, say_table

app = typer.Typer(help="Release in an emergency, and review it afterwards.", no_args_is_help=True)

_Run = Annotated[str, typer.Argument(help="The run's id.")]
_Key = Annotated[Path, typer.Option(help="Your key file.", envvar="WARDLINE_KEY")]
_Role = Annotated[str | None, typer.Option(help="In which role, if you have several that may.")]
_Confirm = Annotated[
    str | None, typer.Option(help="SERVICE/ENVIRONMENT, where nobody can be asked: you were warned, and mean it.")
]
_Output = Annotated[Output, typer.Option()]


@app.command("start")
def start(
    run: _Run,
    environment: Annotated[str, typer.Option(help="How far it may go, e.g. production.")],
    code: Annotated[str, typer.Option(help="patient-safety, outage, active-exploit or data-loss.")],
    key: _Key,
    reason: Annotated[str, typer.Option(help="Why it cannot wait, in your words; - reads it from standard input.")],
    role: _Role = None,
    confirm: _Confirm = None,
    output: _Output = Output.TEXT,
) -> None:
    """Say that a release may not wait: for an hour, rules that yield to an emergency are set aside for this run."""
    from wardline.bootstrap.break_glass import glass_desk, warned
    from wardline.cli.break_glass_told import warning_to_lines
    from wardline.cli.home import existing_home
    from wardline.cli.reauthentication import confirm_by_name, signatory_anew
    from wardline.gates.break_glass_predicates import parse_code
    from wardline.identity.principals import parse_role
    from wardline.ids import RunId

    why, emergency = _text(reason), parse_code(code)
    acting = None if role is None else parse_role(role)
    with existing_home() as wardline:
        warning = warned(wardline, RunId(run), environment)
        if output is Output.TEXT:
            for line in warning_to_lines(warning.content):
                say(line)
        confirm_by_name(f"{warning.service}/{environment}", confirm)
        by = signatory_anew(wardline, key)
        desk = glass_desk(wardline)
        evidence = desk.start(warning, by=by, code=emergency, reason=why, role=acting)
    if output is Output.JSON:
        say_json({"run": run, "code": code, "by": by.principal, "log": evidence.index, "warned": warning.content})
        return
    say(f"EMERGENCY: {by.principal} broke the glass for {run}: log index {evidence.index}")
    say(f"a second person, within 15 minutes: wardline break-glass join {run}")


@app.command("join")
def join(
    run: _Run,
    key: _Key,
    reason: Annotated[str, typer.Option(help="Why it cannot wait, in your words; - reads it from standard input.")],
    role: _Role = None,
    confirm: _Confirm = None,
    output: _Output = Output.TEXT,
) -> None:
    """Say as a second person that a release may not wait, within 15 minutes of the first."""
    from wardline.bootstrap.break_glass import glass_desk, shown_then
    from wardline.cli.break_glass_told import warning_to_lines
    from wardline.cli.home import existing_home
    from wardline.cli.reauthentication import confirm_by_name, signatory_anew
    from wardline.identity.principals import parse_role
    from wardline.ids import RunId

    why, acting = _text(reason), None if role is None else parse_role(role)
    with existing_home() as wardline:
        desk = glass_desk(wardline)
        glass = desk.joinable(RunId(run))
        word = glass.first.word
        if output is Output.TEXT:
            say(f"{glass.first.by} broke the glass for {run}: {word.code} (log index {glass.index})")
            for line in warning_to_lines(shown_then(wardline, glass)):
                say(line)
        confirm_by_name(f"{word.service}/{word.release.doors[-1].environment}", confirm)
        by = signatory_anew(wardline, key)
        evidence = desk.join(glass, by=by, reason=why, role=acting)
    if output is Output.JSON:
        say_json({"run": run, "joins": glass.index, "by": by.principal, "log": evidence.index})
        return
    say(f"{by.principal} joined {glass.first.by}: log index {evidence.index}")


@app.command("review")
def review(
    run: _Run,
    verdict: Annotated[str, typer.Option(help="justified or not-justified.")],
    key: _Key,
    retrospective: Annotated[str, typer.Option(help="What was learnt, in your words; - reads it from standard input.")],
    role: Annotated[str | None, typer.Option(help="compliance or clinical-safety, if you have both.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Sign what is shown without being asked.")] = False,
    output: _Output = Output.TEXT,
) -> None:
    """Ask again what was set aside, and sign whether it was right: compliance and clinical-safety, two people."""
    from wardline.bootstrap.break_glass import debts, review_desk
    from wardline.cli.break_glass_told import asked_again_to_lines
    from wardline.cli.home import existing_home
    from wardline.cli.signing import confirmed, signatory
    from wardline.gates.emergency_review import parse_verdict
    from wardline.identity.principals import parse_role
    from wardline.ids import RunId

    said, learnt = parse_verdict(verdict), _text(retrospective)
    acting = None if role is None else parse_role(role)
    with existing_home() as wardline:
        desk = review_desk(wardline)
        owed, again = desk.look(RunId(run))
        if output is Output.TEXT:
            for line in asked_again_to_lines(owed, again):
                say(line)
        by = signatory(wardline, key)
        if not confirmed(f"Sign that this was {said}?", yes=yes):
            say("Nothing was signed.")
            leave(ERROR)
        evidence = desk.review(owed, again, by=by, verdict=said, retrospective=learnt, role=acting)
        left = [debt for debt in debts(wardline, service=None) if debt.run == run and not debt.closed]
    if output is Output.JSON:
        answers = [each.to_json() for each in again]
        say_json({"run": run, "by": by.principal, "log": evidence.index, "closed": not left, "asked_again": answers})
        return
    say(f"reviewed by {by.principal}: log index {evidence.index}")
    say(f"{run} is still owed the other role's review" if left else f"{run} is reviewed: nothing is owed for it")


@app.command("list")
def list_emergencies(
    every: Annotated[bool, typer.Option("--all", help="Those that are reviewed, too.")] = False,
    service: Annotated[str | None, typer.Option(help="Only of this service.")] = None,
    output: _Output = Output.TEXT,
) -> None:
    """List emergency releases that owe a review, and until when."""
    from wardline.bootstrap.break_glass import debts
    from wardline.cli.break_glass_told import HEADINGS, debt_to_json, debt_to_row
    from wardline.cli.home import existing_home

    with existing_home() as wardline:
        now = wardline.clock.now()
        found = [debt for debt in debts(wardline, service=service) if every or not debt.closed]
    if output is Output.JSON:
        say_json([debt_to_json(debt, now) for debt in found])
        return
    if not found:
        say("No review is owed.")
        return
    say_table(HEADINGS, [debt_to_row(debt, now) for debt in found])


def _text(said: str) -> str:
    return sys.stdin.read() if said == "-" else said

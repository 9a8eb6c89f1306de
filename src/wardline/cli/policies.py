"""`wardline gate adopt|retire|import`: what an organisation adds to the gates: policies, and results of other tools."""

from pathlib import Path
from typing import Annotated

import typer

from wardline.cli.shell import ERROR, Output, leave, say, say_json
from wardline.findings.policy_reports import PolicyTool

_Key = Annotated[Path, typer.Option(help="Your key file.", envvar="WARDLINE_KEY")]
_Reason = Annotated[str, typer.Option(help="Why, in your words; kept outside the log.")]
_Yes = Annotated[bool, typer.Option("--yes", help="Sign what is shown without being asked.")]
_Output = Annotated[Output, typer.Option()]


def adopt(
    file: Annotated[Path, typer.Argument(help="A policy file.")],
    key: _Key,
    reason: _Reason,
    yes: _Yes = False,
    output: _Output = Output.TEXT,
) -> None:
    """Show a policy, and sign that it is asked from now on."""
    from wardline.bootstrap.policies import adopting
    from wardline.bootstrap.policy_cases import policy_file
    from wardline.cli.home import existing_home
    from wardline.cli.policies_told import shown
    from wardline.cli.signing import signatory

    content = policy_file(file)
    with existing_home() as wardline, adopting(wardline) as desk:
        by = signatory(wardline, key)
        policy = desk.check(content, where=str(file))
        if output is Output.TEXT:
            for line in shown(policy):
                say(line)
        _confirm(f"Adopt {policy.id}, signed as compliance?", yes=yes)
        evidence = desk.adopt(content, where=str(file), reason=reason, by=by)
    if output is Output.JSON:
        say_json({"log": evidence.index, "policy": policy.id, "by": by.principal})
        return
    say(f"{policy.id} adopted by {by.principal}: log index {evidence.index}")


def retire(
    policy: Annotated[str, typer.Argument(help="The id of an adopted policy.", metavar="ID")],
    key: _Key,
    reason: _Reason,
    yes: _Yes = False,
    output: _Output = Output.TEXT,
) -> None:
    """Sign that an adopted policy is asked no longer."""
    from wardline.bootstrap.policies import retire as record
    from wardline.bootstrap.policies import to_retire
    from wardline.cli.home import existing_home
    from wardline.cli.signing import signatory

    with existing_home() as wardline:
        by = signatory(wardline, key)
        found = to_retire(wardline, policy)
        if output is Output.TEXT:
            say(f"{policy}: adopted by {found.by} at log index {found.index}")
        _confirm(f"Retire {policy}, signed as compliance?", yes=yes)
        evidence = record(wardline, policy, reason=reason, by=by)
    if output is Output.JSON:
        say_json({"log": evidence.index, "policy": policy, "adoption": found.index, "by": by.principal})
        return
    say(f"{policy} retired by {by.principal}: log index {evidence.index}; what was decided by it stays as it was")


def import_results(
    files: Annotated[list[Path], typer.Argument(help="The files of one report.", metavar="FILE…")],
    tool: Annotated[PolicyTool, typer.Option(help="conftest or opa.")],
    run: Annotated[str | None, typer.Option(help="Of the commit of this run.")] = None,
    commit: Annotated[str | None, typer.Option(help="Or of this commit, by its full id, with --service.")] = None,
    service: Annotated[str | None, typer.Option(help="The service of --commit.")] = None,
    tool_version: Annotated[str | None, typer.Option(help="The version of the tool, if you know it.")] = None,
    decision: Annotated[
        str | None, typer.Option(help="What `opa exec --decision` was given; its report does not say it.")
    ] = None,
    output: _Output = Output.TEXT,
) -> None:
    """Hand in what conftest or OPA wrote about a commit."""
    from wardline.bootstrap.policy_results import hand_in, report_file
    from wardline.cli.home import existing_home
    from wardline.delivery.import_results import problems_in

    contents = tuple(report_file(file) for file in files)
    with existing_home() as wardline:
        evidence = hand_in(
            wardline,
            tool,
            contents,
            of=(run, service, commit),
            said=(tool_version, decision),
        )
    problems = problems_in(evidence)
    if output is Output.JSON:
        say_json({"log": evidence.index, "outcome": evidence.statement.context.outcome, "problems": list(problems)})
    else:
        told = "; ".join(problems) or f"{evidence.statement.body['tested']} tested, nothing failed"
        say(f"{tool}: {evidence.statement.context.outcome}: {told}: log index {evidence.index}")
    if problems:
        leave(ERROR)


def _confirm(question: str, *, yes: bool) -> None:
    from wardline.cli.signing import confirmed

    if not confirmed(question, yes=yes):
        say("Nothing was signed.")
        leave(ERROR)

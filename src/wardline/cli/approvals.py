"""`wardline approve`, `reject`, `approvals`, `waive`, `waivers`: what people answer for, signed with their own keys."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from wardline.cli.shell import ERROR, Output, leave, say, say_json

_Run = Annotated[str, typer.Argument(help="The run's id.")]
_Role = Annotated[str, typer.Option(help="In which role you answer, e.g. clinical-safety.")]
_Key = Annotated[Path, typer.Option(help="Your key file.", envvar="WARDLINE_KEY")]
_Reason = Annotated[str, typer.Option(help="Why, in your words; kept outside the log.")]
_Environment = Annotated[str | None, typer.Option(help="Default: the one where the run asks people.")]
_Digest = Annotated[str | None, typer.Option(help="Sign only if this is still the digest of what is shown: sha256:….")]
_Yes = Annotated[bool, typer.Option("--yes", help="Sign what is shown without being asked.")]
_Output = Annotated[Output, typer.Option()]


def approve(
    run: _Run,
    role: _Role,
    key: _Key,
    reason: _Reason,
    environment: _Environment = None,
    digest: _Digest = None,
    yes: _Yes = False,
    output: _Output = Output.TEXT,
) -> None:
    """Show what would be released, and sign that it may be."""
    _answer("approve", run, (environment, digest), role=role, key=key, reason=reason, yes=yes, output=output)


def reject(
    run: _Run,
    role: _Role,
    key: _Key,
    reason: _Reason,
    environment: _Environment = None,
    digest: _Digest = None,
    yes: _Yes = False,
    output: _Output = Output.TEXT,
) -> None:
    """Show what would be released, and sign that it may not be."""
    _answer("reject", run, (environment, digest), role=role, key=key, reason=reason, yes=yes, output=output)


def approvals(
    run: _Run,
    environment: Annotated[str | None, typer.Option(help="Only there; default: wherever the run asks people.")] = None,
    output: _Output = Output.TEXT,
) -> None:
    """Show every word people said about a release, whether it stands by the log of now, and by what it fell."""
    from wardline.bootstrap.approvals import printed_names, words
    from wardline.cli.approvals_told import words_to_json, words_to_lines
    from wardline.cli.home import existing_home
    from wardline.ids import RunId

    with existing_home() as wardline:
        found, names = words(wardline, RunId(run), environment), printed_names(wardline)
    if output is Output.JSON:
        say_json([words_to_json(each, names) for each in found])
        return
    for each in found:
        for line in words_to_lines(each, names):
            say(line)


def _answer(
    verb: str,
    run: str,
    what: tuple[str | None, str | None],
    *,
    role: str,
    key: Path,
    reason: str,
    yes: bool,
    output: Output,
) -> None:
    from wardline.bootstrap.approvals import consent, printed_names
    from wardline.canonical import Digest
    from wardline.cli.approvals_told import name_of, signature_to_line
    from wardline.cli.home import home
    from wardline.cli.signing import confirmed, show, signatory
    from wardline.clock import to_rfc3339
    from wardline.identity.principals import parse_role
    from wardline.ids import RunId

    environment, digest = what
    with home() as wardline:
        wanted = parse_role(role)
        by = signatory(wardline, key)
        document = consent(wardline, RunId(run), environment, digest=None if digest is None else Digest.parse(digest))
        if output is Output.TEXT:
            show(document.content)
            say(f"digest: sha256:{document.digest.hex}")
        if not confirmed(f"Sign to {verb} this as {wanted.value}?", yes=yes):
            say("Nothing was signed.")
            leave(ERROR)
        desk = wardline.approvals
        word = desk.approve if verb == "approve" else desk.reject
        evidence = word(document, by=by, role=wanted, reason=reason)
        names = printed_names(wardline)
    if output is Output.JSON:
        printed = {"name": name_of(by.principal, names), "at": to_rfc3339(evidence.statement.context.recorded_at)}
        meaning = {"meaning": evidence.statement.body["meaning"]}
        signed = {"run": run, "verb": verb, "role": wanted.value, "by": by.principal, "log": evidence.index}
        say_json(signed | printed | meaning)
        return
    say(f"log index {signature_to_line(evidence, names)}")


def waive(
    finding: Annotated[str, typer.Argument(help="The finding's id, F-….")],
    key: _Key,
    reason: _Reason,
    days: Annotated[int, typer.Option(help="After how many days somebody must look again.", min=1, max=365)],
    environment: Annotated[str | None, typer.Option(help="Only there; default: everywhere.")] = None,
    output: _Output = Output.TEXT,
) -> None:
    """Let one named finding pass for a while, signed by somebody who answers for the risk."""
    from wardline.bootstrap.approvals import look_again
    from wardline.cli.home import home
    from wardline.cli.signing import signatory
    from wardline.clock import to_rfc3339
    from wardline.delivery.waive import WaiverRequest
    from wardline.delivery.waive import waive as record
    from wardline.ids import EnvironmentName

    with home() as wardline:
        request = WaiverRequest(
            finding=finding,
            expires_at=wardline.clock.now() + timedelta(days=days) - timedelta(seconds=1),
            environment=None if environment is None else EnvironmentName(environment),
            reason=reason,
        )
        evidence = record(request, by=signatory(wardline, key), collect=wardline.collect)
        look_again(wardline)
    expires = to_rfc3339(request.expires_at)
    if output is Output.JSON:
        say_json({"finding": finding, "expires_at": expires, "log": evidence.index})
        return
    say(f"{finding} is waived until {expires}: log index {evidence.index}")


def waivers(
    every: Annotated[bool, typer.Option("--all", help="Those that have expired, too.")] = False,
    output: _Output = Output.TEXT,
) -> None:
    """List the findings that are let pass now: where, until when, and who owns the risk."""
    from wardline.bootstrap.approvals import printed_names
    from wardline.bootstrap.approvals import waivers as found_in
    from wardline.cli.approvals_told import waiver_to_line
    from wardline.cli.home import existing_home

    with existing_home() as wardline:
        found = [each for each in found_in(wardline) if every or each.stands]
        names = printed_names(wardline)
    if output is Output.JSON:
        say_json([each.to_json() for each in found])
        return
    if not found:
        say("Nothing is waived.")
    for each in found:
        say(waiver_to_line(each, names))

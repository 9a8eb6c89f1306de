"""`wardline log hold`, `release`, `holds`, `purge`, `completeness`: what is kept, how long, and that all is there."""

from pathlib import Path
from typing import Annotated

import typer

from wardline.cli.shell import ERROR, UNDECIDED, VERIFICATION_FAILED, Output, leave, say, say_json, say_table

_Role = Annotated[str, typer.Option(help="In which role you answer: compliance or data-protection.")]
_Key = Annotated[Path, typer.Option(help="Your key file.", envvar="WARDLINE_KEY")]
_Reason = Annotated[str, typer.Option(help="Why, in your words; kept outside the log.")]
_Yes = Annotated[bool, typer.Option("--yes", help="Sign what is shown without being asked.")]
_Output = Annotated[Output, typer.Option()]


def register(log: typer.Typer) -> None:
    """Add these commands to `wardline log`."""
    for command in (hold, release, holds, purge, completeness):
        log.command(command.__name__)(command)


def hold(
    role: _Role,
    key: _Key,
    code: Annotated[str, typer.Option(help="litigation, investigation, incident, audit or authority.")],
    reason: _Reason,
    service: Annotated[str | None, typer.Option(help="Only what is of this service.")] = None,
    run: Annotated[str | None, typer.Option(help="Only what is of this run.")] = None,
    since: Annotated[str | None, typer.Option(help="Only what was recorded from then on: a date or time.")] = None,
    until: Annotated[str | None, typer.Option(help="Only what was recorded before; a date is included.")] = None,
    blocks_erasure: Annotated[
        bool, typer.Option("--blocks-erasure", help="Nobody in it is forgotten meanwhile; for legal claims only.")
    ] = False,
    yes: _Yes = False,
    output: _Output = Output.TEXT,
) -> None:
    """Let nothing in this scope be purged, until the hold is released. Without a scope: nothing at all."""
    from wardline.cli.home import existing_home
    from wardline.cli.signing import confirmed, signatory
    from wardline.delivery.hold import HoldRequest
    from wardline.delivery.hold import hold as record
    from wardline.evidence.predicates import Scope, parse_hold_reason
    from wardline.evidence.retention.completeness import parse_moment
    from wardline.identity.principals import parse_role
    from wardline.ids import RunId

    request = HoldRequest(
        scope=Scope(
            service=service,
            run=None if run is None else RunId(run),
            since=None if since is None else parse_moment(since),
            until=None if until is None else parse_moment(until, end=True),
        ),
        role=parse_role(role),
        code=parse_hold_reason(code),
        reason=reason,
        blocks_erasure=blocks_erasure,
    )
    with existing_home() as wardline:
        by = signatory(wardline, key)
        erasure = ", and let nobody in it be forgotten meanwhile" if blocks_erasure else ""
        if not confirmed(f"Hold {request.scope} for {request.code}{erasure}, signed as {request.role}?", yes=yes):
            say("Nothing was signed.")
            leave(ERROR)
        evidence = record(request, by=by, collect=wardline.collect)
    if output is Output.JSON:
        say_json({"hold": evidence.index, "scope": request.scope.to_json(), "by": by.principal})
        return
    say(f"held: {request.scope}; log index {evidence.index}")
    say(f"release it with: wardline log release {evidence.index} --role {request.role} --reason …")


def release(
    index: Annotated[int, typer.Argument(help="Log index of the hold.", min=0, metavar="HOLD")],
    role: _Role,
    key: _Key,
    reason: _Reason,
    output: _Output = Output.TEXT,
) -> None:
    """End a legal hold: what it held may be purged once its period is over."""
    from wardline.cli.home import existing_home
    from wardline.cli.signing import signatory
    from wardline.delivery.hold import release as record
    from wardline.identity.principals import parse_role

    with existing_home() as wardline:
        by = signatory(wardline, key)
        evidence = record(index, role=parse_role(role), reason=reason, by=by, collect=wardline.collect)
    if output is Output.JSON:
        say_json({"hold": index, "released": evidence.index, "by": evidence.statement.context.actor})
        return
    say(f"hold {index} is released: log index {evidence.index}")


def holds(
    every: Annotated[bool, typer.Option("--all", help="The released ones too.")] = False,
    output: _Output = Output.TEXT,
) -> None:
    """List the legal holds that stand."""
    from wardline.cli.home import existing_home
    from wardline.delivery.hold import holds as placed_holds

    with existing_home() as wardline:
        found = [placed for placed in placed_holds(wardline.collect) if every or placed.stands]
    if output is Output.JSON:
        say_json([placed.to_json() for placed in found])
        return
    headings = ("hold", "scope", "code", "by", "since", "blocks erasure", "released")
    say_table(headings, [placed.row() for placed in found])


def purge(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would go, change nothing.")] = False,
    before: Annotated[
        str | None, typer.Option(help="Only what was past its period then: a date (UTC) or time. Default: now.")
    ] = None,
    output: _Output = Output.TEXT,
) -> None:
    """Remove what is past its period and held by nobody; say first, in the log, what goes."""
    from wardline.bootstrap.retention import look
    from wardline.bootstrap.retention import purge as remove
    from wardline.cli.home import existing_home
    from wardline.evidence.retention.completeness import parse_moment

    cut = None if before is None else parse_moment(before)
    with existing_home() as wardline:
        removed = None if dry_run else remove(wardline, before=cut)
        plan = look(wardline, before=cut) if removed is None else removed.plan
    if output is Output.JSON:
        say_json(plan.to_json() | ({} if removed is None else removed.to_json()))
        return
    say_table(("class", "state", "count", "bytes"), plan.rows())
    if removed is None:
        say(f"nothing was changed; {len(plan.due)} would go")
        return
    under = "" if removed.statement is None else f", log index {removed.statement.index}"
    say(f"{removed.gone} removed, {removed.gone_bytes} bytes{under}")
    if removed.left:
        say(f"{removed.left} were kept again meanwhile and stay")


def completeness(
    since: Annotated[str, typer.Option("--from", help="Recorded from then on: a date (UTC) or RFC 3339 time.")],
    until: Annotated[str, typer.Option("--to", help="Recorded before; a date is included.")],
    output: _Output = Output.TEXT,
) -> None:
    """Show that nothing of a time is missing: exit 5 where something is, 6 where nobody could look."""
    from wardline.bootstrap.retention import completeness as look
    from wardline.cli.home import existing_home
    from wardline.evidence.retention.completeness import Window
    from wardline.outcomes import Outcome

    with existing_home() as wardline:
        found = look(wardline, Window.parse(since, until, now=wardline.clock.now()))
    if output is Output.JSON:
        say_json(found.to_json())
    else:
        for line in found.lines():
            say(line)
    if found.outcome is Outcome.FAILED:
        leave(VERIFICATION_FAILED)
    if found.outcome is not Outcome.PASSED:
        leave(UNDECIDED)

"""`wardline controls attest`, `decide`, `records`: what people answer for, signed with their own keys."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from wardline.cli.shell import ERROR, Output, leave, say, say_json, say_table

_Key = Annotated[Path, typer.Option(help="Your key file.", envvar="WARDLINE_KEY")]
_Until = Annotated[str, typer.Option(help="The last day it holds, a year off at most; then somebody looks again.")]
_Service = Annotated[str | None, typer.Option(help="Only of this service; default: the whole organization.")]
_Yes = Annotated[bool, typer.Option("--yes", help="Sign what is shown without being asked.")]
_Output = Annotated[Output, typer.Option()]


def attest(
    controls: Annotated[list[str], typer.Argument(help="Ids of controls.", metavar="CONTROL…")],
    role: Annotated[str, typer.Option(help="In which role: compliance, data-protection or clinical-safety.")],
    key: _Key,
    until: _Until,
    statement: Annotated[str, typer.Option(help="What you answer for, in your words; kept outside the log.")],
    claim: Annotated[str, typer.Option(help="in-place, not-applicable or withdrawn.")] = "in-place",
    document: Annotated[str | None, typer.Option(help="Digest of a document it rests on: sha256:….")] = None,
    service: _Service = None,
    yes: _Yes = False,
    output: _Output = Output.TEXT,
) -> None:
    """Answer for controls that evidence leaves to people, until a day."""
    from wardline.bootstrap.controls import attest as record
    from wardline.bootstrap.controls import library
    from wardline.canonical import Digest
    from wardline.cli.controls_told import show_asked
    from wardline.cli.home import existing_home
    from wardline.cli.signing import signatory
    from wardline.controls.said import Claim, parse_word
    from wardline.delivery.attest import AttestationRequest, check_attestation
    from wardline.identity.principals import parse_role

    request = AttestationRequest(
        controls=tuple(controls),
        claim=parse_word(claim, Claim, "--claim"),
        role=parse_role(role),
        service=service,
        document=None if document is None else Digest.parse(document),
        statement=statement,
        expires_at=_end_of(until),
    )
    with existing_home() as wardline:
        by, books = signatory(wardline, key), library(wardline)
        check_attestation(request, library=books, collect=wardline.collect)
        if output is Output.TEXT:
            show_asked([books.control(control) for control in request.controls], statement)
        _confirm(f"Attest {request.claim} until {until}, signed as {request.role}?", yes=yes)
        evidence = record(wardline, request, by=by)
    if output is Output.JSON:
        say_json({"log": evidence.index, "controls": list(controls), "by": by.principal})
        return
    say(f"attested by {by.principal} as {request.role}: log index {evidence.index}")


def decide(
    control: Annotated[str, typer.Argument(help="Id of an addressable specification.")],
    choice: Annotated[str, typer.Option(help="implemented, alternative or not-reasonable-and-appropriate.")],
    key: _Key,
    until: _Until,
    rationale: Annotated[str, typer.Option(help="Why, in your words; kept outside the log.")],
    alternative: Annotated[str | None, typer.Option(help="What stands in its place; kept outside the log.")] = None,
    role: Annotated[str, typer.Option(help="In which role you answer.")] = "compliance",
    service: _Service = None,
    yes: _Yes = False,
    output: _Output = Output.TEXT,
) -> None:
    """Decide what becomes of an addressable specification, until a day (45 CFR 164.306(d)(3))."""
    from wardline.bootstrap.controls import decide as record
    from wardline.bootstrap.controls import library
    from wardline.cli.controls_told import show_asked
    from wardline.cli.home import existing_home
    from wardline.cli.signing import signatory
    from wardline.controls.said import Choice, parse_word
    from wardline.delivery.decide_addressable import DecisionRequest, check_decision
    from wardline.identity.principals import parse_role

    request = DecisionRequest(
        control=control,
        choice=parse_word(choice, Choice, "--choice"),
        role=parse_role(role),
        service=service,
        rationale=rationale,
        alternative=alternative,
        expires_at=_end_of(until),
    )
    with existing_home() as wardline:
        by, books = signatory(wardline, key), library(wardline)
        check_decision(request, library=books, collect=wardline.collect)
        if output is Output.TEXT:
            show_asked([books.control(control)], rationale, alternative)
        _confirm(f"Decide {request.choice} until {until}, signed as {request.role}?", yes=yes)
        evidence = record(wardline, request, by=by)
    if output is Output.JSON:
        say_json({"log": evidence.index, "control": control, "choice": request.choice.value, "by": by.principal})
        return
    say(f"decided by {by.principal} as {request.role}: log index {evidence.index}")


def records(
    every: Annotated[bool, typer.Option("--all", help="Those that do not count any more, too.")] = False,
    words: Annotated[bool, typer.Option("--words", help="What was written with them, too.")] = False,
    output: _Output = Output.TEXT,
) -> None:
    """List attestations and decisions that stand, and until when."""
    from wardline.bootstrap.controls import records as found
    from wardline.bootstrap.forgetting import texts
    from wardline.cli.home import existing_home
    from wardline.cli.render import text_to_json, text_to_lines

    with existing_home() as wardline:
        rows = [record for record in found(wardline) if every or record.stands]
        opened = texts(wardline)
        written = {(record.index, name): opened.read(ref) for record in rows if words for name, ref in record.words}
        items = {index: wardline.log.read(index) for index, _ in written}
    if output is Output.JSON:
        said = [text_to_json(items[index], text) | {"is": name} for (index, name), text in written.items()]
        say_json({"records": [record.to_json() for record in rows], "words": said})
        return
    headings = ("log", "control", "said", "of", "by", "until", "counts")
    say_table(headings, [record.row() for record in rows])
    for (index, name), text in written.items():
        heading, *lines = text_to_lines(items[index], text)
        say(f"{name} of {heading}")
        for line in lines:
            say(line)


def _end_of(until: str) -> datetime:
    """Return the last moment of a day, or the one that is said."""
    from wardline.evidence.retention.completeness import parse_moment

    return parse_moment(until, end=True) - timedelta(milliseconds=1)


def _confirm(question: str, *, yes: bool) -> None:
    from wardline.cli.signing import confirmed

    if not confirmed(question, yes=yes):
        say("Nothing was signed.")
        leave(ERROR)

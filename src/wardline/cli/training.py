"""`wardline people train`: somebody answers for it that a person was trained."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from wardline.cli.shell import ERROR, Output, leave, say, say_json


def train(
    principal: Annotated[str, typer.Argument(help="Who was trained, by their pseudonymous id.")],
    key: Annotated[Path, typer.Option(help="Your key file.", envvar="WARDLINE_KEY")],
    statement: Annotated[str, typer.Option(help="What was taught and where it is recorded; kept outside the log.")],
    until: Annotated[str | None, typer.Option(help="The last day it holds, a year off at most.")] = None,
    withdraw: Annotated[
        bool, typer.Option("--withdraw", help="What was recorded before does not hold any more.")
    ] = False,
    document: Annotated[str | None, typer.Option(help="Digest of the record or certificate: sha256:….")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Sign without being asked.")] = False,
    output: Annotated[Output, typer.Option()] = Output.TEXT,
) -> None:
    """Answer for it that a person was trained, until a day."""
    from wardline.bootstrap import training
    from wardline.canonical import Digest
    from wardline.cli.home import existing_home
    from wardline.cli.signing import confirmed, signatory
    from wardline.clock import to_rfc3339
    from wardline.delivery.train import TrainingRequest
    from wardline.errors import InvalidInput
    from wardline.identity.principals import parse_principal_id

    if withdraw == (until is not None):
        raise InvalidInput("expected either --until DATE or --withdraw", remedy="Say until when the training holds.")
    request = TrainingRequest(
        principal=parse_principal_id(principal),
        expires_at=None if until is None else _end_of(until),
        document=None if document is None else Digest.parse(document),
        statement=statement,
    )
    with existing_home() as wardline:
        by = signatory(wardline, key)
        training.check(wardline, request)
        asked = f"that {principal} was trained until {until}" if until is not None else f"that {principal} no longer is"
        if not confirmed(f"Answer for it {asked}?", yes=yes):
            say("Nothing was signed.")
            leave(ERROR)
        evidence = training.train(wardline, request, by=by)
    expires = None if request.expires_at is None else to_rfc3339(request.expires_at)
    if output is Output.JSON:
        say_json({"principal": principal, "by": by.principal, "expires_at": expires, "log": evidence.index})
        return
    said = "the training is withdrawn" if expires is None else f"trained until {expires}"
    say(f"{principal}: {said}, signed by {by.principal}: log index {evidence.index}")


def _end_of(until: str) -> datetime:
    """Return the last moment of a day, or the one that is said."""
    from wardline.evidence.retention.completeness import parse_moment

    return parse_moment(until, end=True) - timedelta(milliseconds=1)

"""`wardline people forget`: for the data-protection officer. Says first what it will destroy and what the law keeps."""

from pathlib import Path
from typing import Annotated

import typer

from wardline.cli.shell import ERROR, Output, leave, say, say_json
from wardline.errors import InvalidInput


def forget(
    person: Annotated[
        str | None, typer.Argument(help="Their pseudonymous id, or a subject as `runs show` names it.")
    ] = None,
    email: Annotated[list[str] | None, typer.Option(help="An address they wrote under; repeat for each.")] = None,
    key: Annotated[
        Path | None, typer.Option(help="Your key file, as data-protection officer.", envvar="WARDLINE_KEY")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would happen, change nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Sign what is shown without being asked.")] = False,
    output: Annotated[Output, typer.Option()] = Output.TEXT,
) -> None:
    """Destroy a person's name, addresses and key, and with it all they wrote; what they signed stays and verifies."""
    from wardline.bootstrap import forgetting
    from wardline.cli.doomed import doomed_to_json, doomed_to_lines
    from wardline.cli.home import existing_home
    from wardline.cli.signing import confirmed, signatory
    from wardline.identity.subject_keys import parse_subject_id

    with existing_home() as wardline:
        subject = None if person is None else parse_subject_id(person)
        doomed = forgetting.look(wardline, subject, emails=tuple(email or ()))
        if output is Output.TEXT:
            for line in doomed_to_lines(doomed):
                say(line)
        if dry_run:
            if output is Output.JSON:
                say_json(doomed_to_json(doomed) | {"forgotten": False, "log": None})
            return
        if key is None:
            raise InvalidInput("no key is named to sign it with", remedy="Say --key FILE, or look first: --dry-run.")
        by = signatory(wardline, key)
        if not confirmed("Sign that this is destroyed for good?", yes=yes):
            say("Nothing was signed, nothing was destroyed.")
            leave(ERROR)
        evidence = forgetting.forget(wardline, doomed, by=by)
    index = None if evidence is None else evidence.index
    if output is Output.JSON:
        say_json(doomed_to_json(doomed) | {"forgotten": True, "log": index})
        return
    say(
        "nothing was kept: nothing is recorded"
        if index is None
        else f"destroyed, signed by {by.principal}: log index {index}"
    )

"""`wardline people forget`: for the data-protection officer. Says first what it will destroy and what the law keeps."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wardline.cli.shell import ERROR, Output, leave, say, say_json
from wardline.errors import InvalidInput

if TYPE_CHECKING:
    from wardline.bootstrap.home import Home
    from wardline.delivery.forget import Doomed
    from wardline.evidence.log import Evidence


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
    from wardline.identity.subject_keys import parse_subject_id

    with existing_home() as wardline:
        subject = None if person is None else parse_subject_id(person)
        doomed = forgetting.look(wardline, subject, emails=tuple(email or ()))
        if output is Output.TEXT:
            say("\n".join(doomed_to_lines(doomed)))
        elif not (yes or dry_run):  # who is asked to sign must see what, also where the document goes to a file
            print("\n".join(doomed_to_lines(doomed)), file=sys.stderr)  # noqa: T201  # it is not the result
        evidence = None if dry_run or not _to_sign(doomed) else _signed(wardline, doomed, key, yes=yes)
    if output is Output.JSON:
        index = None if evidence is None else evidence.index
        say_json(doomed_to_json(doomed) | {"forgotten": not dry_run, "log": index})
    elif evidence is not None:
        say(f"destroyed, signed by {evidence.statement.context.actor}: log index {evidence.index}")
    elif not dry_run:
        say("nothing is kept that could be destroyed: nothing is to be signed, and nothing is recorded")


def _to_sign(doomed: "Doomed") -> bool:
    # What was signed for already is completed, and that takes the officer's key too.
    return not doomed.nothing_left or doomed.signed_at is not None


def _signed(wardline: "Home", doomed: "Doomed", key: Path | None, *, yes: bool) -> "Evidence | None":
    from wardline.bootstrap import forgetting
    from wardline.cli.signing import confirmed, signatory

    if key is None:
        raise InvalidInput("no key is named to sign it with", remedy="Say --key FILE, or look first: --dry-run.")
    by = signatory(wardline, key)
    again = "Destroy what is left of it? It was signed for already, and is not signed twice."
    if not confirmed("Sign that this is destroyed for good?" if doomed.signed_at is None else again, yes=yes):
        # On standard error where a document was asked for: there is none.
        print("Nothing was signed, nothing was destroyed.", file=sys.stderr)  # noqa: T201
        leave(ERROR)
    return forgetting.forget(wardline, doomed, by=by)

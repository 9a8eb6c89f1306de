"""`wardline people forget`: for the data-protection officer. Says first what it will destroy and what the law keeps."""

from pathlib import Path
from typing import Annotated

import typer

from wardline.canonical import JSONObject
from wardline.cli.shell import ERROR, Output, leave, say, say_json
from wardline.delivery.forget import Doomed
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
    from wardline.cli.home import home
    from wardline.cli.signing import confirmed, signatory
    from wardline.identity.subject_keys import parse_subject_id

    with home() as wardline:
        subject = None if person is None else parse_subject_id(person)
        doomed = forgetting.look(wardline, subject, emails=tuple(email or ()))
        if output is Output.TEXT:
            for line in _shown(doomed):
                say(line)
        if dry_run:
            if output is Output.JSON:
                say_json(_to_json(doomed) | {"forgotten": False, "log": None})
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
        say_json(_to_json(doomed) | {"forgotten": True, "log": index})
        return
    say(
        "nothing was kept: nothing is recorded"
        if index is None
        else f"destroyed, signed by {by.principal}: log index {index}"
    )


def _shown(doomed: Doomed) -> list[str]:
    kept = doomed.kept
    until = "" if kept.until is None else f", until {kept.until:%Y-%m-%d} at least"
    lines = [
        "will be destroyed:",
        f"  name: {doomed.name or '-'}",
        f"  addresses: {', '.join(doomed.addresses) or '-'}",
        f"  keys: {', '.join(f'{key.subject} ({key.id[:12]})' for key in doomed.keys) or '-'}",
        f"  texts that only these keys open: {len(doomed.texts)}",
        *(f"    sha256:{digest.hex}" for digest in doomed.texts),
        "will stay:",
        f"  {kept.statements} statements by or about them, {kept.signed} of them signed by them, under the pseudonym",
        f"  because the law asks for them: GDPR Art. 17(3)(b), {kept.law}{until}; leaves are never removed",
    ]
    if doomed.unreadable:
        lines.append(f"  {doomed.unreadable} damaged texts, whoever's they are: `wardline log completeness` names them")
    if doomed.signed_at is not None:
        lines.append(f"signed for already at log index {doomed.signed_at}: what is left of it is destroyed now")
    lines += [f"a legal hold forbids it: log index {index}" for index in doomed.blocked_by]
    return lines


def _to_json(doomed: Doomed) -> JSONObject:
    return {
        "principal": doomed.principal,
        "destroys": {
            "name": doomed.name,
            "addresses": list(doomed.addresses),
            "keys": [{"subject": key.subject, "id": key.id} for key in doomed.keys],
            "texts": [str(digest) for digest in doomed.texts],
        },
        "keeps": doomed.kept.to_json(),
        "unreadable": doomed.unreadable,
        "blocked_by": list(doomed.blocked_by),
        "signed_at": doomed.signed_at,
    }

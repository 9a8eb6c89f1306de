"""`wardline keys`: a key of your own, the installation's keys, and what becomes of them."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from wardline.cli.shell import ERROR, Output, leave, say, say_json, say_table

app = typer.Typer(help="Make keys, list them, change the installation's, revoke one.", no_args_is_help=True)

_Output = Annotated[Output, typer.Option()]
_Key = Annotated[str, typer.Argument(help="The key's id, or its first digits (at least 8); see keys list.")]


class For(StrEnum):
    """What a key of the installation is for."""

    STATEMENTS = "statements"
    CHECKPOINTS = "checkpoints"
    BOTH = "both"


class Reason(StrEnum):
    """Why a key is revoked (RFC 5280 §5.3.1)."""

    UNSPECIFIED = "unspecified"
    KEY_COMPROMISE = "key-compromise"
    AFFILIATION_CHANGED = "affiliation-changed"
    SUPERSEDED = "superseded"
    CESSATION_OF_OPERATION = "cessation-of-operation"


@app.command("new")
def new(
    file: Annotated[Path, typer.Argument(help="Where the key goes; its public half goes beside it, as FILE.pub.")],
    output: _Output = Output.TEXT,
) -> None:
    """Make an Ed25519 key protected by a passphrase. Making a key gives nobody a role."""
    from wardline.bootstrap.keys import new_key
    from wardline.cli.signing import passphrase_for
    from wardline.settings import read_settings

    settings = read_settings()  # and no installation: people's machines have none
    public = new_key(file, lambda: passphrase_for(settings, file, new=True))
    if output is Output.JSON:
        say_json({"file": str(file), "public": str(public)})
        return
    say(f"{file}: keep it and its passphrase to yourself")
    say(f"{public}: give this one to an administrator")


@app.command("public")
def public(
    key: Annotated[Path, typer.Argument(help="A key file, a pkcs11: URI or awskms: and a key's name.")],
    to: Annotated[Path, typer.Option(help="File to write.")],
    output: _Output = Output.TEXT,
) -> None:
    """Write the public half of a key of yours, wherever it lies: what an administrator enrols you with."""
    from wardline.bootstrap.keys import write_public
    from wardline.cli.signing import passphrase_for
    from wardline.settings import read_settings

    found = write_public(str(key), to, lambda: passphrase_for(read_settings(), key))
    if output is Output.JSON:
        say_json({"file": str(to), "keyid": found.keyid, "scheme": found.scheme.value})
        return
    say(f"{to}: give this one to an administrator ({found.scheme}, key id {found.keyid})")


@app.command("show")
def show(output: _Output = Output.TEXT) -> None:
    """Print the key of this installation: what `wardline verify --key` takes. It stays, whichever keys follow it."""
    from wardline.bootstrap.keys import checkpoint_keys
    from wardline.cli.home import existing_home

    with existing_home() as wardline:
        key, signing = str(wardline.log.key), checkpoint_keys(wardline)
    if output is Output.JSON:
        say_json({"key": key, "signing": [str(each) for each in signing]})
        return
    say(key)


@app.command("list")
def list_keys(output: _Output = Output.TEXT) -> None:
    """List every key the log knows: whose it is, what it signs, and from which log index to which."""
    from wardline.bootstrap.keys import list_keys as rows_of
    from wardline.cli.home import existing_home

    with existing_home() as wardline:
        rows = rows_of(wardline)
    if output is Output.JSON:
        say_json(
            [
                {
                    "keyid": row.key.keyid,
                    "holder": row.holder,
                    "scheme": row.key.scheme.value,
                    "purposes": [purpose.value for purpose in row.purposes],
                    "from": row.since,
                    "until": row.until,
                    "state": row.state,
                    "at_hand": row.at_hand,
                }
                for row in rows
            ]
        )
        return
    here = {None: "", True: "here", False: "not here"}
    say_table(
        ("key", "holder", "scheme", "signs", "from", "until", "state", ""),
        [
            (
                row.key.keyid[:16],
                row.holder or "installation",
                row.key.scheme.value,
                ", ".join(row.purposes) or "their word",
                "start" if row.since is None else str(row.since),
                "-" if row.until is None else str(row.until),
                row.state,
                here[row.at_hand],
            )
            for row in rows
        ],
    )


@app.command("rotate")
def rotate(
    to: Annotated[
        str | None, typer.Option(help="Where the new key lies: a file, pkcs11: or awskms:; default: one is made.")
    ] = None,
    purpose: Annotated[For | None, typer.Option("--for", help="Default: all that the key's scheme allows.")] = None,
    output: _Output = Output.TEXT,
) -> None:
    """Add a key to the installation, signed by an old and by the new one. Both count until one is retired."""
    from wardline.bootstrap.keys import rotate as act
    from wardline.cli.home import existing_home
    from wardline.identity.predicates import Purpose

    wanted = None if purpose is None else frozenset(Purpose if purpose is For.BOTH else {Purpose(purpose.value)})
    with existing_home() as wardline:
        key, evidence = act(wardline, to=to, purposes=wanted)
    if output is Output.JSON:
        say_json({"keyid": key.keyid, "scheme": key.scheme.value, "log": evidence.index})
        return
    say(f"key {key.keyid[:16]} ({key.scheme}) counts from log index {evidence.index} on, beside those before it")
    say("when nothing signs with an old one any more: wardline keys retire KEYID")


@app.command("retire")
def retire(key: _Key, output: _Output = Output.TEXT) -> None:
    """End a key of the installation. What it signed before still counts."""
    from wardline.bootstrap.keys import retire as act
    from wardline.cli.home import existing_home

    with existing_home() as wardline:
        found, evidence = act(wardline, key)
    if output is Output.JSON:
        say_json({"keyid": found.keyid, "log": evidence.index})
        return
    say(f"key {found.keyid[:16]} signs nothing after log index {evidence.index}; what it signed before still counts")


@app.command("revoke")
def revoke(
    revoked: _Key,
    reason: Annotated[Reason, typer.Option(help="Why, as a code of RFC 5280.")],
    key: Annotated[Path, typer.Option(help="The key of the administrator who revokes.", envvar="WARDLINE_KEY")],
    since: Annotated[
        int | None, typer.Option(help="First log index at which it does not count; default: from now on.", min=0)
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Revoke without being asked.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would not count any more, and stop.")] = False,
    output: _Output = Output.TEXT,
) -> None:
    """Let a key count no longer, from a log index on, backwards if need be: anybody's, or the installation's."""
    from wardline.bootstrap.keys import affected
    from wardline.bootstrap.keys import revoke as act
    from wardline.cli.home import existing_home
    from wardline.cli.signing import confirmed, signatory
    from wardline.identity.predicates import RevocationReason

    with existing_home() as wardline:
        found, leaves = affected(wardline, revoked, since)
        if output is Output.TEXT:
            say(f"key {found.keyid}")
            say(f"statements that would not count any more: {len(leaves)}{_listed(leaves)}")
        if dry_run:
            if output is Output.JSON:
                say_json({"keyid": found.keyid, "affected": leaves, "log": None})
            return
        by = signatory(wardline, key)
        if not confirmed("Revoke it?", yes=yes):
            say("Nothing was revoked.")
            leave(ERROR)
        found, evidence = act(wardline, found.keyid, since=since, reason=RevocationReason(reason.value), by=by)
    if output is Output.JSON:
        say_json({"keyid": found.keyid, "affected": leaves, "log": evidence.index})
        return
    say(f"revoked by {by.principal}: log index {evidence.index}")


def _listed(leaves: tuple[int, ...]) -> str:
    most = 12
    shown = ", ".join(map(str, leaves[:most]))
    return f" (log index {shown}{', …' if len(leaves) > most else ''})" if leaves else ""

"""`wardline backup` and `wardline restore`: an installation in one file, and back."""

from pathlib import Path
from typing import Annotated

import typer

from wardline.cli.shell import ERROR, Output, leave, say, say_json


def backup(
    file: Annotated[Path, typer.Argument(help="File to write; it must not exist.", show_default=False)],
    with_keys: Annotated[
        bool, typer.Option("--with-keys", help="Take the installation's keys and those of private texts along.")
    ] = False,
    output: Annotated[Output, typer.Option()] = Output.TEXT,
) -> None:
    """Write the log and all it names into one signed file, while runs go on. Exit 1: something named is not there."""
    from wardline.bootstrap.backup import back_up
    from wardline.cli.backup_told import backed_up_to_json, backed_up_to_lines
    from wardline.cli.home import existing_home

    with existing_home() as wardline:
        backed = back_up(wardline, file.absolute(), with_keys=with_keys)
    if output is Output.JSON:
        say_json(backed_up_to_json(backed, file))
    else:
        say("\n".join(backed_up_to_lines(backed, file)))
    if not backed.whole:
        leave(ERROR)


def restore(
    file: Annotated[Path, typer.Argument(help="The backup.", show_default=False)],
    into: Annotated[
        Path | None, typer.Option(help="The home to make, empty or not there; default: $WARDLINE_HOME.")
    ] = None,
    key: Annotated[
        str | None,
        typer.Option(help="The log's verification key, or a file that holds it; default: the one inside, as is said."),
    ] = None,
    witnessed: Annotated[
        list[Path] | None, typer.Option(help="File with checkpoints that somebody outside kept; repeat for each.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Prove everything, restore nothing.")] = False,
    output: Annotated[Output, typer.Option()] = Output.TEXT,
) -> None:
    """Prove a backup whole and make an installation out of it. Exit 5: it does not hold; 1: witnesses saw more."""
    from dataclasses import replace

    from wardline.bootstrap import backup as backups
    from wardline.cli.backup_told import restored_to_json, restored_to_lines
    from wardline.cli.log_checked import kept_heads
    from wardline.cli.verifying import spelled_key
    from wardline.settings import read_settings
    from wardline.tlog.note import VerifierKey

    settings = read_settings()
    settings = settings if into is None else replace(settings, home=into.absolute())
    trusted = None if key is None else VerifierKey.parse(spelled_key(key))
    notes = [note for each in witnessed or () for note in kept_heads(each).notes]
    if dry_run:
        found = backups.try_out(file, key=trusted, witnessed=notes)
    else:
        found = backups.restore(settings, file, key=trusted, witnessed=notes)
    home = None if dry_run else settings.home
    if output is Output.JSON:
        say_json(restored_to_json(found, home))
    else:
        say("\n".join(restored_to_lines(found, home)))
    if found.prefix.lost:  # what is there was restored, and it is not all: no script may take that for good
        leave(ERROR)

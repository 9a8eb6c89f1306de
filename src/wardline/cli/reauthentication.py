"""Reauthentication: what is dangerous is confirmed by its name, and signed with a key that is unlocked for it."""

import sys
from dataclasses import replace
from pathlib import Path

from wardline.bootstrap.home import Home
from wardline.cli.signing import signatory
from wardline.delivery.sign import Signatory
from wardline.errors import InvalidInput


def confirm_by_name(wanted: str, said: str | None) -> None:
    """Return if the person typed what they release: a yes is typed too easily.

    Raises:
        InvalidInput: They typed something else, or nobody can be asked and `--confirm` was not said.
    """
    if said is None and not sys.stdin.isatty():
        raise InvalidInput(
            "nobody can be asked here whether the glass shall be broken",
            remedy=f"Read what is set aside, then say: --confirm {wanted}",
        )
    if said is None:
        # On standard error: where the result goes to a file, the question must still be seen.
        print(f"Type {wanted} to break the glass: ", end="", file=sys.stderr, flush=True)  # noqa: T201  # a question
        said = sys.stdin.readline().strip()
    if said != wanted:
        raise InvalidInput(f"nothing was signed: expected {wanted}, got {said[:80]!r}")


def signatory_anew(wardline: Home, key: Path) -> Signatory:
    """Return who holds the key; on a terminal its passphrase is asked for, whatever the environment holds.

    Raises:
        Refused: Nobody is enrolled with it, or the passphrase is wrong.
    """
    if not sys.stdin.isatty():
        return signatory(wardline, key)
    return signatory(replace(wardline, settings=replace(wardline.settings, passphrase=None)), key)

"""Whoever signs on a terminal: their key, their passphrase, their yes."""

import sys
from collections.abc import Mapping
from getpass import getpass
from pathlib import Path

from wardline.bootstrap.home import Home
from wardline.canonical import JSON
from wardline.cli.shell import say
from wardline.delivery.sign import Signatory
from wardline.errors import InvalidInput, Refused
from wardline.evidence.envelopes import Signer
from wardline.settings import Settings


def passphrase_for(settings: Settings, key: Path, *, new: bool = False) -> str:
    """Return $WARDLINE_PASSPHRASE, or what is typed: the passphrase of a file, the PIN of a token.

    Raises:
        InvalidInput: There is neither, or two typings of a new one differ.
    """
    if settings.passphrase is not None:
        return settings.passphrase
    if not sys.stdin.isatty():
        raise InvalidInput(
            f"key {key}: no passphrase", remedy="Set WARDLINE_PASSPHRASE, or run this on a terminal to be asked."
        )
    typed = getpass(f"PIN of {key}: " if str(key).startswith("pkcs11:") else f"Passphrase of {key}: ")
    if new and getpass("Once more: ") != typed:
        raise InvalidInput("the two passphrases differ")
    return typed


def personal_signer(wardline: Home, key: Path) -> Signer:
    """Return the person's key that `key` names: a file, or a reference to a token or KMS.

    Raises:
        NotFound, Refused, InvalidInput, Unavailable: As of the place where it lies.
    """
    from wardline.bootstrap.keys import personal_signer as opened

    return opened(str(key), lambda: passphrase_for(wardline.settings, key))


def signatory(wardline: Home, key: Path) -> Signatory:
    """Return who holds the key, ready to sign.

    Raises:
        Refused: Nobody is enrolled with it, or the passphrase is wrong.
    """
    signer = personal_signer(wardline, key)
    principal = wardline.directory().holder(signer.public_key.keyid)
    if principal is None:
        raise Refused(
            f"key {key}: nobody is enrolled with it",
            remedy="An administrator enrols its holder: `wardline people enrol ID --role … --public-key FILE.pub`.",
        )
    return Signatory(principal=principal, signer=signer)


def show(content: JSON, *, indent: int = 0) -> None:
    """Print a document as indented lines: what is signed must be readable where it is signed."""
    space = "  " * indent
    labelled = [(f"{name}:", value) for name, value in content.items()] if isinstance(content, dict) else []
    listed = [("-", value) for value in content] if isinstance(content, list) else []
    for label, value in labelled or listed:
        if isinstance(value, dict | list) and value:
            say(f"{space}{label}")
            show(value, indent=indent + 1)
        else:
            say(f"{space}{label} {_scalar(value)}")


def confirmed(question: str, *, yes: bool) -> bool:
    """Return whether the person says yes; without a terminal only `--yes` says it.

    Raises:
        InvalidInput: There is no terminal to ask on, and no `--yes`.
    """
    if yes:
        return True
    if not sys.stdin.isatty():
        raise InvalidInput("nobody can be asked here", remedy="Read what is shown, then say --yes.")
    # On standard error: where the result goes to a file, the question must still be seen, and must not be in it.
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)  # noqa: T201  # a question is no result
    return sys.stdin.readline().strip().lower() in {"y", "yes"}


def _scalar(value: JSON) -> str:
    empty: Mapping[str, str] = {"None": "-", "[]": "none", "{}": "none"}
    return empty.get(str(value), str(value))

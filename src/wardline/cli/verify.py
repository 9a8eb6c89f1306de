"""`wardline verify`: hold a packet against a key, with nothing else at hand."""

from pathlib import Path
from typing import Annotated

import typer

from wardline.cli.shell import OK, VERIFICATION_FAILED, Output, leave, say, say_json
from wardline.errors import InvalidInput

_MARKS = {"passed": "ok", "failed": "FAILED", "errored": "not checked"}


def verify(
    file: Annotated[Path, typer.Argument(help="The packet.", show_default=False)],
    key: Annotated[
        str,
        typer.Option(
            help="The installation's verification key (name+hash+base64), or a file that holds it. "
            "Get it by another way than the packet.",
            show_default=False,
        ),
    ],
    witness: Annotated[
        list[str] | None,
        typer.Option(
            help="Key of a witness that must have cosigned the checkpoint, or a file that holds it; "
            "may be given more than once.",
            show_default=False,
        ),
    ] = None,
    witnesses_needed: Annotated[
        int | None, typer.Option(help="How many of the witnesses suffice; default: all of them.", show_default=False)
    ] = None,
    output: Annotated[Output, typer.Option(help="How to print the checks.")] = Output.TEXT,
) -> None:
    """Check a packet offline: every signature, every proof, every byte. Exit 0: it holds; 5: it does not."""
    from wardline.evidence.verify_packet import Trust, verify_packet
    from wardline.tlog.cosignature import WitnessKey
    from wardline.tlog.note import VerifierKey

    trusted = VerifierKey.parse(_spelled(key))
    witnesses = tuple(WitnessKey.parse(_spelled(each)) for each in witness or ())
    _check_needed(witnesses_needed, len({each.raw for each in witnesses}))
    found = verify_packet(_read(file), Trust(key=trusted, witnesses=witnesses, needed=witnesses_needed))
    if output is Output.JSON:
        checks = [
            {"number": check.number, "title": check.title, "outcome": check.outcome.value, "detail": check.detail}
            for check in found.checks
        ]
        say_json({"holds": found.holds, "run": found.run, "key": str(trusted), "checks": checks})
    else:
        for check in found.checks:
            say(f"{check.number:>2}. {_MARKS[check.outcome]:<11}  {check.title}")
            say(f"    {'':<11}  {check.detail}")
        say()
        say(f"{file}: {'holds' if found.holds else 'DOES NOT HOLD'} (key {trusted})")
    leave(OK if found.holds else VERIFICATION_FAILED)


def _check_needed(needed: int | None, named: int) -> None:
    if needed is not None and not 1 <= needed <= named:
        raise InvalidInput(
            f"--witnesses-needed {needed}: expected 1 to {named}, as many as different witnesses are named",
            remedy="Name each witness with --witness.",
        )


def _spelled(key: str) -> str:
    path = Path(key)
    is_text = "+" in key and not _is_file(path)
    return key.strip() if is_text else _read(path).decode(errors="replace").strip()


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # too long a name for a path
        return False


def _read(path: Path) -> bytes:
    from wardline.evidence.packet import MAX_BYTES

    try:
        with path.open("rb") as file:
            # One byte more than a packet may have is enough to refuse it; a device would never end.
            return file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a path"
        raise InvalidInput(f"{str(path)[:200]} cannot be read: {reason}", remedy="Check the path.") from error

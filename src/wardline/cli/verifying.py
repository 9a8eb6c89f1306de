"""Hold a packet against a key, with nothing else at hand: not even the command line's own library.

Whoever verifies a thousand packets waits for one a thousand times, so `wardline verify` starts without Typer.
"""

import os.path
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from wardline.cli.shell import ERROR, INTERRUPTED, OK, VERIFICATION_FAILED, Output, report, say, say_json
from wardline.errors import InvalidInput, WardlineError

_MARKS = {"passed": "ok", "failed": "FAILED", "errored": "not checked"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What `wardline verify` was asked. Keys are spelled, or are files that hold them."""

    file: str
    key: str
    witnesses: Sequence[str] = ()
    needed: int | None = None
    output: Output = Output.TEXT


def verify_file(asked: Asked) -> int:
    """Print every check of the packet in a file, and return the exit code.

    Raises:
        InvalidInput: A key or a file cannot be read.
    """
    from wardline.evidence.packets.verify_packet import Trust, verify_packet
    from wardline.tlog.cosignature import WitnessKey
    from wardline.tlog.note import VerifierKey

    trusted = VerifierKey.parse(spelled_key(asked.key))
    witnesses = tuple(WitnessKey.parse(spelled_key(each)) for each in asked.witnesses)
    _check_needed(asked.needed, len({each.raw for each in witnesses}))
    found = verify_packet(_read(asked.file), Trust(key=trusted, witnesses=witnesses, needed=asked.needed))
    if asked.output is Output.JSON:
        checks = [
            {"number": check.number, "title": check.title, "outcome": check.outcome.value, "detail": check.detail}
            for check in found.checks
        ]
        say_json({"holds": found.holds, "run": found.run, "key": str(trusted), "checks": checks})
    else:
        lines = [
            f"{check.number:>2}. {_MARKS[check.outcome]:<11}  {check.title}\n    {'':<11}  {check.detail}"
            for check in found.checks
        ]
        say("\n".join([*lines, "", f"{asked.file}: {'holds' if found.holds else 'DOES NOT HOLD'} (key {trusted})"]))
    return OK if found.holds else VERIFICATION_FAILED


def verify_at_once(arguments: Sequence[str]) -> int | None:
    """Verify as `arguments` (those after `verify`) say, and return the exit code; None: Typer has to read them.

    Only what is plainly right is done here. Help, mistakes and their messages are the command line's.
    """
    asked = _asked(arguments)
    if asked is None:
        return None
    try:
        return verify_file(asked)
    except WardlineError as error:
        return report(error)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # nobody reads on; what is left in the buffer must not be tried again
        sys.stdout = None  # at exit Python flushes what is here
        return ERROR


def _asked(arguments: Sequence[str]) -> Asked | None:
    given: dict[str, list[str]] = {"--key": [], "--witness": [], "--witnesses-needed": [], "--output": []}
    files: list[str] = []
    waiting = list(arguments)
    while waiting:
        word = waiting.pop(0)
        name, spelled, value = word.partition("=")
        if not word.startswith("-"):
            files.append(word)
        elif name in given and spelled:
            given[name].append(value)
        elif name in given and waiting and not waiting[0].startswith("-"):
            given[name].append(waiting.pop(0))
        else:
            return None
    outputs, needed = given["--output"], given["--witnesses-needed"]
    plain = len(files) == len(given["--key"]) == 1 and len(outputs) <= 1 and len(needed) <= 1
    if not plain or not set(outputs) <= {"text", "json"} or not all(n.isascii() and n.isdigit() for n in needed):
        return None
    return Asked(
        file=files[0],
        key=given["--key"][0],
        witnesses=given["--witness"],
        needed=int(needed[0]) if needed else None,
        output=Output(outputs[0]) if outputs else Output.TEXT,
    )


def _check_needed(needed: int | None, named: int) -> None:
    if needed is not None and not 1 <= needed <= named:
        raise InvalidInput(
            f"--witnesses-needed {needed}: expected 1 to {named}, as many as different witnesses are named",
            remedy="Name each witness with --witness.",
        )


def spelled_key(key: str) -> str:
    is_text = "+" in key and not _is_file(key)
    return key.strip() if is_text else _read(key).decode(errors="replace").strip()


def _is_file(path: str) -> bool:
    try:
        return os.path.isfile(path)  # noqa: PTH113  # importing pathlib takes as long as checking a packet's signatures
    except ValueError:  # a zero byte
        return False


def _read(path: str) -> bytes:
    from wardline.evidence.packets.packet import MAX_BYTES

    try:
        with open(path, "rb") as file:  # noqa: PTH123  # as above
            # One byte more than a packet may have is enough to refuse it; a device would never end.
            return file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a path"
        raise InvalidInput(f"{path[:200]} cannot be read: {reason}", remedy="Check the path.") from error

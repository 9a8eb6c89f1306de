"""What every command shares: exit codes, and how errors and results are shown."""

import json
import sys
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import NoReturn

from wardline.errors import Conflict, IntegrityViolation, InvalidInput, NotFound, Refused, Unavailable, WardlineError

OK = 0
ERROR = 1
USAGE = 2
FINDINGS = 3
DENIED = 4
VERIFICATION_FAILED = 5
UNDECIDED = 6
INTERRUPTED = 130  # 128 + SIGINT, as shells expect

_EXIT_CODES: Mapping[type[WardlineError], int] = {
    InvalidInput: USAGE,
    NotFound: USAGE,
    Conflict: ERROR,
    Refused: DENIED,
    Unavailable: ERROR,
    IntegrityViolation: VERIFICATION_FAILED,
}


class Output(StrEnum):
    """How results are printed: for people, or as one JSON document on standard output."""

    TEXT = "text"
    JSON = "json"


def exit_code(error: WardlineError) -> int:
    return next((code for family, code in _EXIT_CODES.items() if isinstance(error, family)), ERROR)


def report(error: WardlineError) -> int:
    """Print `error` on standard error and return its exit code."""
    print(f"error: {error.what}", file=sys.stderr)  # noqa: T201  # this is the place that prints
    if isinstance(error, InvalidInput):
        for problem in error.problems:
            print(f"  {problem}", file=sys.stderr)  # noqa: T201
    if error.remedy is not None:
        print(f"  → {error.remedy}", file=sys.stderr)  # noqa: T201
    return exit_code(error)


def say(text: str = "") -> None:
    """Print one line of the result."""
    print(text, flush=True)  # noqa: T201


def say_json(document: object) -> None:
    """Print `document` as one line of JSON."""
    say(json.dumps(document, ensure_ascii=False, default=str))


def say_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows under headings, columns aligned; plain text, so that it can be piped."""
    widths = [max(len(row[column]) for row in (headings, *rows)) for column in range(len(headings))]
    for row in (headings, *rows):
        say("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def leave(code: int) -> NoReturn:
    """End the command with `code`."""
    import typer

    raise typer.Exit(code)

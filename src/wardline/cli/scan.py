"""`wardline scan`."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from wardline.cli.shell import FINDINGS, OK, UNDECIDED, leave, say_json
from wardline.errors import InvalidInput

_MAX_STREAM = 256 << 20  # bytes of standard input; it is held in memory once


class ScanOutput(StrEnum):
    """How findings are printed; SARIF is what code hosts read."""

    TEXT = "text"
    JSON = "json"
    SARIF = "sarif"


class Threshold(StrEnum):
    """From which severity findings end the command with exit code 3."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


def scan(  # noqa: C901, PLR0912  # a place to look, a manner to tell
    path: Annotated[
        Path, typer.Argument(help="A file or a folder; with --staged or --history: the repository.")
    ] = Path(),
    *,
    staged: Annotated[bool, typer.Option("--staged", help="Look at what the next commit adds or changes.")] = False,
    history: Annotated[bool, typer.Option("--history", help="Look at everything any commit ever held.")] = False,
    stdin: Annotated[bool, typer.Option("--stdin", help="Look at standard input.")] = False,
    threshold: Annotated[Threshold, typer.Option(help="Findings from this severity on count.")] = Threshold.LOW,
    again: Annotated[bool, typer.Option("--again", help="Look at unchanged files as well.")] = False,
    output: Annotated[ScanOutput, typer.Option(help="How the result is printed.")] = ScanOutput.TEXT,
) -> None:
    """Look for patient data, personal data and secrets, and never print one."""
    from wardline.bootstrap.scanning import scan_bytes, scan_history, scan_staged, scan_tree
    from wardline.cli.scan_told import counts_over, scan_to_json, scan_to_sarif, tell_scan
    from wardline.settings import read_settings

    if staged + history + stdin > 1:
        raise InvalidInput("--staged, --history and --stdin exclude each other; expected at most one")
    settings = read_settings()
    if staged:
        result = scan_staged(settings, path)
    elif history:
        result = scan_history(settings, path)
    elif stdin:
        content = sys.stdin.buffer.read(_MAX_STREAM + 1)
        if len(content) > _MAX_STREAM:
            raise InvalidInput(f"standard input has more than {_MAX_STREAM} bytes; expected less: scan a file")
        result = scan_bytes(settings, content)
    else:
        result = scan_tree(settings, path, remembers=not again)
    match output:
        case ScanOutput.JSON:
            say_json(scan_to_json(result))
        case ScanOutput.SARIF:
            say_json(scan_to_sarif(result))
        case ScanOutput.TEXT:
            tell_scan(result)
    if counts_over(result, threshold.value):
        leave(FINDINGS)
    leave(UNDECIDED if result.looked.unread else OK)

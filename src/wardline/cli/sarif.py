"""`wardline sarif`: what a report of another tool says, in our words, and whether it can be believed."""

from pathlib import Path
from typing import Annotated

import typer

from wardline.cli.shell import ERROR, FINDINGS, Output, leave, say, say_json


def sarif(
    file: Annotated[Path, typer.Argument(help="A report in SARIF 2.1.0, of any tool.", metavar="FILE")],
    output: Annotated[Output, typer.Option()] = Output.TEXT,
) -> None:
    """Read a SARIF report: its findings, and whether each run of it looked. Nothing is recorded."""
    from wardline.bootstrap.sarif import read

    scans = read(file)
    if output is Output.JSON:
        runs = [
            {
                "scanner": {"name": scan.scanner.name, "version": scan.scanner.version},
                "reason": scan.reason,
                "findings": [finding.to_json() for finding in scan.findings],
            }
            for scan in scans
        ]
        say_json({"runs": runs})
    else:
        for scan in scans:
            for each in scan.findings:
                say(f"{each.severity.value:8}  {each.path}:{each.line}  {each.rule}  {each.message}  [{each.id}]")
            told = f"{len(scan.findings)} findings" if scan.reason is None else f"errored: {scan.reason}"
            say(f"{scan.scanner.name} {scan.scanner.version}: {told}")
    if any(scan.reason is not None for scan in scans):
        leave(ERROR)
    if any(scan.findings for scan in scans):
        leave(FINDINGS)

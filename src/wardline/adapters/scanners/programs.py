"""Scanners as programs: run without the user's configuration, their JSON taken from stdout and masked."""

import json
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Final

from wardline.adapters.process import Command, capture, scrubbed
from wardline.canonical import JSON, JSONObject
from wardline.errors import InvalidInput
from wardline.evidence.redaction import RedactorFactory

UNKNOWN: Final = "unknown"  # version of a scanner that did not even start


class CouldNotLook(Exception):
    """A scanner did not do its part. Travels inside this package only: `reason` ends up in the scan."""

    def __init__(self, reason: str, remedy: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.remedy = remedy


@dataclass(frozen=True, slots=True, kw_only=True)
class Programs:
    """Where scanners are found: beside the running interpreter, where they were installed with Wardline."""

    environ: Mapping[str, str]
    redactor: RedactorFactory
    folder: Path = field(default_factory=lambda: Path(sys.prefix, "bin"))

    def report(self, name: str, *arguments: str, timeout: timedelta, accepts: range, cwd: Path | None) -> JSONObject:
        """Run the scanner `name` and return the JSON object it writes to stdout.

        Args:
            name: Its program, in `folder`.
            arguments: Its arguments; no shell sees them.
            timeout: After which it is killed.
            accepts: The exit codes that mean it did its work.
            cwd: Where it runs; None: in an empty folder, where it finds no configuration.

        Raises:
            CouldNotLook: It is missing, was not done in time, crashed, or wrote no JSON object.
        """
        with tempfile.TemporaryDirectory(prefix="wardline-scan-") as home:
            env = scrubbed(self.environ, home=Path(home), path=(), extra={"SYFT_CHECK_FOR_APP_UPDATE": "false"})
            program = str(self.folder / name)
            try:
                answer = capture(
                    Command(arguments=(program, *arguments), cwd=cwd or Path(home), env=env, timeout=timeout)
                )
            except InvalidInput as error:
                raise CouldNotLook(
                    "scanner-missing", f"{name} is not installed beside Wardline; install it."
                ) from error
        if answer.finished.timed_out:
            raise CouldNotLook("timed-out", f"{name} was not done after {timeout}; raise scan.timeout.")
        if answer.finished.exit_code not in accepts:
            raise CouldNotLook("scanner-crashed", f"{name} ended with exit code {answer.finished.exit_code}.")
        if answer.finished.truncated:
            raise CouldNotLook("report-too-large", f"{name} reported more than can be read.")
        return _object(name, answer.stdout)

    def masked(self, document: JSON) -> bytes:
        """Return `document` as JSON with every text in it masked."""
        return json.dumps(_mapped(document, self._mask), sort_keys=True, separators=(",", ":")).encode()

    def _mask(self, text: str) -> str:
        redactor = self.redactor()
        return (redactor.feed(text.encode(errors="replace")) + redactor.finish()).decode(errors="replace")


def _object(name: str, stdout: bytes) -> JSONObject:
    try:
        document = json.loads(stdout)
    except (ValueError, RecursionError) as error:
        raise CouldNotLook("report-malformed", f"{name} wrote no JSON.") from error
    if not isinstance(document, dict):
        raise CouldNotLook("report-malformed", f"{name} wrote JSON, but no object.")
    return document


def _mapped(value: JSON, change: Callable[[str], str]) -> JSON:
    match value:
        case str():
            return change(value)
        case list():
            return [_mapped(item, change) for item in value]
        case dict():
            return {key: _mapped(item, change) for key, item in value.items()}
        case _:
            return value

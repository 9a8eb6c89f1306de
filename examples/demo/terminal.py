"""How the story is told: chapters, short sentences, what the commands say, and claims that are checked."""

import os
import sys
import textwrap
import time

_WIDTH = 92
_CODES = {"bold": "1", "dim": "2", "green": "32", "red": "31", "yellow": "33", "cyan": "36"}


class BrokenError(Exception):
    """Something the story needs to go on did not happen."""


class Narrator:
    """Speaks to a terminal in colour, and to anything else in plain text."""

    def __init__(self) -> None:
        self._colours = sys.stdout.isatty() and "NO_COLOR" not in os.environ
        self._began = time.monotonic()
        self.broken: list[str] = []
        self.held = 0

    @property
    def seconds(self) -> int:
        return round(time.monotonic() - self._began)

    def chapter(self, title: str) -> None:
        clock = f"{self.seconds // 60}:{self.seconds % 60:02}"
        self._print("")
        self._print(self._paint(f"{'━━ ' + title + ' ':━<{_WIDTH - 6}} {clock:>5}", "bold"))

    def tell(self, text: str) -> None:
        self._print(textwrap.fill(" ".join(text.split()), _WIDTH))

    def types(self, command: str) -> None:
        """Show a command as somebody types it."""
        self._print(self._paint(f"  $ {command}", "cyan"))

    def hears(self, text: str) -> None:
        """Show what a command says."""
        for line in text.rstrip().splitlines():
            self._print(self._paint(f"    {line}", "dim"))

    def claim(self, text: str, *, holds: bool) -> None:
        """Say that something is so, having looked; the story fails at its end where it is not."""
        if holds:
            self.held += 1
        else:
            self.broken.append(text)
        mark = self._paint("✓", "green") if holds else self._paint("✗ NOT SO:", "red")
        self._print(f"  {mark} {text}")

    def warn(self, text: str) -> None:
        self._print(self._paint(text, "red"))

    def _paint(self, text: str, colour: str) -> str:
        return f"\x1b[{_CODES[colour]}m{text}\x1b[0m" if self._colours else text

    def _print(self, text: str) -> None:
        print(text, flush=True)

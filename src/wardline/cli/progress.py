"""The progress of a run, for people: a live board on a terminal, plain lines elsewhere."""

import sys
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from wardline.delivery.travel import Progress
from wardline.outcomes import Outcome

_TAIL_LINES = 6
_MARKS = {Outcome.PASSED: "✓", Outcome.FAILED: "✗", Outcome.ERRORED: "!", Outcome.INCONCLUSIVE: "?"}
_COLOURS = {"✓": "green", "✗": "red", "!": "red", "?": "yellow", "▸": "cyan", "…": "yellow"}


class PlainProgress:
    """One line per event, each with the seconds since the start."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._begun: dict[str, float] = {}

    def begins(self, step: str) -> None:
        self._begun[step] = time.monotonic()
        self._print(f"▸ {step}")

    def says(self, line: str) -> None:
        self._print(f"    {line}")

    def waits(self, reason: str) -> None:
        self._print(f"… waiting: {reason}")

    def ends(self, step: str, outcome: Outcome, note: str) -> None:
        begun = self._begun.pop(step, None)
        took = "earlier" if begun is None else f"{time.monotonic() - begun:.1f} s"
        self._print(f"{_MARKS[outcome]} {step} {outcome} ({took})" + (f" {note}" if note else ""))

    def _print(self, line: str) -> None:
        print(f"{time.monotonic() - self._began:7.1f}s {line}", file=sys.stderr, flush=True)  # noqa: T201


class SilentProgress:
    """Shows nothing."""

    def begins(self, step: str) -> None: ...

    def says(self, line: str) -> None: ...

    def waits(self, reason: str) -> None: ...

    def ends(self, step: str, outcome: Outcome, note: str) -> None: ...


class Board:
    """A live board: every step with its mark and time, the tail of the one at work."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._steps: dict[str, tuple[str, float | None, float]] = {}  # guarded by _lock: mark, took, began
        self._tail: deque[str] = deque(maxlen=_TAIL_LINES)  # guarded by _lock
        self._waiting: str | None = None  # guarded by _lock
        self._began = time.monotonic()

    def begins(self, step: str) -> None:
        with self._lock:
            self._waiting = None
            self._tail.clear()
            self._steps[step] = ("▸", None, time.monotonic())

    def says(self, line: str) -> None:
        with self._lock:
            self._tail.append(line)

    def waits(self, reason: str) -> None:
        with self._lock:
            self._waiting = reason

    def ends(self, step: str, outcome: Outcome, note: str) -> None:
        with self._lock:
            _, _, began = self._steps.pop(step, ("", None, time.monotonic()))
            self._steps[f"{step} {note}".rstrip()] = (_MARKS[outcome], time.monotonic() - began, began)
            self._tail.clear()

    def __rich__(self) -> object:
        """Return what is shown now (Rich calls this at every refresh)."""
        from rich.table import Table
        from rich.text import Text

        board = Table.grid(padding=(0, 1))
        now = time.monotonic()
        with self._lock:
            for step, (mark, took, began) in self._steps.items():
                elapsed = f"{now - began if took is None else took:6.1f} s"
                board.add_row(Text(mark, style=_COLOURS[mark]), Text(step), Text(elapsed, style="dim"))
            if self._waiting is not None:
                board.add_row(Text("…", style="yellow"), Text(f"waiting: {self._waiting}", style="yellow"), "")
            for line in self._tail:
                board.add_row("", Text(line[:110], style="dim"), "")
            board.add_row("", Text(f"{now - self._began:.0f} s", style="dim"), "")
        return board


@contextmanager
def showing(*, quiet: bool) -> Iterator[Progress]:
    """Yield the progress that fits where standard error goes."""
    if quiet:
        yield SilentProgress()
        return
    if not sys.stderr.isatty():
        yield PlainProgress()
        return
    from rich.console import Console
    from rich.live import Live

    board = Board()
    with Live(board, console=Console(stderr=True), refresh_per_second=8, transient=False):  # type: ignore[arg-type]  # Rich takes anything with __rich__
        yield board

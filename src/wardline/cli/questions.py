"""What `wardline init` asks a person and how it shows what it found."""

import sys
from collections.abc import Mapping
from dataclasses import replace

import typer

from wardline.cli.shell import Output, say, say_json
from wardline.delivery.initialise import Draft, Measured, Measurement, Unmeasured
from wardline.errors import InvalidInput
from wardline.pipelines.guesses import Guess
from wardline.pipelines.keys import FILENAME
from wardline.pipelines.parse import problem_with
from wardline.pipelines.spec import Pipeline

_LISTS = frozenset({"service.data", "regulations"})
_ASKED = (
    "service.name", "service.owner", "service.criticality", "service.data", "regulations", "build.run", "test.run",
    "start.command", "start.health",
)  # fmt: skip


class Interview:
    """Answers guesses: with what the command line says, then with what a person says, else as they are."""

    def __init__(self, given: Mapping[str, str], *, asks: bool) -> None:
        self._given = dict(given)
        self._asks = asks and sys.stdin.isatty() and sys.stdout.isatty()

    def answer(self, guess: Guess) -> Guess:
        """Return `guess` as answered.

        Raises:
            InvalidInput: The command line says what cannot stand there.
        """
        if guess.key in self._given:
            value = _value(guess.key, self._given[guess.key])
            problem = problem_with(guess.key, value)
            if problem is not None:
                raise InvalidInput(f"--{guess.key.rpartition('.')[2]}: {problem}")
            return replace(guess, value=value, why="as given to wardline init")
        return self._asked(guess) if self._asks and guess.key in _ASKED else guess

    def follow(self, line: str) -> None:
        """Show a line of the build's or the tests' output, where somebody watches."""
        if self._asks:
            typer.echo(f"  {line}", err=True)

    def _asked(self, guess: Guess) -> Guess:
        shown = ", ".join(guess.value) if isinstance(guess.value, tuple) else str(guess.value or "")
        while True:
            text = typer.prompt(f"{guess.key} ({guess.why})", default=shown, show_default=bool(shown), err=True).strip()
            if text == shown:
                return guess
            value = _value(guess.key, text)
            problem = problem_with(guess.key, value)
            if problem is None:
                return replace(guess, value=value, why="as answered to wardline init")
            typer.echo(f"  {problem}", err=True)


def not_measured(_pipeline: Pipeline) -> Measurement:
    return Unmeasured(reason="wardline init was told not to run the tests")


def show(draft: Draft, *, written: bool, output: Output) -> None:
    """Print what was found and why, and what is left to a person."""
    if output is Output.JSON:
        say_json(_to_json(draft, written=written))
        return
    if not written:
        say(draft.text)
        return
    for guess in draft.guesses:
        if not guess.is_blank and guess.value != ():
            value = ", ".join(guess.value) if isinstance(guess.value, tuple) else str(guess.value)
            say(f"  {guess.key}: {value}")
            say(f"      {guess.why}")
    say(f"{FILENAME} written")
    if isinstance(draft.measurement, Unmeasured):
        say(f"the tests' coverage was not measured: {draft.measurement.reason}")
    if draft.blanks:
        say("still blank, and yours to fill in: " + ", ".join(guess.key for guess in draft.blanks))
    say("next: read it, `wardline validate`, commit it, `wardline ship`")


def _value(key: str, text: str) -> str | tuple[str, ...]:
    if key not in _LISTS:
        return text
    return tuple(part.strip() for part in text.strip("[] ").split(",") if part.strip())


def _to_json(draft: Draft, *, written: bool) -> dict[str, object]:
    match draft.measurement:
        case Measured(coverage_bp=points):
            measured: dict[str, object] = {"coverage_bp": points}
        case Unmeasured(reason=reason):
            measured = {"coverage_bp": None, "reason": reason}
    return {
        "file": FILENAME,
        "written": written,
        "guesses": [{"key": g.key, "value": g.value, "why": g.why} for g in draft.guesses],
        "blanks": [guess.key for guess in draft.blanks],
        "measured": measured,
        "text": draft.text,
    }

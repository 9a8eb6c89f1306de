"""Write the first wardline.yaml of a service: guess, ask, measure what its tests cover, and say why."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol, TypeAlias

from wardline.errors import InvalidInput, Unavailable
from wardline.pipelines.building import Builder, Say, Stopped, Tester
from wardline.pipelines.detect import detect
from wardline.pipelines.draft import MIN_COVERAGE, UNMEASURED_MARK, write_draft
from wardline.pipelines.guesses import Guess
from wardline.pipelines.keys import FILENAME
from wardline.pipelines.parse import parse
from wardline.pipelines.spec import Pipeline

# Only so that the pipeline can be read and its tests run: what stands here reaches no file.
_PLACEHOLDERS: Mapping[str, str | tuple[str, ...]] = {
    "service.name": "unknown",
    "service.owner": "unknown",
    "service.criticality": "administrative",
    "service.data": ("none",),
    "start.command": "true $PORT",
    "start.health": "/",
}


class Repository(Protocol):
    """The user's repository: what its last commit holds, and the one file that Wardline writes in it."""

    @property
    def folder(self) -> str:
        """The name of its folder."""
        ...

    def files(self) -> Mapping[str, str]:
        """Return the committed Python sources and project files by path, with `/`; bounded in number and size."""
        ...

    def has(self, name: str) -> bool:
        """Return whether a file `name` stands at its root, committed or not."""
        ...

    def create(self, name: str, text: str) -> None:
        """Write a new file at its root; it MUST never replace one.

        Raises:
            InvalidInput: There is one already.
            Unavailable: The disk did not take it.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Covered lines in basis points, from one run of the tests."""

    coverage_bp: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Unmeasured:
    """Why there is no measured coverage, in words for a person."""

    reason: str


Measurement: TypeAlias = Measured | Unmeasured
Measure: TypeAlias = Callable[[Pipeline], Measurement]
Answer: TypeAlias = Callable[[Guess], Guess]  # asks a person, or gives the guess back


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A wardline.yaml that is not written yet."""

    text: str
    guesses: tuple[Guess, ...]
    measurement: Measurement

    @property
    def blanks(self) -> tuple[Guess, ...]:
        return tuple(guess for guess in self.guesses if guess.is_blank)


def initialise(repository: Repository, *, answer: Answer, measure: Measure) -> Draft:
    """Write `wardline.yaml` into the repository and return what was written.

    Raises:
        InvalidInput: There is one already, or the project's own files cannot be read.
    """
    made = draft(repository, answer=answer, measure=measure)
    repository.create(FILENAME, made.text)
    return made


def draft(repository: Repository, *, answer: Answer, measure: Measure) -> Draft:
    """Return what `initialise` would write; the tests run, and nothing changes.

    Raises:
        InvalidInput: As of `initialise`.
    """
    if repository.has(FILENAME):
        raise InvalidInput(
            f"{FILENAME} exists already and is not overwritten",
            remedy="`wardline validate` checks it; move it away to start anew",
        )
    guesses = tuple(answer(guess) for guess in detect(repository.files(), folder=repository.folder))
    measurement = _measured(guesses, measure)
    everything = (*guesses, _standard(measurement))
    return Draft(text=write_draft(everything), guesses=everything, measurement=measurement)


def measuring(builder: Builder, tester: Tester, *, source: Path, work: Path, say: Say) -> Measure:
    """Return a measure that builds the export in `source` and runs its tests once, in the empty folder `work`."""

    def measure(pipeline: Pipeline) -> Measurement:
        built = builder.build(source, pipeline.build, work=work / "build", say=say)
        if isinstance(built, Stopped):
            return Unmeasured(reason=f"the build came to nothing: {built.words}")
        tested = tester.test(source, built.bundle, pipeline.test, work=work / "test", say=say)
        if isinstance(tested, Stopped):
            return Unmeasured(reason=f"the tests came to nothing: {tested.words}")
        if tested.failed or tested.errored or tested.exit_code:
            # Coverage of tests that break off says nothing about tests that pass.
            return Unmeasured(reason=f"{tested.failed + tested.errored} of {tested.executed} tests did not pass")
        if tested.coverage_bp is None:
            return Unmeasured(reason="the tests reported no coverage")
        return Measured(coverage_bp=tested.coverage_bp)

    return measure


def _measured(guesses: tuple[Guess, ...], measure: Measure) -> Measurement:
    blank = next((g for g in guesses if g.is_blank and g.key not in _PLACEHOLDERS), None)
    if blank:
        return Unmeasured(reason=f"{blank.key} is not known yet")
    filled = tuple(replace(g, value=_PLACEHOLDERS[g.key]) if g.is_blank else g for g in guesses)
    text = write_draft((*filled, Guess(key=MIN_COVERAGE, value=0, why="")))
    try:
        return measure(parse(text, filename=FILENAME))
    except Unavailable as error:
        return Unmeasured(reason=error.what)  # this machine could not: the file is of use all the same


def _standard(measurement: Measurement) -> Guess:
    match measurement:
        case Measured(coverage_bp=measured):
            why = f"measured: {measured / 100:.2f} % of lines when this was written; raise it as it grows"
            return Guess(key=MIN_COVERAGE, value=measured // 100, why=why)
        case Unmeasured(reason=reason):
            why = f"{UNMEASURED_MARK} {reason}; state a standard before you ship"
            return Guess(key=MIN_COVERAGE, value=0, why=why)

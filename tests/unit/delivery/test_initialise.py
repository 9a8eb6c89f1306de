from collections.abc import Mapping

import pytest

from wardline.delivery.initialise import Draft, Measure, Measured, Unmeasured, draft, initialise
from wardline.errors import InvalidInput, Unavailable
from wardline.pipelines.guesses import Guess
from wardline.pipelines.parse import parse
from wardline.pipelines.spec import Pipeline

SOURCES = {
    "pyproject.toml": '[project]\nname = "desk"\ndependencies = ["waitress"]\n',
    "desk.py": "def app(environ, start_response):\n    return environ['PATH_INFO'] == '/healthz'\n",
    "tests/test_desk.py": "",
}
ANSWERS = {"service.owner": "front-desk", "service.criticality": "administrative", "service.data": ("none",)}


class MemoryRepository:
    def __init__(self, files: Mapping[str, str]) -> None:
        self._files = files
        self.written: dict[str, str] = {}

    @property
    def folder(self) -> str:
        return "desk"

    def files(self) -> Mapping[str, str]:
        return self._files

    def has(self, name: str) -> bool:
        return name in self.written

    def create(self, name: str, text: str) -> None:
        self.written[name] = text


class Recorder:
    """Gives one measurement, and keeps what was to be measured."""

    def __init__(self, measurement: Measured | Unmeasured) -> None:
        self.measurement = measurement
        self.seen: list[Pipeline] = []

    def __call__(self, pipeline: Pipeline) -> Measured | Unmeasured:
        self.seen.append(pipeline)
        return self.measurement


def as_guessed(guess: Guess) -> Guess:
    return guess


def answered(guess: Guess) -> Guess:
    return Guess(key=guess.key, value=ANSWERS[guess.key], why="said") if guess.key in ANSWERS else guess


def begin(files: Mapping[str, str], measure: Measure, *, answer=answered) -> Draft:
    return draft(MemoryRepository(files), answer=answer, measure=measure)


def test_answered_guesses_make_a_valid_file_with_the_measured_standard():
    measure = Recorder(Measured(coverage_bp=7799))
    made = begin(SOURCES, measure)
    pipeline = parse(made.text, filename="wardline.yaml")
    assert pipeline.test.min_coverage == 77
    assert "measured: 77.99 %" in made.text
    assert pipeline.service.owner == "front-desk"
    assert pipeline.start.health == "/healthz"
    assert [e.name for e in pipeline.environments] == ["development", "staging", "production"]
    assert pipeline.production.strategy.steps == (10, 50, 100)
    assert [a.role.value for a in pipeline.production.approvals] == ["clinical-safety", "compliance"]
    assert pipeline.rollback is not None
    assert pipeline.rollback.rehearse_in == "staging"
    assert [p.test.run for p in measure.seen] == [pipeline.test.run]


def test_blanks_of_people_do_not_keep_the_tests_from_running():
    measure = Recorder(Measured(coverage_bp=10_000))
    made = begin(SOURCES, measure, answer=as_guessed)
    assert measure.seen
    assert [guess.key for guess in made.blanks] == ["service.owner", "service.criticality", "service.data"]
    assert "unknown" not in made.text  # what stood in for the blanks while measuring
    with pytest.raises(InvalidInput) as refused:
        parse(made.text, filename="f")
    assert len(refused.value.problems) == 3


def test_unknown_test_command_is_not_measured_and_no_number_is_made_up():
    measure = Recorder(Measured(coverage_bp=10_000))
    made = begin({name: text for name, text in SOURCES.items() if "test" not in name}, measure)
    assert not measure.seen
    assert made.measurement == Unmeasured(reason="test.run is not known yet")
    assert "min_coverage: 0" in made.text
    assert "NOT MEASURED: test.run is not known yet" in made.text


def test_failed_measurement_is_written_as_such():
    made = begin(SOURCES, Recorder(Unmeasured(reason="2 of 9 tests did not pass")))
    assert parse(made.text, filename="f").test.min_coverage == 0
    assert "NOT MEASURED: 2 of 9 tests did not pass" in made.text


def test_a_machine_that_cannot_measure_still_gets_a_file():
    def measure(pipeline: Pipeline) -> Measured:
        raise Unavailable("the disk is full")

    made = begin(SOURCES, measure)
    assert "min_coverage: 0  # NOT MEASURED: the disk is full" in made.text


def test_file_is_written_once_and_never_again():
    repository = MemoryRepository(SOURCES)
    measure = Recorder(Measured(coverage_bp=5000))
    made = initialise(repository, answer=answered, measure=measure)
    assert repository.written == {"wardline.yaml": made.text}
    with pytest.raises(InvalidInput, match="exists already and is not overwritten"):
        initialise(repository, answer=answered, measure=measure)
    assert len(measure.seen) == 1  # refused before anything ran


def test_draft_changes_nothing():
    repository = MemoryRepository(SOURCES)
    draft(repository, answer=answered, measure=Recorder(Measured(coverage_bp=1)))
    assert not repository.written

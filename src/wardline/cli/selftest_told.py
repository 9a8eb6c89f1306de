"""How a self-test is told: each trial as it ends, and what came of all of them."""

from collections.abc import Iterator
from typing import Final

from wardline.canonical import JSONObject
from wardline.cli.shell import ERROR, OK, UNDECIDED, say
from wardline.delivery.self_test import Tested
from wardline.gates.trials import Planted, Trial
from wardline.outcomes import Outcome, worst

_MARKS: Final = {Outcome.PASSED: "✓", Outcome.FAILED: "✗", Outcome.ERRORED: "!", Outcome.INCONCLUSIVE: "!"}
_EXIT: Final = {Outcome.PASSED: OK, Outcome.FAILED: ERROR}


def exit_code(tested: Tested) -> int:
    return _EXIT.get(worst(trial.outcome for trial in tested.trials), UNDECIDED) if tested.trials else OK


def to_json(tested: Tested) -> JSONObject:
    return {
        "trials": [_trial(trial) for trial in tested.trials],
        "left_out": list(tested.left_out),
        "log": list(tested.records),
    }


def summary(tested: Tested) -> str:
    counted = {outcome: sum(1 for trial in tested.trials if trial.outcome is outcome) for outcome in Outcome}
    told = ", ".join(f"{count} {outcome}" for outcome, count in counted.items() if count) or "nothing was due"
    young = f"; {len(tested.left_out)} left out: all was caught a short while ago" if tested.left_out else ""
    recorded = f"; log index {', '.join(map(str, tested.records))}" if tested.records else ""
    return f"{told}{young}{recorded}"


def tell(trial: Trial) -> None:
    tool = f"{trial.tool.name} {trial.tool.version}"
    say(
        f"{_MARKS[trial.outcome]} {trial.kind} {trial.name} ({tool}): "
        f"{trial.caught} of {len(trial.planted)} planted faults caught"
    )
    for planted in trial.not_caught:
        for line in _lines(planted):
            say(f"    {line}")


def _lines(planted: Planted) -> Iterator[str]:
    yield f"{planted.outcome}: {planted.fault}"
    yield f"    expected {planted.expected}, got {planted.got}"


def _trial(trial: Trial) -> JSONObject:
    return trial.to_json() | {"not_caught": [planted.to_json() for planted in trial.not_caught]}

"""Outcomes: it is good, it is bad, we could not look, we cannot tell."""

from collections.abc import Iterable
from enum import StrEnum


class Outcome(StrEnum):
    """How a piece of work ended. `errored` is never `failed`, and neither is ever clean."""

    PASSED = "passed"
    FAILED = "failed"
    ERRORED = "errored"
    INCONCLUSIVE = "inconclusive"


_WORST_FIRST = (Outcome.FAILED, Outcome.ERRORED, Outcome.INCONCLUSIVE, Outcome.PASSED)


def worst(outcomes: Iterable[Outcome]) -> Outcome:
    """Return the worst of `outcomes`; of none at all, `errored`: nobody looked."""
    present = set(outcomes)
    return next((outcome for outcome in _WORST_FIRST if outcome in present), Outcome.ERRORED)

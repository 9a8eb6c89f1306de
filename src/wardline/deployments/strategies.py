"""Strategies as a pure function: what was done and how it went, in; the next move, out.

A deployment is a list of moves. Nothing here waits, starts or switches anything.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar, TypeAlias

from wardline.outcomes import Outcome
from wardline.pipelines.spec import StrategyKind, StrategySpec

_EVERYBODY = 100  # percent


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """Bring the new release up beside what runs; no traffic yet."""

    name: ClassVar[str] = "start"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """Send `percent` of the traffic to the new release, the rest to the previous one."""

    percent: int

    @property
    def name(self) -> str:
        return f"shift-{self.percent}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """Observe the new release for `lasting` while it answers `percent` of the traffic."""

    percent: int
    lasting: timedelta
    soaking: bool = False

    @property
    def name(self) -> str:
        return "soak" if self.soaking else f"watch-{self.percent}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdraw:
    """Drain and stop the previous release."""

    name: ClassVar[str] = "withdraw"


@dataclass(frozen=True, slots=True, kw_only=True)
class Retreat:
    """The way back: all traffic to the previous release, drain and stop the new one."""

    name: ClassVar[str] = "retreat"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finish:
    """Nothing is left to do. `passed`: the new release serves; `failed`: what served before serves again."""

    outcome: Outcome
    name: ClassVar[str] = "finish"


Move: TypeAlias = Start | Shift | Watch | Withdraw | Retreat | Finish
Done: TypeAlias = tuple[tuple[Move, Outcome], ...]


def moves(strategy: StrategySpec, *, first: bool) -> tuple[Move, ...]:
    """Return the moves of a deployment in which everything passes.

    Blue-green is the canary whose only step is everybody; so is a first release, which has nobody to share with.
    """
    gradual = strategy.kind is StrategyKind.CANARY and not first
    steps = strategy.steps if gradual else (_EVERYBODY,)
    planned: list[Move] = [Start()]
    for percent in steps:
        planned += [Shift(percent=percent), Watch(percent=percent, lasting=strategy.analysis.lasting)]
    if strategy.soak:
        planned.append(Watch(percent=_EVERYBODY, lasting=strategy.soak, soaking=True))
    return (*planned, Withdraw(), Finish(outcome=Outcome.PASSED))


def next_step(strategy: StrategySpec, done: Done, *, first: bool = False) -> Move:
    """Return the move after `done`. `first`: nothing serves here yet.

    Whatever did not pass leads back: an `inconclusive` watch saw too little to let clinical
    traffic stay on a new release, and an `errored` one saw nothing.
    """
    if not done:
        return Start()
    last, outcome = done[-1]
    if isinstance(last, Retreat):
        return Finish(outcome=Outcome.FAILED)
    if outcome is not Outcome.PASSED:
        # A start that did not succeed has cleaned up after itself, and no traffic was moved.
        return Finish(outcome=Outcome.FAILED) if isinstance(last, Start) else Retreat()
    return moves(strategy, first=first)[len(done)]

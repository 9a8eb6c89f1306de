"""Who may change an environment: one run at a time, with a number that fences off the late."""

from dataclasses import dataclass
from typing import Protocol

from wardline.environments.observations import EnvironmentKey
from wardline.ids import RunId


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """`generation` grows with every new holder; a target refuses any number older than it has seen."""

    environment: EnvironmentKey
    run: RunId
    generation: int


class Holds(Protocol):
    """Gives environments to runs. A hold belongs to the run, not to a process: it survives any kill."""

    def claim(self, environment: EnvironmentKey, run: RunId) -> Hold | RunId:
        """Return the hold, or the run that holds it instead. Claiming again returns the same hold."""
        ...

    def seize(self, environment: EnvironmentKey, run: RunId) -> Hold:
        """Take the environment whoever holds it: a way back waits for nobody. The old holder is fenced off."""
        ...

    def holder(self, environment: EnvironmentKey) -> RunId | None:
        """Return who holds it now."""
        ...

    def free(self, environment: EnvironmentKey, run: RunId) -> None:
        """Give it back, if `run` still holds it."""
        ...

    def free_all(self, run: RunId) -> None:
        """Give back whatever `run` still holds."""
        ...

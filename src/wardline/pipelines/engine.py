"""The durable engine, as the use cases see it. Adapters implement it; no use case imports one."""

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from wardline.canonical import JSON
from wardline.ids import RunId


class Engine(Protocol):
    """Drives one run. What a finished step returned survives any kill.

    A step MUST be idempotent: the one in flight when a process dies runs again, finished ones never do.
    Names MUST be unique within a run and appear in the same order on every replay.
    """

    def step(self, name: str, act: Callable[[], JSON]) -> JSON:
        """Run `act` and record its result under `name`; on replay return what was recorded.

        The result is always `decode(encode(result))`, so first pass and replay see the same value.
        """
        ...

    def wait_for(self, topic: str, *, deadline: datetime) -> JSON | None:
        """Return the next message sent to `topic`, or None once `deadline` has passed.

        None is a timeout and never an answer.
        """
        ...


class Messenger(Protocol):
    """Reaches runs from outside, whether or not a process drives them now."""

    def forget(self, run: RunId) -> None:
        """Make sure that nothing takes `run` up again. A run that never began is forgotten already."""
        ...

    def send(self, run: RunId, topic: str, message: JSON) -> None:
        """Leave `message` for `run`; it is kept until the run asks for it."""
        ...

"""Group commit: whoever comes first commits for all that wait behind it, and a sync to disk is paid once."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

Asked = TypeVar("Asked")
Done = TypeVar("Done")


@dataclass(slots=True)
class Waiting(Generic[Asked, Done]):
    """One request and, once it was served, its answer or its error."""

    asked: Asked
    answer: Done | None = None
    error: Exception | None = None
    served: bool = False

    def serve(self, outcome: Done | Exception) -> None:
        self.served = True
        if isinstance(outcome, Exception):
            self.error = outcome
        else:
            self.answer = outcome


class GroupCommit(Generic[Asked, Done]):
    """Hands requests of many threads to `commit` in batches, in the order they came.

    `commit` MUST return one answer or error for each, and only when all it answers is durable; what it raises goes
    to everybody in the batch.
    """

    def __init__(self, commit: Callable[[Sequence[Asked]], Sequence[Done | Exception]]) -> None:
        self._commit = commit
        self._leading = threading.Lock()
        self._queue: list[Waiting[Asked, Done]] = []  # guarded by _joining
        self._joining = threading.Lock()

    def request(self, asked: Asked) -> Done:
        """Return the answer, as soon as the batch that `asked` is in was committed."""
        mine: Waiting[Asked, Done] = Waiting(asked)
        with self._joining:
            self._queue.append(mine)
        with self._leading:  # while somebody leads, the rest gather here
            if not mine.served:
                self._lead()
        if mine.error is not None:
            raise mine.error
        if mine.answer is None:
            raise RuntimeError("a batch was committed without an answer for everybody in it")
        return mine.answer

    def _lead(self) -> None:
        with self._joining:
            batch, self._queue = self._queue, []
        try:
            outcomes = self._commit([waiting.asked for waiting in batch])
        except Exception as error:  # noqa: BLE001  # raised again in every thread that waits for it
            outcomes = [error] * len(batch)
        for waiting, outcome in zip(batch, outcomes, strict=True):
            waiting.serve(outcome)

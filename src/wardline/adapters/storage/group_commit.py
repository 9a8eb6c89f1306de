"""Group commit: whoever comes first commits for all that wait behind it, and a sync to disk is paid once."""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from wardline.errors import Unavailable

Asked = TypeVar("Asked")
Done = TypeVar("Done")

MAX_BATCH = 512  # what comes later waits for the next one: nobody stands behind an endless queue


class _Waiting(Generic[Asked, Done]):
    """One request, and the thread that waits for it."""

    __slots__ = ("asked", "leads", "outcome", "woken")

    def __init__(self, asked: Asked) -> None:
        self.asked = asked
        self.leads = False  # guarded by the group's _guard: it is this thread's turn to commit for all
        self.outcome: Done | Exception | None = None  # None: not served yet
        # A bare lock, held until somebody wakes the thread: an Event costs as much as signing a statement.
        self.woken = threading.Lock()
        self.woken.acquire()


class GroupCommit(Generic[Asked, Done]):
    """Hands requests of many threads to `commit` in batches, in the order they came.

    One thread at a time leads: it commits all that waits, passes the lead to the first that came meanwhile, and wakes
    those it served. They return at once instead of queueing for the lead, and are back for the batch after.

    `commit` MUST return one answer or error for each, and only when all it answers is durable; what it raises goes
    to everybody in the batch.
    """

    def __init__(self, commit: Callable[[Sequence[Asked]], Sequence[Done | Exception]]) -> None:
        self._commit = commit
        self._guard = threading.Lock()
        self._queue: deque[_Waiting[Asked, Done]] = deque()  # guarded by _guard
        self._led = False  # guarded by _guard: somebody leads, or was told to

    def request(self, asked: Asked) -> Done:
        """Return the answer, as soon as the batch that `asked` is in was committed."""
        mine: _Waiting[Asked, Done] = _Waiting(asked)
        with self._guard:
            self._queue.append(mine)
            if not self._led:
                mine.leads = self._led = True
        try:
            if not mine.leads:
                mine.woken.acquire()
            if mine.outcome is None:
                self._lead()
        except BaseException:  # Ctrl-C in a thread that waited
            self._leave(mine)
            raise
        if isinstance(mine.outcome, Exception):
            raise mine.outcome
        if mine.outcome is None:
            raise RuntimeError("a batch was committed without an answer for everybody in it")
        return mine.outcome

    def _lead(self) -> None:
        batch: list[_Waiting[Asked, Done]] = []
        outcomes: Sequence[Done | Exception] = ()
        try:
            with self._guard:
                batch.extend(self._queue.popleft() for _ in range(min(len(self._queue), MAX_BATCH)))
            outcomes = self._commit([waiting.asked for waiting in batch])
        except Exception as error:  # noqa: BLE001  # raised again in every thread that waits for it
            outcomes = [error] * len(batch)
        finally:
            self._pass_on()  # first: the next batch is on its way to the disk while these wake up
            interrupted = Unavailable("log: the append was interrupted while another thread committed for it")
            for position, waiting in enumerate(batch):
                waiting.outcome = outcomes[position] if position < len(outcomes) else interrupted
                waiting.woken.release()

    def _pass_on(self) -> None:
        with self._guard:
            self._led = bool(self._queue)
            if self._queue:
                self._queue[0].leads = True
                self._queue[0].woken.release()

    def _leave(self, mine: _Waiting[Asked, Done]) -> None:
        """Take an interrupted thread out of the queue, and out of the lead if it was just told to lead."""
        with self._guard:
            if mine not in self._queue:
                return  # somebody has it in a batch, or has served it
            self._queue.remove(mine)
        if mine.leads:
            self._pass_on()

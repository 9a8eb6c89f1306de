"""Checks that run beside the reading: verifying a signature takes most of the time, and lets other threads run."""

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

Check = Callable[[], None]

_AHEAD = 2  # pages read before the oldest must have been checked: what is held in memory is bounded


class ChecksBeside:
    """Runs pages of checks on the machine's cores; what a check raises is raised to whoever reads on."""

    def __init__(self, pool: ThreadPoolExecutor, cores: int) -> None:
        self._pool = pool
        self._cores = cores
        self._pages: deque[list[Future[None]]] = deque()

    def check(self, page: Sequence[Check]) -> None:
        """Begin with `page`, and return when no more than `_AHEAD` pages are under way."""
        self._pages.append([self._pool.submit(_run, page[core :: self._cores]) for core in range(self._cores)])
        while len(self._pages) > _AHEAD:
            self._finish_oldest()

    def finish(self) -> None:
        """Return when every check has passed."""
        while self._pages:
            self._finish_oldest()

    def _finish_oldest(self) -> None:
        for part in self._pages.popleft():
            part.result()


@contextmanager
def checks_beside() -> Iterator[ChecksBeside]:
    cores = len(os.sched_getaffinity(0))
    pool = ThreadPoolExecutor(cores, thread_name_prefix="check")
    try:
        yield ChecksBeside(pool, cores)
    finally:
        pool.shutdown(cancel_futures=True)


def _run(checks: Sequence[Check]) -> None:
    for check in checks:
        check()

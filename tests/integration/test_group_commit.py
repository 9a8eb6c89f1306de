"""Many threads, one commit: nobody is forgotten, nobody pays for another's error."""

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from wardline.adapters.storage.group_commit import MAX_BATCH, GroupCommit
from wardline.errors import Conflict, Unavailable


class Disk:
    """Commits what it is given; while `open` is not set, a commit waits."""

    def __init__(self) -> None:
        self.batches: list[tuple[int, ...]] = []
        self.open = threading.Event()
        self.entered = threading.Semaphore(0)

    def commit(self, batch: Sequence[int]) -> list[int | Exception]:
        self.entered.release()
        assert self.open.wait(60)
        self.batches.append(tuple(batch))
        if 666 in batch:
            raise Unavailable("the disk is full")
        return [Conflict(str(number)) if number < 0 else number * 2 for number in batch]


def gathered(group: GroupCommit[int, int], count: int) -> None:
    """Return when `count` requests wait behind the leader."""
    while len(group._queue) < count:
        threading.Event().wait(0.001)


def test_what_gathers_behind_a_commit_is_committed_at_once_and_in_order() -> None:
    disk = Disk()
    group = GroupCommit(disk.commit)
    with ThreadPoolExecutor(9) as pool:
        first = pool.submit(group.request, 1)
        disk.entered.acquire()
        later = []
        for number in range(2, 10):
            later.append(pool.submit(group.request, number))
            gathered(group, len(later))
        disk.open.set()
        assert [first.result(60), *(each.result(60) for each in later)] == [number * 2 for number in range(1, 10)]
    assert disk.batches == [(1,), tuple(range(2, 10))]


def test_an_error_of_one_is_raised_in_its_thread_only() -> None:
    disk = Disk()
    disk.open.set()
    group = GroupCommit(disk.commit)
    with ThreadPoolExecutor(3) as pool:
        asked = [pool.submit(group.request, number) for number in (5, -5, 6)]
        assert (asked[0].result(60), asked[2].result(60)) == (10, 12)
        with pytest.raises(Conflict):
            asked[1].result(60)


def test_a_commit_that_fails_fails_for_all_in_it_and_for_nobody_after() -> None:
    disk = Disk()
    group = GroupCommit(disk.commit)
    with ThreadPoolExecutor(3) as pool:
        first = pool.submit(group.request, 1)
        disk.entered.acquire()
        together = [pool.submit(group.request, number) for number in (2, 666)]
        gathered(group, 2)
        disk.open.set()
        assert first.result(60) == 2
        for each in together:
            with pytest.raises(Unavailable, match="full"):
                each.result(60)
    assert group.request(7) == 14


def test_a_leader_that_is_interrupted_leaves_nobody_waiting() -> None:
    entered = threading.Event()

    def commit(batch: Sequence[int]) -> list[int | Exception]:
        if batch[0] == 1:
            entered.set()
            gathered(group, 2)
            raise KeyboardInterrupt
        return list(batch)

    group: GroupCommit[int, int] = GroupCommit(commit)
    with ThreadPoolExecutor(3) as pool:
        first = pool.submit(group.request, 1)
        assert entered.wait(60)
        later = [pool.submit(group.request, number) for number in (2, 3)]
        assert [each.result(60) for each in later] == [2, 3]
        assert isinstance(first.exception(60), KeyboardInterrupt)
    assert group.request(4) == 4


def test_no_request_of_many_threads_is_lost_or_answered_with_anothers_answer() -> None:
    disk = Disk()
    disk.open.set()
    group = GroupCommit(disk.commit)
    with ThreadPoolExecutor(32) as pool:
        assert list(pool.map(group.request, range(1000, 4000))) == [number * 2 for number in range(1000, 4000)]
    assert sorted(number for batch in disk.batches for number in batch) == list(range(1000, 4000))
    assert max(map(len, disk.batches)) <= MAX_BATCH

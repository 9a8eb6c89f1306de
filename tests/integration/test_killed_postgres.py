"""PostgreSQL is killed while several processes append: what was acknowledged is there once, and writing goes on."""

import multiprocessing
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait

import pytest
from tests.fakes.killable_postgres import SECONDS, KillablePostgres, killable_postgres
from tests.ports.test_evidence_log import ORIGIN, SIGNER, said

from wardline.adapters.storage.check_log import check_log
from wardline.adapters.storage.database import open_database
from wardline.adapters.storage.evidence_log import SQLEvidenceLog
from wardline.errors import Unavailable

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
WRITERS = 4
EACH = 5  # acknowledged to each writer before the next kill, and at the end
ROUNDS = 3

AGAIN, END = "again", "end"


def write(address: str, writer: int, parent: Connection) -> None:
    """Append one statement after another until told to end; after Unavailable, the same one again when told so."""
    with open_database(address) as engine:
        log, number = SQLEvidenceLog(engine, signer=SIGNER, origin=ORIGIN), 0
        while not parent.poll():
            step = f"{writer}-{number}"
            try:
                index = log.append(said(step)).index
            except Unavailable as error:
                parent.send(("unavailable", step, error.what))
                if parent.recv() == END:
                    return
                continue
            parent.send(("acknowledged", step, index))
            number += 1
        parent.recv()


@dataclass
class Writers:
    """The processes that append, and what they were told."""

    pipes: list[Connection]
    acknowledged: dict[str, int] = field(default_factory=dict)
    refused: Counter[int] = field(default_factory=Counter)  # by writer: how often it waits to be told to go on
    reasons: set[str] = field(default_factory=set)

    def until(self, enough: Callable[[], bool]) -> None:
        while not enough():
            ready = wait(self.pipes, timeout=SECONDS)
            assert ready, "nobody says anything any more"
            for pipe in ready:
                self._take(self.pipes.index(pipe), pipe.recv())

    def until_each_has(self, more: int) -> None:
        """Wait until each writer was acknowledged `more` statements than now."""
        goal = {writer: self._count(writer) + more for writer in range(WRITERS)}
        self.until(lambda: all(self._count(writer) >= goal[writer] for writer in goal))

    def until_all_are_refused(self) -> None:
        self.until(lambda: all(self.refused[writer] for writer in range(WRITERS)))

    def go_on(self) -> None:
        for writer, pipe in enumerate(self.pipes):
            assert self.refused[writer] == 1, "a writer was refused again, although PostgreSQL answers"
            self.refused[writer] = 0
            pipe.send(AGAIN)

    def end(self) -> None:
        for pipe in self.pipes:
            pipe.send(END)
        for writer, pipe in enumerate(self.pipes):
            try:
                while True:
                    self._take(writer, pipe.recv())
            except EOFError:
                continue

    def _take(self, writer: int, said: tuple[str, str, object]) -> None:
        kind, step, what = said
        if kind == "acknowledged":
            assert step not in self.acknowledged, f"{step} was acknowledged twice"
            assert isinstance(what, int)
            self.acknowledged[step] = what
        else:
            self.refused[writer] += 1
            self.reasons.add(str(what))

    def _count(self, writer: int) -> int:
        return sum(step.startswith(f"{writer}-") for step in self.acknowledged)


@contextmanager
def writers(address: str) -> Iterator[Writers]:
    context = multiprocessing.get_context("spawn")
    pairs = [context.Pipe() for _ in range(WRITERS)]
    processes = [context.Process(target=write, args=(address, n, child)) for n, (_, child) in enumerate(pairs)]
    for process in processes:
        process.start()
    for _, child in pairs:
        child.close()
    told = Writers([parent for parent, _ in pairs])
    try:
        yield told
        told.end()
        for process in processes:
            process.join(SECONDS)
        assert [process.exitcode for process in processes] == [0] * WRITERS
    finally:
        for process in processes:
            process.kill()


def kill_postmaster(server: KillablePostgres) -> None:
    server.kill_postmaster()
    server.start()


def kill_backend(server: KillablePostgres) -> None:
    server.kill_writing_backend()
    server.until_ready()


def stop_immediately(server: KillablePostgres) -> None:
    server.stop_immediately()
    server.start()


@pytest.mark.parametrize("kill", [kill_postmaster, kill_backend, stop_immediately])
def test_what_was_acknowledged_outlives_a_kill_and_writers_go_on(kill: Callable[[KillablePostgres], None]) -> None:
    with killable_postgres() as server:
        with open_database(server.address) as engine:
            key = SQLEvidenceLog(engine, signer=SIGNER, origin=ORIGIN).key
        with writers(server.address) as told:
            for _ in range(ROUNDS):
                told.until_each_has(EACH)
                kill(server)
                told.until_all_are_refused()
                with open_database(server.address) as engine:
                    assert check_log(engine, key).size >= len(told.acknowledged)
                told.go_on()
            told.until_each_has(EACH)
        with open_database(server.address) as engine:
            log = SQLEvidenceLog(engine, signer=SIGNER, origin=ORIGIN)
            # Nothing twice, nothing lost: what was refused and committed nevertheless was found by whoever tried again.
            assert check_log(engine, key).size == len(told.acknowledged) == log.size()
            for step, index in told.acknowledged.items():
                assert log.read(index).statement.context.step == step
            assert log.append(said("afterwards")).index == len(told.acknowledged)
            assert check_log(engine, key).size == len(told.acknowledged) + 1
    for reason in told.reasons:
        assert reason.startswith("database: PostgreSQL "), reason


def test_who_opens_a_database_that_is_down_is_told_so() -> None:
    with killable_postgres() as server:
        with open_database(server.address):
            pass
        server.stop_immediately()
        with pytest.raises(Unavailable, match="PostgreSQL does not answer"), open_database(server.address):
            pass
        server.start()
        with open_database(server.address) as engine:
            assert SQLEvidenceLog(engine, signer=SIGNER, origin=ORIGIN).size() == 0

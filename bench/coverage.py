"""Coverage of one release in a log of a million entries, beside the same in a small one, and beside bare SELECTs.

The log is one run of the road, copied under other run ids: as many statements of each type as a million entries would
have, each filed and hashed as the log does it, none signed again: coverage verifies what people signed alone.
Checkpoints and subtrees are left out: nothing here reads them. The asked run is the last.

Counted is every entry that the log hands out. Bare is the raw driver selecting the same rows by the same two indexes:
what the run left, and what is of the types that coverage looks for everywhere; it decodes nothing.
Goals: as many entries read in the large log as in the small one, and at most twice the time.

Beside it, without a goal: the evidence that a gate's decision is folded from, at both sizes.
"""

import argparse
import base64
import gc
import itertools
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import psycopg

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.fakes.delivery_world import DeliveryWorld, delivery_world
from tests.fakes.fake_workshop import fake_workshop
from tests.fakes.postgres import fresh_database

from wardline import canonical
from wardline.adapters.storage.database import open_database
from wardline.adapters.storage.evidence_log import SQLEvidenceLog
from wardline.controls.cover import installation_types
from wardline.controls.library import load_library
from wardline.controls.standing import WORDS
from wardline.delivery.decide import look
from wardline.delivery.doors import door_of
from wardline.delivery.show_controls import Question, show_controls
from wardline.evidence.log import Evidence
from wardline.evidence.register import REGISTERED
from wardline.gates.predicates import WAIVER
from wardline.ids import RunId
from wardline.pipelines.run import RunStatus
from wardline.tlog.merkle import leaf_hash

SMALL, ROUNDS = 10_000, 9
ASKED = RunId("r-0000000000")
LIBRARY = load_library()
EVERYWHERE = (*installation_types(LIBRARY, LIBRARY.catalogues), *WORDS, WAIVER, *REGISTERED)
_INSERT = 'INSERT INTO log_leaves ("index", "key", run, predicate_type, leaf_hash, envelope) VALUES (?, ?, ?, ?, ?, ?)'
_COPY = 'COPY log_leaves ("index", "key", run, predicate_type, leaf_hash, envelope) FROM STDIN'

Row = tuple[int, str, str | None, str, bytes, bytes]


@dataclass
class Counting:
    """A log that counts what it hands out."""

    log: SQLEvidenceLog
    read_entries: int = 0

    def size(self) -> int:
        return self.log.size()

    def read(self, index: int) -> Evidence:
        self.read_entries += 1
        return self.log.read(index)

    def of_run(self, run: RunId) -> tuple[Evidence, ...]:
        found = self.log.of_run(run)
        self.read_entries += len(found)
        return found

    def every(self, *types: str) -> Iterator[Evidence]:
        for item in self.log.every(*types):
            self.read_entries += 1
            yield item

    def youngest(self, *types: str) -> Iterator[Evidence]:
        for item in self.log.youngest(*types):
            self.read_entries += 1
            yield item


@dataclass(frozen=True)
class Story:
    """One run as the road leaves it, and those who stand around it."""

    world: DeliveryWorld
    around: Sequence[Row] = field(default_factory=list)
    run: Sequence[Evidence] = field(default_factory=list)

    def rows(self, entries: int) -> Iterator[Row]:
        """Yield a log of at least `entries` rows: those around first, then runs, the asked one at the end."""
        yield from self.around
        runs, asked = itertools.count(1), -(-(entries - len(self.around)) // len(self.run)) - 1
        templates = [(item, item.envelope.payload, item.envelope.to_json()) for item in self.run]
        for index in range(len(self.around), len(self.around) + (asked + 1) * len(self.run)):
            turn, step = divmod(index - len(self.around), len(templates))
            if step == 0:
                name = ASKED if turn == asked else f"r-{next(runs):010d}"
            item, payload, envelope = templates[step]
            named = base64.b64encode(payload.replace(ASKED.encode(), name.encode())).decode()
            content = canonical.encode(envelope | {"payload": named})
            key = item.key.replace(ASKED, name)
            yield index, key, name, item.statement.predicate_type, leaf_hash(content), content


@contextmanager
def told() -> Iterator[Story]:
    with tempfile.TemporaryDirectory(prefix="wardline-bench-") as folder, delivery_world(Path(folder)) as world:
        world.enrol_everybody()
        world.begin(ASKED, "1.0")
        if world.walk(ASKED, "1.0") is not RunStatus.SUCCEEDED:
            raise SystemExit("the run that is copied did not succeed")
        every = list(world.log.every())
        around = [_row(item) for item in every if item.statement.context.run is None]
        run = [item for item in every if item.statement.context.run is not None]
        yield Story(world, [(index, *row[1:]) for index, row in enumerate(around)], run)


def _row(item: Evidence) -> Row:
    content = item.envelope.encode()
    return item.index, item.key, None, item.statement.predicate_type, leaf_hash(content), content


@contextmanager
def filled(where: Path | str, story: Story, entries: int) -> Iterator[SQLEvidenceLog]:
    with open_database(where) as engine:
        if isinstance(where, Path):
            connection = sqlite3.connect(where)
            with connection:
                connection.executemany(_INSERT, story.rows(entries))
            connection.close()
        else:
            with psycopg.connect(where) as postgres, postgres.cursor().copy(_COPY) as copy:
                for row in story.rows(entries):
                    copy.write_row(row)
            with psycopg.connect(where, autocommit=True) as postgres:
                postgres.execute("ANALYZE log_leaves")  # as autovacuum does after a while
        yield SQLEvidenceLog(engine, signer=story.world.collect.signer, origin="wardline/bench")


def bare(where: Path | str) -> Callable[[], int]:
    """Return what selects the rows that coverage needs through the raw driver."""
    mark = "?" if isinstance(where, Path) else "%s"
    connection = sqlite3.connect(where) if isinstance(where, Path) else psycopg.connect(where)
    of_run = f"SELECT envelope FROM log_leaves WHERE run = {mark}"
    of_types = f"SELECT envelope FROM log_leaves WHERE predicate_type IN ({','.join([mark] * len(EVERYWHERE))})"

    def select() -> int:
        rows = connection.execute(of_run, (ASKED,)).fetchall()
        return len(rows) + len(connection.execute(of_types, EVERYWHERE).fetchall())

    return select


def seconds(act: Callable[[], object]) -> float:
    gc.collect()
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


@dataclass(frozen=True)
class Measured:
    read: int
    coverage: float
    bare: float
    gate_read: int
    gate: float


def measure(where: Path | str, story: Story, entries: int) -> Measured:
    with filled(where, story, entries) as log:
        counting = Counting(log)
        collect = replace(story.world.collect, log=counting)  # type: ignore[arg-type]
        question = Question(run=ASKED, catalogues=("hipaa", "gdpr", "nis2", "uk-gdpr"))

        def cover() -> None:
            counting.read_entries = 0
            show_controls(question, library=LIBRARY, runs=story.world.runs, collect=collect)

        select = bare(where)
        cover()
        select()
        coverage, alone = [], []
        for _ in range(ROUNDS):
            alone.append(seconds(select))
            coverage.append(seconds(cover))
        read = counting.read_entries
        workshop = fake_workshop(story.world.folder, "1.0")
        door = door_of(story.world.runs.load(ASKED), story.world.log, workshop, environment="production")
        counting.read_entries = 0
        gate = seconds(lambda: look(door, collect))
        return Measured(read, statistics.median(coverage), statistics.median(alone), counting.read_entries, gate)


def line(what: str, value: float, unit: str, note: str) -> None:
    print(f"{what:38} {value:12,.2f} {unit:8} {note}", flush=True)


def compare(name: str, places: tuple[Path | str, Path | str], story: Story, entries: int) -> float:
    """Print the figures of one database; return by how much the goals are missed, 1 or less where they are met."""
    small, large = (measure(where, story, size) for where, size in zip(places, (SMALL, entries), strict=True))
    ratio = large.coverage / small.coverage
    line(f"{name}, entries read", large.read, "", f"of {entries:,}; {small.read} of {SMALL:,} (goal: the same)")
    line(f"{name}, coverage", large.coverage * 1000, "ms", f"{small.coverage * 1000:.2f} at {SMALL:,}")
    line(f"{name}, coverage, ratio", ratio, "", "(goal ≤ 2)")
    line(f"{name}, bare SELECTs, beside", large.bare * 1000, "ms", f"{small.bare * 1000:.2f} at {SMALL:,}")
    line(f"{name}, a gate folds, beside", large.gate * 1000, "ms", f"{small.gate * 1000:.2f} at {SMALL:,}")
    line(f"{name}, a gate reads, beside", large.gate_read, "entries", f"{small.gate_read} at {SMALL:,}")
    return max(ratio / 2, large.read / small.read)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--entries", type=int, default=1_000_000)
    entries = parser.parse_args().entries
    with told() as story, tempfile.TemporaryDirectory(prefix="wardline-bench-") as folder:
        lite = (Path(folder) / "small.db", Path(folder) / "large.db")
        over = [
            compare("SQLite", lite, story, entries),
            compare("PostgreSQL", (fresh_database(), fresh_database()), story, entries),
        ]
    sys.exit(1 if max(over) > 1 else 0)


if __name__ == "__main__":
    main()

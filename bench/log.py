"""The log against the least that could do its work, on the same bytes, machine and run. Goals beside the figures.

Appending: a bare loop over the raw driver that signs the same payloads and commits the same envelopes to a table with
one key. The log adds canonical encoding, a key that is unique, leaf hash, subtrees and a signed checkpoint.
Checking: a bare loop of SHA-256 and signature verification over the same leaves; reading them is not counted for it.

`--entries N`: how large the log is whose root, proofs and check are timed. A million takes about half an hour.
"""

import argparse
import hashlib
import itertools
import json
import resource
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psycopg
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import text

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.fakes.postgres import fresh_database

from wardline.adapters.signing.keys import KeySigner
from wardline.adapters.storage.check_log import check_log
from wardline.adapters.storage.database import open_database
from wardline.adapters.storage.evidence_log import SQLEvidenceLog
from wardline.adapters.storage.reading import reading
from wardline.adapters.storage.stored_nodes import StoredNodes
from wardline.canonical import Digest
from wardline.evidence.envelopes import Envelope, pae, seal
from wardline.evidence.signed import sign_statement
from wardline.evidence.statements import PAYLOAD_TYPE, Context, Statement
from wardline.ids import PrincipalId, RunId
from wardline.outcomes import Outcome
from wardline.predicates import NAMESPACE, Subject
from wardline.tlog import tree

ROUNDS = 5  # ours and the bare loop take turns, so that a slow moment of the machine hits both
ALONE = 300  # appends per round, one writer
WRITERS = 64
EACH = 12  # appends per writer and round
LOOKS = 300  # roots and proofs that are timed
SECRET = bytes(range(32))
PRIVATE = Ed25519PrivateKey.from_private_bytes(SECRET)
SIGNER = KeySigner(PRIVATE)
ORIGIN = "wardline.example/bench"
BARE = ("CREATE TABLE bare (id BIGINT PRIMARY KEY, content {})", "INSERT INTO bare VALUES ({0}, {0})")
NUMBERS = itertools.count()


def statement() -> Statement:
    """A statement as a step of a run leaves it: some 900 bytes as a leaf."""
    number = next(NUMBERS)
    return Statement(
        predicate_type=f"{NAMESPACE}/bench/v1",
        subjects=(Subject(name="artifact", digest=Digest.of(b"%d" % number)),),
        context=Context(
            run=RunId(f"r-{number // 20}"),
            step=f"step-{number}",
            attempt=1,
            recorded_at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
            actor=PrincipalId("m-0123456789abcdef"),
            outcome=Outcome.PASSED,
        ),
        body={"number": number, "tests": {"passed": 120, "failed": 0}, "report": str(Digest.of(b"r%d" % number))},
    )


def append_one(log: SQLEvidenceLog, said: Statement) -> None:
    log.append(sign_statement(said, SIGNER))


def sealed(count: int) -> tuple[list[bytes], list[bytes]]:
    """Return what is signed and what is kept, for the bare loop."""
    envelopes = [seal(statement().encode(), payload_type=PAYLOAD_TYPE, signer=SIGNER) for _ in range(count)]
    return [pae(each.payload_type, each.payload) for each in envelopes], [each.encode() for each in envelopes]


class BareTable:
    """Signs and commits through the raw driver, nothing else."""

    def __init__(self, where: Path | str) -> None:
        if isinstance(where, Path):
            self._connection = sqlite3.connect(where.with_name("bare.db"), isolation_level=None)
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = FULL")
            kind, mark, self._begin = "BLOB", "?", "BEGIN IMMEDIATE"
        else:
            self._connection = psycopg.connect(where, autocommit=True)
            kind, mark, self._begin = "BYTEA", "%s", "BEGIN"
        self._cursor = self._connection.cursor()
        self._cursor.execute(BARE[0].format(kind))
        self._insert = BARE[1].format(mark)
        self._next = 0

    def commit(self, messages: Sequence[bytes], kept: Sequence[bytes], *, batch: int, sign: bool = True) -> float:
        """Return the seconds it took."""
        began = time.perf_counter()
        for start in range(0, len(kept), batch):
            rows = []
            for message, content in zip(messages[start : start + batch], kept[start : start + batch], strict=True):
                if sign:
                    PRIVATE.sign(message)
                rows.append((self._next, content))
                self._next += 1
            if len(rows) == 1:
                self._cursor.execute(self._insert, rows[0])  # one statement is its own transaction
            else:
                self._cursor.execute(self._begin)
                self._cursor.executemany(self._insert, rows)
                self._cursor.execute("COMMIT")
        return time.perf_counter() - began

    def close(self) -> None:
        self._connection.close()


def timed(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def append_alone(log: SQLEvidenceLog, count: int) -> float:
    said = [statement() for _ in range(count)]
    return timed(lambda: [append_one(log, each) for each in said])


def append_at_once(log: SQLEvidenceLog, latencies: list[float], each: int = EACH) -> float:
    """Let WRITERS threads append `each` statements as fast as each can; return the seconds it took."""
    told = [[statement() for _ in range(each)] for _ in range(WRITERS)]
    start = threading.Barrier(WRITERS + 1)

    def write(mine: Sequence[Statement]) -> None:
        start.wait()
        latencies.extend(timed(lambda said=said: append_one(log, said)) for said in mine)

    threads = [threading.Thread(target=write, args=(mine,)) for mine in told]
    for thread in threads:
        thread.start()
    start.wait()
    return timed(lambda: [thread.join() for thread in threads])


@dataclass(frozen=True)
class Opened:
    where: Path | str
    log: SQLEvidenceLog
    bare: BareTable

    def checkpoints(self) -> int:
        with reading(self.log._engine) as connection:  # noqa: SLF001  # a count that no user needs
            return connection.execute(text("SELECT count(*) FROM log_checkpoints")).scalar_one()


@contextmanager
def opened(where: Path | str) -> Iterator[Opened]:
    with open_database(where) as engine:
        bare = BareTable(where)
        try:
            yield Opened(where, SQLEvidenceLog(engine, signer=SIGNER, origin=ORIGIN), bare)
        finally:
            bare.close()


def line(what: str, value: float, unit: str, note: str) -> None:
    print(f"{what:34} {value:9,.2f} {unit:8} {note}", flush=True)


def measure_appends(name: str, where: Path | str) -> list[float]:
    """Print the figures of one database; return the two ratios."""
    with opened(where) as place:
        append_alone(place.log, 50)  # what the first call makes, no later one pays for
        alone, bare = [], []
        for _ in range(ROUNDS):
            messages, kept = sealed(ALONE)
            bare.append(place.bare.commit(messages, kept, batch=1))
            alone.append(append_alone(place.log, ALONE))
        one = statistics.median(b / a for a, b in zip(alone, bare, strict=True))
        line(f"{name}, one writer", ALONE * ROUNDS / sum(alone), "/s", f"bare loop {ALONE * ROUNDS / sum(bare):,.0f}/s")
        line(f"{name}, one writer, ratio", one, "", "(goal ≥ 0.4)")

        latencies: list[float] = []
        many = WRITERS * EACH
        before, together, batched, unsigned = place.checkpoints(), [], [], []
        size = WRITERS
        for number in range(1, ROUNDS + 1):
            together.append(append_at_once(place.log, latencies))
            size = round(many * number / (place.checkpoints() - before))
            messages, kept = sealed(many)
            batched.append(place.bare.commit(messages, kept, batch=size))
            unsigned.append(place.bare.commit(*sealed(many), batch=size, sign=False))
        crowd = statistics.median(b / a for a, b in zip(together, batched, strict=True))
        line(
            f"{name}, {WRITERS} writers",
            many * ROUNDS / sum(together),
            "/s",
            f"batches of {size}; bare loop {many * ROUNDS / sum(batched):,.0f}/s, "
            f"without signing {many * ROUNDS / sum(unsigned):,.0f}/s",
        )
        line(f"{name}, {WRITERS} writers, ratio", crowd, "", "(goal ≥ 0.4)")
        latencies.sort()
        line(f"{name}, {WRITERS} writers, p99", latencies[int(len(latencies) * 0.99)] * 1000, "ms", "of one append")
        return [one, crowd]


def look(log: SQLEvidenceLog, size: int) -> tuple[float, float]:
    """Return the median seconds of a root, as an append needs it, and of an inclusion proof, at `size` leaves."""
    places = [(number * 7919) % size for number in range(LOOKS)]
    proofs = [timed(lambda at=at: log.inclusion_proof(at, size)) for at in places]
    with reading(log._engine) as connection:  # noqa: SLF001  # an append takes the root inside its own transaction
        roots = [timed(lambda: tree.root(StoredNodes(connection), size)) for _ in range(LOOKS)]
    return statistics.median(roots), statistics.median(proofs)


def grow(log: SQLEvidenceLog, size: int) -> None:
    while (missing := size - log.size()) > 0:
        if missing < WRITERS:
            append_alone(log, missing)
        else:
            append_at_once(log, [], min(200, missing // WRITERS))


def measure_large(where: Path, entries: int) -> list[float]:
    small = max(entries // 100, 100)
    with open_database(where) as engine:
        log = SQLEvidenceLog(engine, signer=SIGNER, origin=ORIGIN)
        grow(log, small)
        root_before, proof_before = look(log, small)
        line(f"growing to {entries:,}", entries / max(timed(lambda: grow(log, entries)), 1e-9), "/s", "")
        root, proof = look(log, entries)
        line("root", root * 1e6, "µs", f"at {entries:,}; {root_before * 1e6:,.1f} at {small:,}")
        line("root, ratio", root / root_before, "", "(goal ≤ 2)")
        line("proof", proof * 1e6, "µs", f"at {entries:,}; {proof_before * 1e6:,.1f} at {small:,}")
        line("proof, ratio", proof / proof_before, "", "(goal ≤ 2)")
    # A process of its own, so that its memory is nobody else's.
    asked = [sys.executable, __file__, "--check", str(where)]
    told = json.loads(subprocess.run(asked, check=True, capture_output=True, text=True).stdout)
    bare = bare_check(where)
    line("full check", entries / told["seconds"], "/s", f"bare SHA-256 and verification {entries / bare:,.0f}/s")
    line("full check, ratio", bare / told["seconds"], "", "(goal ≥ 0.3)")
    line("full check, memory", told["megabytes"], "MB", "(goal ≤ 300)")
    return [root / root_before / 2, proof / proof_before / 2, 0.3 * told["seconds"] / bare, told["megabytes"] / 300]


def check(where: Path) -> None:
    """The second process: check the log and say what it took."""
    with open_database(where) as engine:
        key = SQLEvidenceLog(engine, signer=SIGNER, origin=ORIGIN).key
        seconds = timed(lambda: check_log(engine, key))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss + resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    json.dump({"seconds": seconds, "megabytes": peak / 1024}, sys.stdout)


def bare_check(where: Path) -> float:
    public, seconds = PRIVATE.public_key(), 0.0
    connection = sqlite3.connect(where)
    leaves = connection.execute('SELECT envelope FROM log_leaves ORDER BY "index"')
    while page := leaves.fetchmany(1000):
        opened_leaves = [(content, Envelope.decode(content)) for (content,) in page]
        signed = [(content, e.signatures[0].sig, pae(e.payload_type, e.payload)) for content, e in opened_leaves]
        began = time.perf_counter()
        for content, signature, message in signed:
            hashlib.sha256(b"\x00" + content).digest()
            public.verify(signature, message)
        seconds += time.perf_counter() - began
    connection.close()
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--entries", type=int, default=50_000)
    parser.add_argument("--check", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.check:
        check(options.check)
        return
    with tempfile.TemporaryDirectory(prefix="wardline-bench-") as folder:
        appends = [
            *measure_appends("SQLite", Path(folder) / "log.db"),
            *measure_appends("PostgreSQL", fresh_database()),
        ]
        over = measure_large(Path(folder) / "large.db", options.entries)
    sys.exit(1 if min(appends) < 0.4 or max(over) > 1 else 0)


if __name__ == "__main__":
    main()

"""The tamper matrix: whatever somebody who owns the database or the disk changes is shown, with what and where."""

import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from sqlalchemy import Column, Connection, Engine, Table, delete, insert, update
from tests.fakes.attacker import Attacker, Row, changes_of, this, untyped
from tests.fakes.growing_log import line_of
from tests.fakes.long_story import SECOND, WITNESSES, LongStory, long_story
from tests.fakes.postgres import fresh_database

from wardline.adapters.storage.check_log import CheckedLog, check_log
from wardline.adapters.storage.copy_log import check_equal, copy_database
from wardline.adapters.storage.database import open_database
from wardline.adapters.storage.evidence_log import SQLEvidenceLog
from wardline.adapters.storage.reading import reading
from wardline.adapters.storage.tables import (
    log_checkpoints,
    log_cosignatures,
    log_leaves,
    log_nodes,
    metadata,
)
from wardline.canonical import Digest
from wardline.delivery.check_things import Places, Things, check_things, named_by
from wardline.errors import IntegrityViolation
from wardline.evidence.log_keys import LogKeys
from wardline.evidence.packets.verify_packet import Trust, verify_packet
from wardline.evidence.retention.purges import read_purges
from wardline.tlog.edge import Edge

pytestmark = [pytest.mark.timeout(600)]

PROVEN = (log_leaves, log_nodes, log_checkpoints, log_cosignatures)
# What nothing is proven by: projections, locks, and the two tables that people can be erased from.
BESIDE = tuple(metadata.tables[name] for name in ("runs", "holds", "people", "subject_keys"))
COLUMNS = [column for table in PROVEN for column in table.columns]
slow = pytest.mark.slow


def name(case: object) -> str:
    return f"{case.table.name}.{case.name}" if isinstance(case, Column) else str(getattr(case, "name", case))


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> LongStory:
    return long_story(tmp_path_factory.mktemp("story"))


@dataclass(frozen=True, kw_only=True)
class Scene:
    """A copy of the story's database that somebody owns; `unharmed` is what was found before."""

    story: LongStory
    attacker: Attacker
    engine: Engine
    unharmed: CheckedLog

    def check(self) -> CheckedLog:
        return check_log(self.engine, self.story.key, witnesses=WITNESSES)

    def rows(self, table: Table) -> list[Row]:
        return self.attacker.rows[table.name]

    def shown(self, table: Table, act: Callable[[Connection], object], *where: str, told: str) -> None:
        """`act` on `table` is found, and the message names one of the places `where`."""
        with self.attacker.at_work(table) as connection:
            act(connection)
            connection.commit()
            said = self._violation()
        assert said is not None, f"{told}: nobody saw it"
        named = "|".join(rf"(?<![\w.]){re.escape(place)}(?![\w.])" for place in where)
        assert re.search(named, said), f"{told}: {said!r} names none of {where}"

    def unseen(self, table: Table, act: Callable[[Connection], object], *, told: str) -> None:
        """`act` on `table` changes nothing that is proven."""
        with self.attacker.at_work(table) as connection:
            act(connection)
            connection.commit()
            found = self.check()
        assert (found.size, found.root) == (self.unharmed.size, self.unharmed.root), told

    def _violation(self) -> str | None:
        try:
            self.check()
        except IntegrityViolation as error:
            return error.what
        return None


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def scene(
    story: LongStory, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Scene]:
    copy = tmp_path_factory.mktemp("copy") / "wardline.db"
    shutil.copy(story.database, copy)
    where = fresh_database() if request.param == "postgresql" else copy
    if where is not copy:
        with open_database(copy) as source, open_database(where) as target, reading(source) as connection:
            copy_database(connection, target)
            check_equal(connection, target)
    with open_database(where) as engine:
        unharmed = check_log(engine, story.key, witnesses=WITNESSES)
    attacker = Attacker(where)
    with open_database(where) as engine:
        scene = Scene(story=story, attacker=attacker, engine=engine, unharmed=unharmed)
        assert scene.check().root == unharmed.root  # a bare table holds what the guarded one held
        yield scene
        assert scene.check().root == unharmed.root  # and everything was put back
    attacker.close()


def test_every_table_is_either_proven_or_known_to_prove_nothing() -> None:
    assert {*PROVEN, *BESIDE} == set(metadata.sorted_tables)
    assert {table.name for table in metadata.sorted_tables if table.name.startswith("log_")} == {t.name for t in PROVEN}
    assert {(c.table.name, c.name) for c in COLUMNS} == {(t.name, c.name) for t in PROVEN for c in t.columns}


def test_the_story_holds_what_the_matrix_is_about(story: LongStory) -> None:
    with open_database(story.database) as engine:
        checked = check_log(engine, story.key, witnesses=WITNESSES)
        with reading(engine) as connection:
            kinds = connection.execute(log_leaves.select()).mappings().all()
    assert {kind["predicate_type"].rsplit("/", 2)[-2] for kind in kinds} >= {
        "enrolment", "key-change", "purge", "erasure", "approval", "verification_summary", "seal", "deployment"
    }  # fmt: skip
    assert (checked.cosignatures, checked.unlisted) == (6, {})


def test_what_an_unlisted_witness_said_is_counted_and_never_called_verified(story: LongStory) -> None:
    with open_database(story.database) as engine:
        checked = check_log(engine, story.key, witnesses=WITNESSES[:1])
        nobody = check_log(engine, story.key)
        # The same name, and another key: the witness was given a new one.
        changed = check_log(engine, story.key, witnesses=[replace(WITNESSES[0], name=WITNESSES[1].name)])
    first, second = (f"{each.name} with key {each.hash.hex()}" for each in WITNESSES)
    assert (checked.cosignatures, checked.unlisted) == (3, {second: 3})
    assert (nobody.cosignatures, nobody.unlisted) == (0, {first: 3, second: 3})
    assert (changed.cosignatures, changed.unlisted) == (0, {first: 3, second: 3})


@slow
@pytest.mark.parametrize("column", COLUMNS, ids=name)
def test_every_change_of_a_column_is_named(scene: Scene, column: Column[object]) -> None:
    table, rows, tried = column.table, scene.rows(column.table), 0
    ends = (rows[0], rows[len(rows) // 2], rows[-1])
    for row in chosen(rows):
        changes = list(changes_of(column, row, rows, strict=scene.attacker.is_strict))
        for what, value in changes if any(row is each for each in ends) else changes[::4]:
            changed = row | {column.name: value}
            change = update(table).where(this(table, row)).values({column.name: untyped(value)})
            told = f"{table.name} {place(table, row)}: {column.name}: {what}"
            scene.shown(
                table,
                lambda c, change=change: c.execute(change),
                *places(table, row),
                *places(table, changed),
                told=told,
            )
            tried += 1
    assert tried >= 3


@slow
@pytest.mark.parametrize("table", PROVEN, ids=name)
def test_a_row_that_is_gone_is_named_or_proves_nothing(scene: Scene, table: Table) -> None:
    rows = scene.rows(table)
    newest, cosigned = rows[-1], {row["size"] for row in scene.rows(log_cosignatures)}
    for row in chosen(rows):

        def drop(connection: Connection, row: Row = row) -> None:
            connection.execute(delete(table).where(this(table, row)))

        told = f"{table.name} {place(table, row)}: dropped"
        loses_nothing = table is log_cosignatures or (table is log_checkpoints and row is not newest)
        if loses_nothing and not (table is log_checkpoints and row["size"] in cosigned):
            scene.unseen(table, drop, told=told)
        else:
            after = [f"leaf {row['index'] + 1}", f"size {row['index'] + 1}"] if table is log_leaves else []
            scene.shown(table, drop, *places(table, row), *after, told=told)


@slow
def test_each_signature_on_a_checkpoint_has_to_hold_and_one_is_enough(scene: Scene) -> None:
    """While two keys of the log count, both sign."""
    rows = scene.rows(log_checkpoints)
    row = next(row for row in reversed(rows) if row["note"].count("\n— ") == 2)
    text, signatures = row["note"].split("\n\n")
    one, other = signatures.splitlines(keepends=True)
    elsewhere = rows[0]["note"].split("\n\n")[1]
    stranger = line_of(5, f"{text}\n", name=scene.story.key.name)

    def signed(*lines: str) -> Callable[[Connection], object]:
        note = f"{text}\n\n{''.join(lines)}"
        return lambda c: c.execute(update(log_checkpoints).where(this(log_checkpoints, row)).values(note=note))

    for lines in ((one,), (other,), (other, one)):
        scene.unseen(log_checkpoints, signed(*lines), told=f"{len(lines)} signatures")
    for lines in (
        (),
        (one, one),
        (one, other, stranger),
        (one, elsewhere),
        (elsewhere, other),
        (one, other, elsewhere),
    ):
        scene.shown(log_checkpoints, signed(*lines), *places(log_checkpoints, row), told=f"{lines}")


@slow
@pytest.mark.parametrize("table", PROVEN, ids=name)
def test_a_row_too_many_is_named(scene: Scene, table: Table) -> None:
    rows, behind = scene.rows(table), scene.unharmed.size
    for row in chosen(rows):
        moved: list[Row] = [row]  # once more just so
        if table is log_leaves:
            moved += [row | {"index": behind}, row | {"index": behind, "key": "r-x/x/1"}, row | {"index": -1}]
        elif table is log_nodes:
            moved += [row | {"index": behind}, row | {"level": 40}, row | {"level": 0, "index": -2}]
        else:
            moved += [row | {"size": behind + 1}, row | {"size": 0}, row | {"size": -5}]
        if table is log_cosignatures:
            moved += [row | {"witness": "witness.example/3"}, row | {"size": row["size"] - 1}]
        for added in moved:
            scene.shown(
                table,
                lambda c, added=added: c.execute(insert(table), [added]),
                *places(table, row),
                *places(table, added),
                *([f"checkpoint of {behind + 1} leaves"] if table is log_leaves else []),
                told=f"{table.name} {place(table, row)}: added as {place(table, added)}",
            )


@slow
@pytest.mark.parametrize("table", PROVEN, ids=name)
def test_two_rows_in_each_others_place_are_shown(scene: Scene, table: Table) -> None:
    rows = [row for row in scene.rows(table) if table is not log_cosignatures or row["witness"].endswith("/1")]
    pairs = [(rows[0], rows[1]), (rows[0], rows[-1]), (rows[len(rows) // 2], rows[-1]), (rows[-2], rows[-1])]
    keys = [key.name for key in table.primary_key.columns]
    for one, other in pairs:
        swapped = [one | {key: other[key] for key in keys}, other | {key: one[key] for key in keys}]

        def swap(connection: Connection, one: Row = one, other: Row = other, swapped: list[Row] = swapped) -> None:
            for row in (one, other):
                connection.execute(delete(table).where(this(table, row)))
            connection.execute(insert(table), swapped)

        told = f"{table.name}: {place(table, one)} and {place(table, other)} swapped"
        # Each is whole in itself: what covers the first of them is the first that does not fit.
        above = ["subtree", "checkpoint"] if table is log_leaves else []
        scene.shown(table, swap, *places(table, one), *places(table, other), *above, told=told)


@slow
@pytest.mark.parametrize("table", BESIDE, ids=name)
def test_what_can_be_erased_moves_no_proof(scene: Scene, table: Table) -> None:
    trust = Trust(key=scene.story.key, witnesses=WITNESSES)
    assert verify_packet(scene.story.packet, trust).holds
    scene.unseen(table, lambda c: c.execute(delete(table)), told=f"{table.name}: emptied")
    rows = scene.rows(table)
    for row in chosen(rows):
        scene.unseen(table, lambda c, row=row: c.execute(delete(table).where(this(table, row))), told="dropped")
        for column in table.columns:
            for what, value in list(changes_of(column, row, rows, strict=scene.attacker.is_strict))[::4]:
                change = update(table).where(this(table, row)).values({column.name: untyped(value)})
                scene.unseen(table, lambda c, change=change: c.execute(change), told=f"{table.name}: {what}")


@slow
def test_a_tree_that_was_made_to_fit_a_changed_leaf_does_not_fit_its_checkpoints(scene: Scene) -> None:
    """Whoever has the database and not the keys: everything that needs no key is made to fit again."""
    rows = scene.rows(log_leaves)
    for row in rows[::20]:
        kept = [each for each in rows if each is not row]
        edge = Edge()
        nodes = [node for each in kept for node in edge.add(each["leaf_hash"])]
        fitted = [each | {"index": index} for index, each in enumerate(kept)]
        with scene.attacker.at_work(log_leaves, log_nodes, log_checkpoints, log_cosignatures) as connection:
            for table in (log_leaves, log_nodes):
                connection.execute(delete(table))
            connection.execute(insert(log_leaves), fitted)
            connection.execute(insert(log_nodes), [{"level": n.level, "index": n.index, "hash": n.hash} for n in nodes])
            for table in (log_checkpoints, log_cosignatures):
                connection.execute(delete(table).where(table.c.size > len(kept)))
            connection.commit()
            with pytest.raises(IntegrityViolation, match=r"the checkpoint of \d+ leaves: expected root|statement \d+ "):
                scene.check()


@slow
def test_every_thing_that_a_statement_names_is_looked_at(story: LongStory, tmp_path: Path) -> None:
    """Each blob and artifact changed, cut off, made longer, exchanged, taken away."""
    folder = tmp_path / "copy"
    shutil.copytree(story.folder, folder)
    copy = LongStory(folder=folder, key=story.key, packet=story.packet)
    assert things(copy).missing == ()
    assert things(copy).purged > 0
    with open_database(copy.database) as engine:
        named = {thing.digest for thing in named_by(_log(engine, copy).every())}
    files = {Digest(path.name.removesuffix(".bundle")): path for path in _files(folder)}
    lying = {digest: path for digest, path in files.items() if digest in named}
    assert len(lying) >= 10
    contents = {digest: path.read_bytes() for digest, path in lying.items()}
    for digest, path in lying.items():
        content = contents[digest]
        other = next(each for each in contents.values() if each != content)
        middle = len(content) // 2
        flipped = content[:middle] + bytes(byte ^ 1 for byte in content[middle : middle + 1]) + content[middle + 1 :]
        for changed in {flipped, content[:-1], content + b"\n", b"", other, None} - {content}:
            path.unlink(missing_ok=True)
            if changed is not None:
                path.write_bytes(changed)
            found = things(copy)
            told = [*found.missing, *found.unseen]
            assert told, f"{digest}: nobody saw it"
            assert any(str(digest) in line and "named at log index" in line for line in told), told
        path.write_bytes(content)
    assert things(copy).missing == ()


def things(story: LongStory) -> Things:
    with open_database(story.database) as engine:
        log = _log(engine, story)
        # Its releases are built by a fake: there is no artifact to look at.
        places = Places(blobs=story.blobs, artifact=lambda _digest: None)
        return check_things(named_by(log.every()), places, lambda: read_purges(log, story.blobs))


def chosen(rows: list[Row]) -> list[Row]:
    """The first, one in the middle, the last, and one of each kind of statement; of a few rows all."""
    if len(rows) < 8:
        return rows
    kinds: dict[object, Row] = {}
    for row in rows:
        kinds.setdefault(row.get("predicate_type"), row)
    some = [rows[0], rows[len(rows) // 2], rows[-3], rows[-1], *kinds.values()]
    return [row for row in rows if any(row is each for each in some)]


def place(table: Table, row: Row) -> str:
    return places(table, row)[0]


def places(table: Table, row: Row) -> list[str]:
    """How a message may call the place of `row`."""
    if table is log_leaves:
        return [f"{word} {row['index']}" for word in ("leaf", "statement", "index")]
    if table is log_nodes:
        return [f"level {row['level']}, index {row['index']}"]
    size = row["size"]
    if table is log_checkpoints:
        return [f"checkpoint of {size} leaves", f"size {size}", f"cosignature of {size} leaves"]
    return [f"cosignature of {size} leaves by {str(row['witness'])!r}", f"size {size}, witness {row['witness']}"]


def _log(engine: Engine, story: LongStory) -> SQLEvidenceLog:
    return SQLEvidenceLog(engine, signer=SECOND, origin=story.key.name, keys=LogKeys(story.key, ()))


def _files(folder: Path) -> list[Path]:
    return [path for part in ("blobs", "artifacts") for path in sorted((folder / part).rglob("*")) if path.is_file()]

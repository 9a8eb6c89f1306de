"""Moving a log between databases, on a real PostgreSQL: equal, resumable, killed on the way; backups of both."""

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Engine, insert, text, update
from tests.fakes.filled_home import NAME, fill, say, settings
from tests.fakes.postgres import fresh_database
from typer.testing import CliRunner

from wardline.adapters.storage import copy_log as copying
from wardline.adapters.storage.check_log import check_log
from wardline.adapters.storage.copy_log import check_equal, copy_database, fill_database
from wardline.adapters.storage.cosignatures import SQLCosignatures
from wardline.adapters.storage.database import open_database
from wardline.adapters.storage.reading import reading
from wardline.adapters.storage.tables import log_cosignatures, metadata, people, subject_keys
from wardline.bootstrap import backup
from wardline.bootstrap.home import Home, open_home
from wardline.cli.main import app
from wardline.errors import Conflict, IntegrityViolation, InvalidInput, Unavailable
from wardline.ids import PrincipalId
from wardline.settings import Settings
from wardline.tlog.note import signature_line

LINE = signature_line("w", bytes(76))  # as a witness that is not listed here could have said it
KINDS = ("sqlite", "postgresql")
PAGE = copying._PAGE


@pytest.fixture(params=[(a, b) for a in KINDS for b in KINDS], ids="->".join)
def ways(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Settings, Path | str]:
    """Return an installation on one database and where another one may be made."""
    source, target = request.param
    where = tmp_path / "copy.db" if target == "sqlite" else fresh_database()
    return settings(tmp_path / "home", fresh_database() if source == "postgresql" else None), where


@contextmanager
def source_and_target(home: Home, where: Path | str) -> Iterator[tuple[Engine, Engine]]:
    with open_database(where) as target:
        yield home.database, target


def copy_to(home: Home, where: Path | str) -> copying.Copied:
    return backup.copy_log(home, str(where), said=lambda *_: None)


def test_a_copy_is_equal_and_the_installation_goes_on_with_it(
    ways: tuple[Settings, Path | str], tmp_path: Path
) -> None:
    told, where = ways
    with open_home(told) as home:
        fill(home, tmp_path)
        SQLCosignatures(home.database).keep(home.log.size(), "w", LINE)
        copied = copy_to(home, where)
        before = (home.check_log(), home.log.checkpoint(), list(home.log.every()))
        assert (copied.size, copied.held) == (home.log.size(), 0)
    if isinstance(where, Path):
        shutil.copy(where, tmp_path / "home" / "wardline.db")
    moved = settings(tmp_path / "home", where if isinstance(where, str) else None)
    with open_home(moved) as home:
        assert (home.check_log(), home.log.checkpoint(), list(home.log.every())) == before
        assert home.people.name_of(PrincipalId("p-ada")) == NAME
        say(home, 77)
        assert home.check_log() == copied.size + 1


def test_a_second_copy_brings_what_is_new_and_replaces_what_changed(
    ways: tuple[Settings, Path | str], tmp_path: Path
) -> None:
    told, where = ways
    with open_home(told) as home:
        fill(home, tmp_path)
        first = copy_to(home, where)
        assert copy_to(home, where).held == first.size
        say(home, 50)
        home.people.erase(PrincipalId("p-ada"))
        SQLCosignatures(home.database).keep(first.size, "w", LINE)
        second = copy_to(home, where)
        assert (second.size, second.held) == (first.size + 1, first.size)
        with open_database(where) as target, reading(target) as connection:
            assert connection.execute(people.select()).all() == []
            assert len(connection.execute(log_cosignatures.select()).all()) == 1


def test_writers_go_on_and_the_copy_is_what_was_there_at_its_start(
    ways: tuple[Settings, Path | str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copying, "_PAGE", 2)  # many transactions
    told, where = ways
    with open_home(told) as home:
        fill(home, tmp_path, reports=20)
        stop = threading.Event()

        def write() -> None:
            number = 1000
            while not stop.is_set():
                number += 1
                say(home, number)

        writer = threading.Thread(target=write)
        writer.start()
        try:
            before = home.log.size()
            copied = [copy_to(home, where).size for _ in range(2)]
        finally:
            stop.set()
            writer.join()
        assert before <= copied[0] <= copied[1] <= home.log.size()
        assert copy_to(home, where).size == home.log.size()


def test_after_every_transaction_the_target_holds_a_whole_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed between any two, what is there holds, and the next copy goes on behind it."""
    monkeypatch.setattr(copying, "_PAGE", 3)
    with open_home(settings(tmp_path / "home")) as home:
        fill(home, tmp_path, reports=9)

        class Killed(Exception):
            pass

        def stop_at(done: int, _: int) -> None:
            if done >= stop:
                raise Killed

        for stop in range(1, home.log.size()):
            with open_database(tmp_path / f"{stop}.db") as target:
                with reading(home.database) as source, pytest.raises(Killed):
                    copy_database(source, target, said=stop_at)
                held = check_log(target, home.log.key).size
                assert stop <= held <= home.log.size()
                with reading(home.database) as source:
                    assert copy_database(source, target).held == held
                    check_equal(source, target)
                assert check_log(target, home.log.key).size == home.log.size()


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("strace") is None, reason="needs the package strace")
@pytest.mark.parametrize("kind", KINDS)
def test_a_copy_that_is_killed_is_gone_on_with(tmp_path: Path, kind: str) -> None:
    where: Path | str = tmp_path / "copy.db" if kind == "sqlite" else fresh_database()
    call = "fsync,fdatasync" if kind == "sqlite" else "sendto"
    with open_home(settings(tmp_path / "home")) as home:
        fill(home, tmp_path, reports=40)
        size, key = home.log.size(), home.log.key
    program = (
        "import sys; from wardline.adapters.storage import copy_log; copy_log._PAGE = 4\n"
        "from wardline.cli.main import main; main()"
    )
    command = (sys.executable, "-c", program, "log", "copy", "--to", str(where))
    environment = {**os.environ, "WARDLINE_HOME": str(tmp_path / "home")}
    held = []
    for number in (3, 7, 3, 5) if kind == "sqlite" else (3, 45, 20, 60):
        kill = ("strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}")
        kill = (*kill, "-e", f"inject={call}:signal=SIGKILL:when={number}")
        subprocess.run([*kill, *command], env=environment, capture_output=True, check=False, timeout=120)
        with open_database(where) as target:
            held.append(check_log(target, key).size)
    assert held == sorted(held)
    assert any(0 < each < size for each in held), held
    done = subprocess.run([*command, "--output", "json"], env=environment, capture_output=True, check=True, timeout=120)
    assert json.loads(done.stdout)["size"] == size
    with open_database(where) as target:
        assert check_log(target, key).size == size


@pytest.mark.parametrize("kind", KINDS)
def test_a_target_that_holds_anything_else_is_refused_unchanged(tmp_path: Path, kind: str) -> None:
    def where(name: str) -> Path | str:
        return tmp_path / f"{name}.db" if kind == "sqlite" else fresh_database()

    with open_home(settings(tmp_path / "home")) as home, open_home(settings(tmp_path / "other")) as other:
        fill(home, tmp_path)
        (tmp_path / "b").mkdir()
        fill(other, tmp_path / "b", reports=1)
        foreign, named = where("foreign"), where("named")
        copy_to(other, foreign)
        with pytest.raises(Conflict, match="not the first ones"):
            copy_to(home, foreign)
        with open_database(named) as target, target.begin() as connection:
            connection.execute(insert(people).values(principal="p-x", name="X", emails="[]"))
        with pytest.raises(Conflict, match="another installation"):
            copy_to(home, named)
        with open_database(foreign) as target:
            assert check_log(target, other.log.key).size == other.log.size()


def test_a_target_that_is_ahead_is_refused(tmp_path: Path) -> None:
    with open_home(settings(tmp_path / "home")) as home:
        fill(home, tmp_path)
        copy_to(home, tmp_path / "old.db")
        say(home, 99)
        with (
            open_database(tmp_path / "old.db") as old,
            reading(old) as source,
            pytest.raises(Conflict, match="somebody wrote to it"),
        ):
            copy_database(source, home.database)


@pytest.mark.parametrize("table", [table.name for table in metadata.sorted_tables if table.name != "log_leaves"])
def test_a_difference_in_any_table_is_seen(tmp_path: Path, table: str) -> None:
    rows: dict[str, dict[str, object]] = {
        "log_nodes": {"level": 9, "index": 0, "hash": b"x"},
        "log_checkpoints": {"size": 900, "note": "x"},
        "log_cosignatures": {"size": 1, "witness": "w", "line": "x"},
        "holds": {"environment": "e", "run": None, "generation": 1},
        "people": {"principal": "p-x", "name": "X", "emails": "[]"},
        "subject_keys": {"subject": "s", "key": b"k"},
        "runs": dict.fromkeys(("id", "service", "repository", "commit_sha", "status", "stage", "started_at"), "x")
        | {"version": 1, "document": "{}"},
    }
    with open_home(settings(tmp_path / "home")) as home:
        fill(home, tmp_path)
        copy_to(home, tmp_path / "copy.db")
        with open_database(tmp_path / "copy.db") as target:
            with target.begin() as connection:
                connection.execute(insert(metadata.tables[table]).values(**rows[table]))
            with reading(home.database) as source, pytest.raises(IntegrityViolation, match=f"table {table}:"):
                check_equal(source, target)


def test_a_changed_row_is_seen(tmp_path: Path) -> None:
    with open_home(settings(tmp_path / "home")) as home:
        fill(home, tmp_path)
        copy_to(home, tmp_path / "copy.db")
        with open_database(tmp_path / "copy.db") as target:
            with target.begin() as connection:
                connection.execute(update(subject_keys).values(key=b"x" * 32))
            with reading(home.database) as source, pytest.raises(IntegrityViolation, match="table subject_keys"):
                check_equal(source, target)


@pytest.mark.parametrize("damage", ["replace(envelope, 'a', 'b')", "CAST(replace(envelope, 'a', 'b') AS BLOB)"])
def test_a_damaged_log_is_not_copied_unseen(tmp_path: Path, damage: str) -> None:
    """Text where bytes belong is refused at once; bytes that do not hold are refused by the proof at the end."""
    with open_home(settings(tmp_path / "home")) as home:
        fill(home, tmp_path)
        with home.database.begin() as connection:
            connection.execute(text("DROP TRIGGER log_leaves_no_update"))
            connection.execute(text(f'UPDATE log_leaves SET envelope = {damage} WHERE "index" = 1'))
        with pytest.raises(IntegrityViolation):
            copy_to(home, tmp_path / "copy.db")


def test_a_target_that_is_no_database_is_refused_without_its_password(tmp_path: Path) -> None:
    with open_home(settings(tmp_path / "home")) as home:
        for target in ("mysql://u:geheim@h/d", "postgresql://u:geheim@127.0.0.1:1/d", "://"):
            with pytest.raises((InvalidInput, Unavailable)) as found:
                copy_to(home, target)
            assert "geheim" not in str(found.value)


# -- backups, from and to PostgreSQL


@pytest.mark.parametrize("source", KINDS)
@pytest.mark.parametrize("target", KINDS)
def test_a_backup_of_either_database_is_restored_into_either(tmp_path: Path, source: str, target: str) -> None:
    with open_home(settings(tmp_path / "home", fresh_database() if source == "postgresql" else None)) as home:
        fill(home, tmp_path)
        assert backup.back_up(home, tmp_path / "file", with_keys=True).whole
        key, note, size = home.log.key, home.log.checkpoint(), home.log.size()
    again = settings(tmp_path / "again", fresh_database() if target == "postgresql" else None)
    assert backup.restore(again, tmp_path / "file", key=key, witnessed=[note]).prefix.proven == size
    with open_home(again) as home:
        assert home.check_log() == size
        assert home.people.name_of(PrincipalId("p-ada")) == NAME
        say(home, 99)
        assert home.check_log() == size + 1
    assert (tmp_path / "again" / "wardline.db").exists() == (target == "sqlite")


def test_a_restore_into_a_database_that_holds_something_is_refused(tmp_path: Path) -> None:
    used = fresh_database()
    with open_home(settings(tmp_path / "home", used)) as home:
        fill(home, tmp_path)
        backup.back_up(home, tmp_path / "file", with_keys=True)
        say(home, 99)
        size = home.log.size()
    with pytest.raises(Conflict, match="holds something else"):
        backup.restore(settings(tmp_path / "again", used), tmp_path / "file", key=None, witnessed=())
    assert not (tmp_path / "again").exists()
    with open_home(settings(tmp_path / "home", used)) as home:
        assert home.check_log() == size


def test_a_database_that_was_filled_before_the_kill_is_taken_as_it_is(tmp_path: Path) -> None:
    where = fresh_database()
    with open_home(settings(tmp_path / "home")) as home:
        fill(home, tmp_path)
        with reading(home.database) as source, open_database(where) as target:
            fill_database(source, target)
            fill_database(source, target)
            check_equal(source, target)


def test_the_command_says_what_was_added_meanwhile_and_never_the_password(tmp_path: Path) -> None:
    where = fresh_database()
    with open_home(settings(tmp_path / "home")) as home:
        fill(home, tmp_path)
        size = home.log.size()
    environment = {"WARDLINE_HOME": str(tmp_path / "home")}
    done = CliRunner().invoke(app, ["log", "copy", "--to", where], env=environment)
    assert done.exit_code == 0
    assert f"equal: {size} statements" in done.output
    assert where not in done.output
    checked = CliRunner().invoke(app, ["log", "check"], env={**environment, "WARDLINE_DATABASE": where})
    assert f"{size} statements" in checked.output

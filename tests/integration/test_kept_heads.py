"""Logs that were cut back, forked or made anew as a whole: whoever kept one signed head of them sees it."""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.fakes.attacker import cut_back, unguard
from tests.fakes.filled_home import fill, say, settings
from tests.fakes.postgres import fresh_database

from wardline.adapters.storage.cosignatures import SQLCosignatures
from wardline.adapters.storage.published import SQLPublishedLog
from wardline.bootstrap import checking, keys, witnessing
from wardline.bootstrap.home import Home, open_home
from wardline.bootstrap.witness import new_witness_key, open_witness, remembered
from wardline.cli.log_checked import kept_heads
from wardline.delivery.cosign import Asked, Standing, ask_witnesses
from wardline.errors import IntegrityViolation, InvalidInput
from wardline.settings import Settings
from wardline.tlog.checkpoint import read_checkpoint
from wardline.tlog.note import VerifierKey
from wardline.tlog.witness import Witness

PROGRAM = Path(sys.executable).with_name("wardline")
SEEN, KEPT = 9, 6  # leaves when somebody outside looked, and those that the attacker keeps of them


@dataclass(frozen=True, kw_only=True)
class Outside:
    """What is out of the attacker's reach: a witness, and a file with a head of the log."""

    witness: Witness
    file: Path
    root: bytes

    def ask(self, home: Home) -> Asked:
        log, kept = SQLPublishedLog(home.database), SQLCosignatures(home.database)
        (asked,) = ask_witnesses(log, kept, [(self.witness.key, self.witness)])
        return asked


@pytest.fixture(params=["sqlite", "postgresql"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    return settings(tmp_path / "home", fresh_database() if request.param == "postgresql" else None)


@pytest.fixture
def outside(where: Settings, tmp_path: Path) -> Outside:
    """An installation with SEEN leaves, cosigned, and what outsiders keep of it."""
    with open_home(where) as home:
        for number in range(SEEN):
            say(home, number)
        file = tmp_path / "kept.json"
        file.write_text(json.dumps({"size": SEEN, "checkpoint": home.log.checkpoint(SEEN)}))
        witness = _witness(tmp_path, home.log.key)
        outside = Outside(witness=witness, file=file, root=read_checkpoint(home.log.checkpoint(SEEN)).root)
        assert outside.ask(home).standing is Standing.COSIGNED
    return outside


def _witness(folder: Path, log: VerifierKey) -> Witness:
    new_witness_key(folder / "w.key", "witness.example/w")
    return open_witness(folder / "state", folder / "w.key", [log])


def _say_until(home: Home, size: int) -> None:
    for number in range(100, 100 + size - home.log.size()):
        say(home, number)


def test_a_log_that_grew_begins_with_what_was_kept(where: Settings, outside: Outside) -> None:
    with open_home(where) as home:
        for size in (SEEN, SEEN + 4):
            _say_until(home, size)
            (grown,) = checking.check(home, against=[kept_heads(outside.file)], things=False).grown
            assert (grown.size, grown.root) == (SEEN, outside.root)
        assert outside.ask(home).standing is Standing.COSIGNED


def test_a_log_that_was_cut_back_is_shown_by_what_was_kept_and_by_the_witness(
    where: Settings, outside: Outside
) -> None:
    with open_home(where) as home:
        cut_back(home.database, KEPT)
        assert checking.check(home, against=(), things=True).log.size == KEPT  # by itself it is a whole log
        told = rf"kept.json: cut back: a checkpoint of {SEEN} leaves under root {outside.root.hex()}, and .* has {KEPT}"
        with pytest.raises(IntegrityViolation, match=told):
            checking.check(home, against=[kept_heads(outside.file)], things=False)
        asked = outside.ask(home)
        assert (asked.standing, f"it has seen {SEEN} leaves of this log, which now has {KEPT}") == (
            Standing.CONFLICT,
            asked.detail,
        )


@pytest.mark.parametrize("size", [SEEN, SEEN + 3])
@pytest.mark.parametrize("kept", [0, KEPT])
def test_a_log_that_forked_or_was_made_anew_is_shown_by_what_was_kept_and_by_the_witness(
    where: Settings, outside: Outside, size: int, kept: int
) -> None:
    with open_home(where) as home:
        cut_back(home.database, kept)
    with open_home(where) as home:  # a process that knows nothing of what was there
        _say_until(home, size)
        assert checking.check(home, against=(), things=True).log.size == size
        told = (
            rf"kept.json: fork: of the first {SEEN} leaves the witnessed root is {outside.root.hex()}, "
            rf"that of this log {SQLPublishedLog(home.database).root(SEEN).hex()}"
        )
        with pytest.raises(IntegrityViolation, match=told):
            checking.check(home, against=[kept_heads(outside.file)], things=False)
        assert outside.ask(home).standing is Standing.CONFLICT
    (log,) = remembered(outside.file.with_name("state"))
    assert [alarm.kind.value for alarm in log.alarms] == ["fork"]


def test_a_log_made_anew_with_another_key_is_shown(outside: Outside, tmp_path: Path) -> None:
    with open_home(settings(tmp_path / "another")) as home:
        _say_until(home, SEEN)
        with pytest.raises(IntegrityViolation, match=r"kept.json: a checkpoint of log wardline/\w+; this one is"):
            checking.check(home, against=[kept_heads(outside.file)], things=False)


def test_a_head_signed_by_a_key_that_was_cut_away_is_larger_than_the_log(where: Settings, outside: Outside) -> None:
    with open_home(where) as home:
        first = home.log.key
        keys.rotate(home, to=None, purposes=None)
    with open_home(where) as home:
        keys.retire(home, _id_of(home, first))
        say(home, 50)
        newest = outside.file.with_name("newest.note")
        newest.write_text(home.log.checkpoint())
        kept = [kept_heads(newest), kept_heads(outside.file)]
        assert [each.size for each in checking.check(home, against=kept, things=False).grown] == [SEEN + 3, SEEN]
        cut_back(home.database, SEEN)
        told = rf"newest.note: a checkpoint of {SEEN + 3} leaves .* this log has {SEEN}; no key that this log knows"
        with pytest.raises(IntegrityViolation, match=told):
            checking.check(home, against=kept, things=False)


def _id_of(home: Home, key: VerifierKey) -> str:
    return next(row.key.keyid for row in keys.list_keys(home) if row.key.raw == key.raw)


def _spoiled(note: str) -> str:
    return note.replace(f"\n{SEEN}\n", f"\n{SEEN - 1}\n")


@pytest.mark.parametrize(
    ("text", "error", "told"),
    [
        (lambda note: "no note at all\n", InvalidInput, "not signed notes"),
        (lambda note: "", InvalidInput, "not signed notes"),
        (lambda note: json.dumps({"checkpoint": ""}), InvalidInput, "not signed notes"),
        (lambda note: '{"size": 3}', InvalidInput, "not signed notes"),
        (lambda note: "[" * 100_000, InvalidInput, "not signed notes"),
        (lambda note: "c2sp.org/tlog-proof@v1\nindex x\n", InvalidInput, "proof"),
        (lambda note: "a\n\n— b AAAAAAAA\n", InvalidInput, "not a checkpoint"),
        (_spoiled, IntegrityViolation, "the signature by wardline/.* does not hold"),
    ],
)
def test_what_is_no_head_of_this_log_says_nothing_of_it(
    outside: Outside, where: Settings, text: Callable[[str], str], error: type[Exception], told: str
) -> None:
    note = json.loads(outside.file.read_text())["checkpoint"]
    outside.file.write_text(text(note))
    with open_home(where) as home, pytest.raises(error, match=told) as raised:
        checking.check(home, against=[kept_heads(outside.file)], things=False)
    assert "kept.json: " in str(raised.value)


def test_every_file_that_carries_a_head_can_be_given(outside: Outside, where: Settings, tmp_path: Path) -> None:
    with open_home(where) as home:
        proof, notes = tmp_path / "3.tlog-proof", tmp_path / "notes"
        witnessing.write_proof(home, 3, proof, entry=None)
        (log,) = remembered(tmp_path / "state")
        notes.write_text("\n".join([home.log.checkpoint(4), *(head.note for head in log.heads)]))
        for file in (proof, notes, outside.file):
            (grown,) = checking.check(home, against=[kept_heads(file)], things=False).grown
            assert (grown.name, grown.size) == (str(file), SEEN)


class Command:
    """`wardline log check` in a process of its own."""

    def __init__(self, where: Settings) -> None:
        self._environ = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "WARDLINE_HOME": str(where.home)}
        self._environ |= {"WARDLINE_DATABASE": where.database} if where.database else {}

    def __call__(self, *arguments: object) -> subprocess.CompletedProcess[str]:
        command = [str(PROGRAM), "log", "check", *map(str, arguments)]
        done = subprocess.run(command, env=self._environ, capture_output=True, text=True, timeout=120, check=False)
        assert "Traceback" not in done.stderr, done.stderr
        return done


@pytest.fixture
def check(where: Settings, tmp_path: Path) -> Command:
    with open_home(where) as home:
        fill(home, tmp_path, reports=SEEN)
    return Command(where)


@pytest.mark.slow
def test_the_command_compares_with_what_it_printed_before(where: Settings, tmp_path: Path, check: Command) -> None:
    kept = tmp_path / "kept.json"
    kept.write_text(check("--output", "json").stdout)
    size = json.loads(kept.read_text())["size"]
    good = check("--against", kept)
    assert (good.returncode, f"its {size} statements begin this log" in good.stdout) == (0, True), good
    assert check("--against", tmp_path / "nowhere").returncode == 2
    with open_home(where) as home:
        cut_back(home.database, KEPT)
    bad = check("--against", kept, "--output", "json")
    assert (bad.returncode, bad.stdout) == (5, "")
    assert f"cut back: a checkpoint of {size} leaves" in bad.stderr
    assert f"this log has {KEPT}" in bad.stderr


@pytest.mark.slow
def test_the_command_names_what_was_changed_in_the_database(where: Settings, check: Command) -> None:
    changes = {
        "leaf 5 is filed as what it is not": "UPDATE log_leaves SET run = 'r-9' WHERE \"index\" = 5",
        "subtree at level 1, index 2": 'DELETE FROM log_nodes WHERE level = 1 AND "index" = 2',
        "the checkpoint of 4 leaves": "UPDATE log_checkpoints SET note = 'none' WHERE size = 4",
    }
    for told, change in reversed(changes.items()):  # what is done last is read first
        with open_home(where) as home, home.database.begin() as connection:
            if change is list(changes.values())[-1]:
                unguard(connection)
            connection.exec_driver_sql(change)
        done = check("--output", "json")
        assert (done.returncode, done.stdout, told in done.stderr) == (5, "", True), done


@pytest.mark.slow
@pytest.mark.parametrize("thing", ["blobs", "artifacts"])
def test_the_command_looks_at_all_that_is_named(where: Settings, check: Command, thing: str) -> None:
    held = json.loads(check("--output", "json").stdout)["things"]
    assert (held["outcome"], held["there"]) == ("passed", held["mentions"])
    file = next(path for path in sorted((where.home / thing).rglob("*")) if path.is_file() and path.stat().st_size)
    content = file.read_bytes()
    file.write_bytes(content[1:])
    damaged = check()
    assert (damaged.returncode, f"sha256:{file.stem}" in damaged.stdout) == (5, True), damaged
    file.unlink()
    missing = json.loads(check("--output", "json").stdout)["things"]
    assert (missing["outcome"], len(missing["missing"]), missing["unseen"]) == ("failed", 1, [])
    assert check("--no-blobs").returncode == 0
    file.mkdir()  # nobody can read that
    unseen = check()
    assert (unseen.returncode, "nobody could look: " in unseen.stdout, "Is a directory" in unseen.stdout) == (
        6,
        True,
        True,
    )

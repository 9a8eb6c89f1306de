"""What is planted in a whole journey is found nowhere it does not belong: evidence, tables, packets, terminals."""

import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.fakes.tiny_service import CHECK, WARDLINE, TinyWorld

SSN = "078-05-1120"  # withdrawn in 1936; nobody's
AUTHOR, PATIENT = "planted.author@example.org", "planted.patient@example.org"
NAME, MESSAGE, REASON, SECRET = "Plantedname", "plantedmessage", "plantedreason", "s3cr3t-planted-value"
SECRETS = 'TOKEN: "env:TINY_TOKEN"'
PRINTS = f"{CHECK}\nimport os\nprint('patient {SSN} {PATIENT}', dict(os.environ))\n"
pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def travelled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TinyWorld]:
    """An installation after two releases, a rollback, a refusal and a stop."""
    world = TinyWorld(folder=tmp_path_factory.mktemp("leaks"), environ={"TINY_TOKEN": SECRET})
    world.enrol()
    known = ("--public-key", world.folder / "devi.key.pub", "--name", NAME, "--email", AUTHOR)
    world.run("people", "enrol", "p-devi", "--role", "developer", *known, "--key", world.folder / "admin.key")
    try:
        for number in ("1.0", "2.0"):
            world.commit({"check.py": PRINTS}, build=f"python make_wheel.py {number}", secrets=SECRETS)
            who = ("-c", f"user.email={AUTHOR}", "-c", f"user.name={NAME}")
            said = f"{MESSAGE} of {SSN}"
            world.git(*who, "commit", "-q", "--amend", "--reset-author", "-m", said)
            run = ship_with_approvals(world)
        back = world.run("rollback", "production", "--reason", f"{REASON} {SSN} {PATIENT}", "--by", "p-devi")
        assert back.code == 0, back
        (world.folder / "out").write_text(str(back))
        world.run("packet", run, "--to", world.folder / "packet.html")
        assert not status(world)["drifted"]
        yield world
    finally:
        world.run("environments", "stop", "all", "--reason", f"{REASON} {SSN}")


def status(world: TinyWorld) -> dict:
    return world.run("status", "--output", "json").json[-1]


def ship_with_approvals(world: TinyWorld) -> str:
    with (world.folder / "terminal").open("a") as terminal:
        command = [*WARDLINE, "ship", str(world.repository)]
        ship = subprocess.Popen(command, env=world.environment(), stdout=terminal, stderr=terminal)
        try:
            run = waiting(world, ship)
            reason = f"{REASON} {SSN} {PATIENT}"
            for who, role in (("sam", "clinical-safety"), ("cleo", "compliance")):
                word = ("--role", role, "--key", world.folder / f"{who}.key", "--reason", reason, "--yes")
                assert world.run("approve", run, *word).code == 0
            assert ship.wait(120) == 0, (world.folder / "terminal").read_text()
        finally:
            ship.kill()
            ship.wait()
    return run


def waiting(world: TinyWorld, ship: "subprocess.Popen[bytes]") -> str:
    while ship.poll() is None:
        for run in world.run("runs", "list", "--output", "json").json:
            if run["waiting_for"]:
                return run["run"]
        time.sleep(0.5)
    pytest.fail((world.folder / "terminal").read_text())


def holding(world: TinyWorld, planted: str) -> set[str]:
    """Where `planted` is found, of all that Wardline wrote: by folder of its home, or by file."""
    files = [path for path in world.home.rglob("*") if path.is_file() and not path.is_symlink()]
    files += [world.folder / name for name in ("terminal", "out", "packet.html")]
    found = [path for path in files if planted.encode() in path.read_bytes()]
    return {path.relative_to(world.home).parts[0] if world.home in path.parents else path.name for path in found}


@pytest.mark.parametrize("planted", [SSN, PATIENT])
def test_identifiers_are_nowhere(travelled: TinyWorld, planted: str) -> None:
    assert holding(travelled, planted) == set()


@pytest.mark.parametrize("planted", [AUTHOR, NAME])
def test_names_and_addresses_are_in_the_one_erasable_table(travelled: TinyWorld, planted: str) -> None:
    assert holding(travelled, planted) <= {"wardline.db", "wardline.db-wal"}
    log = travelled.run("log", "list", "--output", "json").out
    assert planted not in log


@pytest.mark.parametrize("planted", [MESSAGE, REASON])
def test_what_people_write_reaches_no_disk_unencrypted(travelled: TinyWorld, planted: str) -> None:
    assert holding(travelled, planted) == set()
    assert planted not in travelled.run("log", "list", "--output", "json").out


def test_who_may_look_reads_it(travelled: TinyWorld) -> None:
    runs = travelled.run("runs", "list", "--output", "json").json
    shown = [travelled.run("runs", "show", run["run"]).out for run in runs]
    assert sum(MESSAGE in each for each in shown) == 2
    assert all(REASON in each for each in shown)
    assert not any(SSN in each or PATIENT in each for each in shown)


def test_a_secret_is_only_where_the_service_is_started_from(travelled: TinyWorld) -> None:
    assert holding(travelled, SECRET) == {"environments"}
    found = [path for path in travelled.home.rglob("*") if path.is_file() and SECRET.encode() in path.read_bytes()]
    assert all(path.name == "environment.json" and path.stat().st_mode & 0o077 == 0 for path in found)


def test_a_passphrase_is_nowhere(travelled: TinyWorld) -> None:
    assert holding(travelled, travelled.environment()["WARDLINE_PASSPHRASE"]) == set()


def test_a_home_is_its_owners_alone(travelled: TinyWorld) -> None:
    open_to_others = [p for p in (travelled.home, *travelled.home.iterdir()) if p.is_dir() and p.stat().st_mode & 0o077]
    assert travelled.home.stat().st_mode & 0o077 == 0, open_to_others
    assert Path(travelled.home / "wardline.db").stat().st_mode & 0o077 == 0


@dataclass(frozen=True, kw_only=True)
class Forgotten:
    """The same installation after its author and an approver were forgotten."""

    world: TinyWorld
    run: str
    keys: frozenset[bytes]
    before: str  # what `runs show` said


@pytest.fixture(scope="module")
def forgotten(travelled: TinyWorld) -> Forgotten:
    world = travelled
    run = world.run("runs", "list", "--output", "json").json[1]["run"]
    world.run("keys", "new", world.folder / "dora.key")
    officer = ("--role", "data-protection", "--public-key", world.folder / "dora.key.pub")
    assert world.run("people", "enrol", "p-dora", *officer, "--key", world.folder / "admin.key").code == 0
    before = world.run("runs", "show", run).out
    assert MESSAGE in before
    with closing(sqlite3.connect(world.home / "wardline.db")) as database:
        rows = database.execute("SELECT key FROM subject_keys WHERE subject IN ('p-devi', 'p-sam')").fetchall()
    assert len(rows) == 2
    for person in ("p-devi", "p-sam"):
        looked = world.run("people", "forget", person, "--dry-run", "--output", "json")
        assert looked.code == 0, looked
        assert looked.json["destroys"]["texts"]
        refused = world.run("people", "forget", person, "--key", world.folder / "cleo.key", "--yes")
        assert refused.code == 4, refused
        done = world.run("people", "forget", person, "--key", world.folder / "dora.key", "--yes")
        assert done.code == 0, done
        assert NAME not in done.out or person == "p-devi"
    return Forgotten(world=world, run=run, keys=frozenset(row[0] for row in rows), before=before)


def test_a_forgotten_name_and_its_key_are_in_no_file(forgotten: Forgotten) -> None:
    for planted in (AUTHOR, NAME, "sam@example.org"):
        assert holding(forgotten.world, planted) == set()
    files = [path for path in forgotten.world.home.rglob("*") if path.is_file() and not path.is_symlink()]
    assert not [path for path in files for key in forgotten.keys if key in path.read_bytes()]


def test_a_forgotten_person_is_shown_as_erased_and_others_are_not(forgotten: Forgotten) -> None:
    people = {
        each["principal"]: each["name"] for each in forgotten.world.run("people", "list", "--output", "json").json
    }
    assert people["p-devi"].startswith("erased on ")
    assert people["p-sam"].startswith("erased on ")
    assert people["p-cleo"] == "cleo"
    shown = forgotten.world.run("runs", "show", forgotten.run).out
    assert MESSAGE not in shown
    assert shown.count("erased on ") == 3  # a message, a reason, and the name beside a signature
    assert shown.count(REASON) == forgotten.before.count(REASON) - 1
    back = forgotten.world.run("runs", "list", "--output", "json").json[0]["run"]
    assert "erased on " in forgotten.world.run("runs", "show", back).out


def test_everything_verifies_and_renders_without_them(forgotten: Forgotten) -> None:
    world = forgotten.world
    key = world.run("keys", "show").out.strip()
    assert world.run("log", "check").code == 0
    verified = world.run("verify", world.folder / "packet.html", "--key", key)
    assert verified.code == 0, verified
    assert world.run("packet", forgotten.run, "--to", world.folder / "later.html").code == 0
    later = world.run("verify", world.folder / "later.html", "--key", key)
    assert later.code == 0, later
    for command in (("metrics",), ("status",), ("runs", "list"), ("log", "list")):
        assert world.run(*command).code == 0


def test_a_forgotten_principal_gets_no_name_again(forgotten: Forgotten) -> None:
    world = forgotten.world
    again = ("people", "enrol", "p-sam", "--role", "developer", "--name", NAME, "--key", world.folder / "admin.key")
    assert world.run(*again).code == 4
    assert holding(world, NAME) == set()


def test_forgetting_again_records_nothing(forgotten: Forgotten) -> None:
    world = forgotten.world
    size = world.run("log", "check", "--output", "json").json["size"]
    again = world.run("people", "forget", "p-devi", "--key", world.folder / "dora.key", "--yes", "--output", "json")
    assert again.code == 0, again
    assert world.run("log", "check", "--output", "json").json["size"] == size

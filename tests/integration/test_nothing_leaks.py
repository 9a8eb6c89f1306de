"""What is planted in a whole journey is found nowhere it does not belong: evidence, tables, packets, terminals."""

import subprocess
import time
from collections.abc import Iterator
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
        back = world.run("rollback", "production", "--reason", f"{REASON} {SSN} {PATIENT}")
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


def test_free_text_is_outside_the_log(travelled: TinyWorld) -> None:
    assert holding(travelled, MESSAGE) == {"blobs"}
    assert holding(travelled, REASON) <= {"blobs", "wardline.db", "wardline.db-wal"}
    assert REASON not in travelled.run("log", "list", "--output", "json").out


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

"""The life of a log in commands, on SQLite and on PostgreSQL: in order, each test builds on those before it."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from tests.fakes.postgres import fresh_database
from tests.fakes.tiny_service import WARDLINE, Ended, TinyWorld

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
DATABASE = "WARDLINE_DATABASE"


@dataclass(kw_only=True)
class Life:
    """One installation on one database, and what its people and the outsiders keep of it."""

    world: TinyWorld
    product: str
    run_id: str = ""
    kept: dict[str, Path] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)

    def __call__(self, *arguments: object, code: int = 0, **environ: str) -> Ended:
        done = self.world.run(*map(str, arguments), **environ)
        assert done.code == code, f"wardline {' '.join(map(str, arguments))}: {done}"
        return done

    def json(self, *arguments: object, **environ: str) -> dict:
        return self(*arguments, "--output", "json", **environ).json

    def file(self, name: str) -> Path:
        return self.world.folder / name

    def fresh(self) -> dict[str, str]:
        """A new, empty database of the same product."""
        return {DATABASE: fresh_database()} if self.product == "postgresql" else {}

    def other(self) -> dict[str, str]:
        """A new, empty database of the other product."""
        return {} if self.product == "postgresql" else {DATABASE: fresh_database()}


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def life(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Life]:
    folder = tmp_path_factory.mktemp(request.param)
    environ = {DATABASE: fresh_database()} if request.param == "postgresql" else {}
    world = TinyWorld(folder=folder, environ=environ)
    try:
        yield Life(world=world, product=request.param)
    finally:
        world.stop()


@contextmanager
def a_witness(life: Life, *, listen: str = "127.0.0.1:0") -> Iterator[str]:
    serve = ["witness", "serve", "--state", life.file("state"), "--key", life.file("w.key")]
    with serving([*serve, "--log", life.keys["log"], "--listen", listen, "--output", "json"]) as url:
        yield url


@contextmanager
def serving(command: list[object]) -> Iterator[str]:
    with subprocess.Popen([*WARDLINE, *map(str, command)], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield json.loads(process.stdout.readline())["url"]
        finally:
            process.terminate()
            process.wait(60)


def test_people_are_enrolled(life: Life) -> None:
    life.world.enrol()
    life("keys", "new", life.file("dora.key"))
    officer = ("people", "enrol", "p-dora", "--role", "data-protection", "--public-key", life.file("dora.key.pub"))
    life(*officer, "--key", life.file("admin.key"))
    life.keys["log"] = life("keys", "show").out.strip()
    assert (life.world.home / "wardline.db").exists() == (life.product == "sqlite")


def test_a_change_is_shipped_and_approved(life: Life) -> None:
    life.world.commit()
    command = [*WARDLINE, "ship", str(life.world.repository), "--output", "json"]
    with subprocess.Popen(
        command, env=life.world.environment(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as ship:
        life.run_id = _waiting(life, ship)
        for who, role in (("sam", "clinical-safety"), ("cleo", "compliance")):
            answer = ("approve", life.run_id, "--role", role, "--key", life.file(f"{who}.key"), "--reason", "seen")
            life(*answer, "--yes")
        assert ship.wait(300) == 0
    assert life.world.serving("production")


def _waiting(life: Life, ship: "subprocess.Popen[str]") -> str:
    while ship.poll() is None:
        for run in life("runs", "list", "--output", "json").json:
            if run["waiting_for"]:
                return str(run["run"])
    pytest.fail("the run ended before it asked anybody")


def test_a_key_is_added_and_both_sign(life: Life) -> None:
    life.kept["before"] = life.file("before.json")
    life.kept["before"].write_text(life("log", "check", "--output", "json").out)
    life("keys", "rotate")
    life("keys", "new", life.file("kim.key"))
    person = ("people", "enrol", "p-kim", "--role", "auditor", "--public-key", life.file("kim.key.pub"))
    life(*person, "--key", life.file("admin.key"))
    assert life.json("log", "check")["checkpoint"].count("\n— wardline/") == 2


def test_a_witness_cosigns_and_the_check_verifies_it(life: Life) -> None:
    life.keys["witness"] = life("witness", "new-key", life.file("w.key"), "--name", "witness.example/w").out.strip()
    with a_witness(life) as url:
        life.keys["address"] = urlsplit(url).netloc
        life("log", "witnesses", "add", life.keys["witness"], "--url", url)
        life("log", "cosign")
    checked = life.json("log", "check", "--against", life.kept["before"])
    assert checked["cosignatures"] == {"verified": 1, "unlisted": {}}
    assert checked["against"][0]["size"] < checked["size"]
    assert checked["things"]["outcome"] == "passed"
    life.kept["seen"] = life.file("seen.note")
    life.kept["seen"].write_text(life("witness", "show", "--state", life.file("state"), "--history").out)


def test_one_statement_is_proven_to_a_stranger(life: Life) -> None:
    proof, entry = life.file("2.tlog-proof"), life.file("2.entry")
    life("log", "prove", 2, "--to", proof, "--entry", entry)
    ask = ("log", "verify", proof, "--key", life.keys["log"], "--witness", life.keys["witness"])
    life(*ask, "--entry", entry)
    entry.write_bytes(entry.read_bytes().replace(b"payload", b"Payload"))
    life(*ask, "--entry", entry, code=5)


def test_a_person_is_forgotten_and_everything_still_holds(life: Life) -> None:
    before = life.json("log", "check")["size"]
    earlier = life.file("earlier.packet.html")
    life("packet", life.run_id, "--to", earlier)
    life("people", "forget", "p-devi", "--key", life.file("dora.key"), "--yes")
    checked = life.json("log", "check", "--against", life.kept["seen"])
    assert (checked["size"], checked["things"]["outcome"], checked["things"]["purged"]) == (before + 1, "passed", 0)
    assert "erased" in life("runs", "show", life.run_id).out
    life("verify", earlier, "--key", life.keys["log"])


def test_nothing_of_the_time_is_missing_and_nothing_is_due(life: Life) -> None:
    found = life.json("log", "completeness", "--from", "2020-01-01", "--to", "2199-12-31")
    assert found["outcome"] == "passed"
    assert life.json("log", "purge")["removed"] == 0


def test_statements_are_exported(life: Life) -> None:
    lines = life.file("log.jsonl")
    told = life.json("log", "export", "--format", "jsonl", "--to", lines)
    assert told["count"] == len(lines.read_text().splitlines()) > 20


def test_the_packet_verifies_without_the_installation(life: Life) -> None:
    packet = life.kept["packet"] = life.file("run.packet.html")
    with a_witness(life, listen=life.keys["address"]):  # a packet covers every erasure: the witness must have seen it
        life("log", "cosign")
    life("packet", life.run_id, "--to", packet)
    nowhere = {"WARDLINE_HOME": str(life.file("nowhere")), DATABASE: "postgresql://nobody@127.0.0.1:1/nothing"}
    life("verify", packet, "--key", life.keys["log"], "--witness", life.keys["witness"], **nowhere)
    assert life.json("log", "check", "--against", packet)["against"][0]["file"] == str(packet)


def test_a_backup_becomes_an_installation_on_a_fresh_database(life: Life) -> None:
    taken = life.json("backup", life.file("backup"), "--with-keys")
    elsewhere = {"WARDLINE_HOME": str(life.file("elsewhere")), **life.fresh()}
    restored = life.json(
        "restore", life.file("backup"), "--key", life.keys["log"], "--witnessed", life.kept["seen"], **elsewhere
    )
    assert (restored["size"], restored["lost"]) == (taken["size"], 0)
    checked = life.json("log", "check", "--against", life.kept["packet"], **elsewhere)
    assert (checked["size"], checked["cosignatures"]["verified"]) == (taken["size"], 2)
    assert checked["things"]["outcome"] == "passed"


def test_a_copy_in_the_other_product_is_the_same_log(life: Life) -> None:
    elsewhere = life.file("copied")
    shutil.copytree(life.world.home, elsewhere, ignore=shutil.ignore_patterns("wardline.db*", "environments"))
    where = life.other()
    copied = life.json("log", "copy", "--to", where.get(DATABASE, elsewhere / "wardline.db"))
    told = {"WARDLINE_HOME": str(elsewhere), **where}
    without = () if where else (DATABASE,)
    checked = life.world.run(
        "log", "check", "--against", life.kept["packet"], "--output", "json", without=without, **told
    )
    assert checked.code == 0, checked
    assert (checked.json["size"], checked.json["root"]) == (copied["size"], copied["root"])

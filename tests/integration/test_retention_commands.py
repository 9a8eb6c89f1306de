"""The commands over an installation whose evidence is eight years old."""

import dataclasses
import json
import os
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat
from tests.fakes.delivery_world import DeliveryWorld, signer_of
from tests.fakes.fake_target import FakeTarget
from tests.fakes.postgres import fresh_database
from tests.fakes.tiny_service import WARDLINE

from wardline.bootstrap.home import open_home
from wardline.clock import ManualClock
from wardline.settings import Settings

pytestmark = pytest.mark.slow
PASSPHRASE = "a long enough passphrase"
OLD, NEW = "r-old", "r-new"
YEARS_AGO = datetime.now(UTC).replace(microsecond=0) - timedelta(days=8 * 366)


@dataclasses.dataclass
class Installation:
    folder: Path
    database: str | None = None

    def run(self, *arguments: str, code: int = 0, key: str = "cleo") -> str:
        known = {
            "WARDLINE_HOME": str(self.home),
            "WARDLINE_KEY": str(self.folder / f"{key}.key"),
            "WARDLINE_PASSPHRASE": PASSPHRASE,
            "PATH": os.environ["PATH"],
        }
        if self.database is not None:
            known["WARDLINE_DATABASE"] = self.database
        command = [*WARDLINE, *arguments]
        done = subprocess.run(command, env=known, capture_output=True, text=True, check=False, timeout=120)
        assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
        return done.stdout + done.stderr

    def json(self, *arguments: str, code: int = 0):
        return json.loads(self.run(*arguments, "--output", "json", code=code))

    @property
    def home(self) -> Path:
        return self.folder / "home"

    def blobs(self) -> set[str]:
        return {path.name for path in (self.home / "blobs").glob("*/*")}

    def due(self) -> set[str]:
        return {one["digest"]["sha256"] for one in self.json("log", "purge", "--dry-run")["due"]}


@pytest.fixture
def installation(shipped: Path, tmp_path: Path) -> Installation:
    shutil.copytree(shipped, tmp_path, dirs_exist_ok=True)  # times of the files too
    return Installation(tmp_path)


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two releases shipped eight years ago; the second serves still."""
    folder = tmp_path_factory.mktemp("shipped")
    ship_two(folder, database=None)
    return folder


def ship_two(tmp_path: Path, *, database: str | None) -> None:
    clock = ManualClock(YEARS_AGO)
    settings = _settings(tmp_path / "home", database)
    with open_home(settings) as home:
        world = DeliveryWorld(
            folder=tmp_path / "home",
            log=home.log,
            collect=dataclasses.replace(home.collect, clock=clock),
            runs=home.runs,
            holds=home.holds,
            drivers=home.drivers,
            target=FakeTarget(tmp_path / "home", sick=frozenset()),
            database=home.database,
            clock=clock,
        )
        world.enrol_everybody()
        for run, version in ((OLD, "1.0"), (NEW, "2.0")):
            world.begin(run, version)
            assert world.walk(run, version).value == "succeeded"
            clock.advance(timedelta(days=20))
    for path in (tmp_path / "home" / "blobs").glob("*/*"):
        os.utime(path, (YEARS_AGO.timestamp(), YEARS_AGO.timestamp()))
    for name in ("cleo", "sam"):
        private = Ed25519PrivateKey.from_private_bytes(f"p-{name}".encode().ljust(32, b"-"))
        assert private.public_key().public_bytes_raw() == signer_of(f"p-{name}").public_key.raw
        encryption = BestAvailableEncryption(PASSPHRASE.encode())
        file = tmp_path / f"{name}.key"
        file.write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption))
        file.chmod(0o600)


def _settings(home: Path, database: str | None) -> Settings:
    known: dict[str, object] = {field.name: None for field in dataclasses.fields(Settings)}
    return Settings(**(known | {"home": home, "database": database, "environ": {}}))  # type: ignore[arg-type]


HOLD = ("log", "hold", "--role", "compliance", "--code", "litigation", "--reason", "case 17", "--yes")
RELEASE = ("--role", "compliance", "--reason", "case 17 is closed")


def test_what_is_due_goes_and_says_so(installation: Installation) -> None:
    before, due = installation.blobs(), installation.due()
    assert due
    assert installation.blobs() == before
    said = installation.json("log", "purge")
    assert said["removed"] == len(due)
    assert before - installation.blobs() == due
    assert "0 removed" in installation.run("log", "purge")
    assert "the log holds" in installation.run("log", "check", "--no-blobs")
    things = installation.json("log", "check", code=5)["things"]
    assert things["purged"] >= len(due)
    # This installation's releases were built by a fake, which keeps no artifact: nothing else is missing.
    assert {line.split()[0] for line in things["missing"]} == {"artifacts"}
    listed = installation.json("log", "list", "--since", str(said["log"]))
    assert [item["predicate_type"].split("/")[-2] for item in listed] == ["purge"]


def test_a_packet_of_a_run_that_was_purged_is_written_and_verifies(installation: Installation, tmp_path: Path) -> None:
    installation.run("log", "purge")
    packet = tmp_path / "old.html"
    installation.run("packet", OLD, "--to", str(packet))
    key = tmp_path / "installation.vkey"
    key.write_text(installation.run("keys", "show"))
    installation.run("verify", str(packet), "--key", installation.json("keys", "show")["key"])
    assert b"urged" in packet.read_bytes()


def test_a_hold_keeps_it_until_it_is_released(installation: Installation) -> None:
    due = installation.due()
    index = installation.json(*HOLD, "--run", OLD)["hold"]
    assert installation.due() == set()
    (listed,) = installation.json("log", "holds")
    assert (listed["hold"], listed["scope"]["run"], listed["code"], listed["released"]) == (
        index,
        OLD,
        "litigation",
        None,
    )
    assert OLD in installation.run("log", "holds")
    assert installation.json("log", "purge")["log"] is None
    installation.run("log", "release", str(index), *RELEASE)
    assert installation.json("log", "holds") == []
    assert len(installation.json("log", "holds", "--all")) == 1
    assert installation.due() == due
    assert "case 17" not in installation.run("log", "list", "--output", "json")


def test_who_has_not_the_role_can_neither_hold_nor_release(installation: Installation) -> None:
    said = installation.run(*HOLD, code=4, key="sam")
    assert "compliance or data-protection" in said
    index = installation.json(*HOLD)["hold"]
    installation.run("log", "release", str(index), *RELEASE, code=4, key="sam")
    assert len(installation.json("log", "holds")) == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ("--run", "r-none"),
        ("--service", "trivail"),
        ("--since", "yesterday"),
        ("--since", "2026-02-01", "--until", "2026-01-01"),
        ("--code", "boredom"),
        ("--role", "nobody"),
        ("--reason", " "),
    ],
)
def test_a_hold_that_makes_no_sense_is_refused(installation: Installation, arguments: tuple[str, ...]) -> None:
    installation.run(*HOLD, *arguments, code=2)
    assert installation.json("log", "holds") == []


def test_a_longer_period_in_the_file_counts_and_a_wrong_file_stops_the_purge(installation: Installation) -> None:
    file = installation.home / "retention.yaml"
    file.write_text("retention: 1\nyears: {outputs: 2}\n")
    before = installation.blobs()
    said = installation.run("log", "purge", code=2)
    assert "45 CFR 164.316(b)(2)(i)" in said
    assert str(file) in said
    assert installation.blobs() == before
    classes = ("gate-inputs", "consent-documents", "release-documents", "reports", "outputs", "private-texts", "others")
    file.write_text("retention: 1\nyears:\n" + "".join(f"  {kept}: 20\n" for kept in classes))
    assert installation.due() == set()


def window(*, code: int, installation: Installation) -> dict:
    first, last = YEARS_AGO - timedelta(days=1), YEARS_AGO + timedelta(days=100)
    return installation.json("log", "completeness", "--from", first.isoformat(), "--to", last.isoformat(), code=code)


def test_completeness_says_by_its_exit_code_what_it_found(installation: Installation) -> None:
    found = window(code=5, installation=installation)
    # The fake workshop keeps no artifacts, and that shows.
    (wrong,) = [check for check in found["checks"] if check["outcome"] != "passed"]
    assert all(line.startswith("artifacts sha256:") for line in wrong["missing"])
    assert found["statements"] == found["log_size"]


@pytest.fixture
def empty(tmp_path: Path) -> Installation:
    with open_home(Settings(home=tmp_path / "home", database=None, passphrase=None, environ={})):
        return Installation(tmp_path)


def test_completeness_of_an_empty_installation_is_undecided(empty: Installation) -> None:
    said = empty.run("log", "completeness", "--from", "2026-01-01", "--to", "2026-01-31", code=6)
    assert "an empty log proves nothing" in said
    assert empty.json("log", "check")["size"] == 0


def test_times_that_are_none_are_wrong_usage(empty: Installation) -> None:
    empty.run("log", "completeness", "--from", "2026-02-30", "--to", "2026-03-01", code=2)
    empty.run("log", "completeness", "--from", "2026-03-02", "--to", "2026-03-01", code=2)
    empty.run("log", "purge", "--before", "2999-01-01", code=2)


def test_on_postgresql_it_is_the_same(tmp_path: Path) -> None:
    address = fresh_database()
    ship_two(tmp_path, database=address)
    shared = Installation(tmp_path, database=address)
    due = shared.due()
    assert due
    index = shared.json(*HOLD, "--service", "trivial")["hold"]
    assert shared.due() == set()
    shared.run("log", "release", str(index), *RELEASE)
    before = shared.blobs()
    assert shared.json("log", "purge")["removed"] == len(due)
    assert before - shared.blobs() == due
    shared.run("log", "check", "--no-blobs")
    found = window(code=5, installation=shared)
    assert [check["check"] for check in found["checks"] if check["outcome"] != "passed"] == [
        "Everything that is named is there, or was purged"
    ]

"""What people get wrong, asked of the real command: a clear word, the right exit code, nothing begun, nothing lost."""

import os
from pathlib import Path

import pytest
from tests.fakes.tiny_service import PASSPHRASE, Ended, TinyWorld

from wardline.tlog.note import VerifierKey

ERROR, USAGE, DENIED, NOT_VERIFIED = 1, 2, 4, 5
KEY = str(VerifierKey(name="wardline/test", raw=bytes(range(32))))


@pytest.fixture
def world(tmp_path: Path) -> TinyWorld:
    return TinyWorld(folder=tmp_path)


def begin(world: TinyWorld) -> None:
    """Begin an installation: `ship` does, even where there is nothing to ship."""
    assert world.run("ship", world.folder / "nothing").code == USAGE


def begun_nothing(world: TinyWorld) -> bool:
    listed = world.run("runs", "list", "--output", "json").json
    checked = world.run("log", "check", "--output", "json")
    return listed == [] and checked.code == 0 and checked.json["size"] == 0


def test_a_folder_that_is_no_repository(world: TinyWorld) -> None:
    world.repository.mkdir()
    ended = world.ship()
    assert ended.code == USAGE
    assert f"{world.repository} is not in a Git repository" in ended.err
    assert "→ Run `git init`" in ended.err
    assert begun_nothing(world)


def test_a_folder_that_is_not_there(world: TinyWorld) -> None:
    ended = world.ship()
    assert ended.code == USAGE
    assert f"there is no folder {world.repository}" in ended.err


def test_an_unborn_branch(world: TinyWorld) -> None:
    world.repository.mkdir()
    world.git("init", "-q")
    ended = world.ship()
    assert ended.code == USAGE
    assert "has no commit yet" in ended.err
    assert "Commit first" in ended.err
    assert begun_nothing(world)


def test_an_unknown_ref(world: TinyWorld) -> None:
    world.commit()
    ended = world.run("ship", world.repository, "--ref", "mian")
    assert ended.code == USAGE
    assert "nothing is called 'mian'; expected a branch, a tag or the hash of a commit" in ended.err
    assert begun_nothing(world)


def test_a_ref_that_looks_like_an_option(world: TinyWorld) -> None:
    world.commit()
    ended = world.run("ship", world.repository, "--ref=--git-dir")
    assert ended.code == USAGE
    assert "nothing is called '--git-dir'" in ended.err


def test_no_wardline_yaml_in_the_commit_though_one_lies_beside_it(world: TinyWorld) -> None:
    world.commit()
    world.git("rm", "-q", "--cached", "wardline.yaml")
    world.git("-c", "user.email=a@example.org", "-c", "user.name=A", "commit", "-qm", "away")
    assert (world.repository / "wardline.yaml").exists()
    ended = world.ship()
    assert ended.code == USAGE
    assert "has no wardline.yaml at the root" in ended.err
    assert "what is not committed is not shipped" in ended.err
    assert begun_nothing(world)


def test_a_wardline_yaml_that_is_wrong_is_shown_whole(world: TinyWorld) -> None:
    world.commit({"wardline.yaml": "wardline: 1\nservise: {name: tiny}\n"})
    ended = world.ship()
    assert ended.code == USAGE
    assert "servise" in ended.err
    assert "service" in ended.err
    assert begun_nothing(world)


@pytest.mark.parametrize(
    "arguments",
    [
        ("runs", "show", "r-nobody"),
        ("runs", "resume", "r-nobody"),
        ("runs", "cancel", "r-nobody"),
        ("packet", "r-nobody"),
    ],
)
def test_a_run_that_nobody_knows(world: TinyWorld, arguments: tuple[str, ...]) -> None:
    begin(world)
    ended = world.run(*arguments)
    assert ended.code == USAGE
    assert "r-nobody" in ended.err
    assert not list(world.folder.glob("*.packet.html"))


@pytest.mark.parametrize("arguments", [("rollback", "production"), ("rehearse",), ("environments", "stop", "nowhere")])
def test_an_environment_where_nothing_ever_was(world: TinyWorld, arguments: tuple[str, ...]) -> None:
    begin(world)
    ended = world.run(*arguments)
    assert ended.code == USAGE
    assert "nothing was ever" in ended.err
    assert begun_nothing(world)


def test_a_home_that_is_relative(world: TinyWorld) -> None:
    ended = world.run("runs", "list", WARDLINE_HOME="here")
    assert ended.code == USAGE
    assert "WARDLINE_HOME='here' is relative; expected an absolute path" in ended.err


def test_a_home_that_cannot_be_made(world: TinyWorld) -> None:
    (world.folder / "file").write_text("")
    ended = world.run("ship", WARDLINE_HOME=str(world.folder / "file" / "home"))
    assert ended.code == ERROR
    assert str(world.folder / "file") in ended.err


# -- what Wardline itself stands on


def test_a_damaged_database_is_said_and_left_alone(world: TinyWorld) -> None:
    begin(world)
    database = world.home / "wardline.db"
    damaged = b"garbage!" * 512 + database.read_bytes()[4096:]
    database.write_bytes(damaged)
    world.commit()
    ended = world.ship()
    assert ended.code == NOT_VERIFIED
    assert "the file is damaged or is no database" in ended.err
    assert "Keep the file for investigation, restore a backup" in ended.err
    assert database.read_bytes() == damaged


def test_a_damaged_database_of_the_engine_leaves_the_run_to_be_resumed(world: TinyWorld) -> None:
    world.commit(build="false")
    begin(world)
    (world.home / "engine.db").write_bytes(b"garbage!" * 512)
    ended = world.run("ship", world.repository)
    assert ended.code == ERROR
    assert "the engine's database engine.db cannot be used" in ended.err
    resumable(world, ended)


def test_a_disk_without_room_leaves_the_run_to_be_resumed(world: TinyWorld) -> None:
    """No file may grow beyond 200 kB, which is where the engine's database needs more; a full disk says the same."""
    world.commit(build="false")
    begin(world)
    ended = world.run("ship", world.repository, largest_file=200_000)
    assert ended.code == ERROR
    assert "the engine's database engine.db cannot be used" in ended.err
    assert "Check free disk space" in ended.err
    resumable(world, ended)


def test_a_disk_without_room_for_anything(world: TinyWorld) -> None:
    world.commit()
    ended = world.run("ship", world.repository, largest_file=4096)
    assert ended.code == ERROR
    assert "database" in ended.err
    assert begun_nothing(world)


def resumable(world: TinyWorld, ended: Ended) -> None:
    """The run is left where it stands, and ends as it would have once there is room again."""
    (run,) = world.run("runs", "list", "--output", "json").json
    assert f"wardline runs resume {run['run']}" in ended.err
    for broken in world.home.glob("engine.db*"):
        broken.unlink()
    resumed = world.run("runs", "resume", run["run"], "--output", "json")
    assert resumed.json["why"] == ["build failed: build-failed"]
    assert world.run("log", "check").code == 0


# -- keys and people


def test_the_wrong_passphrase_is_said_and_says_nothing(world: TinyWorld) -> None:
    world.run("keys", "new", "a.key")
    ended = world.run("people", "enrol", "p-a", "--role", "administrator", "--key", "a.key", WARDLINE_PASSPHRASE="no")
    assert ended.code == DENIED
    assert "passphrase" in ended.err
    assert PASSPHRASE not in ended.err + ended.out
    assert world.run("log", "check", "--output", "json").json["size"] == 0


def test_no_passphrase_and_nobody_to_ask(world: TinyWorld) -> None:
    ended = world.run("keys", "new", "a.key", without=("WARDLINE_PASSPHRASE",))
    assert ended.code == USAGE
    assert "Set WARDLINE_PASSPHRASE, or run this on a terminal" in ended.err
    assert not (world.folder / "a.key").exists()


@pytest.mark.parametrize(
    "content", [b"", b"garbage", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"]
)
def test_a_key_file_that_is_none(world: TinyWorld, content: bytes) -> None:
    (world.folder / "a.key").write_bytes(content)
    (world.folder / "a.key").chmod(0o600)
    ended = world.run("people", "enrol", "p-a", "--role", "administrator", "--key", "a.key")
    assert ended.code == USAGE, ended
    assert "a.key" in ended.err


def test_a_key_that_others_can_read(world: TinyWorld) -> None:
    world.run("keys", "new", "a.key")
    (world.folder / "a.key").chmod(0o644)
    ended = world.run("people", "enrol", "p-a", "--role", "administrator", "--key", "a.key")
    assert ended.code == DENIED
    assert "its rights are 0644, so others may have read it; expected 0600" in ended.err


def test_a_role_that_nobody_knows(world: TinyWorld) -> None:
    world.run("keys", "new", "a.key")
    ended = world.run("people", "enrol", "p-a", "--role", "wizard", "--key", "a.key")
    assert ended.code == USAGE
    assert "wizard" in ended.err
    assert "clinical-safety" in ended.err


# -- packets


@pytest.mark.parametrize(
    "content",
    [b"", b"\0" * 4096, b"garbage", b"<!doctype html><html></html>", os.urandom(4096)],
    ids=["empty", "zeros", "garbage", "html", "random"],
)
def test_a_file_that_is_no_packet_is_never_taken_for_one(world: TinyWorld, content: bytes) -> None:
    (world.folder / "p.html").write_bytes(content)
    ended = world.run("verify", "p.html", "--key", KEY)
    assert ended.code == NOT_VERIFIED
    assert "DOES NOT HOLD" in ended.out


def test_a_huge_file_is_refused_without_being_read_whole(world: TinyWorld) -> None:
    with (world.folder / "p.html").open("wb") as file:
        file.truncate(3 << 30)
    ended = world.run("verify", "p.html", "--key", KEY)
    assert ended.code == NOT_VERIFIED
    assert "DOES NOT HOLD" in ended.out


@pytest.mark.parametrize("name", [".", "nowhere.html", "x" * 5000])
def test_a_packet_that_cannot_be_read(world: TinyWorld, name: str) -> None:
    ended = world.run("verify", name, "--key", KEY)
    assert ended.code == USAGE
    assert "cannot be read" in ended.err
    assert "holds" not in ended.out


@pytest.mark.parametrize("key", ["", "key", KEY[:-2], KEY + "=", "a+b+c"])
def test_a_verification_key_that_is_none(world: TinyWorld, key: str) -> None:
    (world.folder / "p.html").write_bytes(b"garbage")
    ended = world.run("verify", "p.html", "--key", key)
    assert ended.code == USAGE, ended
    assert "holds" not in ended.out

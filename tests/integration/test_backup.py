"""Backups and restores of a real installation: while it is written to, killed on the way, tampered with."""

import json
import os
import shutil
import stat
import subprocess
import sys
import tarfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.fakes.filled_home import ADDRESS, MESSAGE, NAME, every_byte_below, fill, say, settings
from typer.testing import CliRunner

from wardline.bootstrap import backup
from wardline.bootstrap.home import Home, open_home
from wardline.canonical import Digest
from wardline.cli.main import app
from wardline.errors import Conflict, IntegrityViolation, InvalidInput, Unavailable, WardlineError
from wardline.evidence.backups import Manifest, Member, Why
from wardline.evidence.private_texts import PRIVATE_TEXT
from wardline.ids import PrincipalId, RunId, SubjectId
from wardline.tlog.note import VerifierKey


@dataclass(frozen=True)
class World:
    folder: Path
    home: Path
    file: Path
    artifact: Digest
    key: VerifierKey
    manifest: Manifest
    note: str


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    folder = tmp_path_factory.mktemp("backup")
    with open_home(settings(folder / "home")) as home:
        artifact = fill(home, folder)
        (folder / "home" / "retention.yaml").write_text("retention: 1\n")
        backed = backup.back_up(home, folder / "whole.wardline", with_keys=True)
        return World(
            folder=folder,
            home=folder / "home",
            file=folder / "whole.wardline",
            artifact=artifact,
            key=home.log.key,
            manifest=backed.manifest,
            note=home.log.checkpoint(),
        )


def restored(world: World, into: Path, **more: object) -> backup.Restored:
    given: dict[str, object] = {"key": world.key, "witnessed": ()}
    return backup.restore(settings(into), world.file, **(given | more))  # type: ignore[arg-type]  # as named


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    with open_home(settings(tmp_path / "home")) as opened:
        yield opened


def test_a_restored_home_is_the_one_that_was_backed_up_and_goes_on(world: World, tmp_path: Path) -> None:
    result = restored(world, tmp_path / "again")
    assert result.given
    with open_home(settings(tmp_path / "again")) as again, open_home(settings(world.home)) as before:
        assert again.check_log() == before.check_log() == world.manifest.size
        assert again.log.checkpoint() == world.note
        assert again.log.key == world.key
        assert again.people.name_of(PrincipalId("p-ada")) == NAME
        assert again.bundles.path_of(world.artifact).read_bytes() == before.bundles.path_of(world.artifact).read_bytes()
        assert again.log.of_run(RunId("r-1")) == before.log.of_run(RunId("r-1"))
        assert again.collect.subjects.of(SubjectId("p-ada")) == before.collect.subjects.of(SubjectId("p-ada"))
        say(again, 99)
        assert again.check_log() == world.manifest.size + 1
    assert (tmp_path / "again" / "retention.yaml").read_text() == "retention: 1\n"


def test_a_backup_and_a_restored_home_are_for_their_owner_only(world: World, tmp_path: Path) -> None:
    restored(world, tmp_path / "again")
    assert stat.S_IMODE(world.file.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "again").stat().st_mode) == 0o700
    for file in (tmp_path / "again").rglob("*"):
        assert not file.is_file() or not file.stat().st_size or not stat.S_IMODE(file.stat().st_mode) & 0o077, file


def test_a_backup_can_be_listed_with_any_tar(world: World) -> None:
    with tarfile.open(world.file) as tar:
        names = [member.name for member in tar]
    assert names[0] == "wardline.db"
    assert names[-1] == "manifest.dsse.json"
    assert f"artifacts/{world.artifact.hex}" in names
    assert names == [*(member.name for member in world.manifest.members), "manifest.dsse.json"]


def test_nothing_unfinished_is_left_beside_or_inside(world: World, tmp_path: Path) -> None:
    restored(world, tmp_path / "again")
    assert [file.name for file in tmp_path.iterdir()] == ["again"]
    for folder in (world.folder, world.home, tmp_path / "again"):
        assert not [file for file in folder.iterdir() if file.name.startswith(".")]


def test_the_same_state_gives_the_same_members(world: World, tmp_path: Path) -> None:
    with open_home(settings(world.home)) as home:
        second = backup.back_up(home, tmp_path / "second", with_keys=True).manifest
    evidence = [member for member in world.manifest.members if "/" in member.name]
    assert [member for member in second.members if "/" in member.name] == evidence


def test_without_keys_no_private_text_and_no_key_is_in_it(world: World, tmp_path: Path) -> None:
    with open_home(settings(world.home)) as home:
        secret = home.collect.subjects.of(SubjectId("p-ada")).secret
        backed = backup.back_up(home, tmp_path / "file", with_keys=False)
    content, pem = (tmp_path / "file").read_bytes(), (world.home / "keys" / "installation.pem").read_bytes()
    assert not backed.manifest.with_keys
    assert secret in world.file.read_bytes()  # it would be found
    for hidden in (secret, pem, MESSAGE.encode()):
        assert hidden not in content
    result = backup.restore(settings(tmp_path / "again"), tmp_path / "file", key=world.key, witnessed=[world.note])
    assert result.erasures is None
    assert result.prefix.proven == world.manifest.size
    with open_home(settings(tmp_path / "again")) as readable:
        assert readable.check_log() == world.manifest.size
        assert readable.log.of_run(RunId("r-1"))
        with pytest.raises(WardlineError, match="none of the keys at hand may sign"):
            backup.back_up(readable, tmp_path / "of-nobody", with_keys=False)
    assert [file.name for file in (tmp_path / "again" / "keys").iterdir()] == ["log.vkey"]
    shutil.copytree(world.home / "keys", tmp_path / "again" / "keys", dirs_exist_ok=True)
    with open_home(settings(tmp_path / "again")) as again:
        assert again.check_log() == world.manifest.size


def test_what_was_deleted_from_the_database_is_not_in_its_backup(home: Home, tmp_path: Path) -> None:
    fill(home, tmp_path)
    home.people.erase(PrincipalId("p-ada"))
    backup.back_up(home, tmp_path / "file", with_keys=True)
    content = (tmp_path / "file").read_bytes()
    assert NAME.encode() not in content
    assert ADDRESS.encode() not in content


def test_writing_goes_on_while_it_is_backed_up_and_what_was_there_before_is_in_it(home: Home, tmp_path: Path) -> None:
    fill(home, tmp_path)
    stop, said = threading.Event(), [0]

    def write() -> None:
        while not stop.is_set():
            said[0] += 1
            say(home, 1000 + said[0])

    writer = threading.Thread(target=write)
    writer.start()
    try:
        sizes = []
        for number in range(3):
            before = home.log.size()
            manifest = backup.back_up(home, tmp_path / f"file{number}", with_keys=False).manifest
            assert manifest.size >= before
            assert not manifest.absent
            sizes.append(manifest.size)
    finally:
        stop.set()
        writer.join()
    note = home.log.checkpoint()
    for number, size in enumerate(sizes):
        result = backup.try_out(
            tmp_path / f"file{number}", key=home.log.key, witnessed=[note, home.log.checkpoint(size)]
        )
        assert result.prefix.proven == size
        assert result.prefix.lost == home.log.size() - size


@pytest.mark.parametrize("damage", ["removed", "changed"])
def test_a_blob_that_is_not_what_it_was_is_reported_and_the_rest_is_kept(
    home: Home, tmp_path: Path, damage: str
) -> None:
    fill(home, tmp_path)
    digest = Digest.of(b"report 1")
    path = tmp_path / "home" / "blobs" / digest.hex[:2] / digest.hex
    path.unlink() if damage == "removed" else path.write_bytes(b"report x")
    backed = backup.back_up(home, tmp_path / "file", with_keys=True)
    assert not backed.whole
    assert backed.manifest.absent == {digest: Why.MISSING if damage == "removed" else Why.DAMAGED}
    backup.restore(settings(tmp_path / "again"), tmp_path / "file", key=None, witnessed=())
    done = CliRunner().invoke(app, ["backup", str(tmp_path / "other")], env={"WARDLINE_HOME": str(tmp_path / "home")})
    assert done.exit_code == 1
    assert digest.hex in done.output


def test_a_backup_replaces_nothing(world: World, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with open_home(settings(world.home)) as home, pytest.raises(Conflict, match="never replaces"):
        backup.back_up(home, tmp_path / "file", with_keys=True)
    assert (tmp_path / "file").read_text() == "mine"


def test_a_home_that_holds_something_is_refused_untouched(world: World, tmp_path: Path) -> None:
    (tmp_path / "again").mkdir()
    (tmp_path / "again" / "mine").write_text("mine")
    with pytest.raises(Conflict, match="holds something"):
        restored(world, tmp_path / "again")
    assert [file.name for file in tmp_path.rglob("*")] == ["again", "mine"]


def test_a_home_that_is_empty_is_taken(world: World, tmp_path: Path) -> None:
    (tmp_path / "again").mkdir()
    restored(world, tmp_path / "again")
    assert (tmp_path / "again" / "wardline.db").is_file()


def test_another_installations_key_is_refused(world: World, tmp_path: Path) -> None:
    with open_home(settings(tmp_path / "other")) as other:
        stranger = other.log.key
    for key in (stranger, VerifierKey(name=world.key.name, raw=stranger.raw)):
        with pytest.raises(IntegrityViolation):
            restored(world, tmp_path / "again", key=key)
    assert not (tmp_path / "again").exists()


def test_a_backup_made_by_a_stranger_over_this_log_is_refused(world: World, tmp_path: Path) -> None:
    """Its manifest is in order and names the log's key, but another key signed it."""
    from wardline.adapters.backup.archive import ArchiveWriter, reading_archive

    with (
        open_home(settings(tmp_path / "other")) as other,
        reading_archive(world.file) as archive,
        (tmp_path / "forged").open("wb") as file,
    ):
        writer = ArchiveWriter(file)
        for member in archive.signed.manifest.members:
            writer.add(member.name, archive.content(member), size=member.size_bytes)
        writer.finish(archive.signed.manifest.sealed(other.collect.signer))
    with pytest.raises(IntegrityViolation, match="signed by key"):
        backup.restore(settings(tmp_path / "again"), tmp_path / "forged", key=world.key, witnessed=())


def test_a_witnessed_prefix_is_proven_and_what_came_after_is_counted(world: World, tmp_path: Path) -> None:
    with open_home(settings(world.home)) as home:
        smaller = home.log.checkpoint(2)
    result = backup.try_out(world.file, key=world.key, witnessed=[smaller])
    assert (result.prefix.proven, result.prefix.seen, result.prefix.lost) == (2, 2, 0)
    shutil.copytree(world.home, tmp_path / "later")
    with open_home(settings(tmp_path / "later")) as later:
        say(later, 50)
        say(later, 51)
        notes = [smaller, later.log.checkpoint()]
    result = restored(world, tmp_path / "again", witnessed=notes)
    assert (result.prefix.proven, result.prefix.lost) == (2, 2)


def test_a_fork_is_refused_and_nothing_is_restored(world: World, tmp_path: Path) -> None:
    """The same key, another history of the same size: what somebody who rewrites the log would show."""
    (tmp_path / "other" / "keys").mkdir(parents=True, mode=0o700)
    shutil.copy(world.home / "keys" / "installation.pem", tmp_path / "other" / "keys")
    with open_home(settings(tmp_path / "other")) as other:
        for number in range(world.manifest.size):
            say(other, number)
        note = other.log.checkpoint()
    with pytest.raises(IntegrityViolation, match="fork"):
        restored(world, tmp_path / "again", witnessed=[world.note, note])
    assert not (tmp_path / "again").exists()


def test_a_note_of_another_log_is_refused(world: World, tmp_path: Path) -> None:
    with open_home(settings(tmp_path / "other")) as other:
        say(other, 1)
        note = other.log.checkpoint()
    with pytest.raises(IntegrityViolation):
        backup.try_out(world.file, key=world.key, witnessed=[note])


def places(world: World) -> Iterator[tuple[str, int]]:
    """Yield a name and an offset for each kind of byte of the archive."""
    with tarfile.open(world.file) as tar:
        for member in tar:
            yield f"header of {member.name}", member.offset + 5
            yield f"{member.name}", member.offset_data + member.size // 2
            if member.size % 512:
                yield f"padding of {member.name}", member.offset_data + member.size
    yield "end", world.file.stat().st_size - 3


def test_a_changed_byte_anywhere_is_refused_with_where(world: World, tmp_path: Path) -> None:
    content = world.file.read_bytes()
    for where, offset in places(world):
        changed = bytearray(content)
        changed[offset] ^= 0x01
        (tmp_path / "changed").write_bytes(changed)
        with pytest.raises((IntegrityViolation, InvalidInput)) as found:
            backup.try_out(tmp_path / "changed", key=None, witnessed=())
        if not where.startswith(("header", "padding", "end", "manifest")):
            assert where in found.value.what
    with pytest.raises((IntegrityViolation, InvalidInput)):
        backup.restore(settings(tmp_path / "again"), tmp_path / "changed", key=None, witnessed=())
    assert not (tmp_path / "again").exists()


def blocks(world: World) -> list[bytes]:
    content = world.file.read_bytes()
    with tarfile.open(world.file) as tar:
        starts = [member.offset for member in tar]
    return [content[start:end] for start, end in zip(starts, [*starts[1:], len(content) - 1024], strict=True)]


TAMPERED: dict[str, Callable[[list[bytes]], list[bytes]]] = {
    "a member dropped": lambda found: found[1:],
    "the manifest dropped": lambda found: found[:-1],
    "a member twice": lambda found: [found[0], *found],
    "two members swapped": lambda found: [found[1], found[0], *found[2:]],
    "the manifest first": lambda found: [found[-1], *found[:-1]],
    "cut off": lambda found: [*found[:-2], found[-2][:600]],
    "a link": lambda found: [link(), *found],
    "a way out": lambda found: [outside(), *found],
    "empty": lambda found: [],
}


def link() -> bytes:
    info = tarfile.TarInfo("settings/link")
    info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
    return info.tobuf(tarfile.GNU_FORMAT)


def outside() -> bytes:
    info = tarfile.TarInfo("../../outside")
    return info.tobuf(tarfile.GNU_FORMAT)


@pytest.mark.parametrize("how", TAMPERED)
def test_an_archive_that_was_tampered_with_is_refused(world: World, tmp_path: Path, how: str) -> None:
    (tmp_path / "file").write_bytes(b"".join(TAMPERED[how](blocks(world))) + bytes(1024))
    with pytest.raises((IntegrityViolation, InvalidInput)):
        backup.restore(settings(tmp_path / "again"), tmp_path / "file", key=None, witnessed=())
    assert [file.name for file in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize(
    ("field", "value"),
    [("mode", 0o777), ("uid", 1), ("gid", 1), ("mtime", 1), ("uname", "root"), ("gname", "x"), ("linkname", "x")],
)
def test_a_header_says_nothing_but_name_and_size(world: World, tmp_path: Path, field: str, value: object) -> None:
    """With a checksum that is right: what a header carries besides would be covered by no signature."""
    first, *rest = blocks(world)
    info = tarfile.TarInfo.frombuf(first[:512], "ascii", "strict")
    setattr(info, field, value)
    changed = info.tobuf(tarfile.GNU_FORMAT) + first[512:]
    (tmp_path / "file").write_bytes(b"".join([changed, *rest]) + bytes(1024))
    with pytest.raises(IntegrityViolation, match="is not the one of its name and size"):
        backup.try_out(tmp_path / "file", key=world.key, witnessed=())


def test_a_file_that_is_no_backup_is_refused(tmp_path: Path) -> None:
    for content in (b"", b"\0" * 1024, b"x" * 4096, b"PK\x03\x04" + bytes(600)):
        (tmp_path / "file").write_bytes(content)
        with pytest.raises((IntegrityViolation, InvalidInput)):
            backup.try_out(tmp_path / "file", key=None, witnessed=())
    with pytest.raises(InvalidInput, match="No such file"):
        backup.try_out(tmp_path / "nowhere", key=None, witnessed=())


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "keys/../x", "blobs/x", "settings/", "keys/.hidden", "a\0b"])
def test_a_member_cannot_have_a_name_that_leads_elsewhere(name: str) -> None:
    with pytest.raises(InvalidInput):
        Member(name=name, digest=Digest.of(b""), size_bytes=0)


def test_a_database_with_a_view_of_its_own_is_refused(world: World, tmp_path: Path) -> None:
    import sqlite3
    from contextlib import closing

    from wardline.adapters.storage.database import open_database, reading
    from wardline.adapters.storage.shape import check_shape

    shutil.copy(world.home / "wardline.db", tmp_path / "a.db")
    with open_database(tmp_path / "a.db") as engine, reading(engine) as connection:
        check_shape(connection)
    with closing(sqlite3.connect(tmp_path / "a.db")) as raw:
        raw.execute("CREATE VIEW shown AS SELECT * FROM people")
    with (
        open_database(tmp_path / "a.db") as engine,
        reading(engine) as connection,
        pytest.raises(IntegrityViolation, match="a view named 'shown'"),
    ):
        check_shape(connection)


def test_a_full_disk_leaves_no_backup(world: World, tmp_path: Path) -> None:
    with open_home(settings(world.home)) as home, pytest.raises(Unavailable, match="cannot be written"):
        backup.back_up(home, Path("/dev/full/file"), with_keys=True)


# -- killed on the way

WARDLINE = (sys.executable, "-c", "from wardline.cli.main import main; main()")


def environment(home: Path) -> dict[str, str]:
    return {**os.environ, "WARDLINE_HOME": str(home)}


def killed(world: World, call: str, number: int, *arguments: str, home: Path) -> int:
    """Run the command and kill it inside its `number`-th call; return how it ended."""
    inject = ("strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}")
    inject = (*inject, "-e", f"inject={call}:signal=SIGKILL:when={number}")
    return subprocess.run(
        [*inject, *WARDLINE, *arguments], env=environment(home), capture_output=True, check=False, timeout=120
    ).returncode


needs_strace = pytest.mark.skipif(shutil.which("strace") is None, reason="needs the package strace")


@pytest.mark.slow
@needs_strace
def test_a_backup_that_is_killed_leaves_no_file_and_the_next_one_is_whole(world: World, tmp_path: Path) -> None:
    ended = 0
    for call, numbers in (("fsync,fdatasync", (1, 2, 4)), ("linkat,link", (1,))):
        for number in numbers:
            ended += killed(world, call, number, "backup", str(tmp_path / "file"), home=world.home) != 0
            if call.startswith("fsync"):
                assert not (tmp_path / "file").exists()
    (tmp_path / "file").unlink(missing_ok=True)
    assert ended >= 3
    with open_home(settings(world.home)) as home:
        assert backup.back_up(home, tmp_path / "file", with_keys=True).whole
    backup.try_out(tmp_path / "file", key=world.key, witnessed=[world.note])


@pytest.mark.slow
@needs_strace
def test_a_restore_that_is_killed_leaves_no_home_or_a_whole_one(world: World, tmp_path: Path) -> None:
    arguments = ("restore", str(world.file), "--key", str(world.key))
    homes = []
    for call, number in [*(("fsync,fdatasync", number) for number in (1, 3, 9, 20)), ("rename", 1), ("rename", 9)]:
        assert killed(world, call, number, *arguments, home=tmp_path / "again") != 0 or call == "rename"
        homes.append((tmp_path / "again").exists())
        if homes[-1]:  # killed after it had its name: all of it is there
            with open_home(settings(tmp_path / "again")) as again:
                assert again.check_log() == world.manifest.size
                assert again.bundles.path_of(world.artifact)
            shutil.rmtree(tmp_path / "again")
    assert not all(homes)
    restored(world, tmp_path / "again")
    with open_home(settings(tmp_path / "again")) as again:
        assert again.check_log() == world.manifest.size


# -- as commands


def run(home: Path, *arguments: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, list(arguments), env={"WARDLINE_HOME": str(home)}, catch_exceptions=True)
    if isinstance(done.exception, WardlineError):
        from wardline.cli.shell import exit_code

        return exit_code(done.exception), done.stdout, done.exception.what
    return done.exit_code, done.stdout, done.stderr


def test_the_commands_say_what_they_did(world: World, tmp_path: Path) -> None:
    code, said, _ = run(world.home, "backup", str(tmp_path / "file"), "--output", "json")
    document = json.loads(said)
    assert code == 0
    assert (document["size"], document["with_keys"], document["absent"]) == (world.manifest.size, False, [])
    code, said, _ = run(world.home, "backup", str(tmp_path / "other"))
    assert "without keys" in said
    (tmp_path / "note").write_text(world.note + "\n" + world.note)
    given = ("--into", str(tmp_path / "again"), "--witnessed", str(tmp_path / "note"), "--output", "json")
    code, said, _ = run(tmp_path, "restore", str(tmp_path / "file"), *given)
    document = json.loads(said)
    assert code == 0
    assert document["key_given"] is False
    assert (document["proven_to"], document["lost"]) == (world.manifest.size, 0)
    code, said, _ = run(tmp_path, "restore", str(tmp_path / "file"), "--dry-run")
    assert code == 0
    assert "nothing was restored" in said
    assert "the key inside the backup" in said


def test_a_restored_private_text_can_be_read_again(world: World, tmp_path: Path) -> None:
    from wardline.bootstrap.forgetting import texts
    from wardline.evidence.mentions import blobs_of

    restored(world, tmp_path / "again")
    with open_home(settings(tmp_path / "again")) as again:
        named = {blob for item in again.log.every() for blob in blobs_of(item) if blob.media_type == PRIVATE_TEXT}
        assert [texts(again).read(blob).text for blob in named] == [MESSAGE]
    assert MESSAGE.encode() not in every_byte_below(tmp_path / "again")


@pytest.mark.parametrize("kept", ["note", "json"])
def test_a_checkpoint_is_taken_as_it_was_kept(world: World, tmp_path: Path, kept: str) -> None:
    file = tmp_path / "kept"
    file.write_text(world.note if kept == "note" else run(world.home, "log", "check", "--output", "json")[1])
    code, said, _ = run(tmp_path, "restore", str(world.file), "--dry-run", "--witnessed", str(file))
    assert code == 0
    assert f"its first {world.manifest.size} statements are proven" in said


@pytest.mark.parametrize("content", ["", "{}", '{"checkpoint": ""}', '{"checkpoint": 7}', "[" * 100_000, "a word", "7"])
def test_what_is_no_checkpoint_is_refused_as_such(world: World, tmp_path: Path, content: str) -> None:
    file = tmp_path / "kept"
    file.write_text(content)
    code, _, what = run(tmp_path, "restore", str(world.file), "--dry-run", "--witnessed", str(file))
    assert code == 2
    assert str(file) in what


def test_a_backup_shorter_than_what_was_seen_is_restored_and_not_called_good(home: Home, tmp_path: Path) -> None:
    say(home, 1)
    backup.back_up(home, tmp_path / "file", with_keys=True)
    say(home, 2)
    (tmp_path / "seen").write_text(home.log.checkpoint())
    given = ("--into", str(tmp_path / "again"), "--witnessed", str(tmp_path / "seen"))
    code, said, _ = run(tmp_path, "restore", str(tmp_path / "file"), *given)
    assert code == 1
    assert "1 statements are LOST" in said
    assert (tmp_path / "again" / "wardline.db").exists()

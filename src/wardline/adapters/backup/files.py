"""Files of a home, on their way into a backup and out of it."""

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NoReturn

from wardline.errors import Conflict, Unavailable
from wardline.evidence.backups import Kind

SETTINGS = ("retention.yaml", "witnesses")  # what an installation was told, in files; no secrets
_CHUNK = 1 << 20
_BUSY_SECONDS = 10.0
_PAGES = 1000  # copied at once: some four megabytes, then a writer may go first


def pieces(file: Path) -> tuple[int, Iterator[bytes]]:
    """Return the size of `file` and its content in pieces.

    Raises:
        Unavailable: It cannot be read.
    """
    try:
        return file.stat().st_size, _read(file)
    except OSError as error:
        raise Unavailable(
            f"{file} cannot be read: {error.strerror}", remedy="Check the disk and its rights."
        ) from error


def settings_of(home: Path) -> tuple[Path, ...]:
    """Return the files in which an installation keeps what it was told."""
    return tuple(file for name in SETTINGS if (file := home / name).is_file())


def keys_of(home: Path) -> tuple[Path, ...]:
    """Return the installation's own key files.

    Raises:
        Unavailable: Their folder cannot be listed.
    """
    folder = home / "keys"
    try:
        return tuple(sorted(file for file in folder.iterdir() if file.is_file() and not file.name.startswith(".")))
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise Unavailable(
            f"{folder} cannot be listed: {error.strerror}", remedy="Check its owner and rights."
        ) from error


def copy_engine(database: Path, into: Path) -> bool:
    """Copy the engine's database as it is at one moment, while runs go on; False: there is none.

    SQLite's online backup (https://www.sqlite.org/backup.html) begins again where a writer comes between.

    Raises:
        Unavailable: It cannot be read or written.
    """
    if not database.exists():
        return False
    try:
        with (
            closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=_BUSY_SECONDS)) as source,
            closing(sqlite3.connect(into)) as target,
        ):
            source.backup(target, pages=_PAGES)
    except sqlite3.Error as error:
        name = getattr(error, "sqlite_errorname", "") or type(error).__name__
        raise Unavailable(
            f"the engine's database {database.name} cannot be copied ({name})",
            remedy="No evidence is in it: move it away if it is damaged (docs/how-to/recover.md), and try again.",
        ) from error
    return True


@contextmanager
def made_beside(home: Path) -> Iterator[Path]:
    """Yield an empty folder that becomes `home` at the end, synced whole; on an error it is removed.

    Killed on the way it stays, as `.NAME.restoring-…` beside where `home` would be.

    Raises:
        Conflict: `home` holds something.
        Unavailable: The folder cannot be made, synced or renamed.
    """
    home = home.resolve()
    try:
        if home.exists() and (not home.is_dir() or any(home.iterdir())):
            raise Conflict(
                f"{home} holds something, and a restore never overwrites",
                remedy="Name a folder that is empty or does not exist, with --into or WARDLINE_HOME.",
            )
        home.parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(dir=home.parent, prefix=f".{home.name}.restoring-"))  # 0700
    except OSError as error:
        cannot_write(home, error)
    try:
        yield folder
        for below, _, _ in os.walk(folder):
            sync_folder(Path(below))
        # All of it is on disk: from here a crash leaves either no home or a whole one.
        folder.rename(home)
        sync_folder(home.parent)
    except OSError as error:
        cannot_write(home, error)
    finally:
        shutil.rmtree(folder, ignore_errors=True)  # renamed: there is nothing of that name any more


def unpack(member: str, content: Iterable[bytes], home: Path) -> None:
    """Write a member where it belongs below `home`, 0600 and synced.

    Raises:
        Unavailable: It cannot be written.
    """
    write_new(home / _place_of(member), content)


def write_new(path: Path, content: Iterable[bytes]) -> None:
    """Write a file that is not there yet, 0600 and synced.

    Raises:
        Unavailable: It cannot be written.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            for chunk in content:
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        cannot_write(path, error)


def sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _read(file: Path) -> Iterator[bytes]:
    with file.open("rb") as opened:
        while chunk := opened.read(_CHUNK):
            yield chunk


def _place_of(member: str) -> Path:
    kind, _, name = member.rpartition("/")
    match kind:
        case Kind.BLOBS:
            return Path(kind, name[:2], name)
        case Kind.ARTIFACTS:
            return Path(kind, f"{name}.bundle")
        case Kind.KEYS:
            return Path(kind, name)
        case _:  # settings and databases lie in the home itself
            return Path(name)


def cannot_write(path: Path, error: OSError) -> NoReturn:
    raise Unavailable(
        f"{path} cannot be written: {error.strerror}", remedy="Free some space, or check the folder's owner and rights."
    ) from error

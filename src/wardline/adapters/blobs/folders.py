"""Folders of content-addressed files: kept by many at once, removed by one alone."""

import fcntl
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from wardline.canonical import Digest
from wardline.errors import Unavailable
from wardline.evidence.retention.keeping import Lying

# Why something is not here, as the log tells it: "purged on … under statement …"; None: the log does not know.
Gone = Callable[[Digest], str | None]


def unexplained(_digest: Digest) -> str | None:
    """Know nothing of what was purged."""
    return None


@contextmanager
def keeping(folder: Path) -> Iterator[None]:
    """Hold off whoever removes, while content is looked for or put; many may at once."""
    with _locked(folder, fcntl.LOCK_SH):
        yield


def touch(path: Path) -> None:
    """Say that what lies here was put again: it may be about to be named by a statement."""
    os.utime(path)


def lying_below(folder: Path, named: re.Pattern[str]) -> Iterator[Lying]:
    """Yield what lies right below `folder` under a name whose first group is its digest; other files are nobody's.

    Raises:
        Unavailable: The folder cannot be listed; one that is not there yet is empty.
    """
    try:
        for entry in _entries(folder):
            name = named.fullmatch(entry.name)
            if name is None:
                continue
            with suppress(FileNotFoundError):  # removed by another process meanwhile
                found = entry.stat()
                put_at = datetime.fromtimestamp(found.st_mtime, UTC)
                yield Lying(digest=Digest(name[1]), size_bytes=found.st_size, put_at=put_at)
    except OSError as error:
        raise Unavailable(
            f"{folder} cannot be listed: {error.strerror}", remedy="Check the folder's owner and rights."
        ) from error


def remove(path: Path, *, folder: Path, put_before: datetime) -> bool:
    """Remove the file for good, unless it was put again since; return whether it is gone.

    Raises:
        Unavailable: It cannot be removed.
    """
    try:
        with _locked(folder, fcntl.LOCK_EX):
            if not path.exists():
                return True
            if datetime.fromtimestamp(path.stat().st_mtime, UTC) > put_before:
                return False
            path.unlink()
        sync(path.parent)
    except OSError as error:
        raise Unavailable(
            f"{path} cannot be removed: {error.strerror}",
            remedy="Check the folder's owner and rights; `wardline log purge` goes on where it stopped.",
        ) from error
    return True


def sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except FileNotFoundError:
        return []


@contextmanager
def _locked(folder: Path, how: int) -> Iterator[None]:
    # The folder itself is locked: nothing has to lie in it for that, and the lock dies with the process.
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, how)
        yield
    finally:
        os.close(descriptor)

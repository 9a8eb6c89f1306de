"""Files of exports and of what was exported: 0600, whole or not there at all."""

import fcntl
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from wardline import canonical
from wardline.errors import Conflict, IntegrityViolation, InvalidInput, Unavailable
from wardline.evidence.audit.exports import Cursor

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,94}[a-z0-9])?", re.ASCII)
_LARGEST_CURSOR_BYTES = 4096  # one is some 400


class FileDraft:
    """A Draft beside `path`, in the same folder, so that putting it in place is one step."""

    def __init__(self, path: Path, fresh: Path, file: IO[bytes]) -> None:
        self._path = path
        self._fresh = fresh
        self._file = file

    def write(self, piece: bytes) -> None:
        with _translated(self._path):
            self._file.write(piece)

    def keep(self) -> None:
        with _translated(self._path):
            self._file.flush()
            os.fsync(self._file.fileno())
            self._fresh.replace(self._path)
            _sync_folder(self._path.parent)


@contextmanager
def draft_of(path: Path) -> Iterator[FileDraft]:
    """Open a draft of `path`; what is not kept is removed at the end.

    Raises:
        InvalidInput: What is there is no plain file: a folder, a link, or a device, which root could replace.
        Unavailable: It cannot be made there.
    """
    with _translated(path):
        if path.is_symlink() or (path.exists() and not path.is_file()):
            raise InvalidInput(f"{path} is no plain file, and is not replaced", remedy="Name another file.")
        # mkstemp makes it 0600, whatever the umask.
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    file = os.fdopen(descriptor, "wb")
    try:
        yield FileDraft(path, Path(name), file)
    finally:
        # Closing writes what is left in the buffer: what was not kept is not wanted, whether or not the disk takes it.
        with suppress(OSError):
            file.close()
        Path(name).unlink(missing_ok=True)


class FileCursors:
    """Cursors as one small file each in `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @contextmanager
    def held(self, name: str) -> Iterator[None]:
        path = self._path(name, ".lock")
        with _translated(path):
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise Conflict(f"cursor {name}: another process is exporting to this receiver") from error
            yield
        finally:
            os.close(descriptor)

    def load(self, name: str) -> Cursor | None:
        path = self._path(name, ".json")
        with _translated(path):
            try:
                with path.open("rb") as file:
                    content = file.read(_LARGEST_CURSOR_BYTES)
            except FileNotFoundError:
                return None
        try:
            return Cursor.parse(canonical.decode(content))
        except InvalidInput as error:
            raise IntegrityViolation(
                f"cursor {path}: {error.what}",
                remedy="Move it away and export with --since; the receiver will get some statements twice.",
            ) from error

    def save(self, name: str, cursor: Cursor) -> None:
        with draft_of(self._path(name, ".json")) as draft:
            draft.write(canonical.encode(cursor.to_json()))
            draft.keep()

    def _path(self, name: str, ending: str) -> Path:
        if _NAME.fullmatch(name) is None:
            raise InvalidInput(f"cursor name {name[:100]!r}: expected at most 96 of a-z, 0-9, dot and hyphen")
        return self._folder / f"{name}{ending}"


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Unavailable(
            f"{path} cannot be written: {error.strerror}", remedy="Check the folder, its rights and the disk."
        ) from error

"""Blobs as files named by their digest."""

import os
import tempfile
from contextlib import suppress
from pathlib import Path

from wardline.canonical import Digest
from wardline.errors import IntegrityViolation, NotFound, Unavailable
from wardline.predicates import BlobRef


class FileBlobs:
    """Blobs below one folder, readable by their owner only.

    A blob is complete and synced before it gets its name: a name that exists is a blob that can be read.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, content: bytes, media_type: str) -> BlobRef:
        digest = Digest.of(content)
        path = self._path(digest)
        try:
            # One that was damaged on disk is written anew: acknowledging it would lose this one.
            if not path.is_file() or path.read_bytes() != content:
                _write(path, content)
        except OSError as error:
            raise Unavailable(
                f"blob {digest.short} ({len(content)} bytes) cannot be kept in {self._folder}: {error.strerror}",
                remedy="Free some space, or check the folder's owner and rights, and try again.",
            ) from error
        return BlobRef(digest=digest, media_type=media_type, size_bytes=len(content))

    def get(self, digest: Digest) -> bytes:
        path = self._path(digest)
        try:
            content = path.read_bytes()
        except FileNotFoundError as error:
            raise NotFound(f"blob {digest} is not kept here, or was erased") from error
        except OSError as error:
            raise Unavailable(
                f"blob {digest} cannot be read: {error.strerror}", remedy=f"Check the disk and the rights of {path}."
            ) from error
        if Digest.of(content) != digest:
            raise IntegrityViolation(
                f"blob {digest}: the file has digest {Digest.of(content)}",
                remedy=f"Keep {path} for investigation and restore it from a backup.",
            )
        return content

    def _path(self, digest: Digest) -> Path:
        # 256 folders keep each one small enough to list.
        return self._folder / digest.hex[:2] / digest.hex


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".new-")  # 0600
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        # The content is on disk: from here a crash leaves either no name or a whole blob.
        Path(temporary).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(temporary).unlink()
        raise
    # The name too: of the file in its folder, and of the folder, should it be new.
    _sync(path.parent)
    _sync(path.parent.parent)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

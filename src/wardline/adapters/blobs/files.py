"""Blobs as files named by their digest."""

import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from wardline.adapters.blobs.folders import Gone, keeping, lying_below, remove, sync, touch, unexplained
from wardline.canonical import Digest
from wardline.errors import IntegrityViolation, NotFound, Unavailable
from wardline.evidence.retention.keeping import Lying
from wardline.predicates import BlobRef

_PREFIXES = tuple(f"{first:02x}" for first in range(256))


class FileBlobs:
    """Blobs below one folder, readable by their owner only.

    A blob is complete and synced before it gets its name: a name that exists is a blob that can be read.
    `gone` tells why one is not here, where it was purged. Implements Blobs and Store.
    """

    def __init__(self, folder: Path, *, gone: Gone = unexplained) -> None:
        self._folder = folder
        self._gone = gone

    def put(self, content: bytes, media_type: str) -> BlobRef:
        digest = Digest.of(content)
        path = self._path(digest)
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with keeping(self._folder):
                # One that was damaged on disk is written anew: acknowledging it would lose this one.
                if not path.is_file() or path.read_bytes() != content:
                    _write(path, content)
                else:
                    touch(path)
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
            raise self._not_here(digest) from error
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

    def lying(self) -> Iterator[Lying]:
        """Yield what lies here, without reading it.

        Raises:
            Unavailable: The folder cannot be listed.
        """
        for prefix in _PREFIXES:
            yield from lying_below(self._folder / prefix, re.compile(rf"({prefix}[0-9a-f]{{62}})", re.ASCII))

    def remove(self, digest: Digest, *, put_before: datetime) -> bool:
        return remove(self._path(digest), folder=self._folder, put_before=put_before)

    def _not_here(self, digest: Digest) -> NotFound:
        why = self._gone(digest)
        if why is None:
            return NotFound(f"blob {digest} is not kept here, or was erased")
        return NotFound(
            f"blob {digest} was {why}",
            remedy="Its period was over. The log still proves that it was there, and what it was, by its digest.",
        )

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
    sync(path.parent)
    sync(path.parent.parent)

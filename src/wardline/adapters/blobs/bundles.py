"""Artifacts as files named by their digest; too large to be held in memory."""

import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from wardline.adapters.blobs.folders import Gone, keeping, lying_below, remove, touch, unexplained
from wardline.canonical import Digest
from wardline.errors import IntegrityViolation, NotFound, Unavailable
from wardline.evidence.retention.keeping import Lying
from wardline.predicates import BlobRef

BUNDLE = "application/vnd.wardline.bundle+tar"
_NAME = re.compile(r"([0-9a-f]{64})\.bundle", re.ASCII)


class FileBundles:
    """Keeps bundles below one folder; `gone` tells why one is not here. Implements Bundles and Store."""

    def __init__(self, folder: Path, *, gone: Gone = unexplained) -> None:
        self._folder = folder
        self._gone = gone

    def keep(self, bundle: Path) -> BlobRef:
        try:
            digest, size = _digest(bundle)
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with keeping(self._folder):
                if self._path(digest).exists():
                    touch(self._path(digest))
                else:
                    self._copy(bundle, digest)
        except OSError as error:
            raise Unavailable(
                f"bundle {bundle.name} cannot be kept in {self._folder}: {error.strerror}",
                remedy="Free some space, or check the folder's owner and rights, and resume.",
            ) from error
        return BlobRef(digest=digest, media_type=BUNDLE, size_bytes=size)

    def path_of(self, digest: Digest) -> Path:
        """Return where the artifact lies.

        Raises:
            NotFound: It is not kept here.
            IntegrityViolation: What lies there has another digest.
            Unavailable: It cannot be read.
        """
        path = self._path(digest)
        if not path.exists():
            why = self._gone(digest)
            what = "is not kept here" if why is None else f"was {why}"
            raise NotFound(f"artifact {digest} {what}", remedy="Ship the commit again to build it anew.")
        try:
            found, _ = _digest(path)
        except OSError as error:
            raise Unavailable(
                f"artifact {digest} cannot be read: {error.strerror}",
                remedy=f"Check the disk and the rights of {path}.",
            ) from error
        if found != digest:
            raise IntegrityViolation(
                f"artifact {digest}: the file has digest {found}", remedy=f"Keep {path} for investigation."
            )
        return path

    def lying(self) -> Iterator[Lying]:
        """Return what lies here, without reading it.

        Raises:
            Unavailable: The folder cannot be listed.
        """
        return lying_below(self._folder, _NAME)

    def remove(self, digest: Digest, *, put_before: datetime) -> bool:
        return remove(self._path(digest), folder=self._folder, put_before=put_before)

    def _copy(self, bundle: Path, digest: Digest) -> None:
        with tempfile.NamedTemporaryFile(dir=self._folder, prefix=".new-", delete=False) as copy:
            with bundle.open("rb") as original:
                shutil.copyfileobj(original, copy)
            copy.flush()
            os.fsync(copy.fileno())
        # Complete and synced before it has its name: a name that exists is a bundle that can be installed.
        Path(copy.name).replace(self._path(digest))

    def _path(self, digest: Digest) -> Path:
        return self._folder / f"{digest.hex}.bundle"


def _digest(path: Path) -> tuple[Digest, int]:
    with path.open("rb") as file:
        return Digest(hashlib.file_digest(file, "sha256").hexdigest()), os.fstat(file.fileno()).st_size

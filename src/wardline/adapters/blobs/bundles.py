"""Artifacts as files named by their digest; too large to be held in memory."""

import hashlib
import os
import shutil
import tempfile
from pathlib import Path

from wardline.canonical import Digest
from wardline.errors import IntegrityViolation, NotFound, Unavailable
from wardline.predicates import BlobRef

BUNDLE = "application/vnd.wardline.bundle+tar"


class FileBundles:
    """Keeps bundles below one folder. Implements Bundles."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, bundle: Path) -> BlobRef:
        try:
            digest, size = _digest(bundle)
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not self._path(digest).exists():
                self._copy(bundle, digest)
        except OSError as error:
            raise Unavailable(
                f"bundle {bundle.name} cannot be kept in {self._folder}: {error.strerror}",
                remedy="Free some space, or check the folder's owner and rights, and resume.",
            ) from error
        return BlobRef(digest=digest, media_type=BUNDLE, size_bytes=size)

    def path_of(self, digest: Digest) -> Path:
        path = self._path(digest)
        if not path.exists():
            raise NotFound(f"artifact {digest} is not kept here", remedy="Ship the commit again to build it anew.")
        found, _ = _digest(path)
        if found != digest:
            raise IntegrityViolation(
                f"artifact {digest}: the file has digest {found}", remedy=f"Keep {path} for investigation."
            )
        return path

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

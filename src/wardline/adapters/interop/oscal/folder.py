"""A folder of OSCAL documents and the leaves they name: made whole, or not at all."""

import os
import shutil
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from wardline.errors import Conflict, Unavailable


def write_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write `files`, by their relative paths, into the new folder `folder`.

    Raises:
        Conflict: Something is there already.
        Unavailable: It cannot be written.
    """
    if folder.is_symlink() or folder.exists():
        raise Conflict(f"{folder} is there already, and is not written into", remedy="Name a folder that is not there.")
    draft: Path | None = None
    try:
        # mkdtemp makes it 0700, whatever the umask.
        draft = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}-"))
        for name, content in files.items():
            _write(draft / name, content)
        draft.rename(folder)  # from here on it is there, and whole
    except OSError as error:
        raise Unavailable(
            f"{folder} cannot be written: {error.strerror}", remedy="Check the folder, its rights and the disk."
        ) from error
    finally:
        if draft is not None:
            with suppress(OSError):
                shutil.rmtree(draft)


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(descriptor)

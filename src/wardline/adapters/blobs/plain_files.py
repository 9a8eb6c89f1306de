"""Files for people: whole or not there at all."""

import os
import tempfile
from pathlib import Path

from wardline.errors import Unavailable


def write_file(path: Path, content: bytes) -> Path:
    """Write `content` to `path`, replacing what is there in one step, and return where it lies.

    Raises:
        Unavailable: It cannot be written; what was there is untouched.
    """
    try:
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}-", delete=False) as fresh:
            fresh.write(content)
            fresh.flush()
            os.fsync(fresh.fileno())
        Path(fresh.name).chmod(0o644)  # meant to be handed on
        Path(fresh.name).replace(path)
    except OSError as error:
        raise Unavailable(
            f"{path} cannot be written: {error.strerror}", remedy="Name another file with --to."
        ) from error
    return path

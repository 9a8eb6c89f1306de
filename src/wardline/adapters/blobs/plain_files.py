"""Files for people: whole or not there at all."""

import os
import tempfile
from pathlib import Path

from wardline.errors import InvalidInput, Unavailable

MAX_TEXT = 1 << 20  # bytes; what people write by hand is far below


def write_file(path: Path, content: bytes) -> Path:
    """Write `content` to `path`, replacing what is there in one step, and return where it lies.

    Raises:
        InvalidInput: What is there is no plain file: a folder, a link, or a device, which root could replace.
        Unavailable: It cannot be written; what was there is untouched.
    """
    try:
        if path.is_symlink() or (path.exists() and not path.is_file()):
            raise InvalidInput(f"{path} is no plain file, and is not replaced", remedy="Name another file with --to.")
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}-", delete=False) as fresh:
            try:
                fresh.write(content)
                fresh.flush()
                os.fsync(fresh.fileno())
                Path(fresh.name).chmod(0o644)  # meant to be handed on
                Path(fresh.name).replace(path)
            except OSError:
                Path(fresh.name).unlink(missing_ok=True)
                raise
    except OSError as error:
        raise Unavailable(
            f"{path} cannot be written: {error.strerror}", remedy="Name another file with --to."
        ) from error
    return path


def read_file(path: Path) -> str | None:
    """Return the text of a file that may be there; None: it is not.

    Raises:
        Unavailable: It is there and cannot be read.
        InvalidInput: It is no UTF-8 text, or larger than MAX_TEXT.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_TEXT + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Unavailable(
            f"{path} cannot be read: {error.strerror}", remedy="Check the file's owner and rights."
        ) from error
    if len(content) > MAX_TEXT:
        raise InvalidInput(f"{path}: more than {MAX_TEXT} bytes; people write smaller files")
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{path}: no UTF-8 text, at byte {error.start}") from error

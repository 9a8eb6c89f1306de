"""Requests about SARIF files of other tools."""

from pathlib import Path

from wardline.adapters.scanners.sarif import MAX_BYTES, read_sarif
from wardline.errors import InvalidInput, NotFound, Unavailable
from wardline.findings.scanning import CodeScan


def read(path: Path) -> tuple[CodeScan, ...]:
    """Return what each run of the file at `path` says.

    Raises:
        NotFound: There is no such file.
        InvalidInput: As `read_sarif`.
        Unavailable: It cannot be read.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise InvalidInput(f"{path}: expected at most {MAX_BYTES} bytes")
        return read_sarif(path.read_bytes())
    except FileNotFoundError as error:
        raise NotFound(f"{path}: no such file") from error
    except OSError as error:
        raise Unavailable(f"{path} cannot be read: {error.strerror}") from error

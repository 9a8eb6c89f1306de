"""Dumps of advisories: zip files as OSV publishes them, tar files, folders; records as JSON or YAML.

A dump is taken whole or not at all: one that was cut short would be a world with fewer vulnerabilities.
"""

import gzip
import json
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, BinaryIO, Final

import yaml

from wardline.canonical import JSON
from wardline.errors import InvalidInput, NotFound, Unavailable

_RECORDS: Final = (".json", ".yaml", ".yml")
_MOST_RECORD_BYTES: Final = 16 << 20  # the largest published record has 3 MB
_MOST_BYTES: Final = 64 << 30  # unpacked; all of OSV has 8 GB
_BLOCK: Final = 1 << 20
_TAR_END: Final = bytes(1024)  # POSIX.1-2017 pax, "ustar Interchange Format": two blocks of zeros
_CUT = "Fetch it again, whole; the mirror stays as it was."


def read_dump(path: Path) -> Iterator[tuple[str, JSON]]:
    """Yield each record of the dump at `path`, and where it stands in it.

    Raises:
        NotFound: There is nothing at `path`.
        InvalidInput: It is no dump, is damaged or cut short, or a record is no JSON and no YAML.
        Unavailable: It cannot be read.
    """
    if not path.exists():
        raise NotFound(f"{path}: no such dump of advisories")
    try:
        for name, content in _files(path):
            yield f"{path.name}: {name}", _document(content, f"{path.name}: {name}")
    except (zipfile.BadZipFile, tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InvalidInput(f"{path}: the dump is damaged or cut short", remedy=_CUT) from error
    except (NotImplementedError, RuntimeError) as error:  # zipfile: a way of packing it does not know, or a password
        raise InvalidInput(f"{path}: the dump is packed in a way that cannot be read", remedy=_CUT) from error
    except OSError as error:
        raise Unavailable(f"{path} cannot be read: {error.strerror or type(error).__name__}") from error


def _files(path: Path) -> Iterator[tuple[str, bytes]]:
    if path.is_dir():
        yield from _in_folder(path)
    elif path.name.endswith((".tar.gz", ".tgz", ".tar")):
        yield from _in_tar(path)
    elif path.name.endswith(".zip"):
        yield from _in_zip(path)
    elif path.name.endswith(_RECORDS):
        yield path.name, _read(path)
    else:
        raise InvalidInput(f"{path}: expected a .zip, a .tar.gz, a folder or one record")


def _in_folder(path: Path) -> Iterator[tuple[str, bytes]]:
    for file in sorted(path.rglob("*")):
        if file.name.endswith(_RECORDS) and file.is_file() and not file.is_symlink():
            yield file.relative_to(path).as_posix(), _read(file)


def _in_zip(path: Path) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(path) as archive:
        total = 0
        for entry in archive.infolist():
            if entry.filename.endswith(_RECORDS):
                total = _total(total + entry.file_size, path)
                _bounded(entry.file_size, entry.filename)
                yield entry.filename, archive.read(entry)  # and its checksum


def _in_tar(path: Path) -> Iterator[tuple[str, bytes]]:
    # Unpacked first: tarfile takes an archive cut between two files for a whole one.
    with tempfile.TemporaryFile() as whole:
        with gzip.open(path) if not path.name.endswith(".tar") else path.open("rb") as packed:
            _copy(packed, whole, path)
        whole.seek(-len(_TAR_END), 2) if whole.tell() >= len(_TAR_END) else whole.seek(0)
        if whole.read() != _TAR_END:
            raise EOFError
        whole.seek(0)
        with tarfile.open(fileobj=whole, mode="r:") as archive:
            for entry in archive:
                content = archive.extractfile(entry) if entry.isfile() and entry.name.endswith(_RECORDS) else None
                if content is not None:
                    _bounded(entry.size, entry.name)
                    yield entry.name, content.read()


def _copy(packed: BinaryIO | gzip.GzipFile, whole: IO[bytes], path: Path) -> None:
    total = 0
    while block := packed.read(_BLOCK):
        total = _total(total + len(block), path)
        whole.write(block)


def _total(size: int, path: Path) -> int:
    if size > _MOST_BYTES:
        raise InvalidInput(f"{path}: expected at most {_MOST_BYTES} bytes unpacked")
    return size


def _read(file: Path) -> bytes:
    _bounded(file.stat().st_size, file.name)
    return file.read_bytes()


def _bounded(size: int, name: str) -> None:
    if not 0 < size <= _MOST_RECORD_BYTES:
        raise InvalidInput(f"{name}: expected a record of 1 to {_MOST_RECORD_BYTES} bytes, got {size}", remedy=_CUT)


def _document(content: bytes, where: str) -> JSON:
    try:
        if where.endswith(".json"):
            document: JSON = json.loads(content)
            return document
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(content, Loader=yaml.CBaseLoader)):
            raise InvalidInput(f"{where}: expected YAML without aliases")
        # Every scalar stays text: 1.10 is a version, and a date is not a moment yet.
        document = yaml.load(content, Loader=yaml.CBaseLoader)  # noqa: S506  # the loader that makes texts only
    except (ValueError, RecursionError, yaml.YAMLError) as error:
        raise InvalidInput(f"{where}: the record is neither JSON nor YAML, or is cut short", remedy=_CUT) from error
    return document

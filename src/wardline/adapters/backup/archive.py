"""The backup file: a plain tar of which every byte is determined by its members. docs/reference/backup-format.md.

Nothing is unpacked by a library: a header is read only if it is, byte for byte, the one that would be written for
the same name and size. So there are no links, devices, owners, long names or sparse files, and nothing hides between.
"""

import errno
import hashlib
import os
import tarfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from wardline.adapters.backup.files import sync_folder
from wardline.canonical import Digest
from wardline.errors import Conflict, IntegrityViolation, InvalidInput, Unavailable
from wardline.evidence.backups import MANIFEST, Member, SignedManifest

_BLOCK = 512  # bytes; POSIX.1-2001 pax, ustar
_CHUNK = 1 << 20
_END = bytes(2 * _BLOCK)
_MAX_MANIFEST = 256 << 20  # bytes; a member takes some 180, so a million things
_MAX_MEMBERS = 2_000_000
_NO_LINKS = {errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS}  # file systems without hard links: memory sticks, shares


class ArchiveWriter:
    """Writes members one after another; the manifest, which names them all, comes last."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def add(self, name: str, content: Iterable[bytes], *, size: int) -> Member:
        """Write a member of `size` bytes and return what it is.

        Raises:
            Unavailable: `content` has another size (a file that changed meanwhile).
        """
        self._file.write(_header(name, size))
        digest, written = hashlib.sha256(), 0
        for chunk in content:
            written += len(chunk)
            digest.update(chunk)
            self._file.write(chunk)
        if written != size:
            raise Unavailable(f"{name}: {written} bytes where {size} were expected: it changed while it was read")
        self._file.write(bytes(-size % _BLOCK))
        return Member(name=name, digest=Digest(digest.hexdigest()), size_bytes=size)

    def finish(self, manifest: bytes) -> None:
        self._file.write(_header(MANIFEST, len(manifest)) + manifest + bytes(-len(manifest) % _BLOCK) + _END)


@contextmanager
def writing(file: Path) -> Iterator[ArchiveWriter]:
    """Write `file` whole or not at all: it has its name once everything in it is on disk.

    Raises:
        Conflict: It exists. A backup is never replaced by another: the new one may be the worse.
        Unavailable: It cannot be written.
    """
    # A name of its own, and in the same folder: killed on the way, this is what is left.
    unfinished = file.with_name(f".{file.name}.unfinished-{os.getpid()}")
    try:
        if file.exists():
            raise Conflict(f"{file} exists, and a backup never replaces another", remedy="Name another file.")
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as opened:
            yield ArchiveWriter(opened)
            opened.flush()
            os.fsync(opened.fileno())
        # All of it is on disk: from here a crash leaves either no backup of this name or a whole one.
        _give_name(unfinished, file)
        sync_folder(file.parent)
    except FileExistsError as error:
        raise Conflict(f"{file} exists, and a backup never replaces another", remedy="Name another file.") from error
    except OSError as error:
        raise Unavailable(
            f"backup {file} cannot be written: {error.strerror}", remedy="Check its folder, its rights and free space."
        ) from error
    finally:
        with suppress(OSError):
            unfinished.unlink()


def _give_name(unfinished: Path, file: Path) -> None:
    try:
        os.link(unfinished, file)  # unlike a rename, it replaces nothing that came meanwhile
    except OSError as error:
        if error.errno not in _NO_LINKS or file.exists():
            raise
        unfinished.rename(file)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Where a member lies in the file."""

    name: str
    start: int
    size: int


class ArchiveReader:
    """A backup whose members lie one after another as its manifest says; their content is checked as it is read."""

    def __init__(self, file: IO[bytes], *, name: str) -> None:
        self._file = file
        self._name = name
        *self._places, last = _places(file, name)
        if last.name != MANIFEST or last.size > _MAX_MANIFEST:
            raise InvalidInput(f"backup {name}: its last member is {last.name[:80]!r}; expected {MANIFEST}")
        self._by_name = {place.name: place for place in self._places}
        self.signed = SignedManifest.decode(b"".join(self._read(last)))
        self._check_members()

    def content(self, member: Member) -> Iterator[bytes]:
        """Yield the content of `member`; what was yielded counts only if the end is reached.

        Raises:
            IntegrityViolation: It has another digest than the manifest says.
        """
        digest = hashlib.sha256()
        for chunk in self._read(self._by_name[member.name]):
            digest.update(chunk)
            yield chunk
        if digest.hexdigest() != member.digest.hex:
            raise IntegrityViolation(
                f"backup {self._name}: member {member.name}: expected {member.digest}, got sha256:{digest.hexdigest()}"
            )

    def _check_members(self) -> None:
        said = self.signed.manifest.members
        for place, member in zip(self._places, said, strict=False):
            if (place.name, place.size) != (member.name, member.size_bytes):
                raise IntegrityViolation(
                    f"backup {self._name}: expected member {member.name} of {member.size_bytes} bytes, "
                    f"got {place.name} of {place.size}"
                )
        if len(self._places) != len(said):
            raise IntegrityViolation(
                f"backup {self._name}: its manifest names {len(said)} members, but {len(self._places)} are in it"
            )

    def _read(self, place: _Place) -> Iterator[bytes]:
        self._file.seek(place.start)
        left = place.size
        while left:
            chunk = self._file.read(min(left, _CHUNK))
            if not chunk:
                raise IntegrityViolation(f"backup {self._name}: member {place.name} is cut off")
            left -= len(chunk)
            yield chunk
        if self._file.read(-place.size % _BLOCK).strip(b"\0"):
            raise IntegrityViolation(f"backup {self._name}: something lies behind member {place.name}")


@contextmanager
def reading_archive(file: Path) -> Iterator[ArchiveReader]:
    """Open the backup in `file`. Nothing in it is believed yet.

    Raises:
        InvalidInput: It is no backup, or there is no such file.
        IntegrityViolation: It is a damaged one.
        Unavailable: It cannot be read.
    """
    try:
        with file.open("rb") as opened:
            yield ArchiveReader(opened, name=file.name)
    except (FileNotFoundError, IsADirectoryError) as error:
        raise InvalidInput(f"backup {file}: {error.strerror}") from error
    except OSError as error:
        raise Unavailable(f"backup {file}: {error.strerror}", remedy="Check the disk and its rights.") from error


def _places(file: IO[bytes], name: str) -> list[_Place]:
    found: list[_Place] = []
    end = file.seek(0, os.SEEK_END)
    at = 0
    while True:
        file.seek(at)
        block = file.read(_BLOCK)
        if block == bytes(_BLOCK):
            break
        member, size = _parse(block, name)
        at += _BLOCK
        if size < 0 or at + size > end or len(found) >= _MAX_MEMBERS:
            raise IntegrityViolation(f"backup {name}: member {member[:80]!r} is cut off, or there are too many")
        found.append(_Place(name=member, start=at, size=size))
        at += size + -size % _BLOCK
    file.seek(at)
    if file.read(len(_END) + 1) != _END or not found:
        raise IntegrityViolation(f"backup {name}: expected its end after the manifest, and nothing behind it")
    return found


def _parse(block: bytes, name: str) -> tuple[str, int]:
    """Return the name and the size of the member that `block` begins."""
    try:
        found = tarfile.TarInfo.frombuf(block, "ascii", "strict")
        again = _header(found.name, found.size)
    except (tarfile.HeaderError, ValueError) as error:
        raise InvalidInput(
            f"backup {name}: no backup of Wardline, or cut off: expected the header of a member"
        ) from error
    if again != block:
        raise IntegrityViolation(
            f"backup {name}: the header of {found.name[:80]!r} is not the one of its name and size"
        )
    return found.name, found.size


def _header(name: str, size: int) -> bytes:
    info = tarfile.TarInfo(name)
    info.size, info.mode, info.mtime = size, 0o600, 0
    # GNU's form of a size above 8 GiB fits into the header; pax would need a member of its own for it.
    return info.tobuf(tarfile.GNU_FORMAT, "ascii", "strict")

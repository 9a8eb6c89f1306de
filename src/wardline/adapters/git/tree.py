"""The files of a Git tree: as `ls-tree -r -z -l` lists them, and written to a folder byte for byte."""

import hashlib
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from wardline.errors import IntegrityViolation, InvalidInput

_LINE = re.compile(
    rb"(?P<mode>\d{6}) (?P<type>\w+) (?P<oid>[0-9a-f]{40}|[0-9a-f]{64}) +(?P<size>\d+|-|BAD)\t(?P<path>.+)", re.DOTALL
)
_LFS: Final = b"version https://git-lfs.github.com/spec/"
_LINK, _SUBMODULE, _PROGRAM = "120000", "160000", "100755"
_SHA1_DIGITS: Final = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    path: str  # below the root, with forward slashes
    mode: str
    oid: str
    size_bytes: int

    @property
    def is_file(self) -> bool:
        return self.mode.startswith("100")


def entries(listing: bytes) -> tuple[Entry, ...]:
    """Return what `git ls-tree -z -l` lists.

    Raises:
        InvalidInput: A submodule, or a path no export can hold.
    """
    return tuple(_entry(line) for line in listing.split(b"\0") if line)


def write(into: Path, listing: Iterable[Entry], contents: Iterable[bytes], *, at: datetime) -> None:
    """Write the entries with their contents below `into`, every file as old as `at`.

    Links come last and are then followed: none may lead out of the tree, not even by way of another.

    Raises:
        InvalidInput: A Git LFS pointer, or a link that leaves the tree.
        IntegrityViolation: A content is not what its hash says.
    """
    links: list[tuple[Entry, bytes]] = []
    for entry, content in zip(listing, contents, strict=True):
        _check(entry, content)
        if entry.mode == _LINK:
            links.append((entry, content))
        else:
            _write_file(into / entry.path, content, executable=entry.mode == _PROGRAM, at=at)
    for entry, content in links:
        link = into / entry.path
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(os.fsdecode(content))
    for entry, _ in links:
        _refuse_escape(into, entry.path)


def _entry(line: bytes) -> Entry:
    match = _LINE.fullmatch(line)
    if match is None:
        raise InvalidInput("git ls-tree answered a line of an unknown form")
    path, mode = os.fsdecode(match["path"]), match["mode"].decode()
    if mode == _SUBMODULE:
        raise InvalidInput(
            f"{path} is a submodule; only files in the commit itself are shipped",
            remedy="Make it a dependency of the package, or commit its files.",
        )
    # Git refuses such paths when it checks out; an object made by hand may still hold them.
    if any(part.lower() in {"", ".", "..", ".git"} for part in path.split("/")):
        raise InvalidInput(f"the commit holds the path {path!r}, which leads out of an export")
    # "-": no file; "BAD": the object is missing, which reading it will say better.
    size = int(match["size"]) if match["size"].isdigit() else 0
    return Entry(path=path, mode=mode, oid=match["oid"].decode(), size_bytes=size)


def _check(entry: Entry, content: bytes) -> None:
    algorithm = hashlib.sha1 if len(entry.oid) == _SHA1_DIGITS else hashlib.sha256
    if algorithm(b"blob %d\0" % len(content) + content).hexdigest() != entry.oid:
        raise IntegrityViolation(f"{entry.path} in the repository is not what its hash {entry.oid[:12]} says")
    if content.startswith(_LFS):
        raise InvalidInput(
            f"{entry.path} is a Git LFS pointer and not the file itself; LFS is not supported",
            remedy="Commit the file itself, or fetch it in the build command.",
        )


def _write_file(path: Path, content: bytes, *, executable: bool, at: datetime) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    path.chmod(0o755 if executable else 0o644)
    # The time of the commit, so that archives made from these files do not depend on when it was exported.
    os.utime(path, (at.timestamp(), at.timestamp()))


def _refuse_escape(root: Path, name: str) -> None:
    # realpath goes round a circle of links once and stops; resolve() raises on it in some versions of Python.
    inside = Path(os.path.realpath(root / name)).is_relative_to(os.path.realpath(root))
    if not inside:
        raise InvalidInput(f"the link {name} leads out of the repository", remedy="Commit the file it points to.")

"""A log as files that any web server can serve: written once, only ever added to (https://c2sp.org/tlog-tiles)."""

import os
import secrets
import shutil
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

from wardline.errors import IntegrityViolation, InvalidInput, Unavailable
from wardline.tlog import tree
from wardline.tlog.checkpoint import Checkpoint, read_checkpoint
from wardline.tlog.tiles import CHECKPOINT, Published, TiledNodes, encode_tile, tiles_of

_MAX_CHECKPOINT_CHARACTERS = 131_072


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What a folder holds now: the log's first `size` leaves; `files` were added."""

    size: int
    files: int


def write_tiles(log: Published, folder: Path, *, entries: bool) -> Written:
    """Bring `folder` up to the newest checkpoint of `log`.

    The checkpoint is replaced last: whoever reads meanwhile finds everything that the one they see covers. Killed
    anywhere, the next call completes it.

    Raises:
        IntegrityViolation: What is in the folder is of another log, or of another history of this one.
        Unavailable: The folder cannot be read or written.
    """
    note = log.checkpoint()
    checkpoint = read_checkpoint(note)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        before = _before(folder, log, checkpoint)
        written = 0
        if entries and not _has_entries(folder, before):
            before = 0  # hashes alone were published here for a while, or entries not to their end
        touched = {folder}
        for tile in tiles_of(checkpoint.size, after=before, entries=entries):
            path = folder / tile.path
            _write(path, encode_tile(log, tile))
            written += 1
            touched |= {parent for parent in path.parents if parent.is_relative_to(folder)}
            if tile == tile.full:  # its partial ones say nothing more (tlog-tiles)
                shutil.rmtree(path.with_name(f"{path.name}.p"), ignore_errors=True)
        # From here no crash takes a tile away again: the checkpoint may say that they are there.
        for parent in touched:
            _sync(parent)
        _write(folder / CHECKPOINT, note.encode())
        _sync(folder)
    except OSError as error:
        raise Unavailable(
            f"{folder}: tiles cannot be written ({error.strerror})", remedy="Check the disk and the rights."
        ) from error
    return Written(size=checkpoint.size, files=written + 1)


def _before(folder: Path, log: Published, checkpoint: Checkpoint) -> int:
    """Return how many leaves the folder has already, if they are the first ones of this log."""
    try:
        with (folder / CHECKPOINT).open(encoding="utf-8") as file:
            note = file.read(_MAX_CHECKPOINT_CHARACTERS)
    except FileNotFoundError:
        return 0
    except UnicodeDecodeError as error:
        raise IntegrityViolation(f"{folder}: its checkpoint is no text") from error
    try:
        before = read_checkpoint(note)
    except InvalidInput as error:
        raise IntegrityViolation(f"{folder}: its checkpoint is none: {error.what}") from error
    if before.origin != checkpoint.origin:
        raise IntegrityViolation(f"{folder}: it holds log {before.origin[:200]}, expected {checkpoint.origin}")
    if before.size > checkpoint.size:
        raise IntegrityViolation(
            f"{folder}: it has {before.size} leaves, the log only {checkpoint.size}",
            remedy="Was the log restored from a backup? What was published once cannot be taken back.",
        )
    nodes = TiledNodes(before.size, lambda tile: encode_tile(log, tile))
    if tree.root(nodes, before.size) != before.root:
        raise IntegrityViolation(f"{folder}: its {before.size} leaves are not the first ones of this log")
    return before.size


def _has_entries(folder: Path, size: int) -> bool:
    """Return whether every bundle of the first `size` entries is there; each came whole or not at all."""
    bundles = takewhile(lambda tile: tile.level is None, tiles_of(size, entries=True))
    return all((folder / bundle.path).is_file() or (folder / bundle.full.path).is_file() for bundle in bundles)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write(path: Path, content: bytes) -> None:
    """Write the file whole or not at all, durably."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with temporary.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o644)  # meant to be served
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)

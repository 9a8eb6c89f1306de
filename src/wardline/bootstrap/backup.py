"""Requests about backups and copies: an installation in one file, made whole again, or moved to another database."""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from sqlalchemy import Connection, Engine

import wardline
from wardline.adapters.backup.archive import ArchiveReader, ArchiveWriter, reading_archive, writing
from wardline.adapters.backup.files import copy_engine, keys_of, made_beside, pieces, settings_of, unpack, write_new
from wardline.adapters.storage.check_log import check_log
from wardline.adapters.storage.copy_log import Copied, check_equal, copy_database, fill_database
from wardline.adapters.storage.database import open_database
from wardline.adapters.storage.evidence_log import SQLEvidenceLog
from wardline.adapters.storage.reading import reading
from wardline.adapters.storage.shape import check_shape
from wardline.adapters.storage.stored_nodes import StoredNodes
from wardline.adapters.storage.tables import subject_keys
from wardline.bootstrap.forgetting import reapply_erasures
from wardline.bootstrap.home import Home, open_home
from wardline.bootstrap.own_keys import key_folder
from wardline.canonical import Digest
from wardline.delivery.back_up import BackedUp, gather
from wardline.delivery.restore import Prefix, check_signature, check_witnessed
from wardline.errors import IntegrityViolation, Refused
from wardline.evidence.backups import DATABASE, ENGINE, Kind, Manifest, Member
from wardline.identity.principals import PublicKey
from wardline.settings import Settings
from wardline.tlog import tree
from wardline.tlog.note import VerifierKey

Progress = Callable[[int, int], None]  # leaves that are done, and of how many


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What was restored, and how it stands to what was seen elsewhere.

    Attributes:
        trusted: The key that it was held against.
        given: Whether the caller named that key; else it was the one inside, which anybody could have put there.
        erasures: For how many erasures something was destroyed again; None: without keys nobody could.
    """

    manifest: Manifest
    trusted: VerifierKey
    given: bool
    prefix: Prefix
    erasures: int | None


def back_up(home: Home, file: Path, *, with_keys: bool) -> BackedUp:
    """Write all that `home` must not lose into `file`, as it is at one moment, while writing goes on.

    Raises:
        Conflict: The file exists.
        Unavailable: It cannot be written, or a database not be read. Nothing is left under that name.
        IntegrityViolation: The log's newest checkpoint is not that of its leaves.
    """
    root = home.settings.home
    with writing(file) as archive, tempfile.TemporaryDirectory(dir=root, prefix=".backup-") as scratch:
        engine, database = Path(scratch) / ENGINE, Path(scratch) / DATABASE
        # The engine's first: a step that it remembers must be in the log. One it does not know is found there again.
        has_engine = copy_engine(root / ENGINE, engine)
        copied = _snapshot(home, database, with_keys=with_keys)
        members = [_add(archive, DATABASE, database)]
        members += [_add(archive, ENGINE, engine)] if has_engine else []
        members += [_add(archive, f"{Kind.SETTINGS}/{each.name}", each) for each in settings_of(root)]
        members += [_add(archive, f"{Kind.KEYS}/{each.name}", each) for each in keys_of(root) if with_keys]
        with open_database(database) as snapshot:
            log = SQLEvidenceLog(snapshot, signer=_NoSigner(home.log.key), origin=home.log.key.name)
            checkpoint = log.checkpoint() if copied.size else None
            gathered = gather(log, home.collect.blobs, _artifacts(home), archive)
        manifest = Manifest(
            version=wardline.__version__,
            made_at=home.clock.now(),
            key=home.log.key,
            size=copied.size,
            root=copied.root,
            checkpoint=checkpoint,
            with_keys=with_keys,
            members=(*members, *gathered.members),
            absent=gathered.absent,
        )
        archive.finish(manifest.sealed(home.collect.signer))
    return BackedUp(manifest=manifest, purged=gathered.purged)


def restore(settings: Settings, file: Path, *, key: VerifierKey | None, witnessed: Sequence[str]) -> Restored:
    """Make `settings.home` out of the backup in `file`, once everything in it was proven.

    `witnessed`: signed checkpoints of this log that somebody outside kept.

    Raises:
        Conflict: The home, or the database that the settings name, holds something.
        InvalidInput: The file is no backup, or a note no signed checkpoint.
        IntegrityViolation: A signature, a digest or a proof does not hold, or the log has forked.
        Unavailable: Something cannot be read or written.
    """
    with made_beside(settings.home) as folder, reading_archive(file) as archive:
        restored = _prove(
            archive, folder, key=key, witnessed=witnessed, put=_into(settings.database or folder / DATABASE)
        )
        for member in archive.signed.manifest.members:
            if member.name != DATABASE:
                unpack(member.name, archive.content(member), folder)
        if restored.manifest.with_keys:
            with open_home(replace(settings, home=folder)) as home:
                restored = replace(restored, erasures=reapply_erasures(home))
        else:  # to read and to check the log is enough for an auditor, and for whoever still has to fetch the keys
            key_folder(replace(settings, home=folder)).keep_root(restored.manifest.key)
    return restored


def try_out(file: Path, *, key: VerifierKey | None, witnessed: Sequence[str]) -> Restored:
    """Prove all that `restore` would, and leave nothing behind.

    Raises:
        InvalidInput, IntegrityViolation, Unavailable: As `restore`.
    """
    with tempfile.TemporaryDirectory(prefix="wardline-restore-") as scratch, reading_archive(file) as archive:
        restored = _prove(archive, Path(scratch), key=key, witnessed=witnessed, put=None)
        for member in archive.signed.manifest.members:
            for _ in archive.content(member):
                pass  # read to its end, a member has the digest that was signed
    return restored


def copy_log(home: Home, target: str, *, said: Progress) -> Copied:
    """Copy the whole database into `target` and prove both equal. Writers may go on: what they add is not copied.

    Raises:
        Conflict: The target holds something else.
        InvalidInput: It names no database.
        IntegrityViolation: Source and copy differ, or the log does not hold.
        Unavailable: It cannot be reached or written.
    """
    with reading(home.database) as source, open_database(_named(target)) as database:
        copied = copy_database(source, database, said=said)
        check_equal(source, database)
        _checked(database, home.log.key, copied.size, copied.root)
        return copied


def _snapshot(home: Home, database: Path, *, with_keys: bool) -> Copied:
    """Copy what the database holds at this moment into a file, without what was ever deleted from it."""
    without = () if with_keys else (subject_keys,)
    with reading(home.database) as source, open_database(database) as snapshot:
        return copy_database(source, snapshot, without=without)


def _add(archive: ArchiveWriter, name: str, file: Path) -> Member:
    size, content = pieces(file)
    return archive.add(name, content, size=size)


def _artifacts(home: Home) -> Callable[[Digest], tuple[int, Iterator[bytes]]]:
    return lambda digest: pieces(home.bundles.path_of(digest))


def _prove(
    archive: ArchiveReader,
    folder: Path,
    *,
    key: VerifierKey | None,
    witnessed: Sequence[str],
    put: Callable[[Connection], None] | None,
) -> Restored:
    """Prove the log of the backup, and hand it to `put`."""
    signed = archive.signed
    manifest, root = signed.manifest, key or signed.manifest.key
    if root.name != manifest.key.name:
        raise IntegrityViolation(
            f"backup: it is of log {manifest.key.name}, the key of {root.name}",
            remedy="If this is the backup you meant, it is not of the installation whose key you have.",
        )
    if signed.envelope.signatures[0].keyid == PublicKey.of(root.raw).keyid:
        signed.check([PublicKey.of(root.raw)])  # before a database of a stranger is opened
    with tempfile.TemporaryDirectory(dir=folder, prefix=".snapshot-") as scratch:
        file = Path(scratch) / DATABASE
        database = next(member for member in manifest.members if member.name == DATABASE)
        write_new(file, archive.content(database))
        with open_database(file) as snapshot, reading(snapshot) as source:
            check_shape(source)
            log = SQLEvidenceLog(snapshot, signer=_NoSigner(root), origin=root.name)
            signatories = check_signature(signed, log, root)
            _checked(snapshot, root, manifest.size, manifest.root)
            nodes = StoredNodes(source)
            prefix = check_witnessed(
                witnessed, signatories, size=manifest.size, root_of=lambda size: tree.root(nodes, size)
            )
            if put is not None:
                put(source)
    return Restored(manifest=manifest, trusted=root, given=key is not None, prefix=prefix, erasures=None)


def _checked(database: Engine, key: VerifierKey, size: int, root: bytes) -> None:
    checked = check_log(database, key)
    if (checked.size, checked.root) != (size, root):
        raise IntegrityViolation(
            f"log: expected {size} leaves under {root.hex()}, got {checked.size} under {checked.root.hex()}"
        )


def _into(where: Path | str) -> Callable[[Connection], None]:
    """Return what copies a log row by row into tables that our own migrations made: its file itself is never used."""

    def put(source: Connection) -> None:
        with open_database(where) as target:
            if isinstance(where, Path):  # in a folder that is thrown away if anything fails
                copy_database(source, target)
            else:
                fill_database(source, target)
            check_equal(source, target)

    return put


def _named(target: str) -> Path | str:
    return target if "://" in target else Path(target).absolute()


class _NoSigner:
    """Stands where a signer is asked for and nothing may be signed."""

    def __init__(self, key: VerifierKey) -> None:
        self.public_key = PublicKey.of(key.raw)

    def sign(self, message: bytes) -> bytes:
        raise Refused(f"{len(message)} bytes were to be signed while a backup was read")

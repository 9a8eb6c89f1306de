"""What a repository holds beside its working tree: what is staged, and everything any commit ever held."""

import os
import shutil
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Final

from wardline.adapters.process import Command, capture
from wardline.errors import InvalidInput, Unavailable

MAX_BLOB: Final = 64 << 20  # bytes; held in memory once
_BATCH: Final = 32 << 20  # bytes asked of Git at once
_LISTING: Final = 512 << 20  # bytes of names
_TIMEOUT: Final = timedelta(minutes=10)
_KEPT: Final = ("PATH", "HOME", "XDG_CONFIG_HOME", "GIT_INDEX_FILE")  # the index: `commit -a` hands a hook its own


class Blobs:
    """Reads blobs with `git cat-file`."""

    def __init__(self, path: Path, environ: Mapping[str, str]) -> None:
        self._path = path.resolve()
        self._env = {name: environ[name] for name in _KEPT if name in environ} | {
            "LC_ALL": "C",
            "GIT_OPTIONAL_LOCKS": "0",
            "GIT_NO_REPLACE_OBJECTS": "1",
        }

    def folder(self) -> Path:
        """Return the repository's own folder, usually `.git`."""
        return Path(self._git("rev-parse", "--absolute-git-dir").decode(errors="surrogateescape").strip())

    def staged(self) -> Iterator[tuple[str, bytes | None]]:
        """Yield name and content of what the next commit adds or changes; None: too large to be held."""
        listing = self._git("diff", "--cached", "--raw", "-z", "--no-renames", "--abbrev=64", "--diff-filter=ACMT")
        fields = listing.split(b"\0")
        pairs = zip(fields[0::2], fields[1::2], strict=False)
        wanted = [
            (head.split()[3].decode(), os.fsdecode(name))
            for head, name in pairs
            if head.split()[1] in {b"100644", b"100755"}
        ]
        yield from self._contents(wanted)

    def history(self) -> Iterator[tuple[str, bytes | None]]:
        """Yield name and content of every blob that any commit reaches, each content once."""
        listing = self._git(
            "rev-list",
            "--objects",
            "--all",
            "--no-object-names",
            "--filter=object:type=blob",
            "--filter-provided-objects",
        )
        named = self._git("-c", "core.quotePath=false", "rev-list", "--objects", "--all").decode(
            errors="surrogateescape"
        )
        names = dict(line.split(" ", 1) for line in named.splitlines() if " " in line)
        oids = dict.fromkeys(listing.decode().split())
        yield from self._contents([(oid, names.get(oid) or oid) for oid in oids])

    def _contents(self, wanted: list[tuple[str, str]]) -> Iterator[tuple[str, bytes | None]]:
        asked = "".join(f"{oid}\n" for oid, _ in wanted).encode()
        sizes = [int(line.split()[2]) for line in self._git("cat-file", "--batch-check", stdin=asked).splitlines()]
        batch: list[tuple[str, str, int]] = []
        total = 0
        for (oid, name), size in zip(wanted, sizes, strict=True):
            if size > MAX_BLOB:
                yield name, None
                continue
            batch.append((oid, name, size))
            total += size
            if total > _BATCH:
                yield from self._batch(batch)
                batch, total = [], 0
        yield from self._batch(batch)

    def _batch(self, batch: list[tuple[str, str, int]]) -> Iterator[tuple[str, bytes | None]]:
        if not batch:
            return
        answer = self._git("cat-file", "--batch", stdin="".join(f"{oid}\n" for oid, _, _ in batch).encode())
        at = 0
        for _, name, size in batch:
            start = answer.index(b"\n", at) + 1
            yield name, answer[start : start + size]
            at = start + size + 1

    def _git(self, *arguments: str, stdin: bytes = b"") -> bytes:
        program = shutil.which("git", path=self._env.get("PATH", os.defpath))
        if program is None:
            raise Unavailable("git is not installed, or not on PATH", remedy="Install git 2.32 or later.")
        settings = ("-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-c", "protocol.allow=never")
        folder = self._path if self._path.is_dir() else self._path.parent
        command = Command(
            arguments=(program, *settings, "-C", str(folder), *arguments), cwd=folder, env=self._env, timeout=_TIMEOUT
        )
        answer = capture(command, stdin=stdin, limit=_LISTING)
        if not answer.finished.succeeded or answer.finished.truncated:
            raise InvalidInput(
                f"git {arguments[0]} failed in {folder}; expected a repository it can read",
                remedy="Run it where the repository is, and see `git fsck`.",
            )
        return answer.stdout

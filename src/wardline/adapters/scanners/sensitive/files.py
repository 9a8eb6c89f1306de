"""Folders and files on disk: walked, opened, remembered where they were clean."""

import hashlib
import io
import json
import os
import secrets
import stat
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final

from wardline.adapters.scanners.sensitive.parts import Part, Seen, Skipped, Unread
from wardline.adapters.scanners.sensitive.reading import read
from wardline.findings.sensitive.formats import Formats
from wardline.findings.sensitive.sighting import SensitiveFinding, Spot, hashed

_LEFT_OUT: Final = frozenset(
    {
        ".git",
        ".hg",
        ".svn",
        "node_modules",
        "__pycache__",
        ".venv",
        ".tox",
        ".mypy_cache",
        ".ruff_cache",
        ".pytest_cache",
    }
)
_MAX_SPOTS: Final = 10_000  # of one file; who has more knows enough
_KEY_BYTES: Final = 32


@dataclass(slots=True)
class Looked:
    """What came of looking: at how much, what was found, what nobody could look at."""

    files: int = 0
    bytes_read: int = 0
    remembered: int = 0  # files not looked at again, because they are what they were when they were clean
    findings: list[SensitiveFinding] = field(default_factory=list)
    unread: list[Unread] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)


class Looker:
    """Looks at one file after the other with one key and one set of rules."""

    def __init__(self, formats: Formats, key: bytes) -> None:
        self._formats, self._key = formats, key
        self.looked = Looked()

    def look(self, name: str, stream: IO[bytes], size: int) -> bool:
        """Look at one file and say whether it is clean."""
        before = len(self.looked.findings), len(self.looked.unread)
        self.looked.files += 1
        self.looked.bytes_read += size
        nth: Counter[tuple[str, str, str]] = Counter()
        count = 0
        for found in read(name, stream, size):
            match found:
                case Unread():
                    self.looked.unread.append(found)
                case Skipped():
                    self.looked.skipped.append(found)
                case Seen():
                    self._keep(found.name, found.spots, nth)
                case Part():
                    spots = self._formats.spots(found.name, found.content, first_line=found.first_line)
                    self._keep(found.name, spots, nth)
                    count += len(spots)
            if count > _MAX_SPOTS:
                self.looked.unread.append(Unread(name=name, reason="too-many-findings"))
                break
        return before == (len(self.looked.findings), len(self.looked.unread))

    def _keep(self, name: str, spots: Iterable[Spot], nth: "Counter[tuple[str, str, str]]") -> None:
        for spot in spots:
            trait = (name, spot.rule, spot.value)
            nth[trait] += 1
            self.looked.findings.append(hashed(spot, path=name, nth=nth[trait], key=self._key))


def look_at_tree(looker: Looker, root: Path, memory: "Memory") -> None:
    """Look at `root`, a file or a folder; links are not followed, so none leads in a circle."""
    for path in _files(root, looker.looked):
        name = path.relative_to(root).as_posix() if path != root else path.name
        try:
            state = path.lstat()
            if memory.knows(path, state):
                looker.looked.remembered += 1
                continue
            with path.open("rb") as stream:
                digest = memory.digest_of(name, stream)
                if digest is not None and digest in memory.digests:
                    looker.looked.remembered += 1
                    memory.learn(path, state, digest)
                elif looker.look(name, stream, state.st_size) and digest is not None:
                    memory.learn(path, state, digest)
        except OSError:
            looker.looked.unread.append(Unread(name=name, reason="not-readable"))


def _files(root: Path, looked: Looked) -> Iterator[Path]:
    if not root.is_dir():
        yield root
        return

    def failed(error: OSError) -> None:
        name = Path(error.filename).relative_to(root).as_posix() if error.filename else "."
        looked.unread.append(Unread(name=name, reason="not-readable"))

    for folder, folders, files in os.walk(root, onerror=failed):
        folders[:] = sorted(name for name in folders if name not in _LEFT_OUT)
        for name in sorted(files):
            path = Path(folder, name)
            mode = path.lstat().st_mode
            if stat.S_ISREG(mode):
                yield path
            elif not stat.S_ISLNK(mode):
                looked.skipped.append(Skipped(name=path.relative_to(root).as_posix(), reason="no-regular-file"))


class Memory:
    """Which files were clean, by identity and by content. It holds paths' digests, never what was found.

    A file counts as unchanged when identity, size and both times are; whoever sets times back by hand is
    told by the time of change, which no program sets.
    """

    def __init__(self, file: Path | None, *, rules: str) -> None:
        self._file, self._rules = file, rules
        self._known: dict[str, list[int]] = {}
        self.digests: set[str] = set()
        try:
            document = json.loads(file.read_bytes()) if file is not None else {}
            if document.get("rules") == rules:
                self._known = {str(key): list(value) for key, value in document["known"].items()}
                self.digests = set(document["digests"])
        except (OSError, ValueError, AttributeError, KeyError, TypeError):
            pass  # what cannot be remembered is looked at again

    def knows(self, path: Path, state: os.stat_result) -> bool:
        return self._file is not None and self._known.get(_called(path)) == _identity(state)

    def learn(self, path: Path, state: os.stat_result, digest: str) -> None:
        self._known[_called(path)] = _identity(state)
        self.digests.add(digest)

    def digest_of(self, name: str, stream: IO[bytes]) -> str | None:
        """Return the digest of the name, which helps to tell the form, and the content; None where none is kept."""
        if self._file is None:
            return None
        content = hashlib.sha256(Path(name).name.encode(errors="replace") + b"\0")
        while block := stream.read(1 << 20):
            content.update(block)
        stream.seek(0)
        return content.hexdigest()

    def save(self) -> None:
        """Write it beside the old one and put it in its place; if that fails, the next time takes longer."""
        if self._file is None:
            return
        document = {"rules": self._rules, "known": self._known, "digests": sorted(self.digests)}
        scratch = self._file.with_name(f".{self._file.name}.{os.getpid()}")
        try:
            scratch.write_text(json.dumps(document))
            scratch.replace(self._file)
        except OSError:
            scratch.unlink(missing_ok=True)


def look_at_bytes(looker: Looker, name: str, content: bytes) -> None:
    looker.look(name, io.BytesIO(content), len(content))


def key_in(home: Path) -> bytes:
    """Return the key that values are hashed with: of the installation at `home`, or a new one for this call."""
    if not home.is_dir():
        return secrets.token_bytes(_KEY_BYTES)
    file = home / "scan.key"
    try:
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as created:
            created.write(secrets.token_bytes(_KEY_BYTES))
    except FileExistsError:
        pass
    except OSError:
        return secrets.token_bytes(_KEY_BYTES)
    key = file.read_bytes()
    return key if len(key) == _KEY_BYTES else secrets.token_bytes(_KEY_BYTES)


def _called(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path.absolute())).hexdigest()


def _identity(state: os.stat_result) -> list[int]:
    return [state.st_dev, state.st_ino, state.st_size, state.st_mtime_ns, state.st_ctime_ns]

"""Look for patient data, personal data and secrets: in a tree, what is staged, a history, a stream."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from wardline import __version__
from wardline.adapters.git.blobs import Blobs
from wardline.adapters.scanners.sensitive.files import Looked, Looker, Memory, key_in, look_at_bytes, look_at_tree
from wardline.adapters.scanners.sensitive.parts import Unread
from wardline.errors import InvalidInput, NotFound
from wardline.findings.sensitive.allow_file import MAX_BYTES, NAME, AllowFile, parse_allow_file
from wardline.findings.sensitive.formats import Formats
from wardline.findings.sensitive.rules import rules
from wardline.findings.sensitive.sighting import SensitiveFinding
from wardline.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class SensitiveScan:
    """What a scan came to; `allowed` is what the project lets stand."""

    looked: Looked
    findings: tuple[SensitiveFinding, ...]
    allowed: int


def scan_tree(settings: Settings, path: Path, *, remembers: bool) -> SensitiveScan:
    """Look at a file or a folder.

    Raises:
        NotFound: There is none.
        InvalidInput: Its allow file is wrong.
    """
    if not path.exists():
        raise NotFound(f"there is no {path}", remedy="Name a file or a folder.")
    allow = _allow_file(path)
    looker = _looker(settings, allow)
    memory = Memory(_memory_file(settings, path) if remembers else None, rules=_rules_digest(allow))
    look_at_tree(looker, path, memory)
    memory.save()
    return _judged(looker.looked, allow)


def scan_staged(settings: Settings, path: Path) -> SensitiveScan:
    """Look at what the next commit adds or changes."""
    return _scan_blobs(settings, path, Blobs(path, settings.environ).staged())


def scan_history(settings: Settings, path: Path) -> SensitiveScan:
    """Look at every content that any commit holds, each once."""
    return _scan_blobs(settings, path, Blobs(path, settings.environ).history())


def scan_bytes(settings: Settings, content: bytes) -> SensitiveScan:
    """Look at what came in on a stream."""
    allow = AllowFile()
    looker = _looker(settings, allow)
    look_at_bytes(looker, "-", content)
    return _judged(looker.looked, allow)


def _scan_blobs(settings: Settings, path: Path, blobs: Iterable[tuple[str, bytes | None]]) -> SensitiveScan:
    allow = _allow_file(path)
    looker = _looker(settings, allow)
    for name, content in blobs:
        if content is None:
            looker.looked.unread.append(Unread(name=name, reason="member-too-large"))
        else:
            look_at_bytes(looker, name, content)
    return _judged(looker.looked, allow)


def _looker(settings: Settings, allow: AllowFile) -> Looker:
    return Looker(Formats(record_number=allow.record_number), key_in(settings.home))


def _judged(looked: Looked, allow: AllowFile) -> SensitiveScan:
    left = tuple(finding for finding in looked.findings if not allow.allows(finding))
    return SensitiveScan(looked=looked, findings=left, allowed=len(looked.findings) - len(left))


def _allow_file(path: Path) -> AllowFile:
    file = (path if path.is_dir() else path.parent) / NAME
    try:
        content = file.read_bytes()[: MAX_BYTES + 1]
    except FileNotFoundError:
        return AllowFile()
    except OSError as error:
        raise InvalidInput(f"cannot read {file}: {error.strerror}") from error
    if len(content) > MAX_BYTES:
        raise InvalidInput(f"{file} has more than {MAX_BYTES} bytes")
    return parse_allow_file(content.decode(errors="replace"))


def _memory_file(settings: Settings, path: Path) -> Path | None:
    if settings.home.is_dir():
        return settings.home / "scan-memory.json"
    folder = (path if path.is_dir() else path.parent) / ".git"
    return folder / "wardline-scan-memory.json" if folder.is_dir() else None


def _rules_digest(allow: AllowFile) -> str:
    """Return what changes with the rules: then every file is looked at again."""
    told = [
        __version__,
        *(
            f"{rule.name} {rule.prefilter!r} {rule.regex.pattern!r}"
            for rule in rules(record_number=allow.record_number)
        ),
    ]
    return hashlib.sha256("\n".join(told).encode()).hexdigest()

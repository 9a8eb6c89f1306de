"""Weak source planted before a code scanner."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Final

from wardline.bootstrap.plants.telling import Plant, told, unshown, write
from wardline.findings.finding import Severity
from wardline.findings.scanning import CodeScan, CodeScanner
from wardline.gates.trials import Planted, Tool

_TIMEOUT: Final = timedelta(minutes=2)  # of one scan of one file; a second on an idle machine
_SERIOUS: Final = {Severity.HIGH, Severity.CRITICAL}
_SOUND: Final = "def add(one: int, other: int) -> int:\n    return one + other\n"

# Rule, what is weak, and the source. The rules are bandit's; each is of high severity, which a gate denies.
WEAK: Final = (
    ("B324", "a weak hash", "import hashlib\n\nDIGEST = hashlib.md5(b'planted').hexdigest()\n"),
    ("B602", "a shell command made of input", "import subprocess\n\nsubprocess.run(f'ls {input()}', shell=True)\n"),
    ("B202", "an archive unpacked unseen", "import tarfile\n\ntarfile.open(input()).extractall()\n"),
    ("B324", "a weak hash excused in a comment", "import hashlib\n\nDIGEST = hashlib.md5(b'planted')  # nosec\n"),
)  # fmt: skip
_UNREADABLE: Final = (
    ("a file that cannot be parsed", "def broken(:\n"),
    ("a file without a line of code", ""),
)


def plant_in_code(scanner: CodeScanner, *, weak: Sequence[tuple[str, str, str]] = WEAK) -> Plant:
    """Return what plants weak source before `scanner`, and source that it cannot read."""

    def plant(work: Path) -> tuple[Tool, tuple[Planted, ...]]:
        sound = _scan(scanner, work / "sound", _SOUND)
        tool = Tool(name=sound.scanner.name, version=sound.scanner.version)
        planted = [_weak(scanner, work / f"weak-{n}", *each) for n, each in enumerate(weak)]
        planted += [_unreadable(scanner, work / f"blind-{n}", *each) for n, each in enumerate(_UNREADABLE)]
        planted.append(_excluded(scanner, work / "excluded"))
        if sound.reason is not None or sound.findings:
            got = sound.reason or f"{len(sound.findings)} findings"
            planted.append(unshown("sound source", expected="looked at, no finding", got=got))
        return tool, tuple(planted)

    return plant


def _scan(scanner: CodeScanner, folder: Path, source: str) -> CodeScan:
    write(folder / "svc" / "planted.py", source)
    return scanner.scan(folder, paths=(".",), timeout=_TIMEOUT)


def _weak(scanner: CodeScanner, folder: Path, rule: str, what: str, source: str) -> Planted:
    return _found(_scan(scanner, folder, source), rule, what)


def _found(scan: CodeScan, rule: str, what: str) -> Planted:
    found = [finding for finding in scan.findings if finding.rule == rule and finding.path == "svc/planted.py"]
    rules = ", ".join(f"{finding.rule} {finding.severity}" for finding in scan.findings)
    return told(
        f"{what}, svc/planted.py",
        expected=f"a serious finding of {rule}",
        got=scan.reason or rules or "no finding",
        caught=scan.reason is None and any(finding.severity in _SERIOUS for finding in found),
    )


def _unreadable(scanner: CodeScanner, folder: Path, what: str, source: str) -> Planted:
    scan = _scan(scanner, folder, source)
    return told(
        f"{what}, svc/planted.py",
        expected="could not look",
        got=scan.reason or f"looked, {len(scan.findings)} findings",
        caught=scan.reason is not None,
    )


def _excluded(scanner: CodeScanner, folder: Path) -> Planted:
    """Plant a repository that tells the scanner to look away."""
    rule, what, source = WEAK[0]
    write(folder / ".bandit", f"[bandit]\nskips: {rule}\nexclude: svc\n")
    write(folder / "pyproject.toml", f'[tool.bandit]\nskips = ["{rule}"]\nexclude_dirs = ["svc"]\n')
    return _found(_scan(scanner, folder, source), rule, f"{what} that the repository excludes")

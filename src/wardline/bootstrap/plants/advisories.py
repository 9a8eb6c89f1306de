"""Components with known weaknesses, made up as the advisories are, planted before what looks them up."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Final

from wardline.adapters.advisories.mirror_file import making_mirror
from wardline.bootstrap.plants.telling import Plant, told, unshown, write
from wardline.canonical import JSON
from wardline.findings.scanning import CodeScan, DependencyScanner
from wardline.gates.trials import Planted, Tool

_WEAK: Final = "planted-weak"
_FIXED: Final = "2.0"
_RECORD: Final = {
    "schema_version": "1.6.0",
    "id": "PLANTED-2026-1",
    "modified": "2026-01-01T00:00:00Z",
    "published": "2026-01-01T00:00:00Z",
    "summary": "planted",
    "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],
    "affected": [
        {
            "package": {"ecosystem": "PyPI", "name": _WEAK},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": _FIXED}]}],
        }
    ],
}

_IMPORT: Final = 0  # log index

# Makes the scanner of the mirror in a folder, with the log index of its import; None: nobody imported it.
MakeScanner = Callable[[Path, int | None], DependencyScanner]


def plant_advisories(make: MakeScanner) -> Plant:
    """Return what plants weak components, and lists and mirrors that nobody may believe."""

    def plant(work: Path) -> tuple[Tool, tuple[Planted, ...]]:
        write(work / "dump" / "planted.json", json.dumps(_RECORD))
        with making_mirror(work / "mirror", [work / "dump"]):
            pass  # in its place when the block is left
        looks = make(work / "mirror", _IMPORT)
        sound = looks.scan(_listing(_FIXED))
        planted = [
            _found("a component in a weak version", looks.scan(_listing("1.0"))),
            _found("the last weak version", looks.scan(_listing("1.9.9"))),
            _unseen("no list of components", looks.scan(None)),
            _unseen("a list that is none", looks.scan(b"{}")),
            _unseen("a component that nothing identifies", looks.scan(_listing(_FIXED, nameless=True))),
            _unseen("a mirror that nobody imported", make(work / "mirror", None).scan(_listing(_FIXED))),
            _unseen("no mirror", make(work / "nowhere", _IMPORT).scan(_listing(_FIXED))),
        ]
        if sound.reason is not None or sound.findings:
            got = sound.reason or f"{len(sound.findings)} findings"
            planted.append(unshown("the version in which it is mended", expected="no finding", got=got))
        return Tool(name=sound.scanner.name, version=sound.scanner.version), tuple(planted)

    return plant


def _listing(version: str, *, nameless: bool = False) -> bytes:
    components: list[JSON] = [
        {"type": "library", "name": _WEAK, "version": version, "purl": f"pkg:pypi/{_WEAK}@{version}"}
    ]
    if nameless:
        components.append({"type": "library", "name": "nameless", "version": "1.0"})
    return json.dumps({"bomFormat": "CycloneDX", "specVersion": "1.6", "components": components}).encode()


def _found(fault: str, scan: CodeScan) -> Planted:
    rules = ", ".join(finding.rule for finding in scan.findings)
    return told(
        fault,
        expected=f"a finding of {_RECORD['id']}",
        got=scan.reason or rules or "no finding",
        caught=scan.reason is None and any(finding.rule == _RECORD["id"] for finding in scan.findings),
    )


def _unseen(fault: str, scan: CodeScan) -> Planted:
    got = scan.reason or f"looked, {len(scan.findings)} findings"
    return told(fault, expected="could not look", got=got, caught=scan.reason is not None)

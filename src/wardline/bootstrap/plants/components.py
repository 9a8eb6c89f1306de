"""Artifacts planted before whatever lists their components."""

from datetime import timedelta
from pathlib import Path
from typing import Final

from wardline.bootstrap.plants.bundles import NAME, VERSION, make_bundle
from wardline.bootstrap.plants.telling import Plant, told, unshown
from wardline.findings.scanning import SBOMScan, SBOMScanner
from wardline.gates.trials import Planted, Tool
from wardline.pipelines.building import Builder

_TIMEOUT: Final = timedelta(minutes=3)  # of one scan; two seconds on an idle machine
_OWN: Final = ((NAME, VERSION),)


def plant_components(scanner: SBOMScanner, builder: Builder) -> Plant:
    """Return what plants other artifacts before `scanner` than it is told of."""

    def plant(work: Path) -> tuple[Tool, tuple[Planted, ...]]:
        own, other = work / "own" / "venv", work / "other" / "venv"
        builder.install(make_bundle(work / "made").bundle, own)
        builder.install(make_bundle(work / "other", name="another-service", module="another").bundle, other)
        (work / "empty").mkdir()
        sound = _scan(scanner, own, _OWN)
        planted = [
            _told("the environment of another artifact", _scan(scanner, other, _OWN)),
            _told("the artifact in another version", _scan(scanner, own, ((NAME, "1.1"),))),
            _told("a locked package that is not installed", _scan(scanner, own, (*_OWN, ("left-out", "2.0")))),
            _told("an empty environment", _scan(scanner, work / "empty", _OWN)),
        ]
        if sound.reason is not None or not sound.names_artifact:
            planted.append(unshown("the artifact itself", expected="listed", got=sound.reason or "not listed"))
        return Tool(name=sound.scanner.name, version=sound.scanner.version), tuple(planted)

    return plant


def _scan(scanner: SBOMScanner, installed: Path, expected: tuple[tuple[str, str], ...]) -> SBOMScan:
    return scanner.scan(installed, expected=expected, timeout=_TIMEOUT)


def _told(fault: str, scan: SBOMScan) -> Planted:
    # A scanner that did not run has seen no fault: only these two words come from a list that was read.
    seen = scan.reason in {"artifact-not-listed", "packages-not-listed"}
    return told(fault, expected="not listed", got=scan.reason or "a complete list", caught=seen)

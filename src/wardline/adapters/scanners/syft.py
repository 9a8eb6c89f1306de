"""Syft: what an installed bundle is made of, as CycloneDX.

Syft ends with exit code 0 and an empty list for a wheel, a source tree or an empty folder. So only an installed
environment is scanned, and only a list that names every package of the artifact counts as having looked.
"""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

from packaging.utils import canonicalize_name, canonicalize_version

from wardline.adapters.scanners.programs import UNKNOWN, CouldNotLook, Programs
from wardline.canonical import JSON, JSONObject
from wardline.findings.scanning import SBOMScan, ScannerId

_NAME: Final = "syft"


@dataclass(frozen=True, slots=True, kw_only=True)
class Syft:
    """Answers SBOMScanner."""

    programs: Programs

    def scan(self, installed: Path, *, expected: tuple[tuple[str, str], ...], timeout: timedelta) -> SBOMScan:
        """See SBOMScanner."""
        try:
            report = self._report(installed, expected, timeout)
            listed = _listed(report)
        except CouldNotLook as why:
            return _not_looked(why)
        lacking = sorted({_normal(*package) for package in expected} - listed)
        names_artifact = bool(expected) and _normal(*expected[0]) in listed
        return SBOMScan(
            scanner=ScannerId(name=_NAME, version=_version(report)),
            spec_version=str(report.get("specVersion", UNKNOWN)),
            components=len(listed),
            names_artifact=names_artifact,
            reason=_reason(names_artifact=names_artifact, lacking=lacking),
            report=self.programs.masked(report),
            remedy=f"syft does not list {', '.join(name for name, _ in lacking[:5])}." if lacking else None,
        )

    def _report(self, installed: Path, expected: tuple[tuple[str, str], ...], timeout: timedelta) -> JSONObject:
        if not installed.is_dir() or not expected:
            raise CouldNotLook("nothing-to-look-at", f"There is no installed artifact at {installed}.")
        name, version = expected[0]
        what = ("scan", "--quiet", f"dir:{installed.resolve()}", "--source-name", name, "--source-version", version)
        return self.programs.report(
            _NAME, *what, "--output", "cyclonedx-json", timeout=timeout, accepts=range(1), cwd=None
        )


def _reason(*, names_artifact: bool, lacking: list[tuple[str, str]]) -> str | None:
    if not names_artifact:
        return "artifact-not-listed"
    return "packages-not-listed" if lacking else None


def _listed(report: JSONObject) -> set[tuple[str, str]]:
    """Return name and version of every Python distribution in a CycloneDX document."""
    match report:
        case {"bomFormat": "CycloneDX", "specVersion": str(), "components": list(components)}:
            return {named for component in components if (named := _distribution(component)) is not None}
        case {"bomFormat": "CycloneDX", "specVersion": str()}:
            return set()  # CycloneDX leaves out an empty list
        case _:
            raise CouldNotLook("report-malformed", "syft wrote no CycloneDX document.")


def _distribution(component: JSON) -> tuple[str, str] | None:
    match component:
        case {"name": str(name), "version": str(version), "purl": str(purl)} if purl.startswith("pkg:pypi/"):
            return _normal(name, version)
        case _:
            return None


def _normal(name: str, version: str) -> tuple[str, str]:
    return canonicalize_name(name), canonicalize_version(version)


def _version(report: JSONObject) -> str:
    match report:
        case {"metadata": {"tools": {"components": [{"name": "syft", "version": str(version)}, *_]}}}:
            return version
        case _:
            return UNKNOWN


def _not_looked(why: CouldNotLook) -> SBOMScan:
    return SBOMScan(
        scanner=ScannerId(name=_NAME, version=UNKNOWN),
        spec_version=UNKNOWN,
        components=0,
        names_artifact=False,
        reason=why.reason,
        report=None,
        remedy=why.remedy,
    )

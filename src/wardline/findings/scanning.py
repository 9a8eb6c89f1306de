"""Scanners, as the use cases see them: what they looked at, what they found, or why they could not look."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Protocol

from wardline.findings.advisories.mirror import Snapshot
from wardline.findings.finding import Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class ScannerId:
    """Which program looked. The version is `unknown` where it did not even start."""

    name: str
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LookedAt:
    files: int
    lines: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeScan:
    """What a code scanner saw. `reason` is None if it looked, else a code such as `timed-out`: then
    `findings` is empty and says nothing.
    """

    scanner: ScannerId
    looked_at: LookedAt
    findings: tuple[Finding, ...]
    reason: str | None
    report: bytes | None  # the scanner's own, masked, JSON
    remedy: str | None = None  # for people: what was missing and what to do
    advisories: Snapshot | None = None  # what was known, where known vulnerabilities were looked up


@dataclass(frozen=True, slots=True, kw_only=True)
class SBOMScan:
    """A bill of materials (CycloneDX). `reason` is None if it is one of this artifact, else a code."""

    scanner: ScannerId
    spec_version: str
    components: int
    names_artifact: bool  # the service's own distribution is among the components, in this version
    reason: str | None
    report: bytes | None  # CycloneDX JSON, masked
    remedy: str | None = None


class CodeScanner(Protocol):
    """Looks for weaknesses in source text.

    It MUST say `reason` when it did not look at every file it was asked to: clean means looked at.
    It never raises for what the scanned source holds.
    """

    def scan(self, source: Path, *, paths: tuple[str, ...], timeout: timedelta) -> CodeScan:
        """Look at the source files below `paths` of the folder `source`."""
        ...


class DependencyScanner(Protocol):
    """Looks up known vulnerabilities of components. It MUST say `reason` unless it could judge every one of them."""

    def scan(self, sbom: bytes | None) -> CodeScan:
        """Judge the components of a CycloneDX or SPDX document; None: nobody could list them."""
        ...


class SBOMScanner(Protocol):
    """Lists what an installed artifact is made of. It MUST say `reason` unless the artifact itself is listed."""

    def scan(self, installed: Path, *, expected: tuple[tuple[str, str], ...], timeout: timedelta) -> SBOMScan:
        """Look into the environment `installed`.

        Args:
            installed: The root of the virtual environment that holds the artifact and nothing else.
            expected: Names and versions of its distributions, the service's own first.
            timeout: After which the scanner is killed and the reason is `timed-out`.
        """
        ...

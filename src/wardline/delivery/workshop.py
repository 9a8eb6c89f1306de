"""The workshop: what the stations before the first gate work with."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from wardline.canonical import Digest
from wardline.changes.repository import Repository
from wardline.findings.scanning import CodeScanner, DependencyScanner, SBOMScanner
from wardline.identity.people import People
from wardline.ids import RunId
from wardline.pipelines.building import Builder, Tester
from wardline.predicates import BlobRef


class Rooms(Protocol):
    """Folders of this machine where a run works; nothing in them outlives the run."""

    def fresh(self, run: RunId, name: str) -> Path:
        """Return an empty folder; whatever a killed attempt left in it is gone."""
        ...

    def of(self, run: RunId, name: str) -> Path:
        """Return the folder that `fresh` made before."""
        ...

    def clear(self, run: RunId) -> None:
        """Remove all folders of the run. Clearing twice changes nothing."""
        ...


class Bundles(Protocol):
    """Keeps the artifacts themselves, by digest."""

    def keep(self, bundle: Path) -> BlobRef:
        """Keep a copy of the file, durably; keeping it twice changes nothing."""
        ...

    def path_of(self, digest: Digest) -> Path:
        """Return where it is kept.

        Raises:
            NotFound: It is not.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Workshop:
    """Scanners by the names that wardline.yaml knows them by."""

    repository: Repository
    people: People
    builder: Builder
    tester: Tester
    code_scanners: Mapping[str, CodeScanner]
    sbom_scanner: SBOMScanner
    bundles: Bundles
    rooms: Rooms
    version: str  # of Wardline, for the provenance
    dependency_scanners: Mapping[str, DependencyScanner] = field(default_factory=dict)

"""Artifacts: the closed, hash-locked bundle that is shipped, known everywhere by one digest."""

from dataclasses import dataclass

from wardline.canonical import Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """One distribution inside a bundle, pinned by the digest of its wheel."""

    name: str  # normalised as in PEP 503
    version: str
    filename: str
    digest: Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """A service with every dependency, installable offline. `packages` includes the service itself."""

    digest: Digest  # of the bundle file
    size_bytes: int
    name: str  # the service's own distribution
    version: str
    packages: tuple[Package, ...]

"""Wheels: what one says about itself, and whether a set of them is closed.

Source: https://packaging.python.org/specifications/binary-distribution-format/
"""

import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import file_digest
from pathlib import Path, PurePosixPath
from typing import Final, Self

from packaging.metadata import parse_email
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename

from wardline.canonical import Digest
from wardline.changes.artifacts import Package
from wardline.errors import InvalidInput

_MAX_METADATA: Final = 4 << 20  # bytes; the longest METADATA seen is 200 KiB


@dataclass(frozen=True, slots=True, kw_only=True)
class Wheel:
    """One wheel on the disk. `requires` are its Requires-Dist, markers and all."""

    path: Path
    package: Package
    requires: tuple[Requirement, ...]
    extras: tuple[str, ...]  # that it provides, normalised as in PEP 685

    @classmethod
    def read(cls, path: Path) -> Self:
        """Return the wheel at `path`.

        Raises:
            InvalidInput: It is no wheel, or its name and its metadata disagree.
        """
        try:
            name, version, _, _ = parse_wheel_filename(path.name)
            with zipfile.ZipFile(path) as archive:
                names = archive.namelist()
                raw, _ = parse_email(_metadata(archive, names))
            requires = tuple(Requirement(text) for text in raw.get("requires_dist", []))
        except (InvalidWheelFilename, InvalidRequirement, zipfile.BadZipFile, KeyError, OSError, ValueError) as error:
            raise InvalidInput(f"{path.name} is no valid wheel: {type(error).__name__}") from error
        if canonicalize_name(raw.get("name", "")) != name or raw.get("version") is None:
            raise InvalidInput(f"{path.name} is no valid wheel: its metadata names {raw.get('name')!r}, not {name!r}")
        with path.open("rb") as file:
            digest = Digest(file_digest(file, "sha256").hexdigest())
        package = Package(name=name, version=str(version), filename=path.name, digest=digest)
        extras = tuple(canonicalize_name(extra) for extra in raw.get("provides_extra", []))
        return cls(path=path, package=package, requires=requires, extras=extras)


def missing(wheels: Iterable[Wheel], wanted: Sequence[Requirement]) -> tuple[str, ...]:
    """Return what `wanted` needs, directly or not, on this interpreter and `wheels` does not have."""
    present = {wheel.package.name: wheel for wheel in wheels}
    seen: set[tuple[str, str]] = set()
    lacking: list[str] = []
    todo = list(wanted)
    while todo:
        requirement = todo.pop()
        name = canonicalize_name(requirement.name)
        wheel = present.get(name)
        if wheel is None or not requirement.specifier.contains(wheel.package.version, prereleases=True):
            lacking.append(str(requirement))
            continue
        for extra in sorted({"", *requirement.extras}):
            if (name, extra) not in seen:
                seen.add((name, extra))
                todo += [r for r in wheel.requires if r.marker is None or r.marker.evaluate({"extra": extra})]
    return tuple(dict.fromkeys(lacking))


def _metadata(archive: zipfile.ZipFile, names: Sequence[str]) -> bytes:
    name = next((n for n in names if n.count("/") == 1 and n.endswith(".dist-info/METADATA")), "METADATA")
    if archive.getinfo(name).file_size > _MAX_METADATA:
        raise ValueError(name)
    return archive.read(name)


def top_level(names: Iterable[str]) -> tuple[str, ...]:
    """Return what can be imported from a distribution with these files: packages and modules at the top."""
    roots = set()
    for name in names:
        parts = PurePosixPath(name).parts
        if parts[0].endswith(".data") and parts[1:2] in {("purelib",), ("platlib",)}:
            parts = parts[2:]
        if not parts or parts[0] == ".." or parts[0].endswith((".dist-info", ".data", ".pth")):
            continue
        if len(parts) > 1:
            roots.add(parts[0])
        elif parts[0].endswith((".py", ".so")):
            roots.add(parts[0].split(".")[0])
    return tuple(sorted(roots))

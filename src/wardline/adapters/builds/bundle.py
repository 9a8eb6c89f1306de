"""The bundle file: an uncompressed tar of wheels with a manifest and a lock. See docs/reference/bundle-format.md.

Same wheels, same bytes: members are sorted, and times, owners and modes are fixed.
"""

import io
import sys
import sysconfig
import tarfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import file_digest, sha256
from itertools import pairwise
from pathlib import Path
from typing import IO, Final

from wardline import canonical
from wardline.adapters.builds.wheels import Wheel
from wardline.canonical import JSON, Digest, JSONObject
from wardline.changes.artifacts import Artifact, Package
from wardline.errors import IntegrityViolation, InvalidInput, Unavailable

FORMAT: Final = "https://wardline.dev/bundle/v1"
_MANIFEST, _LOCK, _WHEELS = "bundle.json", "requirements.lock", "wheels/"
_CHUNK: Final = 1 << 20  # bytes
_MAX_MANIFEST: Final = 4 << 20  # bytes; 20,000 packages


def pack(wheels: Iterable[Wheel], into: Path, *, service: Wheel) -> Artifact:
    """Write the bundle of `wheels`, with `service` among them, to the file `into`.

    Raises:
        InvalidInput: Two wheels are of one package.
    """
    ordered = sorted(wheels, key=lambda wheel: wheel.package.name)
    packages = tuple(wheel.package for wheel in ordered)
    for one, next_one in pairwise(packages):
        if one.name == next_one.name:
            raise InvalidInput(f"two wheels of {one.name}: {one.filename} and {next_one.filename}; expected one")
    with tarfile.open(into, "w", format=tarfile.PAX_FORMAT) as tar:
        _add(tar, _MANIFEST, _manifest(service.package, packages))
        _add(tar, _LOCK, _lock(packages))
        for wheel in sorted(ordered, key=lambda wheel: wheel.path.name):
            with wheel.path.open("rb") as file:
                tar.addfile(_member(_WHEELS + wheel.path.name, wheel.path.stat().st_size), file)
    with into.open("rb") as file:
        digest = Digest(file_digest(file, "sha256").hexdigest())
    return Artifact(
        digest=digest,
        size_bytes=into.stat().st_size,
        name=service.package.name,
        version=service.package.version,
        packages=packages,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What a bundle says it holds: the service `name`, and all packages, the service among them."""

    name: str
    packages: tuple[Package, ...]


def contents(bundle: Path) -> Contents:
    """Return what `bundle` holds, without looking into its wheels.

    Raises:
        IntegrityViolation, InvalidInput, Unavailable: As `opened`.
    """
    with _tar(bundle) as tar:
        return _verified(tar)


@contextmanager
def opened(bundle: Path) -> Iterator[Iterator[tuple[Package, IO[bytes]]]]:
    """Open `bundle` and yield its packages with their wheels, each checked against the lock.

    Raises:
        IntegrityViolation: It is no bundle, or holds anything but what its manifest and its lock say.
        InvalidInput: It was made for another interpreter or platform.
        Unavailable: It cannot be read.
    """
    with _tar(bundle) as tar:
        yield ((package, _wheel(tar, package)) for package in _verified(tar).packages)


def interpreter() -> JSONObject:
    """Return which interpreters can run what is bundled here."""
    return {
        "implementation": sys.implementation.name,
        "version": f"{sys.version_info.major}.{sys.version_info.minor}",
        "platform": sysconfig.get_platform(),
    }


def _manifest(service: Package, packages: tuple[Package, ...]) -> bytes:
    listed: list[JSON] = [
        {"name": p.name, "version": p.version, "filename": p.filename, "sha256": p.digest.hex} for p in packages
    ]
    return canonical.encode(
        {
            "format": FORMAT,
            "name": service.name,
            "version": service.version,
            "python": interpreter(),
            "packages": listed,
        }
    )


def _lock(packages: tuple[Package, ...]) -> bytes:
    return "".join(f"{p.name}=={p.version} --hash=sha256:{p.digest.hex}\n" for p in packages).encode()


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    tar.addfile(_member(name, len(content)), io.BytesIO(content))


def _member(name: str, size: int) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)  # owner 0, no names, time 0
    member.size = size
    member.mode = 0o644
    return member


@contextmanager
def _tar(bundle: Path) -> Iterator[tarfile.TarFile]:
    try:
        with tarfile.open(bundle, "r:") as tar:
            yield tar
    except tarfile.TarError as error:
        raise IntegrityViolation(f"{bundle.name} is no bundle: not a complete tar file") from error
    except FileNotFoundError as error:
        raise Unavailable(f"the bundle {bundle.name} is gone; expected it at {bundle.parent}") from error


def _verified(tar: tarfile.TarFile) -> Contents:
    """Return what is in a bundle whose members are exactly what its manifest says."""
    members = tar.getmembers()
    names = [member.name for member in members]
    if names[:2] != [_MANIFEST, _LOCK] or not all(member.isreg() for member in members):
        raise IntegrityViolation(f"not a bundle: expected {_MANIFEST}, {_LOCK} and wheels, all of them plain files")
    found = _contents(_read(tar, members[0]))
    if names[2:] != sorted(_WHEELS + package.filename for package in found.packages):
        raise IntegrityViolation("the bundle does not hold exactly the wheels that its manifest names")
    if _read(tar, members[1]) != _lock(found.packages):
        raise IntegrityViolation("the lock of the bundle does not say what its manifest says")
    return found


def _contents(manifest: bytes) -> Contents:
    try:
        document = canonical.decode(manifest)
    except InvalidInput as error:
        raise IntegrityViolation("the manifest of the bundle is not canonical JSON") from error
    match document:
        case {"format": str(kind), "name": str(name), "python": python, "packages": list(packages)} if kind == FORMAT:
            if python != interpreter():
                raise InvalidInput(
                    f"the bundle was made for {python}, this machine runs {interpreter()}",
                    remedy="Build it again with this interpreter, or run Wardline with that one.",
                )
            return Contents(name=name, packages=tuple(_package(package) for package in packages))
        case _:
            raise IntegrityViolation(f"the manifest of the bundle is not of the format {FORMAT}")


def _package(document: JSON) -> Package:
    match document:
        case {"name": str(name), "version": str(version), "filename": str(filename), "sha256": str(digits), **rest} if (
            not rest and filename.endswith(".whl") and "/" not in filename
        ):
            return Package(name=name, version=version, filename=filename, digest=Digest(digits))
        case _:
            raise IntegrityViolation("a package in the manifest of the bundle is malformed")


def _read(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = tar.extractfile(member)
    if file is None or member.size > _MAX_MANIFEST:
        raise IntegrityViolation(f"{member.name} of the bundle is no readable file of at most {_MAX_MANIFEST} bytes")
    return file.read()


def _wheel(tar: tarfile.TarFile, package: Package) -> IO[bytes]:
    """Return the wheel of `package`, open at its start and of the digest that the lock names."""
    file = tar.extractfile(_WHEELS + package.filename)
    if file is None:
        raise IntegrityViolation(f"{package.filename} of the bundle is no file")
    found = sha256()
    while chunk := file.read(_CHUNK):
        found.update(chunk)
    if found.hexdigest() != package.digest.hex:
        raise IntegrityViolation(
            f"{package.filename} has digest sha256:{found.hexdigest()}, the lock says {package.digest}"
        )
    file.seek(0)
    return file

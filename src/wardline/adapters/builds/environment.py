"""Virtual environments: made from a bundle without the network and without pip, or empty with pip for a build."""

import importlib.metadata
import shutil
import sys
import tempfile
import venv
import zipfile
from collections.abc import Callable, Iterable
from datetime import timedelta
from hashlib import file_digest
from pathlib import Path
from typing import IO, Final

from installer import install as install_wheel
from installer.destinations import SchemeDictionaryDestination
from installer.exceptions import InstallerError
from installer.sources import WheelFile
from packaging.utils import canonicalize_name

from wardline.adapters.builds.bundle import opened
from wardline.adapters.builds.wheels import top_level
from wardline.adapters.process import Command, capture
from wardline.changes.artifacts import Package
from wardline.errors import IntegrityViolation, Unavailable

_MARK: Final = "wardline-bundle.sha256"  # written last and renamed in with everything: what is there is complete
_INSTALLER: Final = "wardline\n"
_Finish = Callable[[Path, Path], None]  # where it lies, and where it will lie
_COMPILE_TIMEOUT: Final = timedelta(minutes=5)  # for a gigabyte of sources; missing bytecode only costs start-up time


def empty(into: Path) -> None:
    """Make `into` a virtual environment with nothing in it."""
    venv.EnvBuilder(symlinks=True, with_pip=False).create(into)


def provide_pip(environment: Path) -> None:
    """Put a copy of Wardline's own pip into `environment`: build commands say `python -m pip`.

    Raises:
        Unavailable: Wardline's own environment has no pip.
    """
    try:
        files = importlib.metadata.distribution("pip").files or ()
    except importlib.metadata.PackageNotFoundError as error:
        raise Unavailable("pip is not installed beside Wardline", remedy="pip install pip") from error
    destination = site_packages(environment)
    # Copied with its times, so that its bytecode stays valid; a link would let a build change Wardline's own pip.
    for top in {file.parts[0] for file in files if file.parts[0] not in {"..", "__pycache__"}}:
        shutil.copytree(Path(str(importlib.metadata.distribution("pip").locate_file(top))), destination / top)
    for name in ("pip", "pip3"):
        script = environment / "bin" / name
        script.write_text(f"#!/bin/sh\nexec '{environment / 'bin' / 'python'}' -m pip \"$@\"\n")
        script.chmod(0o755)


def install(bundle: Path, into: Path) -> None:
    """Make `into` a virtual environment that holds `bundle` and nothing else. Done already: nothing happens.

    Raises:
        IntegrityViolation: The bundle does not hold what its lock says, or `into` holds something else.
        Unavailable: It could not be written.
    """
    _provide(bundle, into, finish=_leave_as_it_is)


def install_to_serve(bundle: Path, into: Path) -> None:
    """Do what `install` does, and compile it all: what serves starts fast and writes nothing beside its code.

    Raises:
        IntegrityViolation: As `install`.
        Unavailable: As `install`.
    """
    _provide(bundle, into, finish=_compile)


def site_packages(environment: Path) -> Path:
    return environment / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"


def importable(environment: Path, name: str) -> tuple[str, ...]:
    """Return the packages and modules that the distribution `name` brought into `environment`."""
    found = next((d for d in _distributions(environment) if canonicalize_name(d.name) == name), None)
    return top_level(str(file) for file in found.files or ()) if found is not None else ()


def not_from_bundle(environment: Path, packages: Iterable[Package]) -> tuple[str, ...]:
    """Return those of the bundle's packages that somebody has removed or put in anew since."""
    ours = {
        canonicalize_name(d.name): d.version
        for d in _distributions(environment)
        if d.read_text("INSTALLER") == _INSTALLER
    }
    return tuple(p.name for p in packages if ours.get(canonicalize_name(p.name)) != p.version)


def _distributions(environment: Path) -> Iterable[importlib.metadata.Distribution]:
    return importlib.metadata.distributions(path=[str(site_packages(environment))])


def _is_installed(bundle: Path, into: Path) -> bool:
    mark = into / _MARK
    if mark.is_file() and mark.read_text() == _digest(bundle):
        return True
    if into.exists() and any(into.iterdir()):
        raise IntegrityViolation(
            f"{into} exists and is no complete installation of {bundle.name}", remedy="Remove it, and try again."
        )
    return False


def _provide(bundle: Path, into: Path, *, finish: _Finish) -> None:
    try:
        if not _is_installed(bundle, into):
            _install(bundle, into.absolute(), finish)  # scripts name their interpreter by its whole path
    except OSError as error:
        raise Unavailable(f"cannot install {bundle.name}: {error.strerror}") from error


def _install(bundle: Path, into: Path, finish: _Finish) -> None:
    into.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=f".{into.name}.", dir=into.parent))
    try:
        empty(partial)
        for activation in partial.glob("bin/[aA]ctivate*"):
            activation.unlink()  # they hold the path it will not keep, and nobody activates it
        with opened(bundle) as wheels:
            for package, wheel in wheels:
                _install_wheel(wheel, package.filename, partial, final=into)
        finish(partial, into)
        (partial / _MARK).write_text(_digest(bundle))
        partial.rename(into)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise


def _install_wheel(wheel: IO[bytes], name: str, partial: Path, *, final: Path) -> None:
    library = str(site_packages(partial))
    folders = {
        "purelib": library,
        "platlib": library,
        "scripts": str(partial / "bin"),
        "data": str(partial),
        "headers": str(partial / "include"),
    }
    # Scripts name the interpreter by the path at which it will be.
    destination = SchemeDictionaryDestination(
        folders, interpreter=str(final / "bin" / "python"), script_kind="posix", overwrite_existing=True
    )
    try:
        with zipfile.ZipFile(wheel) as archive:
            archive.filename = name  # it was opened as a part of the tar, whose name it took
            install_wheel(WheelFile(archive), destination, {"INSTALLER": _INSTALLER.encode()})
    except (InstallerError, zipfile.BadZipFile, ValueError, KeyError) as error:
        raise IntegrityViolation(f"{name} is no wheel that can be installed: {error}") from error


def _leave_as_it_is(_partial: Path, _final: Path) -> None:
    """Compile nothing: what is looked at, or runs once, compiles what it imports."""


def _compile(partial: Path, final: Path) -> None:
    """Compile to bytecode now, in two processes; what does not compile is nobody's import, or fails there."""
    library = site_packages(partial)
    python = str(partial / "bin" / "python")
    moved = ("-s", str(partial), "-p", str(final))
    capture(
        Command(
            arguments=(python, "-I", "-m", "compileall", "-q", "-q", "-j", "2", *moved, str(library)),
            cwd=partial,
            env={},
            timeout=_COMPILE_TIMEOUT,
        )
    )


def _digest(bundle: Path) -> str:
    with bundle.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()

"""Installed releases: put in place once, kept for a quick way back, forgotten in the end."""

import hashlib
import os
import shutil
from collections.abc import Callable, Container
from pathlib import Path

from wardline.adapters.targets.local.folder import EnvironmentFolder, translated
from wardline.canonical import Digest
from wardline.deployments.plans import Release
from wardline.errors import IntegrityViolation
from wardline.ids import ReleaseId

KEPT_RELEASES = 3  # that do not run: the way back needs one, a way back from that another, and one to compare
_MARK = "installed"  # written last: without it an interrupted installation is thrown away


def install(
    place: EnvironmentFolder,
    release: Release,
    *,
    artifact: Callable[[Digest], Path],
    installer: Callable[[Path, Path], None],
) -> None:
    """Install `release` into its folder unless that has been done.

    Raises:
        IntegrityViolation: The bundle is not the one the release names, or its id stands for another one here.
    """
    folder = place.release(release.id)
    with translated(f"the folder of release {release.id}"):
        found = (folder / _MARK).read_text() if (folder / _MARK).exists() else None
    if found is not None and found != release.artifact.hex:
        # The id holds but a part of a digest: it must never make one artifact pass for another.
        raise IntegrityViolation(f"release {release.id} is installed from sha256:{found}, expected {release.artifact}")
    if found is not None:
        return
    bundle = artifact(release.artifact)
    with translated(f"the folder of release {release.id}"):
        with bundle.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if found != release.artifact.hex:
            raise IntegrityViolation(
                f"the bundle of release {release.id} has digest sha256:{found}, expected {release.artifact}"
            )
        if folder.exists():
            shutil.rmtree(folder)
        folder.mkdir(mode=0o700)
    # In its final place and not renamed into it: the scripts of a virtual environment hold its path.
    installer(bundle, folder / "venv")
    with translated(f"the folder of release {release.id}"):
        (folder / _MARK).write_text(release.artifact.hex)


def touch(place: EnvironmentFolder, release: ReleaseId) -> None:
    """Note that `release` was in use until now."""
    mark = place.release(release) / _MARK
    if mark.exists():
        os.utime(mark)


def forget_old(place: EnvironmentFolder, running: Container[str]) -> None:
    """Remove installations, and logs, of all but the releases in use and the last few that were."""
    with translated(f"the releases of environment {place.environment}"):
        idle = [folder for folder in (place.path / "releases").iterdir() if folder.name not in running]
        idle.sort(key=lambda folder: (folder / _MARK).stat().st_mtime if (folder / _MARK).exists() else 0.0)
        for folder in idle[:-KEPT_RELEASES]:
            shutil.rmtree(folder)
            for log in (place.path / "logs").glob(f"{folder.name}.*.log*"):
                log.unlink()

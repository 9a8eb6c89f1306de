"""How an instance is started: its command, and its variables with the secrets looked up."""

import json
import os
import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from wardline.adapters.targets.local.folder import EnvironmentFolder, translated
from wardline.adapters.targets.local.supervisor.shapes import Wanted
from wardline.adapters.targets.local.supervisor.slots import SLOTS
from wardline.deployments.plans import Release
from wardline.errors import InvalidInput
from wardline.ids import ReleaseId
from wardline.pipelines.spec import SecretRef, SecretSource

_MAX_SECRET_BYTES = 64 << 10  # larger than any key or certificate chain; a wrong path may name anything
_SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin"
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_OURS = ("PATH", "PORT")  # and all that begin with WARDLINE_


def variables_of(place: EnvironmentFolder, release: Release, environ: Mapping[str, str]) -> Mapping[str, str]:
    """Return every variable of an instance but PORT; nothing is inherited.

    Raises:
        InvalidInput: A secret reference leads to nothing, or a name cannot be used.
    """
    problems = [
        f"{name}: Wardline sets this variable itself" if _VARIABLE.fullmatch(name) else f"{name!r}: no variable name"
        for name in (*release.config, *release.secrets)
        if _VARIABLE.fullmatch(name) is None or name in _OURS or name.startswith("WARDLINE_")
    ]
    secrets = {}
    for name, reference in release.secrets.items():
        try:
            secrets[name] = _look_up(reference, environ)
        except _MissingError as missing:
            problems.append(f"{name}: {reference} {missing}")
    if problems:
        raise InvalidInput(
            f"release {release.id} cannot be configured for {place.environment}: " + "; ".join(problems),
            remedy="Set what the references name where Wardline runs, or correct them in wardline.yaml.",
            problems=problems,
        )
    return MappingProxyType(
        {
            "LANG": "C.UTF-8",
            **release.config,
            **secrets,
            "PATH": f"{place.release(release.id) / 'venv' / 'bin'}:{_SYSTEM_PATH}",
            "WARDLINE_ENVIRONMENT": place.environment.name,
            "WARDLINE_RELEASE": release.id,
            "WARDLINE_DATA_DIR": str(place.data),
        }
    )


def wanted(place: EnvironmentFolder, release: Release) -> Wanted:
    """Return how the supervisor is to run `release`.

    Raises:
        InvalidInput: The command is empty or badly quoted, or there are too many or too few instances.
    """
    try:
        argv = tuple(shlex.split(release.start.command))
    except ValueError as error:
        raise InvalidInput(f"start command {release.start.command!r} is badly quoted: {error}") from error
    if not argv:
        raise InvalidInput("the start command is empty", remedy="State start.command in wardline.yaml.")
    if not 1 <= release.instances <= SLOTS:
        raise InvalidInput(f"{release.instances} instances; this target runs 1 to {SLOTS} of a release")
    return Wanted(
        argv=argv,
        folder=str(place.release(release.id)),
        environment=str(variables_file(place, release.id)),
        instances=release.instances,
        health=release.start.health,
    )


def keep(place: EnvironmentFolder, release: ReleaseId, variables: Mapping[str, str]) -> None:
    """Write the variables where the supervisor finds them at each restart: the one file that holds secrets."""
    path = variables_file(place, release)
    with translated(f"{path.name} of release {release}"):
        temporary = path.with_suffix(".new")
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(dict(variables), file)
        temporary.replace(path)


def forget(place: EnvironmentFolder, release: ReleaseId) -> None:
    """Remove the variables of a release that runs no more; a new start looks its secrets up again."""
    path = variables_file(place, release)
    with translated(f"{path.name} of release {release}"):
        path.unlink(missing_ok=True)


def variables_file(place: EnvironmentFolder, release: ReleaseId) -> Path:
    return place.release(release) / "environment.json"


class _MissingError(Exception):
    """Why a reference leads to nothing; never a value."""


def _look_up(reference: SecretRef, environ: Mapping[str, str]) -> str:
    match reference.source:
        case SecretSource.ENV:
            if reference.locator not in environ:
                raise _MissingError("is not set")
            value = environ[reference.locator]
        case SecretSource.FILE:
            value = _read(Path(reference.locator))
    if not value.strip():
        raise _MissingError("is empty")
    if "\0" in value:
        raise _MissingError("holds a NUL character")
    return value


def _read(path: Path) -> str:
    if not path.is_absolute():
        raise _MissingError("is no absolute path")
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_SECRET_BYTES + 1)
        if len(content) > _MAX_SECRET_BYTES:
            raise _MissingError(f"is larger than {_MAX_SECRET_BYTES} bytes")
        return content.decode().removesuffix("\n")
    except OSError as error:
        raise _MissingError(f"cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise _MissingError("is not UTF-8 text") from error

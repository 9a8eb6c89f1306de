"""Releases as documents: what is kept of one so that it can be deployed again, years later."""

from datetime import timedelta

from wardline import canonical
from wardline.canonical import Digest, JSONObject
from wardline.deployments.plans import Release
from wardline.errors import IntegrityViolation
from wardline.ids import ReleaseId
from wardline.pipelines.spec import EnvironmentSpec, SecretRef, SecretSource, StartSpec

RELEASE_DOCUMENT = "application/vnd.wardline.release+json"


def release_of(environment: EnvironmentSpec, *, start: StartSpec, artifact: Digest, version: str) -> Release:
    """Return the release of `artifact` for `environment`; its id says artifact and configuration."""
    release = Release(
        id=ReleaseId(""),
        version=version,
        artifact=artifact,
        start=start,
        config=dict(environment.config),
        secrets=dict(environment.secrets),
        instances=environment.target.instances,
        port=environment.target.port,
    )
    return _named(release)


def to_document(release: Release) -> bytes:
    """Return the canonical document. It holds references to secrets, never their values."""
    return canonical.encode(_fields(release) | {"id": release.id})


def from_document(content: bytes) -> Release:
    """Return the release that `content` describes.

    Raises:
        IntegrityViolation: It is no release document, or its id is not that of its content.
    """
    match canonical.decode(content):
        case {
            "id": str(release_id),
            "version": str(version),
            "artifact": str(artifact),
            "start": {"command": str(command), "health": str(health), "timeout_ms": int(timeout_ms)},
            "config": dict(config),
            "secrets": dict(secrets),
            "instances": int(instances),
            "port": int() | None as port,
        }:
            release = _named(
                Release(
                    id=ReleaseId(""),
                    version=version,
                    artifact=Digest.parse(artifact),
                    start=StartSpec(command=command, health=health, timeout=timedelta(milliseconds=timeout_ms)),
                    config={name: str(value) for name, value in config.items()},
                    secrets={name: _secret(str(text)) for name, text in secrets.items()},
                    instances=instances,
                    port=port,
                ),
            )
            if release.id != release_id:
                raise IntegrityViolation(f"release document: expected id {release.id}, got {release_id}")
            return release
        case _:
            raise IntegrityViolation("not a release document")


def _named(release: Release) -> Release:
    short = canonical.digest_of(_fields(release)).short[:8]
    return Release(
        id=ReleaseId(f"{release.version}-{short}"),
        version=release.version,
        artifact=release.artifact,
        start=release.start,
        config=release.config,
        secrets=release.secrets,
        instances=release.instances,
        port=release.port,
    )


def _fields(release: Release) -> JSONObject:
    return {
        "version": release.version,
        "artifact": str(release.artifact),
        "start": {
            "command": release.start.command,
            "health": release.start.health,
            "timeout_ms": round(release.start.timeout.total_seconds() * 1000),
        },
        "config": dict(release.config),
        "secrets": {name: str(reference) for name, reference in release.secrets.items()},
        "instances": release.instances,
        "port": release.port,
    }


def _secret(text: str) -> SecretRef:
    source, _, locator = text.partition(":")
    return SecretRef(source=SecretSource(source), locator=locator)

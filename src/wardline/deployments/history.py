"""What an environment runs, as a fold over deployment evidence: the log knows, no table has to."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from wardline import canonical
from wardline.canonical import Digest
from wardline.deployments.predicates import DEPLOYMENT, Phase, ReleaseRef
from wardline.environments.observations import EnvironmentKey
from wardline.errors import IntegrityViolation
from wardline.evidence.log import Evidence
from wardline.ids import DeploymentId, EnvironmentName, ReleaseId, RunId
from wardline.predicates import BlobRef

ENDED = frozenset({Phase.SUCCEEDED, Phase.ROLLED_BACK, Phase.FAILED, Phase.STOPPED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """One deployment statement, read back."""

    index: int
    run: RunId | None
    at: datetime
    deployment: DeploymentId
    environment: EnvironmentKey
    release: ReleaseRef
    previous: ReleaseRef | None
    serving: ReleaseId | None
    decision: int
    phase: Phase
    reason: str | None

    @property
    def ended(self) -> bool:
        return self.phase in ENDED


def read(evidence: Iterable[Evidence]) -> tuple[Moved, ...]:
    """Return the deployment statements among `evidence`, in log order."""
    return tuple(_moved(item) for item in evidence if item.statement.predicate_type == DEPLOYMENT)


def serving(history: Iterable[Moved], environment: EnvironmentKey) -> tuple[ReleaseRef, int] | None:
    """Return what `environment` serves and the Allow it was deployed under, or None where it serves nothing.

    Unfinished deployments do not count: until one ends, what served before is the truth to go back to.
    """
    known: dict[ReleaseId, tuple[ReleaseRef, int]] = {}
    current: ReleaseId | None = None
    for moved in history:
        if moved.environment != environment or not moved.ended:
            continue
        if moved.serving == moved.release.id:
            known[moved.release.id] = (moved.release, moved.decision)
        current = moved.serving
    return None if current is None else known.get(current)


def allowed_before(history: Iterable[Moved], environment: EnvironmentKey) -> tuple[tuple[ReleaseRef, int], ...]:
    """Return every release that ever served in `environment` with its Allow, newest first, each once."""
    found: dict[ReleaseId, tuple[ReleaseRef, int]] = {}
    for moved in history:
        if moved.environment == environment and moved.phase is Phase.SUCCEEDED and moved.serving == moved.release.id:
            found.pop(moved.release.id, None)
            found[moved.release.id] = (moved.release, moved.decision)
    return tuple(reversed(found.values()))


def _moved(item: Evidence) -> Moved:
    match item.statement.body:
        case {
            "deployment": str(deployment),
            "service": str(service),
            "environment": str(environment),
            "release": dict(release),
            "previous": previous,
            "serving": str() | None as serves,
            "decision": int(decision),
            "phase": str(phase),
            "reason": str() | None as reason,
        }:
            return Moved(
                index=item.index,
                run=item.statement.context.run,
                at=item.statement.context.recorded_at,
                deployment=DeploymentId(deployment),
                environment=EnvironmentKey(service=service, name=EnvironmentName(environment)),
                release=release_ref(release),
                previous=None if previous is None else release_ref(previous),
                serving=None if serves is None else ReleaseId(serves),
                decision=decision,
                phase=Phase(phase),
                reason=reason,
            )
        case _:
            raise IntegrityViolation(f"log index {item.index}: not a deployment statement of version 1")


def release_ref(document: canonical.JSON) -> ReleaseRef:
    """Return the release that a deployment statement names.

    Raises:
        IntegrityViolation: It names none.
    """
    match document:
        case {
            "id": str(release),
            "version": str(version),
            "artifact": {"sha256": str(artifact)},
            "document": {"digest": {"sha256": str(digest)}, "mediaType": str(media_type), "size": int(size)},
        }:
            return ReleaseRef(
                id=ReleaseId(release),
                version=version,
                artifact=Digest(artifact),
                document=BlobRef(digest=Digest(digest), media_type=media_type, size_bytes=size),
            )
        case _:
            raise IntegrityViolation("deployment statement: release expected as id, version, artifact, document")

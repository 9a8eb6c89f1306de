"""What a deployment can say. Published under docs/predicates/."""

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from wardline.canonical import Digest, JSONObject
from wardline.ids import DeploymentId, EnvironmentName, ReleaseId
from wardline.outcomes import Outcome
from wardline.predicates import NAMESPACE, BlobRef, Subject

DEPLOYMENT = f"{NAMESPACE}/deployment/v1"
REHEARSAL = f"{NAMESPACE}/rollback-rehearsal/v1"


class Phase(StrEnum):
    """How far a deployment has come.

    `succeeded`, `rolled-back`, `failed` and `stopped` end it and say what serves. `fenced` ends it
    too, but says nothing of what serves: somebody else took the environment and will.
    """

    STARTED = "started"
    SHIFTED = "shifted"
    WITHDRAWN = "withdrawn"
    SUCCEEDED = "succeeded"
    ROLLED_BACK = "rolled-back"
    FAILED = "failed"
    STOPPED = "stopped"
    FENCED = "fenced"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseRef:
    """A release as evidence knows it; `document` holds what is needed to deploy it again."""

    id: ReleaseId
    version: str
    artifact: Digest
    document: BlobRef

    def to_json(self) -> JSONObject:
        return {
            "id": self.id,
            "version": self.version,
            "artifact": {"sha256": self.artifact.hex},
            "document": self.document.to_json(),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentMoved:
    """One move of a deployment, and, in its last statement, how it ended.

    `decision` is the log index of the Allow it happens under. `serving` is what answers callers
    once this statement is true: the new release, the previous one, or nothing.
    """

    predicate_type: ClassVar[str] = DEPLOYMENT

    deployment: DeploymentId
    service: str
    environment: EnvironmentName
    release: ReleaseRef
    previous: ReleaseRef | None
    serving: ReleaseId | None
    strategy: str
    decision: int
    phase: Phase
    weights: tuple[tuple[ReleaseId, int], ...]  # percent
    generation: int
    outcome: Outcome
    took_ms: int
    reason: str | None = None  # short code: "not-healthy", "analysis-not-passed", "rehearsal", "operator" …
    private: BlobRef | None = None  # the target's own words, or an operator's reason

    def subjects(self) -> tuple[Subject, ...]:
        return (Subject(name=f"{self.service}-{self.release.version}.bundle", digest=self.release.artifact),)

    def body(self) -> JSONObject:
        return {
            "deployment": self.deployment,
            "service": self.service,
            "environment": self.environment,
            "release": self.release.to_json(),
            "previous": None if self.previous is None else self.previous.to_json(),
            "serving": self.serving,
            "strategy": self.strategy,
            "decision": self.decision,
            "phase": self.phase.value,
            "weights": dict(self.weights),
            "generation": self.generation,
            "took_ms": self.took_ms,
            "reason": self.reason,
            "private": None if self.private is None else self.private.to_json(),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """One switch of a rehearsal and how long callers waited for it."""

    kind: str  # "back" or "forward"
    took_ms: int
    outcome: Outcome

    def to_json(self) -> JSONObject:
        return {"kind": self.kind, "took_ms": self.took_ms, "outcome": self.outcome.value}


@dataclass(frozen=True, slots=True, kw_only=True)
class RollbackRehearsed:
    """N → N+1 → N → N+1 was walked in `environment` (45 CFR 164.308(a)(7)(ii)(D), GDPR Art. 32(1)(d)).

    `previous` is N, or None where production has nothing yet and the way back is to withdraw.
    `same_digests`: what served before the rehearsal and what serves after it have one digest.
    """

    predicate_type: ClassVar[str] = REHEARSAL

    service: str
    environment: EnvironmentName
    release: ReleaseRef
    previous: ReleaseRef | None
    legs: tuple[Leg, ...]
    same_digests: bool
    outcome: Outcome

    def subjects(self) -> tuple[Subject, ...]:
        return (Subject(name=f"{self.service}-{self.release.version}.bundle", digest=self.release.artifact),)

    def body(self) -> JSONObject:
        def known(release: ReleaseRef) -> JSONObject:
            return {"release": release.id, "artifact": {"sha256": release.artifact.hex}}

        return {
            "service": self.service,
            "environment": self.environment,
            "first_release": self.previous is None,
            "from": None if self.previous is None else known(self.previous),
            "to": known(self.release),
            "legs": [leg.to_json() for leg in self.legs],
            "rollback_ms": next((leg.took_ms for leg in self.legs if leg.kind == "back"), 0),
            "same_digests": self.same_digests,
        }

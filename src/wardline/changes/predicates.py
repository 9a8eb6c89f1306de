"""What this room can say: what was taken, what was built from it, and what that is made of."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from wardline.canonical import JSON, Digest, JSONObject, digest_of
from wardline.changes.artifacts import Artifact
from wardline.changes.commits import Commit
from wardline.clock import to_rfc3339
from wardline.ids import PrincipalId, RunId
from wardline.outcomes import Outcome
from wardline.predicates import NAMESPACE, BlobRef, Subject

SOURCE = f"{NAMESPACE}/source/v1"
PROVENANCE = "https://slsa.dev/provenance/v1"
SBOM = f"{NAMESPACE}/sbom/v1"

# Every package of a bundle with its digest: hundreds of them, so a blob of its own and not part of the leaf.
LOCK = "application/vnd.wardline.lock+json"

_BUILD_TYPE = f"{NAMESPACE}/build-types/python-bundle/v1"


def commit_subject(commit: Commit) -> Subject:
    return Subject(name="commit", digest=digest_of({"commit": commit.sha, "tree": commit.tree}))


def artifact_subject(artifact: Artifact) -> Subject:
    return Subject(name=f"{artifact.name}-{artifact.version}.bundle", digest=artifact.digest)


def lock_document(artifact: Artifact) -> JSONObject:
    """Return what the lock of `artifact` says: each package of the bundle, pinned by its wheel's digest."""
    return {
        "packages": [
            {
                "name": package.name,
                "version": package.version,
                "filename": package.filename,
                "digest": {"sha256": package.digest.hex},
            }
            for package in artifact.packages
        ]
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceTaken:
    """A commit was exported. `author` is None where no principal has the commit's e-mail address."""

    predicate_type: ClassVar[str] = SOURCE
    outcome: ClassVar[Outcome] = Outcome.PASSED

    service: str
    commit: Commit
    author: PrincipalId | None
    private: BlobRef  # encrypted: the author's address and the message
    pipeline: Digest  # of wardline.yaml as committed
    regulations: tuple[str, ...]
    criticality: str
    data: tuple[str, ...]

    def subjects(self) -> tuple[Subject, ...]:
        return (commit_subject(self.commit),)

    def body(self) -> JSONObject:
        return {
            "service": self.service,
            "commit": {"sha": self.commit.sha, "tree": self.commit.tree},
            "committed_at": to_rfc3339(self.commit.committed_at),
            "author": self.author,
            "private": self.private.to_json(),
            "pipeline": {"sha256": self.pipeline.hex},
            "regulations": list(self.regulations),
            "criticality": self.criticality,
            "data": list(self.data),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """How an artifact was made: SLSA v1 provenance (https://slsa.dev/spec/v1.1/provenance).

    It claims Build L1 and no more: build steps share a host with the key that signs this.
    """

    predicate_type: ClassVar[str] = PROVENANCE
    outcome: ClassVar[Outcome] = Outcome.PASSED

    run: RunId
    commit: Commit
    artifact: Artifact
    build_command: str
    locked: bool  # the repository pinned every dependency by hash; otherwise they were resolved and pinned now
    builder: str  # e.g. "wardline 0.1.0"
    started_at: datetime
    finished_at: datetime
    lock: BlobRef  # the `lock_document` of the artifact
    output: BlobRef

    def subjects(self) -> tuple[Subject, ...]:
        return (artifact_subject(self.artifact),)

    def body(self) -> JSONObject:
        artifact = self.artifact
        return {
            "buildDefinition": {
                "buildType": _BUILD_TYPE,
                "externalParameters": {"run": self.build_command, "locked": self.locked},
                "internalParameters": {"builder": self.builder},
                "resolvedDependencies": self._materials(),
            },
            "runDetails": {
                "builder": {"id": f"{NAMESPACE}/builders/local/v1"},
                "metadata": {
                    "invocationId": self.run,
                    "startedOn": to_rfc3339(self.started_at),
                    "finishedOn": to_rfc3339(self.finished_at),
                },
            },
            "wardline_bundle": {
                "name": artifact.name,
                "version": artifact.version,
                "size": artifact.size_bytes,
                "packages": len(artifact.packages),
                "lock": self.lock.to_json(),
            },
            "wardline_output": self.output.to_json(),
        }

    def _materials(self) -> list[JSON]:
        return [
            {"uri": f"git:commit/{self.commit.sha}", "digest": {"gitCommit": self.commit.sha}},
            {"name": "lock", "mediaType": LOCK, "digest": {"sha256": self.lock.digest.hex}},
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class SBOMListed:
    """What an artifact is made of (CycloneDX), or why that could not be told: `reason`."""

    predicate_type: ClassVar[str] = SBOM

    artifact: Subject
    scanner: tuple[str, str]  # name and version
    spec_version: str
    components: int
    names_artifact: bool
    reason: str | None
    report: BlobRef | None

    @property
    def outcome(self) -> Outcome:
        return Outcome.PASSED if self.reason is None else Outcome.ERRORED

    def subjects(self) -> tuple[Subject, ...]:
        return (self.artifact,)

    def body(self) -> JSONObject:
        return {
            "format": "CycloneDX",
            "spec_version": self.spec_version,
            "components": self.components,
            "names_artifact": self.names_artifact,
            "scanner": {"name": self.scanner[0], "version": self.scanner[1]},
            "reason": self.reason,
            "report": None if self.report is None else self.report.to_json(),
        }

"""What an analysis can say. Published under docs/predicates/."""

from dataclasses import dataclass
from typing import ClassVar

from wardline.analysis.limits import Verdict
from wardline.analysis.signals import Sample
from wardline.canonical import Digest, JSONObject
from wardline.clock import to_rfc3339
from wardline.ids import DeploymentId, EnvironmentName, ReleaseId
from wardline.outcomes import Outcome
from wardline.pipelines.spec import AnalysisSpec
from wardline.predicates import NAMESPACE, Subject

ANALYSIS = f"{NAMESPACE}/analysis/v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseAnalysed:
    """What was seen of a release during one stretch of a deployment, and what was promised."""

    predicate_type: ClassVar[str] = ANALYSIS

    deployment: DeploymentId
    service: str
    environment: EnvironmentName
    release: ReleaseId
    version: str
    artifact: Digest
    percent: int
    sample: Sample
    limits: AnalysisSpec
    verdict: Verdict

    @property
    def outcome(self) -> Outcome:
        return self.verdict.outcome

    def subjects(self) -> tuple[Subject, ...]:
        return (Subject(name=f"{self.service}-{self.version}.bundle", digest=self.artifact),)

    def body(self) -> JSONObject:
        sample, limits = self.sample, self.limits
        return {
            "deployment": self.deployment,
            "service": self.service,
            "environment": self.environment,
            "release": self.release,
            "percent": self.percent,
            "since": to_rfc3339(sample.since),
            "until": to_rfc3339(sample.until),
            "requests": sample.requests,
            "errors": sample.errors,
            "p95_ms": sample.p95_ms,
            "probes": sample.probes,
            "restarts": sample.restarts,
            "limits": {
                "error_rate_bp": limits.error_rate_bp,
                "p95_ms": limits.p95_ms,
                "min_requests": limits.min_requests,
                "lasting_ms": round(limits.lasting.total_seconds() * 1000),
            },
            "reasons": list(self.verdict.reasons),
        }

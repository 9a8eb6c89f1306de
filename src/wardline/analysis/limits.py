"""Whether what was seen of a release is within what was promised."""

from dataclasses import dataclass

from wardline.analysis.signals import Sample
from wardline.outcomes import Outcome
from wardline.pipelines.spec import AnalysisSpec

_BASIS_POINTS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """`reasons` are codes, one for each limit that does not hold."""

    outcome: Outcome
    reasons: tuple[str, ...]


def judge(sample: Sample, limits: AnalysisSpec) -> Verdict:
    """Hold `sample` against `limits`. Too few requests say nothing, unless an instance crashed."""
    reasons = []
    if sample.restarts:
        reasons.append("instance-crashed")
    if sample.requests < limits.min_requests:
        return Verdict(
            outcome=Outcome.FAILED if reasons else Outcome.INCONCLUSIVE,
            reasons=(*reasons, "too-few-requests"),
        )
    if sample.errors * _BASIS_POINTS > limits.error_rate_bp * sample.requests:
        reasons.append("error-rate")
    if sample.p95_ms is not None and sample.p95_ms > limits.p95_ms:
        reasons.append("p95")
    return Verdict(outcome=Outcome.FAILED if reasons else Outcome.PASSED, reasons=tuple(reasons))

from datetime import UTC, datetime

import pytest

from wardline.analysis.limits import judge
from wardline.analysis.signals import Sample
from wardline.outcomes import Outcome
from wardline.pipelines.spec import AnalysisSpec

LIMITS = AnalysisSpec(error_rate_bp=100, p95_ms=300, min_requests=10)
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def sample(*, requests: int = 100, errors: int = 0, p95_ms: int | None = 20, restarts: int = 0) -> Sample:
    return Sample(since=NOW, until=NOW, requests=requests, errors=errors, p95_ms=p95_ms, probes=0, restarts=restarts)


@pytest.mark.parametrize(
    ("seen", "outcome", "reasons"),
    [
        (sample(), Outcome.PASSED, ()),
        (sample(errors=1), Outcome.PASSED, ()),  # 1 % is the limit itself
        (sample(errors=2), Outcome.FAILED, ("error-rate",)),
        (sample(p95_ms=301), Outcome.FAILED, ("p95",)),
        (sample(requests=9), Outcome.INCONCLUSIVE, ("too-few-requests",)),
        (sample(requests=0, p95_ms=None), Outcome.INCONCLUSIVE, ("too-few-requests",)),
        (sample(restarts=1), Outcome.FAILED, ("instance-crashed",)),
        (sample(requests=0, p95_ms=None, restarts=1), Outcome.FAILED, ("instance-crashed", "too-few-requests")),
    ],
)
def test_limits_are_held_against_what_was_seen(seen: Sample, outcome: Outcome, reasons: tuple[str, ...]) -> None:
    verdict = judge(seen, LIMITS)
    assert (verdict.outcome, verdict.reasons) == (outcome, reasons)

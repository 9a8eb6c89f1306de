"""What is said of a scan: passed means that it looked."""

from wardline import canonical
from wardline.canonical import Digest
from wardline.findings.finding import Finding, Severity
from wardline.findings.predicates import Scanned
from wardline.findings.scanning import CodeScan, LookedAt, ScannerId
from wardline.outcomes import Outcome
from wardline.predicates import Subject

FOUND = Finding(
    id="F-0123456789ab", check="bandit", rule="B324", severity=Severity.HIGH, path="a.py", line=3, message="Weak hash."
)


def scanned(*findings, reason=None):
    scan = CodeScan(
        scanner=ScannerId(name="bandit", version="1.9"),
        looked_at=LookedAt(files=1, lines=9),
        findings=findings,
        reason=reason,
        report=None,
    )
    return Scanned(artifact=Subject(name="svc", digest=Digest("a" * 64)), scan=scan, report=None)


def test_a_scan_that_looked_passed_whatever_it_found():
    assert scanned().outcome is scanned(FOUND).outcome is Outcome.PASSED
    assert scanned(reason="timed-out").outcome is Outcome.ERRORED


def test_findings_are_listed_and_counted_by_severity():
    body = scanned(FOUND).body()
    assert body["counts"] == {"critical": 0, "high": 1, "medium": 0, "low": 0, "note": 0}
    assert body["findings"] == [FOUND.to_json()]
    assert canonical.decode(canonical.encode(body)) == body

"""What is said of a scan: passed means that it looked."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardline import canonical
from wardline.canonical import Digest
from wardline.errors import InvalidInput
from wardline.findings.finding import Finding, Severity
from wardline.findings.predicates import FINDINGS, ScanContinued, Scanned, parts
from wardline.findings.scanning import CodeScan, LookedAt, ScannerId
from wardline.outcomes import Outcome
from wardline.predicates import BlobRef, Subject

FOUND = Finding(
    id="F-0123456789ab", check="bandit", rule="B324", severity=Severity.HIGH, path="a.py", line=3, message="Weak hash."
)
SUBJECT = Subject(name="svc", digest=Digest("a" * 64))
MANY = tuple(
    replace(FOUND, id=f"F-{number:012x}", path=f"src/eligibility/module_{number}.py", message="m" * 120)
    for number in range(2_000)
)
WHOLE = BlobRef(digest=Digest("b" * 64), media_type=FINDINGS, size_bytes=9)
LEAF = 65_535  # bytes: C2SP tlog-tiles


def scanned(*findings, reason=None, whole=None):
    scan = CodeScan(
        scanner=ScannerId(name="bandit", version="1.9"),
        looked_at=LookedAt(files=1, lines=9),
        findings=findings,
        reason=reason,
        report=None,
    )
    return Scanned(artifact=SUBJECT, scan=scan, report=None, whole=whole)


def test_a_scan_that_looked_passed_whatever_it_found():
    assert scanned().outcome is scanned(FOUND).outcome is Outcome.PASSED
    assert scanned(reason="timed-out").outcome is Outcome.ERRORED


def test_findings_are_listed_and_counted_by_severity():
    body = scanned(FOUND).body()
    assert body["counts"] == {"critical": 0, "high": 1, "medium": 0, "low": 0, "note": 0}
    assert body["findings"] == [FOUND.to_json()]
    assert canonical.decode(canonical.encode(body)) == body


def test_two_thousand_findings_are_told_in_parts_that_fit_into_leaves():
    first = scanned(*MANY, whole=WHOLE).body()
    told = parts([finding.to_json() for finding in MANY])
    assert first["part"] == {"number": 1, "of": len(told)}
    assert first["counts"]["high"] == 2_000
    bodies = [first] + [
        ScanContinued(artifact=SUBJECT, begun=first, findings=told[number - 1], number=number, of=len(told)).body()
        for number in range(2, len(told) + 1)
    ]
    assert [finding for body in bodies for finding in body["findings"]] == [finding.to_json() for finding in MANY]
    assert all(len(canonical.encode(body)) < 48 * 1024 for body in bodies)
    assert all(body["whole"] == WHOLE.to_json() and body["counts"] == first["counts"] for body in bodies)
    # An envelope carries its payload as base64, with a signature and the context beside it.
    assert all(len(canonical.encode(body)) * 4 // 3 + 2_000 < LEAF for body in bodies)


def test_parts_without_the_list_they_are_told_from_are_refused():
    with pytest.raises(InvalidInput, match="the list of all its findings"):
        scanned(*MANY).body()


def test_a_scan_that_fits_keeps_no_list():
    assert scanned(FOUND, whole=WHOLE).body()["whole"] is None
    assert scanned().body()["part"] == {"number": 1, "of": 1}


@given(st.lists(st.text(max_size=40_000 // 8), max_size=12))
def test_parts_lose_nothing_and_only_a_giant_stands_alone(findings):
    told = parts(findings)
    assert [finding for piece in told for finding in piece] == findings
    assert all(piece for piece in told) or told == ((),)
    assert all(len(piece) == 1 or len(canonical.encode(list(piece))) <= 32 * 1024 + 1 for piece in told)

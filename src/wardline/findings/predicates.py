"""What a scan can say: what was looked at and what was found, or why nobody could look."""

from collections import Counter
from dataclasses import dataclass
from typing import ClassVar

from wardline.canonical import JSONObject
from wardline.findings.finding import Severity
from wardline.findings.scanning import CodeScan
from wardline.outcomes import Outcome
from wardline.predicates import NAMESPACE, BlobRef, Subject

SCAN = f"{NAMESPACE}/scan/v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scanned:
    """`passed` says that the scanner looked, not that it found nothing: a policy judges the findings."""

    predicate_type: ClassVar[str] = SCAN

    artifact: Subject
    scan: CodeScan
    report: BlobRef | None

    @property
    def outcome(self) -> Outcome:
        return Outcome.PASSED if self.scan.reason is None else Outcome.ERRORED

    def subjects(self) -> tuple[Subject, ...]:
        return (self.artifact,)

    def body(self) -> JSONObject:
        counts = Counter(finding.severity for finding in self.scan.findings)
        return {
            "scanner": {"name": self.scan.scanner.name, "version": self.scan.scanner.version},
            "looked_at": {"files": self.scan.looked_at.files, "lines": self.scan.looked_at.lines},
            "findings": [finding.to_json() for finding in self.scan.findings],
            "counts": {severity.value: counts[severity] for severity in Severity},
            "reason": self.scan.reason,
            "report": None if self.report is None else self.report.to_json(),
        }

"""What a scan can say: what was looked at and what was found, or why nobody could look."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from wardline.canonical import JSON, JSONObject, encode
from wardline.errors import InvalidInput
from wardline.findings.finding import Severity
from wardline.findings.scanning import CodeScan
from wardline.outcomes import Outcome
from wardline.predicates import NAMESPACE, BlobRef, Subject

SCAN = f"{NAMESPACE}/scan/v1"
FINDINGS = "application/vnd.wardline.findings+json"  # all findings of a scan, where one statement cannot hold them

# A leaf holds at most 65,535 bytes (C2SP tlog-tiles), and an envelope is a third larger than what it carries.
_MOST_BYTES = 32 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Scanned:
    """`passed` says that the scanner looked, not that it found nothing: a policy judges the findings.

    What does not fit is told by `ScanContinued`; the counts are of the whole scan.

    Attributes:
        whole: The kept list of all findings, which MUST be given where they take more than one part.
    """

    predicate_type: ClassVar[str] = SCAN

    artifact: Subject
    scan: CodeScan
    report: BlobRef | None
    whole: BlobRef | None = None

    @property
    def outcome(self) -> Outcome:
        return Outcome.PASSED if self.scan.reason is None else Outcome.ERRORED

    def subjects(self) -> tuple[Subject, ...]:
        return (self.artifact,)

    def body(self) -> JSONObject:
        counts = Counter(finding.severity for finding in self.scan.findings)
        told = parts(findings_document(self.scan))
        if len(told) > 1 and self.whole is None:
            raise InvalidInput(f"a scan told in {len(told)} parts names the list of all its findings; got none")
        advisories = self.scan.advisories
        known: JSONObject = {} if advisories is None else {"advisories": advisories.to_json()}
        return known | {
            "scanner": {"name": self.scan.scanner.name, "version": self.scan.scanner.version},
            "looked_at": {"files": self.scan.looked_at.files, "lines": self.scan.looked_at.lines},
            "findings": list(told[0]),
            "counts": {severity.value: counts[severity] for severity in Severity},
            "reason": self.scan.reason,
            "part": {"number": 1, "of": len(told)},
            "whole": self.whole.to_json() if self.whole is not None and len(told) > 1 else None,
            "report": None if self.report is None else self.report.to_json(),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanContinued:
    """A further part of a scan: the same scanner, counts and report, and the findings that come next.

    Attributes:
        begun: The body of the first part.
        number: Of this part, from 2.
    """

    predicate_type: ClassVar[str] = SCAN
    outcome: ClassVar[Outcome] = Outcome.PASSED  # who could not look has no findings to go on with

    artifact: Subject
    begun: JSONObject
    findings: tuple[JSON, ...]
    number: int
    of: int

    def subjects(self) -> tuple[Subject, ...]:
        return (self.artifact,)

    def body(self) -> JSONObject:
        return self.begun | {"findings": list(self.findings), "part": {"number": self.number, "of": self.of}}


def findings_document(scan: CodeScan) -> list[JSON]:
    """Return all findings of `scan`, as they are kept where they take more than one part."""
    return [finding.to_json() for finding in scan.findings]


def parts(findings: Sequence[JSON]) -> tuple[tuple[JSON, ...], ...]:
    """Return `findings` in order, in as many pieces as it takes for each to fit into a statement; at least one."""
    pieces: list[list[JSON]] = [[]]
    room = _MOST_BYTES
    for finding in findings:
        size = len(encode(finding)) + 1  # and the comma
        if size > room and pieces[-1]:
            pieces.append([])
            room = _MOST_BYTES
        pieces[-1].append(finding)
        room -= size
    return tuple(tuple(piece) for piece in pieces)

"""What a policy tool outside came to, as evidence about a commit."""

from dataclasses import dataclass
from typing import ClassVar

from wardline.canonical import JSONObject, digest_of
from wardline.findings.policy_reports import PolicyTool, RuleFailed, ToolReport
from wardline.outcomes import Outcome
from wardline.predicates import NAMESPACE, BlobRef, Subject

POLICY_RESULTS = f"{NAMESPACE}/policy-results/v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyResults:
    """A report was handed in for a commit. That the tool was run on it is the word of whoever handed it in.

    Attributes:
        version: Of the tool, as it was said; None: it was not.
        kept: The files of the report, after the redactor; none where they are too large.
    """

    predicate_type: ClassVar[str] = POLICY_RESULTS

    service: str
    commit: str
    tool: PolicyTool
    version: str | None
    report: ToolReport
    kept: tuple[BlobRef, ...]

    @property
    def outcome(self) -> Outcome:
        if self.report.failed:
            return Outcome.FAILED
        looked = self.report.reason is None and not self.report.errored
        return Outcome.PASSED if looked else Outcome.ERRORED

    def subjects(self) -> tuple[Subject, ...]:
        return (Subject(name="commit", digest=digest_of({"commit": self.commit})),)

    def body(self) -> JSONObject:
        report = self.report
        return {
            "service": self.service,
            "commit": self.commit,
            "tool": {"name": self.tool.value, "version": self.version},
            "namespaces": list(report.namespaces),
            "tested": report.tested,
            "passed": report.passed,
            "failed": report.failed,
            "warned": report.warned,
            "errored": report.errored,
            "failures": [_failure_to_json(failure) for failure in report.failures],
            "reason": report.reason,
            "report": [each.to_json() for each in self.kept],
        }


def _failure_to_json(failure: RuleFailed) -> JSONObject:
    return {
        "rule": failure.rule,
        "namespace": failure.namespace,
        "message_digest": {"sha256": failure.message.hex},
    }

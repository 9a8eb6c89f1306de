"""What stages of a pipeline can say: how tests went, and where a run came to nothing."""

from dataclasses import dataclass
from typing import ClassVar

from wardline.canonical import Digest, JSONObject
from wardline.outcomes import Outcome
from wardline.pipelines.building import Tested
from wardline.predicates import NAMESPACE, BlobRef, Subject

TEST_RESULT = "https://in-toto.io/attestation/test-result/v0.1"
STAGE_STOPPED = f"{NAMESPACE}/stage-stopped/v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class TestResult:
    """How the tests of an artifact went, held against the standards that its pipeline states.

    Source: https://github.com/in-toto/attestation/blob/main/spec/predicates/test-result.md. Names of tests stay
    in the reports: a parametrised name can hold anything.
    """

    __test__ = False  # pytest: not a test class
    predicate_type: ClassVar[str] = TEST_RESULT

    artifact: Subject
    tested: Tested
    pipeline: Digest
    min_coverage_bp: int
    reports: tuple[BlobRef, ...]
    output: BlobRef

    @property
    def outcome(self) -> Outcome:
        tested = self.tested
        if not tested.executed:
            return Outcome.ERRORED
        if tested.failed or tested.errored or tested.exit_code:
            return Outcome.FAILED
        enough = not self.min_coverage_bp or (tested.coverage_bp or 0) >= self.min_coverage_bp
        return Outcome.PASSED if enough else Outcome.FAILED

    def subjects(self) -> tuple[Subject, ...]:
        return (self.artifact,)

    def body(self) -> JSONObject:
        tested = self.tested
        return {
            "result": "PASSED" if self.outcome is Outcome.PASSED else "FAILED",
            "configuration": [{"name": "wardline.yaml", "digest": {"sha256": self.pipeline.hex}}],
            "wardline_tests": {
                "executed": tested.executed,
                "passed": tested.passed,
                "failed": tested.failed,
                "errored": tested.errored,
                "skipped": tested.skipped,
                "coverage_bp": tested.coverage_bp,
                "min_coverage_bp": self.min_coverage_bp,
                "exit_code": tested.exit_code,
                "reports": [report.to_json() for report in self.reports],
                "output": self.output.to_json(),
            },
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class StageStopped:
    """A stage came to nothing: `failed` because of the change, `errored` because nobody could tell."""

    predicate_type: ClassVar[str] = STAGE_STOPPED

    about: Subject
    stage: str
    code: str
    exit_code: int | None
    errored: bool
    output: BlobRef | None
    private: BlobRef | None

    @property
    def outcome(self) -> Outcome:
        return Outcome.ERRORED if self.errored else Outcome.FAILED

    def subjects(self) -> tuple[Subject, ...]:
        return (self.about,)

    def body(self) -> JSONObject:
        return {
            "stage": self.stage,
            "code": self.code,
            "exit_code": self.exit_code,
            "output": None if self.output is None else self.output.to_json(),
            "private": None if self.private is None else self.private.to_json(),
        }

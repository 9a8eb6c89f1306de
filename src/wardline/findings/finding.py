"""One shape for whatever a check finds, in SARIF's words (SARIF 2.1.0 §3.27)."""

from dataclasses import dataclass
from enum import StrEnum

from wardline.canonical import JSONObject


class Severity(StrEnum):
    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    NOTE = "note"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing a check saw. It never holds the source text, so that nothing sensitive can ride along.

    `id` is short and stable over moved lines (made by `fingerprint`): what a waiver names.
    """

    id: str  # "F-" and 12 hex digits
    check: str  # the tool, e.g. "bandit"
    rule: str  # the tool's rule id, e.g. "B324"
    severity: Severity
    path: str  # below the export, with forward slashes
    line: int
    message: str  # the rule's own text, never the code

    def to_json(self) -> JSONObject:
        return {
            "id": self.id,
            "check": self.check,
            "rule": self.rule,
            "severity": self.severity.value,
            "path": self.path,
            "line": self.line,
            "message": self.message,
        }

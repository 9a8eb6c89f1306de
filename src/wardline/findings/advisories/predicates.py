"""What an import of advisories says: what was known from then on, by digest, counts and the youngest change in it."""

from dataclasses import dataclass
from typing import ClassVar

from wardline.canonical import JSONObject
from wardline.findings.advisories.mirror import Snapshot
from wardline.outcomes import Outcome
from wardline.predicates import NAMESPACE, Subject

ADVISORY_SNAPSHOT = f"{NAMESPACE}/advisory-snapshot/v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class AdvisorySnapshot:
    """Advisories were imported. A dump that could not be read leaves no statement: the mirror before it stays."""

    predicate_type: ClassVar[str] = ADVISORY_SNAPSHOT
    outcome: ClassVar[Outcome] = Outcome.PASSED

    snapshot: Snapshot

    def subjects(self) -> tuple[Subject, ...]:
        return (Subject(name="advisories", digest=self.snapshot.digest),)

    def body(self) -> JSONObject:
        return self.snapshot.to_json()

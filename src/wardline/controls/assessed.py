"""Assessed: the coverage of one release with all that a report to others needs, in nobody's format yet."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from wardline.canonical import Digest
from wardline.controls.coverage import Coverage
from wardline.controls.library import Library
from wardline.ids import EnvironmentName, RunId
from wardline.outcomes import Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """A statement of the log that coverage names.

    Attributes:
        leaf_hash: As the log counts it (RFC 9162 §2.1.1), in hexadecimal.
        content: The signed envelope, byte for byte.
    """

    index: int
    predicate_type: str
    outcome: Outcome
    recorded_at: datetime
    leaf_hash: str
    content: bytes

    @property
    def digest(self) -> Digest:
        return Digest.of(self.content)


@dataclass(frozen=True, slots=True, kw_only=True)
class OwedReview:
    """The review of an emergency release that two people owe and have not both done.

    Attributes:
        decision, deployment: Log indices of what let it pass, and of its first move.
        due: By when; None: two people broke the glass together, and it is owed without a date.
    """

    decision: int
    deployment: int
    environment: EnvironmentName
    opened_at: datetime
    due: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessed:
    """What was asked of one release, and how far it is answered.

    Attributes:
        origin: Of the log.
        environment: None: all of them.
        began_at: When the run left its first statement.
        changed_at: When anything that the coverage looked at last changed, a word that ended included. The same log
            assessed again before the next change says the same.
        leaves: Every statement that the rows name.
        owed: Reviews of emergency releases of the service, whichever run they were in.
        made_by: The version of Wardline that looked.
    """

    origin: str
    run: RunId
    service: str
    environment: EnvironmentName | None
    began_at: datetime
    changed_at: datetime
    coverage: Coverage
    library: Library
    leaves: Mapping[int, Leaf]
    made_by: str
    owed: tuple[OwedReview, ...] = ()

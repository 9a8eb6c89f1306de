"""What a packet tells about one run, as its page reads it."""

from collections.abc import Sequence
from dataclasses import dataclass

from wardline import canonical
from wardline.canonical import JSON, JSONObject
from wardline.errors import InvalidInput
from wardline.evidence.log import Evidence
from wardline.evidence.mentions import member
from wardline.ids import RunId
from wardline.predicates import BlobRef


@dataclass(frozen=True, slots=True, kw_only=True)
class Enclosed:
    """A blob taken along."""

    reference: BlobRef
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Absent:
    """A blob that a statement names and nobody has any more.

    Attributes:
        why: `purged`: its time was over. `missing`: the log does not say why.
        statement: Log index of the purge, which may stand after the packet's checkpoint; None where nothing says why.
    """

    reference: BlobRef
    why: str
    statement: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a page is made from. `evidence` is in log order; some of it stands outside `run`."""

    run: RunId
    origin: str
    evidence: Sequence[Evidence]
    enclosed: Sequence[Enclosed] = ()
    absent: Sequence[Absent] = ()

    def of(self, *predicate_types: str) -> list[Evidence]:
        """Return what the run itself said of these types."""
        return [item for item in self.every(*predicate_types) if item.statement.context.run == self.run]

    def every(self, *predicate_types: str) -> list[Evidence]:
        return [item for item in self.evidence if item.statement.predicate_type in predicate_types]

    def own(self) -> list[Evidence]:
        return [item for item in self.evidence if item.statement.context.run == self.run]

    def document(self, digest: JSON) -> JSON:
        """Return the JSON that came along under this digest, in hex; None: nothing that can be read."""
        content = next((blob.content for blob in self.enclosed if blob.reference.digest.hex == digest), None)
        try:
            return None if content is None else canonical.decode(content)
        except InvalidInput:  # it is not what its digest says, which a verifier tells by itself
            return None


def first_body(items: Sequence[Evidence]) -> JSONObject:
    """Return the body of the first of `items`; empty where there is none."""
    return items[0].statement.body if items else {}


def items_of(value: JSON, *names: str) -> list[JSON]:
    """Return the list under `names` of `value`; empty where there is none."""
    found = member(value, *names)
    return found if isinstance(found, list) else []

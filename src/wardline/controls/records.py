"""Records: every attestation and decision ever given, and whether it counts on a day."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from wardline.canonical import JSONObject
from wardline.clock import to_rfc3339
from wardline.controls.library import Library
from wardline.controls.predicates import About, AddressableDecision, Attestation
from wardline.controls.said import Claim
from wardline.controls.standing import WORDS, asks_still, read
from wardline.evidence.log import Evidence
from wardline.identity.directory import Directory
from wardline.ids import PrincipalId
from wardline.predicates import BlobRef


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What was said of one control, and why it does not count (None: it does).

    Attributes:
        said: `in-place`, `implemented` and so on.
        service: Of which service; None: of the whole organization.
        words: What was written with it, by what it is; kept outside the log, for as long as its writer is not erased.
    """

    index: int
    control: str
    said: str
    service: str | None
    by: PrincipalId
    until: datetime
    why_not: str | None
    words: tuple[tuple[str, BlobRef], ...]

    @property
    def stands(self) -> bool:
        return self.why_not is None

    def to_json(self) -> JSONObject:
        return {
            "log": self.index,
            "control": self.control,
            "said": self.said,
            "service": self.service,
            "by": self.by,
            "until": to_rfc3339(self.until),
            "why_not": self.why_not,
        }

    def row(self) -> tuple[str, ...]:
        """Return what people read of it in a table."""
        return (
            str(self.index),
            self.control,
            self.said,
            self.service or "everything",
            self.by,
            to_rfc3339(self.until)[:10],
            "yes" if self.why_not is None else f"no: {self.why_not}",
        )


def records(evidence: Iterable[Evidence], *, people: Directory, library: Library, now: datetime) -> tuple[Record, ...]:
    """Return every attestation and decision among `evidence`, in log order."""
    found: list[Record] = []
    newest: dict[tuple[str, str, str | None], int] = {}
    for item in reversed([item for item in evidence if item.statement.predicate_type in WORDS]):
        word = read(item, people)
        if word is None:
            continue  # by nobody entitled to it: a check of the log tells of that, this list is of what was said
        for about in reversed(word.controls if isinstance(word, Attestation) else (word.control,)):
            after = newest.setdefault((item.statement.predicate_type, about.id, word.service), item.index)
            record = _record(item, word, about, library=library, now=now)
            if record.stands and after != item.index:
                record = replace(record, why_not=f"log index {after} came after it")
            found.append(record)
    return tuple(reversed(found))


def _record(
    item: Evidence, word: Attestation | AddressableDecision, about: About, *, library: Library, now: datetime
) -> Record:
    why_not = None
    if not asks_still(about, library):
        why_not = "the control asks something else by now"
    elif word.expires_at <= now:
        why_not = "ended"
    elif isinstance(word, Attestation) and word.claim is Claim.WITHDRAWN:
        why_not = "it takes back what was said before"
    return Record(
        index=item.index,
        control=about.id,
        said=word.claim.value if isinstance(word, Attestation) else word.choice.value,
        service=word.service,
        by=item.statement.context.actor,
        until=word.expires_at,
        why_not=why_not,
        words=_words(word),
    )


def _words(word: Attestation | AddressableDecision) -> tuple[tuple[str, BlobRef], ...]:
    if isinstance(word, Attestation):
        return (("statement", word.statement),)
    rationale = ("rationale", word.rationale)
    return (rationale,) if word.alternative is None else (rationale, ("alternative", word.alternative))

"""in-toto Statements (v1) and the context every one of ours carries.

Source: https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Self

from wardline import canonical
from wardline.canonical import Digest, JSONObject
from wardline.clock import from_rfc3339, to_rfc3339
from wardline.errors import InvalidInput
from wardline.ids import EvidenceKey, PrincipalId, RunId
from wardline.outcomes import Outcome
from wardline.predicates import Predicate, Subject

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PAYLOAD_TYPE = "application/vnd.in-toto+json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """Where a statement stands: in which run (None: outside of any), at which step and attempt, when, by whom.

    It travels as the member `wardline` of every predicate, published ones included: their
    specifications ask readers to ignore members they do not know.
    """

    run: RunId | None
    step: str
    attempt: int
    recorded_at: datetime
    actor: PrincipalId
    outcome: Outcome

    @property
    def key(self) -> EvidenceKey:
        """What makes this statement the same statement when a step runs twice."""
        return evidence_key(self.run, self.step, attempt=self.attempt)


def evidence_key(run: RunId | None, step: str, *, attempt: int = 1) -> EvidenceKey:
    return EvidenceKey(f"{run or 'wardline'}/{step}/{attempt}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """A predicate about subjects, ready to be signed."""

    predicate_type: str
    subjects: tuple[Subject, ...]
    context: Context
    body: JSONObject  # the predicate without the member `wardline`

    @classmethod
    def of(cls, predicate: Predicate, context: Context) -> Self:
        return cls(
            predicate_type=predicate.predicate_type,
            subjects=predicate.subjects(),
            context=context,
            body=predicate.body(),
        )

    def encode(self) -> bytes:
        """Return the canonical bytes that are signed."""
        return canonical.encode(
            {
                "_type": STATEMENT_TYPE,
                "subject": [{"name": s.name, "digest": {"sha256": s.digest.hex}} for s in self.subjects],
                "predicateType": self.predicate_type,
                "predicate": self.predicate(),
            }
        )

    def predicate(self) -> JSONObject:
        """Return the predicate as it stands in the leaf: the body and the member `wardline`."""
        context = self.context
        return self.body | {
            "wardline": {
                "run": context.run,
                "step": context.step,
                "attempt": context.attempt,
                "recordedAt": to_rfc3339(context.recorded_at),
                "actor": context.actor,
                "outcome": context.outcome.value,
            },
        }

    @classmethod
    def decode(cls, payload: bytes) -> Self:
        """Return the statement that `payload` encodes.

        Raises:
            InvalidInput: Not canonical, not an in-toto v1 statement, or without our context.
        """
        document = canonical.decode(payload)
        match document:
            case {
                "_type": str(kind),
                "subject": list(subjects),
                "predicateType": str(predicate_type),
                "predicate": dict(predicate),
                **rest,
            } if kind == STATEMENT_TYPE and subjects and not rest:
                return cls(
                    predicate_type=predicate_type,
                    subjects=tuple(_subject(subject) for subject in subjects),
                    context=_context(predicate.get("wardline")),
                    body={name: value for name, value in predicate.items() if name != "wardline"},
                )
            case _:
                raise InvalidInput(f"not a statement of Wardline: expected {STATEMENT_TYPE} with at least one subject")


def _subject(document: canonical.JSON) -> Subject:
    match document:
        case {"name": str(name), "digest": {"sha256": str(digest), **others}, **rest} if not rest and not others:
            return Subject(name=name, digest=Digest(digest))
        case _:
            raise InvalidInput("statement subject: expected a name and one sha256 digest")


_OUTCOMES = frozenset(outcome.value for outcome in Outcome)


def _context(document: canonical.JSON) -> Context:
    match document:
        case {
            "run": str() | None as run,
            "step": str(step),
            "attempt": int(attempt),
            "recordedAt": str(recorded_at),
            "actor": str(actor),
            "outcome": str(outcome),
            **rest,
        } if not rest and outcome in _OUTCOMES and not isinstance(attempt, bool):
            moment = from_rfc3339(recorded_at)
            if to_rfc3339(moment) != recorded_at:  # one text for one moment, as docs/reference/packet-format.md has it
                raise InvalidInput("statement context: expected recordedAt in UTC with milliseconds, as in …:03.004Z")
            return Context(
                run=None if run is None else RunId(run),
                step=step,
                attempt=attempt,
                recorded_at=moment,
                actor=PrincipalId(actor),
                outcome=Outcome(outcome),
            )
        case _:
            raise InvalidInput("statement context: expected run, step, attempt, recordedAt, actor, outcome")

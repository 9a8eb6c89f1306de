"""Training: somebody answers for it that a person was trained, until a day; and whose training is in date.

The law asks it of the workforce (45 CFR 164.308(a)(5)(i)) and of whoever uses a system of electronic signatures
(21 CFR 11.10(i)). What was taught, and how well, is for people; that it is in date is for a gate.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import ClassVar, Self

from wardline.canonical import Digest, JSONObject
from wardline.clock import from_rfc3339, to_rfc3339
from wardline.controls.predicates import parse_digest
from wardline.controls.said import parse_word
from wardline.errors import InvalidInput
from wardline.evidence.log import Evidence
from wardline.gates.enrolled import signed_by
from wardline.identity.directory import Directory
from wardline.identity.predicates import principal_subject
from wardline.identity.principals import Role
from wardline.identity.separation import to_act_as
from wardline.ids import PrincipalId
from wardline.outcomes import Outcome
from wardline.predicates import NAMESPACE, BlobRef, Subject

TRAINING = f"{NAMESPACE}/training/v1"

LONGEST_TRAINING = timedelta(days=366)  # what was learned is refreshed every year
MAY_RECORD = frozenset({Role.COMPLIANCE, Role.ADMINISTRATOR})  # never one's own

# The meaning of a signature is part of it (21 CFR 11.50(a)(3)); a fixed code, so that no name or text rides along.
RECORDED = "training-recorded"


class Trained(StrEnum):
    """What is said of a person's training."""

    TRAINED = "trained"
    WITHDRAWN = "withdrawn"  # what was said before does not hold any more


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """A person was trained, until then.

    Attributes:
        role: Of whoever answers for the record.
        document: Digest of the record or certificate outside; None: nothing is named.
        statement: What was taught and where it is recorded, in words: encrypted under the trained person's own key.
    """

    predicate_type: ClassVar[str] = TRAINING
    outcome: ClassVar[Outcome] = Outcome.PASSED

    principal: PrincipalId
    claim: Trained
    role: Role
    document: Digest | None
    statement: BlobRef
    expires_at: datetime

    def subjects(self) -> tuple[Subject, ...]:
        return (principal_subject(self.principal),)

    def body(self) -> JSONObject:
        return {
            "principal": self.principal,
            "claim": self.claim.value,
            "role": self.role.value,
            "meaning": RECORDED,
            "document": None if self.document is None else {"sha256": self.document.hex},
            "statement": self.statement.to_json(),
            "expires_at": to_rfc3339(self.expires_at),
        }

    @classmethod
    def parse(cls, body: JSONObject) -> Self:
        """Return the training that `body` records.

        Raises:
            InvalidInput: It records none.
        """
        match body:
            case {
                "principal": str(principal),
                "claim": str(claim),
                "role": str(role),
                "meaning": str(meaning),
                "document": document,
                "statement": statement,
                "expires_at": str(expires_at),
                **rest,
            } if not rest and meaning == RECORDED:
                return cls(
                    principal=PrincipalId(principal),
                    claim=parse_word(claim, Trained, "training: claim"),
                    role=parse_word(role, Role, "role"),
                    document=parse_digest(document),
                    statement=BlobRef.parse(statement),
                    expires_at=from_rfc3339(expires_at),
                )
            case _:
                raise InvalidInput(
                    "training: expected exactly principal, claim, role, meaning, document, statement and expires_at"
                )


@dataclass(frozen=True, slots=True, kw_only=True)
class InDate:
    """A record of training at its place in the log."""

    index: int
    by: PrincipalId
    at: datetime
    training: Training


@dataclass(frozen=True, slots=True)
class Trainings:
    """The records that count, in log order. Of several about one person, the last counts."""

    recorded: tuple[InDate, ...] = ()

    @classmethod
    def of(cls, evidence: Iterable[Evidence], *, people: Directory) -> Self:
        """Return the records among `evidence`, in log order, that somebody made who might.

        One by the trained person, by somebody without a role in MAY_RECORD when it was signed, or for longer than
        LONGEST_TRAINING is none. `people` is everybody as enrolled now.
        """
        read = (_read(item, people) for item in evidence if item.statement.predicate_type == TRAINING)
        return cls(tuple(record for record in read if record is not None))

    def latest(self, principal: PrincipalId, *, before: int | None = None) -> InDate | None:
        """Return the last record of `principal`, of those before the log index `before`; None: there is none."""
        mine = (
            record
            for record in reversed(self.recorded)
            if record.training.principal == principal and (before is None or record.index < before)
        )
        return next(mine, None)

    def covering(self, principal: PrincipalId, at: datetime, *, before: int | None = None) -> InDate | None:
        """Return the last record of `principal` if it covers the moment `at`; None: the training is not in date."""
        last = self.latest(principal, before=before)
        if last is None or last.training.claim is not Trained.TRAINED:
            return None
        return last if at < last.training.expires_at else None

    def in_date(self, at: datetime) -> frozenset[PrincipalId]:
        """Return whose training covers the moment `at`."""
        people = {record.training.principal for record in self.recorded}
        return frozenset(person for person in people if self.covering(person, at) is not None)


def _read(item: Evidence, people: Directory) -> InDate | None:
    context = item.statement.context
    then = people.as_of(item.index).find(context.actor)
    if then is None or then.key is None or not signed_by(item, then.key):
        return None
    try:
        training = Training.parse(item.statement.body)
    except InvalidInput:
        return None  # it was never accepted here
    if training.role not in MAY_RECORD or to_act_as(then, training.role, keyid=then.key.keyid) is not None:
        return None
    if training.principal == context.actor or training.expires_at > context.recorded_at + LONGEST_TRAINING:
        return None
    return InDate(index=item.index, by=context.actor, at=context.recorded_at, training=training)

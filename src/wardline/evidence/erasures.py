"""Erasures: who was forgotten and which keys are gone, as a fold over the log."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from wardline.errors import IntegrityViolation, InvalidInput
from wardline.evidence.envelopes import verify_signature
from wardline.evidence.log import Evidence
from wardline.identity.directory import Directory
from wardline.identity.erasure import ERASURE, Erasure
from wardline.identity.principals import Role
from wardline.identity.separation import to_act_as
from wardline.ids import PrincipalId


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedErasure:
    """An erasure at its place in the log."""

    index: int
    at: datetime
    by: PrincipalId
    erasure: Erasure


@dataclass(frozen=True, slots=True)
class Erasures:
    """All that was signed by somebody who had the role and the key at that moment, in log order."""

    recorded: tuple[RecordedErasure, ...] = ()

    @classmethod
    def of(cls, evidence: Iterable[Evidence], *, people: Directory) -> Self:
        """Return the erasures among `evidence`; what nobody was entitled to say destroys nothing."""
        found = (_recorded(item, people) for item in evidence if item.statement.predicate_type == ERASURE)
        return cls(tuple(each for each in found if each is not None))

    def of_principal(self, principal: PrincipalId | None) -> RecordedErasure | None:
        """Return the latest erasure of `principal`; None: never erased."""
        if principal is None:
            return None
        return next((each for each in reversed(self.recorded) if each.erasure.principal == principal), None)

    def of_key(self, key_id: str) -> RecordedErasure | None:
        """Return the first erasure that destroyed this key."""
        return next((each for each in self.recorded if key_id in each.erasure.destroyed.keys), None)


def _recorded(item: Evidence, people: Directory) -> RecordedErasure | None:
    context = item.statement.context
    then = people.as_of(item.index).find(context.actor)
    if then is None or then.key is None:
        return None
    if to_act_as(then, Role.DATA_PROTECTION, keyid=then.key.keyid) is not None:
        return None
    try:
        verify_signature(item.envelope, then.key)
        erasure = Erasure.parse(item.statement.body)
    except (IntegrityViolation, InvalidInput):
        return None
    return RecordedErasure(index=item.index, at=context.recorded_at, by=context.actor, erasure=erasure)

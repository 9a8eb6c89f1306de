"""Legal holds: which ones stand. Only somebody entitled to it places one, or ends it."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from wardline.canonical import JSONObject
from wardline.clock import to_rfc3339
from wardline.errors import IntegrityViolation, InvalidInput
from wardline.evidence.envelopes import verify_signature
from wardline.evidence.log import Evidence
from wardline.evidence.predicates import LEGAL_HOLD, LEGAL_HOLD_RELEASE, LegalHold, LegalHoldReleased
from wardline.identity.directory import Directory
from wardline.identity.principals import Role
from wardline.identity.separation import to_act_as
from wardline.ids import PrincipalId

# Those who answer for what is kept, and for what may no longer be.
MAY_HOLD = frozenset({Role.COMPLIANCE, Role.DATA_PROTECTION})


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A legal hold was released: where the log says so, when, by whom."""

    index: int
    at: datetime
    by: PrincipalId


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedHold:
    """A legal hold at its place in the log. It stands while nobody has released it."""

    index: int
    at: datetime
    by: PrincipalId
    hold: LegalHold
    ended: Ended | None = None

    @property
    def stands(self) -> bool:
        return self.ended is None

    def to_json(self) -> JSONObject:
        ended = self.ended
        return {
            "hold": self.index,
            "scope": self.hold.scope.to_json(),
            "code": self.hold.code.value,
            "role": self.hold.role.value,
            "by": self.by,
            "at": to_rfc3339(self.at),
            "blocks_erasure": self.hold.blocks_erasure,
            "released": None if ended is None else {"log": ended.index, "at": to_rfc3339(ended.at), "by": ended.by},
        }

    def row(self) -> tuple[str, ...]:
        """Return what people read of it in a table."""
        ended = "-" if self.ended is None else f"{to_rfc3339(self.ended.at)} by {self.ended.by}"
        blocks = "yes" if self.hold.blocks_erasure else "no"
        return (
            str(self.index),
            str(self.hold.scope),
            self.hold.code.value,
            self.by,
            to_rfc3339(self.at),
            blocks,
            ended,
        )


def legal_holds(evidence: Iterable[Evidence], *, people: Directory) -> tuple[PlacedHold, ...]:
    """Return every legal hold that was placed by somebody entitled to it, in log order, ended or not.

    `people` is everybody as enrolled now; what counts is what they were when they signed. A hold that cannot be
    read is no hold: it was never accepted here. A release that cannot be read ends nothing.
    """
    found: dict[int, PlacedHold] = {}
    for item in evidence:
        match _said(item, people):
            case LegalHold() as hold:
                context = item.statement.context
                found[item.index] = PlacedHold(index=item.index, at=context.recorded_at, by=context.actor, hold=hold)
            case LegalHoldReleased(hold=index) if index in found and found[index].stands:
                context = item.statement.context
                over = Ended(index=item.index, at=context.recorded_at, by=context.actor)
                found[index] = replace(found[index], ended=over)
    return tuple(found.values())


def standing_holds(evidence: Iterable[Evidence], *, people: Directory) -> tuple[PlacedHold, ...]:
    """Return the legal holds that nobody has released."""
    return tuple(placed for placed in legal_holds(evidence, people=people) if placed.stands)


def _said(item: Evidence, people: Directory) -> LegalHold | LegalHoldReleased | None:
    if item.statement.predicate_type not in (LEGAL_HOLD, LEGAL_HOLD_RELEASE):
        return None
    placing = item.statement.predicate_type == LEGAL_HOLD
    try:
        said = LegalHold.parse(item.statement.body) if placing else LegalHoldReleased.parse(item.statement.body)
    except InvalidInput:
        return None
    then = people.as_of(item.index).find(item.statement.context.actor)
    if then is None or then.key is None or said.role not in MAY_HOLD:
        return None
    if to_act_as(then, said.role, keyid=then.key.keyid) is not None:
        return None
    try:
        verify_signature(item.envelope, then.key)
    except IntegrityViolation:
        return None
    return said

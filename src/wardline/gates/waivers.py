"""Waivers: which ones stand. An expired one never does."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from wardline.errors import InvalidInput
from wardline.evidence.log import Evidence
from wardline.gates.enrolled import signed_by
from wardline.gates.predicates import LONGEST_WAIVER, WAIVER, Waiver
from wardline.identity.directory import Directory
from wardline.identity.principals import Role
from wardline.identity.separation import to_act
from wardline.ids import EnvironmentName, PrincipalId

MAY_WAIVE = frozenset({Role.COMPLIANCE, Role.CLINICAL_SAFETY})  # those who answer for the risk, not who made it


@dataclass(frozen=True, slots=True, kw_only=True)
class StandingWaiver:
    """A waiver by somebody who might. `by` owns the risk until it expires: whoever signs it answers for it."""

    index: int
    by: PrincipalId
    waiver: Waiver


def every_waiver(evidence: Iterable[Evidence], *, people: Directory) -> tuple[StandingWaiver, ...]:
    """Return the waivers that somebody made who might, in log order, those that have expired too."""
    read = (_read(item, people) for item in evidence if item.statement.predicate_type == WAIVER)
    return tuple(waiver for waiver in read if waiver is not None)


def standing_waivers(
    evidence: Iterable[Evidence],
    *,
    people: Directory,
    environment: EnvironmentName,
    author: PrincipalId | None,
    now: datetime,
) -> tuple[StandingWaiver, ...]:
    """Return the waivers that count for a change of `author` at `environment`, in log order.

    One counts if somebody signed it who then had a role in MAY_WAIVE, it is for this environment or
    for all, it has not expired, it was not made for longer than LONGEST_WAIVER, and its signer is not
    the author.
    """
    return tuple(
        standing
        for standing in every_waiver(evidence, people=people)
        if standing.waiver.environment in (None, environment)
        and standing.by != author
        and now < standing.waiver.expires_at
    )


def _read(item: Evidence, people: Directory) -> StandingWaiver | None:
    context = item.statement.context
    signer = people.as_of(item.index).find(context.actor)
    if signer is None or signer.key is None or to_act(signer, keyid=signer.key.keyid) is not None:
        return None
    if not signer.roles & MAY_WAIVE or not signed_by(item, signer.key):
        return None
    try:
        waiver = Waiver.parse(item.statement.body)
    except InvalidInput:
        return None
    if waiver.expires_at > context.recorded_at + LONGEST_WAIVER:
        return None
    return StandingWaiver(index=item.index, by=context.actor, waiver=waiver)

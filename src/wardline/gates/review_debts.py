"""Review debts: what an emergency release leaves owed, and what closes it. A pure fold over evidence."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from wardline.canonical import Digest, JSONObject
from wardline.clock import to_rfc3339
from wardline.errors import InvalidInput
from wardline.evidence.log import Evidence
from wardline.gates.break_glass import Glass, glasses
from wardline.gates.break_glass_predicates import BREAK_GLASS
from wardline.gates.decisions import Decision
from wardline.gates.emergency_review import EMERGENCY_REVIEW, EmergencyReviewed, ReviewVerdict
from wardline.gates.enrolled import signed_by
from wardline.gates.predicates import DECISION, parse_decision
from wardline.gates.readings import DEPLOYMENT, SOURCE
from wardline.identity.directory import Directory
from wardline.identity.principals import Role
from wardline.identity.separation import to_act_as
from wardline.ids import EnvironmentName, PrincipalId, RunId

REVIEW_WITHIN = timedelta(hours=24)  # where nobody joined: four eyes afterwards, in place of four eyes before
REVIEWING = frozenset({Role.COMPLIANCE, Role.CLINICAL_SAFETY})  # both, by two people

# All that a debt is made of, beside the register of people.
OWED = (SOURCE, DECISION, DEPLOYMENT, BREAK_GLASS, EMERGENCY_REVIEW)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reviewed:
    """A review that counts."""

    index: int
    by: PrincipalId
    role: Role
    verdict: ReviewVerdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Debt:
    """A review owed for one decision that let an emergency release pass.

    Attributes:
        deployment: Log index of the first move under that decision.
        glass: Log index of the break-glass it was made under.
        people: Who broke the glass for this run, at any time: none of them reviews it.
        due: By when; None: two people said it together, and it is owed without a date.
    """

    decision: int
    run: RunId
    service: str
    environment: EnvironmentName
    artifact: Digest
    opened_at: datetime
    deployment: int
    glass: int
    code: str | None
    people: tuple[PrincipalId, ...]
    author: PrincipalId | None
    due: datetime | None
    reviews: tuple[Reviewed, ...] = ()

    @property
    def closed(self) -> bool:
        """Whether both roles have reviewed it, in two people."""
        return {each.role for each in self.reviews} == REVIEWING and len({each.by for each in self.reviews}) > 1

    def overdue(self, now: datetime) -> bool:
        return not self.closed and self.due is not None and now > self.due

    def may_review(self, person: PrincipalId) -> bool:
        """Return whether `person` had no part in what is reviewed."""
        return person not in self.people and person != self.author

    def to_json(self) -> JSONObject:
        """Return it as policies read it."""
        return {
            "log": self.deployment,
            "decision": {"log": self.decision},
            "break_glass": {"log": self.glass},
            "run": self.run,
            "environment": self.environment,
            "opened_at": to_rfc3339(self.opened_at),
            "due": None if self.due is None else to_rfc3339(self.due),
            "reviews": [{"log": each.index, "role": each.role.value} for each in self.reviews],
        }


def debts(evidence: Sequence[Evidence], *, people: Directory) -> tuple[Debt, ...]:
    """Return every debt ever opened, in the order of their decisions, those that are closed too.

    `evidence` MUST hold, in log order, every statement of the types in OWED, or at least the decisions of each run in
    which the glass was broken. Whatever became of those who broke the glass, what was released stays owed.
    """
    by_index = {item.index: item for item in evidence}
    broken = {glass.index: glass for glass in glasses(evidence, people=people)}
    opened: dict[int, Debt] = {}
    for item in evidence:
        if item.statement.predicate_type != DEPLOYMENT:
            continue
        named = item.statement.body.get("decision")
        if isinstance(named, int) and named not in opened and named in by_index:
            debt = _opened(by_index[named], by=item, broken=broken, evidence=evidence)
            if debt is not None:
                opened[named] = debt
    for item in evidence:
        if item.statement.predicate_type == EMERGENCY_REVIEW:
            _close(opened, item, people)
    return tuple(opened[index] for index in sorted(opened))


def open_debts(owed: Iterable[Debt], *, service: str) -> tuple[Debt, ...]:
    return tuple(debt for debt in owed if debt.service == service and not debt.closed)


def _opened(decided: Evidence, *, by: Evidence, broken: dict[int, Glass], evidence: Sequence[Evidence]) -> Debt | None:
    run, decision = decided.statement.context.run, _decision(decided)
    if run is None or decision is None or decision.judgement.emergency is None:
        return None
    glass = broken.get(decision.judgement.emergency)
    opened_at = by.statement.context.recorded_at
    return Debt(
        decision=decided.index,
        run=run,
        service=str(by.statement.body.get("service")),
        environment=decision.judgement.environment,
        artifact=decision.judgement.artifact,
        opened_at=opened_at,
        deployment=by.index,
        glass=decision.judgement.emergency,
        code=None if glass is None else glass.first.word.code.value,
        people=tuple(dict.fromkeys(p for each in broken.values() if _of(each, run) for p in each.people)),
        author=_author(evidence, run),
        due=None if glass is not None and glass.together else opened_at + REVIEW_WITHIN,
    )


def _decision(item: Evidence) -> Decision | None:
    if item.statement.predicate_type != DECISION:
        return None
    try:
        return parse_decision(item.statement.body, artifact=item.statement.subjects[0].digest)
    except InvalidInput:
        return None  # nothing was deployed under what nobody can read: whoever checks the log says so


def _of(glass: Glass, run: RunId) -> bool:
    return glass.first.word.release.run == run


def _author(evidence: Sequence[Evidence], run: RunId) -> PrincipalId | None:
    of_run = (item for item in evidence if item.statement.predicate_type == SOURCE)
    said = next((item.statement.body.get("author") for item in of_run if item.statement.context.run == run), None)
    return PrincipalId(said) if isinstance(said, str) else None


def _close(opened: dict[int, Debt], item: Evidence, people: Directory) -> None:
    context = item.statement.context
    try:
        review = EmergencyReviewed.parse(item.statement.body)
    except InvalidInput:
        return
    then = people.as_of(item.index).find(context.actor)
    keyid = item.envelope.signatures[0].keyid
    if then is None or to_act_as(then, review.role, keyid=keyid) is not None or not signed_by(item, then.key):
        return
    for again in review.asked_again:
        debt = opened.get(again.decision)
        if debt is not None and _counts(review, debt, item):
            said = Reviewed(index=item.index, by=context.actor, role=review.role, verdict=review.verdict)
            opened[again.decision] = replace(debt, reviews=(*debt.reviews, said))


def _counts(review: EmergencyReviewed, debt: Debt, item: Evidence) -> bool:
    return (
        review.role in REVIEWING
        and (review.run, review.artifact, review.service) == (debt.run, debt.artifact, debt.service)
        and item.index > debt.deployment
        and debt.may_review(item.statement.context.actor)
    )

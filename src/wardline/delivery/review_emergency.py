"""Review an emergency release: ask again what was set aside, and sign whether it was right."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from wardline.canonical import decode, digest_of, encode
from wardline.delivery.break_glass import without_glass
from wardline.delivery.collect_evidence import Collector
from wardline.delivery.decide import INPUT_DOCUMENT, POLICIES, decision_of, look
from wardline.delivery.enrol import enrolled
from wardline.delivery.owed import owed
from wardline.delivery.refuse import Attempt, refuse
from wardline.delivery.sign import Signatory, sign
from wardline.delivery.vouch import vouched
from wardline.errors import Conflict, InvalidInput, NotFound, Refused
from wardline.evidence.log import Evidence
from wardline.gates.decisions import Judgement
from wardline.gates.door import Door
from wardline.gates.emergency_review import AskedAgain, EmergencyReviewed, ReviewVerdict
from wardline.gates.judge import judge
from wardline.gates.policy import Policy, PolicyEngine, policies_of, policy_document
from wardline.gates.review_debts import REVIEWING, Debt
from wardline.gates.set_aside import SET_ASIDE
from wardline.identity.directory import Directory
from wardline.identity.principals import Role
from wardline.identity.separation import Objection, to_act
from wardline.identity.subject_keys import principal_subject_id
from wardline.ids import EnvironmentName, RunId
from wardline.predicates import Subject

_GRAVEST = ("deny", "undecided", "warn", "allow")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewDesk:
    """Where emergency releases are reviewed. `door_at`: the door of a run at an environment."""

    collect: Collector
    engine: PolicyEngine
    door_at: Callable[[RunId, EnvironmentName], Door]

    def look(self, run: RunId) -> tuple[tuple[Debt, ...], tuple[AskedAgain, ...]]:
        """Return what is owed for `run`, and what the rules that were set aside say by now.

        Raises:
            NotFound: Nothing was ever owed for it.
            Conflict: It is reviewed.
            InvalidInput, NotFound, Unavailable: What it takes to ask again is not here.
        """
        debts = tuple(debt for debt in owed(self.collect) if debt.run == run)
        if not debts:
            raise NotFound(f"run {run} owes no review", remedy="See `wardline break-glass list`.")
        open_ones = tuple(debt for debt in debts if not debt.closed)
        if not open_ones:
            raise Conflict(f"run {run} was reviewed", remedy="See `wardline break-glass list --all`.")
        return open_ones, tuple(self._asked_again(debt) for debt in open_ones)

    def review(  # noqa: PLR0913  # who says what of it, in which role, and why
        self,
        debts: Sequence[Debt],
        asked_again: Sequence[AskedAgain],
        *,
        by: Signatory,
        verdict: ReviewVerdict,
        retrospective: str,
        role: Role | None = None,
    ) -> Evidence:
        """Record the review, signed by `by`.

        Raises:
            InvalidInput: Nothing is said.
            Conflict: They have reviewed it in this role.
            Refused: The signatory may not; the refusal is recorded.
        """
        if not retrospective.strip():
            raise InvalidInput("a retrospective is expected, got none", remedy="Say what was learnt: --retrospective.")
        acting = self._entitled(debts[0], by, role, people=enrolled(self.collect))
        first = debts[0]
        review = EmergencyReviewed(
            service=first.service,
            role=acting,
            run=first.run,
            artifact=first.artifact,
            verdict=verdict,
            asked_again=tuple(asked_again),
            retrospective=self.collect.private(retrospective, about=principal_subject_id(by.principal)),
        )
        return sign(review, step=f"emergency-review/{self.collect.log.size()}", run=None, by=by, collect=self.collect)

    def _asked_again(self, debt: Debt) -> AskedAgain:
        decision = decision_of(self.collect.log.read(debt.decision))
        aside = {reason.policy for reason in decision.judgement.reasons if reason.verdict == SET_ASIDE}
        kept = policies_of(decode(self.collect.blobs.get(decision.judgement.policy_digest)))
        policies = [policy for policy in kept if policy.id in aside]
        door = self.door_at(debt.run, debt.environment)
        question = vouched(without_glass(look(door, self.collect)), policies, door, collect=self.collect)
        now = judge(policies, question, engine=self.engine)
        return AskedAgain(
            decision=debt.decision,
            input=self.collect.blobs.put(encode(question.document), INPUT_DOCUMENT),
            policies=self.collect.blobs.put(encode(policy_document(policies)), POLICIES),
            answers=tuple((policy.id, _gravest(policy, now.judgement)) for policy in policies),
        )

    def _entitled(self, debt: Debt, by: Signatory, role: Role | None, *, people: Directory) -> Role:
        person = people.find(by.principal)
        objection = to_act(person, keyid=by.signer.public_key.keyid)
        if objection is not None or person is None:
            raise self._refused(debt, by, objection or Objection.NOT_ENROLLED, people)
        said = {each.role for each in debt.reviews if each.by == by.principal}
        held = [each for each in sorted(person.roles & REVIEWING) if role in (None, each)]
        if not held:
            raise self._refused(debt, by, Objection.WITHOUT_ROLE, people)
        if not debt.may_review(by.principal):
            raise self._refused(debt, by, Objection.TOOK_PART, people)
        if said:
            raise self._refused(debt, by, Objection.SAME_PERSON, people)
        missing = [each for each in held if each not in {review.role for review in debt.reviews}]
        return (missing or held)[0]

    def _refused(self, debt: Debt, by: Signatory, objection: Objection, people: Directory) -> Refused:
        about = Subject(name="run", digest=digest_of({"run": debt.run}))
        attempt = Attempt(action="review-emergency", run=None, about=about, by=by, takes=REVIEWING)
        return refuse(attempt, objection, people=people, collect=self.collect)


def _gravest(policy: Policy, judgement: Judgement) -> str:
    said = {reason.verdict for reason in judgement.reasons if reason.policy == policy.id}
    return next((verdict for verdict in _GRAVEST if verdict in said), "undecided")

"""Break the glass: a person says that a release may not wait, and another one that they say so too."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from wardline.canonical import JSON, JSONObject, digest_of, encode
from wardline.clock import to_rfc3339
from wardline.delivery.approve import CONSENT_DOCUMENT, approvals_topic
from wardline.delivery.collect_evidence import Collector
from wardline.delivery.decide import Gate, look
from wardline.delivery.enrol import enrolled
from wardline.delivery.refuse import Attempt, refuse
from wardline.delivery.sign import Signatory, sign
from wardline.delivery.vouch import vouched
from wardline.errors import Conflict, InvalidInput, NotFound
from wardline.evidence.log import Evidence
from wardline.evidence.statements import evidence_key
from wardline.gates.break_glass import JOIN_WITHIN, MAY_BREAK, Glass, glasses
from wardline.gates.break_glass_predicates import (
    BREAK_GLASS,
    LONGEST_GLASS,
    DoorNamed,
    EmergencyCode,
    EmergencyRelease,
    GlassBroken,
)
from wardline.gates.door import Door
from wardline.gates.facts import Facts
from wardline.gates.judge import Question, applying, judge
from wardline.gates.policy import Emergency
from wardline.identity.directory import Directory
from wardline.identity.principals import Role
from wardline.identity.separation import Objection, to_act
from wardline.identity.subject_keys import principal_subject_id
from wardline.ids import RunId
from wardline.pipelines.engine import Messenger
from wardline.predicates import Subject

# In which role somebody answers who has several and says none: who runs it before who answers for its risk.
_FIRST = (Role.OPERATOR, Role.CLINICAL_SAFETY, Role.COMPLIANCE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Warned:
    """What a person is shown before they break the glass, and what it would be broken for."""

    service: str
    release: EmergencyRelease
    doors: tuple[Door, ...]
    content: JSONObject

    @property
    def yields(self) -> bool:
        """Whether anything would be set aside."""
        doors = self.content["doors"]
        return isinstance(doors, list) and any(isinstance(each, dict) and each["set_aside"] for each in doors)


@dataclass(frozen=True, slots=True, kw_only=True)
class GlassDesk:
    """Where people break the glass."""

    collect: Collector
    messenger: Messenger
    gate: Gate

    def warn(self, doors: Sequence[Door]) -> Warned:
        """Return what somebody is shown who would break the glass for `doors`, of one run, none of them decided.

        Raises:
            Conflict: The gate of each has decided already, or the run has ended.
        """
        if not doors:
            raise Conflict(
                "no gate on this road is still to decide: there is nothing to break the glass for",
                remedy="Ship it as an emergency: `wardline ship --emergency`; then break the glass for that run.",
            )
        first = doors[0]
        self._check_open(first.run)
        service = first.pipeline.service.name
        release = EmergencyRelease(
            run=first.run,
            artifact=first.artifact,
            doors=tuple(
                DoorNamed(environment=door.environment.name, configuration=door.configuration) for door in doors
            ),
        )
        content: JSONObject = {
            "version": 1,
            "service": service,
            "subject": release.to_json(),
            "doors": [self._foreseen(door) for door in doors],
            "expires_after_s": int(LONGEST_GLASS.total_seconds()),
            "a_second_person_joins_within_s": int(JOIN_WITHIN.total_seconds()),
            "owed": "a review by compliance and by clinical-safety, two people who had no part in it; until then no "
            "normal release of this service. Where nobody joins it is due within 24 hours.",
        }
        return Warned(service=service, release=release, doors=tuple(doors), content=content)

    def start(
        self, warned: Warned, *, by: Signatory, code: EmergencyCode, reason: str, role: Role | None = None
    ) -> Evidence:
        """Sign that what was shown may not wait, and wake the run.

        Raises:
            InvalidInput: No reason is given.
            Conflict: Nothing would be set aside, the glass is broken for it already, or the run has ended.
            Refused: The signatory may not; the refusal is recorded.
        """
        run, people = warned.release.run, enrolled(self.collect)
        self._check_open(run)
        acting = self._entitled("break-glass", by, role, run=run, people=people)
        self._check_reason(reason)
        if not warned.yields:
            raise Conflict("nothing stands in the way that yields to break-glass", remedy="Let the run go on.")
        now = self.collect.clock.now()
        for glass in self._broken(run, people):
            word = glass.first.word
            if word.release == warned.release and now < word.expires_at:
                raise Conflict(
                    f"the glass is broken for it until {to_rfc3339(word.expires_at)} (log index {glass.index})",
                    remedy=f"A second person joins: `wardline break-glass join {run}`.",
                )
        word = GlassBroken(
            service=warned.service,
            role=acting,
            release=warned.release,
            code=code,
            expires_at=now + LONGEST_GLASS,
            joins=None,
            shown=self.collect.blobs.put(encode(warned.content), CONSENT_DOCUMENT),
            reason=self.collect.private(reason, about=principal_subject_id(by.principal)),
        )
        return self._said(word, by)

    def joinable(self, run: RunId) -> Glass:
        """Return the glass of `run` that a second person may join now.

        Raises:
            NotFound: Nobody broke it.
            Conflict: It is too late to join.
        """
        broken = self._broken(run, enrolled(self.collect))
        if not broken:
            raise NotFound(f"nobody broke the glass for run {run}", remedy=f"See `wardline break-glass start {run}`.")
        glass, now = broken[-1], self.collect.clock.now()
        if now > glass.join_until or now >= glass.first.word.expires_at:
            raise Conflict(
                f"run {run}: a second person could join until {to_rfc3339(glass.join_until)}",
                remedy="What was released is reviewed within 24 hours. To release more, break the glass again.",
            )
        return glass

    def join(self, glass: Glass, *, by: Signatory, reason: str, role: Role | None = None) -> Evidence:
        """Sign that a second person says so too, and wake the run.

        Raises:
            InvalidInput: No reason is given.
            Conflict: It is too late to join.
            Refused: The signatory may not, or has said it already; the refusal is recorded.
        """
        first = glass.first.word
        run, people = first.release.run, enrolled(self.collect)
        glass = self.joinable(run)
        acting = self._entitled("join-break-glass", by, role, run=run, people=people)
        self._check_reason(reason)
        if by.principal in glass.people:
            attempt = _attempt("join-break-glass", run, by)
            raise refuse(attempt, Objection.SAME_PERSON, people=people, collect=self.collect)
        word = replace(
            glass.first.word,
            role=acting,
            joins=glass.index,
            reason=self.collect.private(reason, about=principal_subject_id(by.principal)),
        )
        return self._said(word, by)

    def _said(self, word: GlassBroken, by: Signatory) -> Evidence:
        release = word.release
        # Four eyes may come together after the release: what is said of a sealed run stands outside of it.
        sealed = self.collect.log.find(evidence_key(release.run, "seal")) is not None
        step = f"break-glass/{self.collect.log.size()}"
        evidence = sign(word, step=step, run=None if sealed else release.run, by=by, collect=self.collect)
        for door in () if sealed else release.doors:
            self.messenger.send(release.run, approvals_topic(door.environment), {"log": evidence.index})
        return evidence

    def _foreseen(self, door: Door) -> JSONObject:
        """Return what the rules say at `door` now, by whether they would yield."""
        facts = look(door, self.collect, base=self.gate.policies)
        policies = (*self.gate.policies, *facts.overlays.policies)
        question = vouched(without_glass(facts), applying(policies, facts.question), door, collect=self.collect)
        decision = judge(policies, question, engine=self.gate.engine)
        how = {policy.id: policy.emergency for policy in policies}
        objecting = [each for each in decision.judgement.reasons if each.verdict in {"deny", "undecided"}]
        aside, kept = list[JSON](), list[JSON]()
        for reason in objecting:
            told = f"{reason.policy}: {reason.verdict}: {reason.message}"
            match how.get(reason.policy, Emergency.KEPT):
                case Emergency.KEPT:
                    kept.append(told)
                case Emergency.SET_ASIDE:
                    aside.append(told)
                case Emergency.TWO_PEOPLE:
                    aside.append(f"{told} (where two people say so)")
        return {"environment": door.environment.name, "set_aside": aside, "still_in_the_way": kept}

    def _broken(self, run: RunId, people: Directory) -> tuple[Glass, ...]:
        return glasses(self.collect.log.every(BREAK_GLASS), people=people, run=run)

    def _check_open(self, run: RunId) -> None:
        if self.collect.log.find(evidence_key(run, "seal")) is not None:
            raise Conflict(
                f"run {run} has ended: there is nothing to break the glass for",
                remedy="Ship it as an emergency: `wardline ship --emergency`; then break the glass for that run.",
            )

    def _entitled(self, action: str, by: Signatory, role: Role | None, *, run: RunId, people: Directory) -> Role:
        person = people.find(by.principal)
        objection = to_act(person, keyid=by.signer.public_key.keyid)
        held = person.roles & MAY_BREAK if objection is None and person is not None else frozenset[Role]()
        acting = role if role is not None else next((each for each in _FIRST if each in held), None)
        if objection is None and (acting is None or acting not in held):
            objection = Objection.WITHOUT_ROLE
        if objection is not None or acting is None:
            attempt = _attempt(action, run, by)
            raise refuse(attempt, objection or Objection.WITHOUT_ROLE, people=people, collect=self.collect)
        return acting

    @staticmethod
    def _check_reason(reason: str) -> None:
        if not reason.strip():
            raise InvalidInput("a reason is expected, got none", remedy="Say why it cannot wait: --reason.")


def without_glass(facts: Facts) -> Question:
    """Return what policies are asked where no glass was broken."""
    document = {name: value for name, value in facts.question.document.items() if name != "emergency"}
    return replace(facts.question, document=document)


def _attempt(action: str, run: RunId, by: Signatory) -> Attempt:
    subject = Subject(name="run", digest=digest_of({"run": run}))
    return Attempt(action=action, run=run, about=subject, by=by, takes=MAY_BREAK)

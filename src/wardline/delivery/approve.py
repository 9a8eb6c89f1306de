"""Approve or reject: show first what is signed, then sign exactly that."""

from dataclasses import dataclass

from wardline.canonical import digest_of
from wardline.delivery.collect_evidence import Collector
from wardline.delivery.decide import gate_step, look
from wardline.delivery.refuse import Attempt, refuse
from wardline.delivery.sign import Signatory, sign
from wardline.errors import Conflict, InvalidInput, NotFound
from wardline.evidence.log import Evidence
from wardline.evidence.statements import evidence_key
from wardline.gates.approvals import Given, Ground, to_be_trained
from wardline.gates.consent import Document
from wardline.gates.door import Door
from wardline.gates.facts import Facts
from wardline.gates.predicates import APPROVAL, REJECTION, Approval, Rejection, Word
from wardline.identity.directory import Directory
from wardline.identity.principals import Role
from wardline.identity.separation import Objection, to_act_as, to_approve
from wardline.identity.subject_keys import principal_subject_id
from wardline.ids import EnvironmentName, PrincipalId, RunId
from wardline.pipelines.engine import Messenger
from wardline.predicates import Subject

CONSENT_DOCUMENT = "application/vnd.wardline.consent+json"


def approvals_topic(environment: EnvironmentName) -> str:
    """Return where a run that waits for people at `environment` is woken."""
    return f"{environment}/approvals"


@dataclass(frozen=True, slots=True, kw_only=True)
class Approvals:
    """The desk where people say yes or no."""

    collect: Collector
    messenger: Messenger

    def what_is_signed(self, door: Door) -> Document:
        """Return what is shown to a person before they sign.

        Raises:
            NotFound: The run has not come so far that there is anything to approve.
            Conflict: The gate has decided.
        """
        self._refuse_too_late(door)
        return _worth_signing(look(door, self.collect).document)

    def approve(self, document: Document, *, by: Signatory, role: Role, reason: str) -> Evidence:
        """Sign `document`, record the approval and wake the run. Approving twice records nothing more.

        Raises:
            Conflict: What would be released has changed since `document` was shown, or the gate has decided.
            InvalidInput: No reason is given, or nobody is asked in this role.
            Refused: The signatory may not; the refusal is recorded.
        """
        facts = self._still(document)
        asked = sorted(document.door.roles_asked)
        if role not in asked:
            where = document.door.environment.name
            raise InvalidInput(f"{where}: nobody is asked as {role.value}; asked: {', '.join(asked) or 'none'}")
        mine = [given for given in facts.standing.approvals if given.by == by.principal]
        objection = (
            _to_act_as(by, role, facts.people)
            or to_approve(by.principal, author=facts.author)
            or _untrained(by.principal, role, facts.ground)
            or _second_role(mine, role)
        )
        if objection is not None:
            raise refuse(_attempt("approve", document, by), objection, people=facts.people, collect=self.collect)
        if mine:
            return self._woken(document.door, self.collect.log.read(mine[0].index))
        return self._say(Approval(word=self._word(document, by, role, reason)), document, by)

    def reject(self, document: Document, *, by: Signatory, role: Role, reason: str) -> Evidence:
        """Sign a no to `document`, record it and wake the run.

        Raises:
            Conflict: What would be released has changed since `document` was shown, or the gate has decided.
            InvalidInput: No reason is given.
            Refused: The signatory may not; the refusal is recorded.
        """
        facts = self._still(document)
        objection = _to_act_as(by, role, facts.people)
        if objection is not None:
            raise refuse(_attempt("reject", document, by), objection, people=facts.people, collect=self.collect)
        mine = [given for given in facts.standing.rejections if given.by == by.principal]
        if mine:
            return self._woken(document.door, self.collect.log.read(mine[0].index))
        return self._say(Rejection(word=self._word(document, by, role, reason)), document, by)

    def _still(self, document: Document) -> Facts:
        self._refuse_too_late(document.door)
        facts = look(document.door, self.collect)
        if facts.document.digest != document.digest:
            raise Conflict(
                f"what was shown is {document.digest.short}, what would be released now is "
                f"{facts.document.digest.short}",
                remedy="Look at what is shown now, and sign that.",
            )
        _worth_signing(document)
        return facts

    def _refuse_too_late(self, door: Door) -> None:
        if self.collect.log.find(evidence_key(door.run, gate_step(door.environment.name))) is not None:
            raise Conflict(
                f"run {door.run}: the gate of {door.environment.name} has decided already; a word comes too late",
                remedy=f"To take the release back: wardline rollback {door.environment.name}",
            )

    def _word(self, document: Document, by: Signatory, role: Role, reason: str) -> Word:
        if not reason.strip():
            raise InvalidInput("a reason is expected, got none", remedy="Say why: --reason.")
        return Word(
            environment=document.door.environment.name,
            role=role,
            matter=document.matter,
            shown=self.collect.blobs.put(document.canonical, CONSENT_DOCUMENT),
            reason=self.collect.private(reason, about=principal_subject_id(by.principal)),
        )

    def _say(self, predicate: Approval | Rejection, document: Document, by: Signatory) -> Evidence:
        door = document.door
        before = sum(
            item.statement.context.actor == by.principal
            for item in self.collect.log.of_run(door.run)
            if item.statement.predicate_type in (APPROVAL, REJECTION)
        )
        step = f"{door.environment.name}/word/{by.principal}/{before + 1}"
        evidence = sign(predicate, step=step, run=door.run, by=by, collect=self.collect)
        return self._woken(door, evidence)

    def _woken(self, door: Door, evidence: Evidence) -> Evidence:
        # Sent again when asked again: a command that died between record and message left the run asleep.
        self.messenger.send(door.run, approvals_topic(door.environment.name), {"log": evidence.index})
        return evidence


def _worth_signing(document: Document) -> Document:
    matter = document.matter
    if matter.commit is None or matter.tests is None:
        raise NotFound(
            f"run {matter.run} has no {'commit' if matter.commit is None else 'test result'} on record: "
            "there is nothing to sign yet",
            remedy="Wait until the run asks for approvals.",
        )
    return document


def _second_role(mine: list[Given], role: Role) -> Objection | None:
    return Objection.SECOND_ROLE if any(given.role is not role for given in mine) else None


def _to_act_as(by: Signatory, role: Role, people: Directory) -> Objection | None:
    keyid = by.signer.public_key.keyid
    # A revoked key is nobody's: said first, or its holder would be told to use the key that they use.
    revoked = Objection.KEY_REVOKED if people.is_revoked(keyid) else None
    return revoked or to_act_as(people.find(by.principal), role, keyid=keyid)


def _untrained(person: PrincipalId, role: Role, ground: Ground) -> Objection | None:
    return to_be_trained(person, ground, at=ground.now) if ground.asks_training(role) else None


def _attempt(action: str, document: Document, by: Signatory) -> Attempt:
    run: RunId = document.door.run
    return Attempt(action=action, run=run, about=Subject(name="run", digest=digest_of({"run": run})), by=by)

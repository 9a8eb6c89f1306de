"""Revocation: every word that was said at a door, whether it stands, and if not why and by which leaf.

Nobody revokes an approval by hand: it falls by what the log says since. A word stands exactly if no cause is found.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from wardline.canonical import Digest, JSONObject
from wardline.errors import InvalidInput
from wardline.evidence.log import Evidence
from wardline.evidence.register import revocation_in
from wardline.gates.approvals import Ground, Standing, is_word, standing, to_be_trained
from wardline.gates.differences import UNSEEN, Cause, differences, worse
from wardline.gates.predicates import APPROVAL, APPROVED, REJECTED, Word
from wardline.gates.training import Trained
from wardline.identity.predicates import KeyChange
from wardline.identity.principals import Role
from wardline.identity.separation import Objection, to_act_as
from wardline.ids import KeyId, PrincipalId


class State(StrEnum):
    """What has become of a word."""

    STANDS = "stands"
    FALLEN = "fallen"  # it counted, and something came after it
    NEVER_COUNTED = "never-counted"
    SET_ASIDE = "set-aside"  # it does not count, and nobody can tell any more whether it ever did
    SUPERSEDED = "superseded"  # by another word of the same person


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A word and what has become of it. `role` None: it cannot be read. `causes`: none exactly if it stands."""

    index: int
    at: datetime
    by: PrincipalId
    role: Role | None
    yes: bool
    state: State
    causes: tuple[Cause, ...] = ()

    @property
    def meaning(self) -> str:
        return APPROVED if self.yes else REJECTED


def accounts(
    evidence: Sequence[Evidence], ground: Ground, *, shown: Mapping[Digest, JSONObject]
) -> tuple[Account, ...]:
    """Return every word said at the door of `ground`, in log order.

    `evidence` is what `ground` was gathered from; `shown` are the documents that people were shown, by digest, as far
    as they are kept.
    """
    door = ground.document.door
    words = [item for item in evidence if is_word(item) and item.statement.context.run == door.run]
    stands = standing(words, ground)
    found = []
    for item in words:
        word = _word(item)
        if word is None or (word.environment, word.matter.run) == (door.environment.name, door.run):
            found.append(_account(item, word, stands, ground, evidence=evidence, shown=shown))
    return tuple(found)


def since(account: Account, then: Ground, now: Ground, *, evidence: Sequence[Evidence]) -> tuple[Cause, ...]:
    """Return what speaks now against an approval that stood when its gate decided; none: it would still be given.

    `then` is the ground of the gate's moment, `evidence` all of now. That something else would be gone back to is what
    a release brings with it, and no cause; neither is a waiver more or a rehearsal that went well.
    """
    if not account.yes or account.role is None:
        return ()
    found: list[Cause] = []
    item = next(each for each in evidence if each.index == account.index)
    keyid = item.envelope.signatures[0].keyid
    objection = to_act_as(now.people.find(account.by), account.role, keyid=keyid)
    if objection is not None:
        found.append(_of_signer(objection, account, keyid, now, evidence=evidence))
    if now.asks_training(account.role) and now.trainings.covering(account.by, now.now) is None:
        found.append(_of_training(account, now))
    if then.document.digest != now.document.digest:
        then_content, matter = then.document.content, then.document.matter
        found += worse(differences(then_content, matter, now.document, evidence=evidence, at=now.now))
    return tuple(found)


def _account(  # noqa: PLR0913  # a word, and all it is held against
    item: Evidence,
    word: Word | None,
    stands: Standing,
    ground: Ground,
    *,
    evidence: Sequence[Evidence],
    shown: Mapping[Digest, JSONObject],
) -> Account:
    context = item.statement.context
    account = Account(
        index=item.index,
        at=context.recorded_at,
        by=context.actor,
        role=None if word is None else word.role,
        yes=item.statement.predicate_type == APPROVAL,
        state=State.STANDS,
    )
    if any(given.index == item.index for given in (*stands.approvals, *stands.rejections)):
        return account
    objection = next((aside.objection for aside in stands.set_aside if aside.index == item.index), None)
    if objection is None:
        other = _superseding(account, stands, evidence=evidence)
        return replace(account, state=State.SUPERSEDED, causes=(other,))
    causes = _causes(objection, account, word, item, ground, evidence=evidence, shown=shown)
    return replace(account, state=_state(item.index, causes), causes=causes)


def _state(index: int, causes: Sequence[Cause]) -> State:
    if any(cause.at is not None or (cause.log or 0) > index for cause in causes):
        return State.FALLEN
    return State.SET_ASIDE if any(cause.code == UNSEEN for cause in causes) else State.NEVER_COUNTED


def _causes(  # noqa: PLR0913  # as above
    objection: Objection,
    account: Account,
    word: Word | None,
    item: Evidence,
    ground: Ground,
    *,
    evidence: Sequence[Evidence],
    shown: Mapping[Digest, JSONObject],
) -> tuple[Cause, ...]:
    if word is None:
        return (_plain(objection),)
    match objection:
        case Objection.ANOTHER_MATTER:
            document = shown.get(word.shown.digest)
            return differences(document, word.matter, ground.document, evidence=evidence, at=ground.now)
        case Objection.TRAINING_MISSING | Objection.TRAINING_LAPSED:
            before = to_be_trained(account.by, ground, at=account.at, before=account.index)
            was_covered = ground.trainings.covering(account.by, account.at, before=account.index) is not None
            return (_of_training(account, ground) if was_covered else _plain(before or objection),)
        case Objection.BAD_SIGNATURE | Objection.MALFORMED | Objection.IS_AUTHOR | Objection.AUTHOR_UNKNOWN:
            return (_plain(objection),)
        case Objection.SECOND_ROLE | Objection.TOO_LATE:
            return (_plain(objection),)
        case _:
            keyid = item.envelope.signatures[0].keyid
            return (_of_signer(objection, account, keyid, ground, evidence=evidence),)


def _of_signer(
    objection: Objection, account: Account, keyid: KeyId, ground: Ground, *, evidence: Sequence[Evidence]
) -> Cause:
    """Return since which leaf the signer is not who signed any more."""
    if account.role is None:
        return _plain(objection)
    if ground.people.is_revoked(keyid):
        for item in evidence:
            change = revocation_in(item) if item.statement.predicate_type == KeyChange.predicate_type else None
            if change is not None and change.key.keyid == keyid:
                told = f"key {keyid[:12]} was revoked; what it signed from log index {change.since} on does not count"
                return Cause(code=Objection.KEY_REVOKED.value, told=told, log=item.index)
    since_log: int | None = None
    for entry in reversed(ground.people.admitted):
        principal = entry.enrolment.principal
        if principal.id != account.by:
            continue
        if entry.index < account.index or to_act_as(principal, account.role, keyid=keyid) is None:
            break
        since_log = entry.index
    return Cause(code=objection.value, told=_TOLD[objection], log=since_log)


def _of_training(account: Account, ground: Ground) -> Cause:
    last = ground.trainings.latest(account.by)
    if last is None:
        return _plain(Objection.TRAINING_MISSING)
    lapsed = Objection.TRAINING_LAPSED.value
    if last.training.claim is Trained.WITHDRAWN:
        return Cause(code=lapsed, told="the training on record was withdrawn", log=last.index)
    ended = last.training.expires_at
    return Cause(code=lapsed, told="the training on record has run out", log=last.index, at=ended)


def _superseding(account: Account, stands: Standing, *, evidence: Sequence[Evidence]) -> Cause:
    """Return the other word of the same person that speaks in its place."""
    mine = [given.index for given in (*stands.approvals, *stands.rejections) if given.by == account.by]
    later = [
        item.index
        for item in evidence
        if is_word(item) and item.statement.context.actor == account.by and item.index > account.index
    ]
    if mine and mine[0] < account.index:
        return Cause(code="said-already", told="the same was said before, and counts", log=mine[0])
    return Cause(code="another-word", told="the same person has said something else since", log=(mine or later)[0])


def _plain(objection: Objection) -> Cause:
    return Cause(code=objection.value, told=_TOLD[objection])


def _word(item: Evidence) -> Word | None:
    try:
        return Word.parse(
            item.statement.body, meaning=APPROVED if item.statement.predicate_type == APPROVAL else REJECTED
        )
    except InvalidInput:
        return None


_TOLD = {
    Objection.NOT_ENROLLED: "the signer is not enrolled",
    Objection.DEPARTED: "the signer has left",
    Objection.NOT_A_PERSON: "a machine signed it",
    Objection.WITHOUT_ROLE: "the signer does not have the role",
    Objection.WRONG_KEY: "the signer has another key",
    Objection.BAD_SIGNATURE: "the signature does not hold",
    Objection.MALFORMED: "it cannot be read",
    Objection.IS_AUTHOR: "the signer wrote the change",
    Objection.AUTHOR_UNKNOWN: "the author of the change is not enrolled",
    Objection.SECOND_ROLE: "the signer answers in another role already",
    Objection.TOO_LATE: "it was said after the time to answer was over",
    Objection.TRAINING_MISSING: "no training of the signer was on record before it",
    Objection.TRAINING_LAPSED: "the training of the signer was not in date",
}

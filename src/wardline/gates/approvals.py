"""Approvals: which ones stand for exactly this matter now (21 CFR 11.70: a signature stays with its record)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from wardline.errors import InvalidInput
from wardline.evidence.log import Evidence
from wardline.gates.consent import Document
from wardline.gates.enrolled import signed_by
from wardline.gates.predicates import APPROVAL, APPROVED, REJECTED, REJECTION, Word
from wardline.gates.training import InDate, Trainings
from wardline.identity.directory import Directory
from wardline.identity.principals import Role
from wardline.identity.separation import Objection, to_act_as, to_approve
from wardline.ids import PrincipalId


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """A word that counts. `training`: the signer's, where it is in date."""

    index: int
    by: PrincipalId
    role: Role
    training: InDate | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAside:
    """A word that does not count, and why."""

    index: int
    objection: Objection


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Who said yes and who said no, one word a person; and what was set aside."""

    approvals: tuple[Given, ...]
    rejections: tuple[Given, ...]
    set_aside: tuple[SetAside, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What words are held against.

    Attributes:
        document: What would be released now.
        people: Everybody as enrolled now.
        author: Of the change; None: not known.
        trainings: Whose training is on record.
        now: The moment of asking.
        deadline: Until when people were asked; None: not known.
    """

    document: Document
    people: Directory
    author: PrincipalId | None
    trainings: Trainings
    now: datetime
    deadline: datetime | None = None

    def asks_training(self, role: Role) -> bool:
        """Return whether who approves in `role` has to be trained, by the declaration of the environment."""
        return any(spec.role is role and spec.training for spec in self.document.door.environment.approvals)


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A word as it was signed by somebody who might."""

    index: int
    at: datetime
    by: PrincipalId
    word: Word
    yes: bool


def standing(words: Iterable[Evidence], ground: Ground) -> Standing:
    """Return which approvals and rejections among `words` stand now.

    A word counts if its signer had that key and that role when it was written. An approval must also be
    of exactly this document, not by the author, and in time; its signer must have key and role still, and their
    training must be in date, then and now, where that is asked. A rejection
    holds for the run and environment, whatever is changed under it and whoever leaves, until the same
    person approves. The first role a person approved in since then is theirs: further ones are set aside.
    """
    said: list[Said] = []
    aside: list[SetAside] = []
    for item in sorted((w for w in words if is_word(w)), key=lambda item: item.index):
        read = _read(item, ground.people)
        if isinstance(read, Objection):
            aside.append(SetAside(index=item.index, objection=read))
        elif _concerns(read.word, ground.document):
            said.append(read)
    approvals: list[Given] = []
    rejections: list[Given] = []
    for person in sorted({one.by for one in said}):
        yes, no, set_aside = _last_word([one for one in said if one.by == person], ground)
        approvals += yes
        rejections += no
        aside += set_aside
    return Standing(
        approvals=tuple(sorted(approvals, key=lambda given: given.index)),
        rejections=tuple(sorted(rejections, key=lambda given: given.index)),
        set_aside=tuple(sorted(aside, key=lambda item: item.index)),
    )


def is_of(word: Word, document: Document) -> bool:
    """Return whether `word` was given to exactly `document`."""
    return word.matter == document.matter and word.shown.digest == document.digest


def is_word(item: Evidence) -> bool:
    return item.statement.predicate_type in (APPROVAL, REJECTION)


def _concerns(word: Word, document: Document) -> bool:
    return (word.environment, word.matter.run) == (document.door.environment.name, document.door.run)


def _read(item: Evidence, people: Directory) -> Said | Objection:
    yes = item.statement.predicate_type == APPROVAL
    try:
        word = Word.parse(item.statement.body, meaning=APPROVED if yes else REJECTED)
    except InvalidInput:
        return Objection.MALFORMED
    context, keyid = item.statement.context, item.envelope.signatures[0].keyid
    then, now = people.as_of(item.index).find(context.actor), people.find(context.actor)
    # A no outlives the role of who said it: else whoever removes the person would remove the no.
    for principal in (then, now) if yes else (then,):
        objection = to_act_as(principal, word.role, keyid=keyid)
        if objection is not None:
            return objection
    if then is None or not signed_by(item, then.key):
        return Objection.BAD_SIGNATURE
    return Said(index=item.index, at=context.recorded_at, by=context.actor, word=word, yes=yes)


def _last_word(said: Sequence[Said], ground: Ground) -> tuple[list[Given], list[Given], list[SetAside]]:
    """Return the approvals, the rejections and what is set aside of one person, given in log order."""
    last_no = max((position for position, one in enumerate(said) if not one.yes), default=-1)
    since = said[last_no + 1 :]
    if last_no >= 0 and not since:
        return [], [_given(said[last_no], ground)], []
    aside: list[SetAside] = []
    counted: list[Said] = []
    for one in since:
        objection = _objection(one, counted, ground)
        if objection is None:
            counted = counted or [one]
        else:
            aside.append(SetAside(index=one.index, objection=objection))
    # A yes that does not count takes back no earlier no.
    no = [_given(said[last_no], ground)] if last_no >= 0 and not counted else []
    return [_given(one, ground) for one in counted], no, aside


def _objection(one: Said, counted: Sequence[Said], ground: Ground) -> Objection | None:
    if not is_of(one.word, ground.document):
        return Objection.ANOTHER_MATTER
    separate = to_approve(one.by, author=ground.author)
    if separate is not None:
        return separate
    if ground.deadline is not None and one.at >= ground.deadline:
        return Objection.TOO_LATE
    if ground.asks_training(one.word.role):
        untrained = to_be_trained(one.by, ground, at=one.at, before=one.index)
        if untrained is not None:
            return untrained
    return Objection.SECOND_ROLE if counted and counted[0].word.role is not one.word.role else None


def to_be_trained(person: PrincipalId, ground: Ground, *, at: datetime, before: int | None = None) -> Objection | None:
    """Return why the training of `person` does not do for a word given at `at`, at the log index `before`.

    It must have been on record and in date when the word was given, and be in date still.
    """
    for moment, known_before in ((at, before), (ground.now, None)):
        if ground.trainings.covering(person, moment, before=known_before) is None:
            last = ground.trainings.latest(person, before=known_before)
            return Objection.TRAINING_MISSING if last is None else Objection.TRAINING_LAPSED
    return None


def _given(one: Said, ground: Ground) -> Given:
    training = ground.trainings.covering(one.by, ground.now)
    return Given(index=one.index, by=one.by, role=one.word.role, training=training)

"""Approvals: which ones stand for exactly this matter now (21 CFR 11.70: a signature stays with its record)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from wardline.errors import InvalidInput
from wardline.evidence.log import Evidence
from wardline.gates.consent import Document
from wardline.gates.enrolled import signed_by
from wardline.gates.predicates import APPROVAL, APPROVED, REJECTED, REJECTION, Word
from wardline.identity.directory import Directory
from wardline.identity.principals import Role
from wardline.identity.separation import Objection, to_act_as, to_approve
from wardline.ids import PrincipalId


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """A word that counts."""

    index: int
    by: PrincipalId
    role: Role


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
class _Said:
    index: int
    by: PrincipalId
    word: Word
    yes: bool


def standing(
    words: Iterable[Evidence], *, document: Document, people: Directory, author: PrincipalId | None
) -> Standing:
    """Return which approvals and rejections among `words` stand for `document` now.

    A word counts if its signer had that key and that role when it was written. An approval must also be
    of exactly this document, not by the author, and its signer must have key and role still. A rejection
    holds for the run and environment, whatever is changed under it and whoever leaves, until the same
    person approves. The first role a person approved in since then is theirs: further ones are set aside.
    """
    said: list[_Said] = []
    aside: list[SetAside] = []
    for item in sorted((w for w in words if _is_word(w)), key=lambda item: item.index):
        read = _read(item, people)
        if isinstance(read, Objection):
            aside.append(SetAside(index=item.index, objection=read))
        elif _concerns(read.word, document):
            said.append(read)
    approvals: list[Given] = []
    rejections: list[Given] = []
    for person in sorted({one.by for one in said}):
        yes, no, set_aside = _last_word([one for one in said if one.by == person], document=document, author=author)
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


def _is_word(item: Evidence) -> bool:
    return item.statement.predicate_type in (APPROVAL, REJECTION)


def _concerns(word: Word, document: Document) -> bool:
    return (word.environment, word.matter.run) == (document.door.environment.name, document.door.run)


def _read(item: Evidence, people: Directory) -> _Said | Objection:
    yes = item.statement.predicate_type == APPROVAL
    try:
        word = Word.parse(item.statement.body, meaning=APPROVED if yes else REJECTED)
    except InvalidInput:
        return Objection.MALFORMED
    by = item.statement.context.actor
    keyid = item.envelope.signatures[0].keyid
    then, now = people.as_of(item.index).find(by), people.find(by)
    # A no outlives the role of who said it: else whoever removes the person would remove the no.
    for principal in (then, now) if yes else (then,):
        objection = to_act_as(principal, word.role, keyid=keyid)
        if objection is not None:
            return objection
    if then is None or not signed_by(item, then.key):
        return Objection.BAD_SIGNATURE
    return _Said(index=item.index, by=by, word=word, yes=yes)


def _last_word(
    said: Sequence[_Said], *, document: Document, author: PrincipalId | None
) -> tuple[list[Given], list[Given], list[SetAside]]:
    """Return the approvals, the rejections and what is set aside of one person, given in log order."""
    last_no = max((position for position, one in enumerate(said) if not one.yes), default=-1)
    since = said[last_no + 1 :]
    if last_no >= 0 and not since:
        return [], [_given(said[last_no])], []
    aside: list[SetAside] = []
    counted: list[_Said] = []
    for one in since:
        objection = _objection(one, counted, document=document, author=author)
        if objection is None:
            counted = counted or [one]
        else:
            aside.append(SetAside(index=one.index, objection=objection))
    # A yes that does not count takes back no earlier no.
    no = [_given(said[last_no])] if last_no >= 0 and not counted else []
    return [_given(one) for one in counted], no, aside


def _objection(
    one: _Said, counted: Sequence[_Said], *, document: Document, author: PrincipalId | None
) -> Objection | None:
    if not is_of(one.word, document):
        return Objection.ANOTHER_MATTER
    separate = to_approve(one.by, author=author)
    if separate is not None:
        return separate
    return Objection.SECOND_ROLE if counted and counted[0].word.role is not one.word.role else None


def _given(one: _Said) -> Given:
    return Given(index=one.index, by=one.by, role=one.word.role)

"""Which attestations and decisions stand. Only somebody entitled to one makes it, and it ends."""

from collections.abc import Iterable

from wardline.controls.library import Library
from wardline.controls.predicates import (
    ADDRESSABLE_DECISION,
    ATTESTATION,
    LONGEST_WORD,
    About,
    AddressableDecision,
    Attestation,
)
from wardline.controls.said import Attested, Decided, Said
from wardline.errors import IntegrityViolation, InvalidInput, NotFound
from wardline.evidence.envelopes import verify_signature
from wardline.evidence.log import Evidence
from wardline.identity.directory import Directory
from wardline.identity.principals import Role
from wardline.identity.separation import to_act_as

WORDS = (ATTESTATION, ADDRESSABLE_DECISION)

MAY_ATTEST = frozenset({Role.COMPLIANCE, Role.DATA_PROTECTION, Role.CLINICAL_SAFETY})  # those who answer for a risk
MAY_DECIDE = frozenset({Role.COMPLIANCE})


def standing(evidence: Iterable[Evidence], *, people: Directory, library: Library, service: str | None) -> Said:
    """Return what was attested and decided of `service` and of the whole organization, in log order.

    `people` is everybody as enrolled now; what counts is what they were when they signed. A word that cannot be read,
    reaches further than LONGEST_WORD or is by nobody entitled to it is none, and neither is one about a control that
    asks something else by now. Whether one has ended is for whoever asks on a day. `service` None: of the whole
    organization only.
    """
    attested: list[Attested] = []
    decided: list[Decided] = []
    for item in evidence:
        word = read(item, people)
        if word is None or word.service not in (None, service):
            continue
        match word:
            case Attestation():
                attested += (_attested(item, word, about) for about in word.controls if asks_still(about, library))
            case AddressableDecision() if asks_still(word.control, library):
                decided.append(_decided(item, word))
            case _:
                continue
    return Said(attested=tuple(attested), decided=tuple(decided))


def read(item: Evidence, people: Directory) -> Attestation | AddressableDecision | None:
    """Return the word in `item` if it was given by somebody entitled to it; None: it counts for nothing."""
    parsed = _parsed(item)
    if parsed is None:
        return None
    word, may = parsed
    context = item.statement.context
    then = people.as_of(item.index).find(context.actor)
    if then is None or then.key is None or word.role not in may:
        return None
    if to_act_as(then, word.role, keyid=then.key.keyid) is not None or not _is_signed(item, people):
        return None
    return word if word.expires_at <= context.recorded_at + LONGEST_WORD else None


def _parsed(item: Evidence) -> tuple[Attestation | AddressableDecision, frozenset[Role]] | None:
    try:
        match item.statement.predicate_type:
            case kind if kind == ATTESTATION:
                return Attestation.parse(item.statement.body), MAY_ATTEST
            case kind if kind == ADDRESSABLE_DECISION:
                return AddressableDecision.parse(item.statement.body), MAY_DECIDE
            case _:
                return None
    except InvalidInput:
        return None  # it was never accepted here


def _is_signed(item: Evidence, people: Directory) -> bool:
    signer = people.as_of(item.index).find(item.statement.context.actor)
    if signer is None or signer.key is None:
        return False
    try:
        verify_signature(item.envelope, signer.key)
    except IntegrityViolation:
        return False
    return True


def asks_still(about: About, library: Library) -> bool:
    """Return whether a control asks what it asked when somebody spoke of it."""
    try:
        return library.control(about.id).digest == about.asks
    except NotFound:
        return False


def _attested(item: Evidence, word: Attestation, about: About) -> Attested:
    by = item.statement.context.actor
    return Attested(index=item.index, control=about.id, claim=word.claim, by=by, until=word.expires_at)


def _decided(item: Evidence, word: AddressableDecision) -> Decided:
    by = item.statement.context.actor
    return Decided(index=item.index, control=word.control.id, choice=word.choice, by=by, until=word.expires_at)

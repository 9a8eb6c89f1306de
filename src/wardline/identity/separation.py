"""Separation of duties: who may not do what, by fixed codes (45 CFR 164.308(a)(3)(ii)(A), 21 CFR 11.10(g))."""

from enum import StrEnum

from wardline.identity.principals import Kind, Principal, Role
from wardline.ids import KeyId, PrincipalId


class Objection(StrEnum):
    """Why an act of a principal is refused, or does not count."""

    NOT_ENROLLED = "not-enrolled"
    DEPARTED = "departed"
    NOT_A_PERSON = "not-a-person"
    WITHOUT_ROLE = "without-role"
    WRONG_KEY = "wrong-key"
    BAD_SIGNATURE = "bad-signature"
    MALFORMED = "malformed"
    IS_AUTHOR = "is-author"
    AUTHOR_UNKNOWN = "author-unknown"
    SECOND_ROLE = "second-role"
    ANOTHER_MATTER = "another-matter"
    NOT_FOUNDING = "not-founding"
    ALREADY_FOUNDED = "already-founded"
    KEY_TAKEN = "key-taken"
    LAST_ADMINISTRATOR = "last-administrator"
    OWN_ERASURE = "own-erasure"
    LEGAL_HOLD = "legal-hold"
    ERASED = "erased"
    KEY_REVOKED = "key-revoked"
    KEY_UNKNOWN = "key-unknown"
    LAST_KEY = "last-key"
    TOO_LATE = "too-late"
    TRAINING_MISSING = "training-missing"
    TRAINING_LAPSED = "training-lapsed"
    OWN_TRAINING = "own-training"
    SAME_PERSON = "same-person"
    TOOK_PART = "took-part"


def to_act(principal: Principal | None, *, keyid: KeyId) -> Objection | None:
    """Return why this key may not sign in the name of `principal`; None: it may."""
    if principal is None:
        return Objection.NOT_ENROLLED
    if principal.departed:
        return Objection.DEPARTED
    if principal.kind is not Kind.PERSON:
        return Objection.NOT_A_PERSON
    if principal.key is None or principal.key.keyid != keyid:
        return Objection.WRONG_KEY
    return None


def to_act_as(principal: Principal | None, role: Role, *, keyid: KeyId) -> Objection | None:
    """Return why this key may not sign for `role` in the name of `principal`; None: it may."""
    objection = to_act(principal, keyid=keyid)
    if objection is not None or principal is None:
        return objection
    return None if role in principal.roles else Objection.WITHOUT_ROLE


def to_approve(approver: PrincipalId, *, author: PrincipalId | None) -> Objection | None:
    """Return why `approver` may not approve a change of `author`; None: they may.

    An author nobody could map to a principal might be the approver: nobody can tell, so nobody may.
    """
    if author is None:
        return Objection.AUTHOR_UNKNOWN
    return Objection.IS_AUTHOR if approver == author else None

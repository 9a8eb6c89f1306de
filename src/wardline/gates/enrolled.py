"""Enrolments as evidence: the directory that the log proves."""

from collections.abc import Iterable

from wardline.errors import IntegrityViolation, InvalidInput
from wardline.evidence.envelopes import verify_signature
from wardline.evidence.log import Evidence
from wardline.identity.directory import Directory, Recorded
from wardline.identity.predicates import Enrolment
from wardline.identity.principals import PublicKey


def directory(evidence: Iterable[Evidence]) -> Directory:
    """Return who is who after all the enrolments among `evidence`, in log order.

    What is not signed by an administrator enrolled before it (the first one: by itself) has no effect.
    """
    people = Directory()
    for item in evidence:
        entry = _recorded(item, people)
        if entry is not None and people.objection(entry) is None:
            people = Directory((*people.admitted, entry))
    return people


def signed_by(item: Evidence, key: PublicKey | None) -> bool:
    """Return whether `key` signed `item`."""
    if key is None:
        return False
    try:
        verify_signature(item.envelope, key)
    except IntegrityViolation:
        return False
    return True


def _recorded(item: Evidence, people: Directory) -> Recorded | None:
    if item.statement.predicate_type != Enrolment.predicate_type:
        return None
    try:
        enrolment = Enrolment.parse(item.statement.body)
    except InvalidInput:
        return None
    actor = item.statement.context.actor
    enroller = enrolment.principal if enrolment.founding else people.find(actor)
    if enroller is None or enroller.key is None or not signed_by(item, enroller.key):
        return None
    return Recorded(index=item.index, actor=actor, keyid=enroller.key.keyid, enrolment=enrolment)

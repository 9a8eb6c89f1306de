"""Enrolments as evidence: the directory that the log proves."""

from collections.abc import Iterable

from wardline.errors import IntegrityViolation, InvalidInput
from wardline.evidence.envelopes import verify_signature
from wardline.evidence.log import Evidence
from wardline.evidence.register import Register, registered, revocation_in
from wardline.identity.directory import Directory
from wardline.identity.predicates import Enrolment
from wardline.identity.principals import PublicKey


def directory(evidence: Iterable[Evidence]) -> Directory:
    """Return who is who after all the enrolments and revocations among `evidence`, in log order.

    What is not signed by an administrator enrolled before it (the first enrolment: by itself) has no effect.
    """
    told = registered(evidence)
    first = Register()
    for item in told:
        _admit(item, first)
    second = first.again()  # a revocation holds backwards
    for item in told:
        _admit(item, second)
    return second.directory


def signed_by(item: Evidence, key: PublicKey | None) -> bool:
    """Return whether `key` signed `item`."""
    if key is None:
        return False
    try:
        verify_signature(item.envelope, key)
    except IntegrityViolation:
        return False
    return True


def _admit(item: Evidence, register: Register) -> None:
    try:
        if item.statement.predicate_type == Enrolment.predicate_type:
            register.admit_enrolment(item)
        elif (revocation := revocation_in(item)) is not None:
            register.admit_revocation(item, revocation)
    except (IntegrityViolation, InvalidInput):
        return  # without effect: what does not hold is for whoever checks the log

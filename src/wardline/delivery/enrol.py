"""Enrol: say who somebody is, which key is theirs and what they answer for."""

from collections.abc import Sequence
from dataclasses import dataclass

from wardline.delivery.collect_evidence import Collector
from wardline.delivery.refuse import Attempt, refuse
from wardline.delivery.sign import Signatory, sign
from wardline.evidence.envelopes import Signer
from wardline.evidence.erasures import Erasures
from wardline.evidence.log import Evidence
from wardline.evidence.register import REGISTERED
from wardline.gates.enrolled import directory
from wardline.identity.directory import Directory, Recorded
from wardline.identity.erasure import ERASURE
from wardline.identity.people import People
from wardline.identity.predicates import Enrolment, principal_subject
from wardline.identity.principals import Principal, PublicKey, Role
from wardline.identity.separation import Objection
from wardline.ids import PrincipalId


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownAs:
    """A name and the addresses commits are written under. It stays outside the log."""

    name: str
    emails: Sequence[str]


def enrolled(collect: Collector) -> Directory:
    """Return who is who now."""
    return directory(collect.log.every(*REGISTERED))


def proposed(
    principal: PrincipalId, *, roles: frozenset[Role], key: PublicKey | None, signer: Signer, known: Directory
) -> tuple[Enrolment, Signatory]:
    """Return the enrolment that is asked for, and in whose name `signer` signs it.

    The first enrolment of all is an administrator's own, with the key it is signed with. Whoever keeps a role
    keeps their key unless a new one is given; without roles they have left, and their key with them.
    """
    founding = not known.admitted
    before = known.find(principal)
    if key is None and founding:
        key = signer.public_key
    elif key is None and roles and before is not None:
        key = before.key
    actor = principal if founding else known.holder(signer.public_key.keyid) or principal
    enrolment = Enrolment(principal=Principal(id=principal, key=key, roles=roles), founding=founding)
    return enrolment, Signatory(principal=actor, signer=signer)


def enrol(
    enrolment: Enrolment, *, by: Signatory, collect: Collector, people: People, known_as: KnownAs | None = None
) -> Evidence:
    """Record `enrolment`, signed by an administrator; the first one of a log is an administrator's own.

    Enrolling replaces what was enrolled: without roles and key, the principal has left. Enrolling what
    holds already records nothing. `known_as` None leaves what the people table knows.

    Raises:
        Refused: The signatory may not enrol, or may not enrol this. The refusal is recorded.
        Conflict: One of the addresses belongs to another principal.
    """
    known = enrolled(collect)
    subject = enrolment.principal
    latest = next((e for e in reversed(known.admitted) if e.enrolment.principal.id == subject.id), None)
    entry = Recorded(
        index=collect.log.size(), actor=by.principal, keyid=by.signer.public_key.keyid, enrolment=enrolment
    )
    objection = known.objection(entry)
    if objection is None and subject.key is not None and known.is_revoked(subject.key.keyid):
        objection = Objection.KEY_REVOKED  # a revocation is for good
    if objection is not None:
        attempt = Attempt(action="enrol", run=None, about=principal_subject(subject.id), by=by)
        raise refuse(attempt, objection, people=known, collect=collect)
    if known_as is not None:
        _check_not_forgotten(by, subject.id, known=known, collect=collect)
        people.remember(subject.id, name=known_as.name, emails=known_as.emails)
    if latest is not None and latest.enrolment.principal == subject:
        return collect.log.read(latest.index)
    times = sum(e.enrolment.principal.id == subject.id for e in known.admitted)
    step = f"enrolment/{subject.id}/{times + 1}"
    return sign(enrolment, step=step, run=None, by=by, collect=collect)


def _check_not_forgotten(by: Signatory, principal: PrincipalId, *, known: Directory, collect: Collector) -> None:
    if Erasures.of(collect.log.every(ERASURE), people=known).of_principal(principal) is None:
        return
    attempt = Attempt(action="enrol", run=None, about=principal_subject(principal), by=by)
    raise refuse(attempt, Objection.ERASED, people=known, collect=collect)

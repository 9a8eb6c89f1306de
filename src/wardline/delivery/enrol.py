"""Enrol: say who somebody is, which key is theirs and what they answer for."""

from collections.abc import Sequence
from dataclasses import dataclass

from wardline.delivery.collect_evidence import Collector
from wardline.delivery.refuse import Attempt, refuse
from wardline.delivery.sign import Signatory, sign
from wardline.evidence.log import Evidence
from wardline.gates.enrolled import directory
from wardline.identity.directory import Directory, Recorded
from wardline.identity.people import People
from wardline.identity.predicates import Enrolment, principal_subject


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownAs:
    """A name and the addresses commits are written under. It stays outside the log."""

    name: str
    emails: Sequence[str]


def enrolled(collect: Collector) -> Directory:
    """Return who is who now."""
    return directory(collect.log.every(Enrolment.predicate_type))


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
    if objection is not None:
        attempt = Attempt(action="enrol", run=None, about=principal_subject(subject.id), by=by)
        raise refuse(attempt, objection, people=known, collect=collect)
    if known_as is not None:
        people.remember(subject.id, name=known_as.name, emails=known_as.emails)
    if latest is not None and latest.enrolment.principal == subject:
        return collect.log.read(latest.index)
    times = sum(e.enrolment.principal.id == subject.id for e in known.admitted)
    step = f"enrolment/{subject.id}/{times + 1}"
    return sign(enrolment, step=step, run=None, by=by, collect=collect)

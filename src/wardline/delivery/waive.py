"""Waive: let one named finding pass for a while, signed by somebody who answers for the risk."""

import re
from dataclasses import dataclass
from datetime import datetime

from wardline.clock import to_rfc3339
from wardline.delivery.collect_evidence import Collector
from wardline.delivery.enrol import enrolled
from wardline.delivery.refuse import Attempt, refuse
from wardline.delivery.sign import Signatory, sign
from wardline.errors import InvalidInput, NotFound
from wardline.evidence.log import Evidence
from wardline.gates.predicates import LONGEST_WAIVER, WAIVER, Waiver, finding_subject
from wardline.gates.readings import SCAN, findings_of
from wardline.gates.waivers import MAY_WAIVE
from wardline.identity.directory import Directory
from wardline.identity.separation import Objection, to_act
from wardline.identity.subject_keys import principal_subject_id
from wardline.ids import EnvironmentName

_CONTROL = re.compile(r"[a-z0-9-]+:.+", re.DOTALL)  # as catalogues name them, e.g. hipaa:164.312(b)


@dataclass(frozen=True, slots=True, kw_only=True)
class WaiverRequest:
    """`environment` None: in all of them."""

    finding: str
    expires_at: datetime
    environment: EnvironmentName | None
    reason: str


def waive(request: WaiverRequest, *, by: Signatory, collect: Collector) -> Evidence:
    """Record the waiver, signed by `by`. A waiver never covers a change of its own signer.

    Raises:
        InvalidInput: No reason, or an expiry that has passed or is more than LONGEST_WAIVER away.
        NotFound: No scan on record found it.
        Refused: The signatory may not; the refusal is recorded.
    """
    _check(request, collect)
    people = enrolled(collect)
    objection = _objection(by, people)
    if objection is not None:
        attempt = Attempt(action="waive", run=None, about=finding_subject(request.finding), by=by, takes=MAY_WAIVE)
        raise refuse(attempt, objection, people=people, collect=collect)
    waiver = Waiver(
        finding=request.finding,
        expires_at=request.expires_at,
        environment=request.environment,
        reason=collect.private(request.reason, about=principal_subject_id(by.principal)),
    )
    before = sum(1 for _ in collect.log.every(WAIVER))
    step = f"waiver/{request.finding}/{by.principal}/{before + 1}"
    return sign(waiver, step=step, run=None, by=by, collect=collect)


def _check(request: WaiverRequest, collect: Collector) -> None:
    now = collect.clock.now()
    if not request.reason.strip():
        raise InvalidInput("a reason is expected, got none", remedy="Say why: --reason.")
    if not now < request.expires_at <= now + LONGEST_WAIVER:
        raise InvalidInput(
            f"waiver: expected an expiry between now and {to_rfc3339(now + LONGEST_WAIVER)}, "
            f"got {to_rfc3339(request.expires_at)}",
            remedy="Nothing is waived for ever: choose when somebody looks again.",
        )
    if _CONTROL.fullmatch(request.finding):
        raise InvalidInput(
            f"waiver: expected a finding, F-…, got {request.finding[:60]!r}, which is a control: a waiver touches a "
            "finding, never a requirement of the law",
            remedy="Waive the finding that stands in its way. What becomes of an addressable specification is decided "
            "with `wardline controls decide`.",
        )
    found = (finding.get("id") for scan in collect.log.every(SCAN) for finding in findings_of(scan))
    if request.finding not in found:
        raise NotFound(
            f"no scan on record has the finding {request.finding[:40]!r}",
            remedy="Take the id (F-…) from the end of `wardline ship` or from `wardline runs show RUN`.",
        )


def _objection(by: Signatory, people: Directory) -> Objection | None:
    person = people.find(by.principal)
    if people.is_revoked(by.signer.public_key.keyid):
        return Objection.KEY_REVOKED
    objection = to_act(person, keyid=by.signer.public_key.keyid)
    if objection is not None or person is None:
        return objection
    return None if person.roles & MAY_WAIVE else Objection.WITHOUT_ROLE

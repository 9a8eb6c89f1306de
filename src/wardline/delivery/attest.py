"""Attest: somebody answers for controls that no machine can answer, in one role, until a day."""

from dataclasses import dataclass
from datetime import datetime

from wardline.canonical import Digest
from wardline.clock import to_rfc3339
from wardline.controls.library import Library
from wardline.controls.predicates import LONGEST_WORD, About, Attestation, control_subject
from wardline.controls.said import Claim
from wardline.controls.standing import MAY_ATTEST
from wardline.delivery.collect_evidence import Collector
from wardline.delivery.enrol import enrolled
from wardline.delivery.refuse import Attempt, refuse
from wardline.delivery.sign import Signatory, sign
from wardline.errors import InvalidInput
from wardline.evidence.log import Evidence
from wardline.identity.principals import Role
from wardline.identity.separation import Objection, to_act_as
from wardline.identity.subject_keys import principal_subject_id


@dataclass(frozen=True, slots=True, kw_only=True)
class AttestationRequest:
    """`statement` is kept outside the log. `service` None: the whole organization."""

    controls: tuple[str, ...]
    claim: Claim
    role: Role
    service: str | None
    document: Digest | None
    statement: str
    expires_at: datetime


def check_attestation(request: AttestationRequest, *, library: Library, collect: Collector) -> None:
    """Return if this can be signed, before anybody is asked to.

    Raises:
        InvalidInput: No control or no words, or an end that has passed or is more than LONGEST_WORD away.
        NotFound: No catalogue has such a control.
    """
    if not request.controls:
        raise InvalidInput("a control is expected, got none", remedy="Name one: `wardline controls list --catalogue`.")
    for control in request.controls:
        library.control(control)
    if not request.statement.strip():
        raise InvalidInput("a statement is expected, got none", remedy="Say what you answer for: --statement.")
    check_end(request.expires_at, collect)


def attest(request: AttestationRequest, *, by: Signatory, library: Library, collect: Collector) -> Evidence:
    """Record the attestation, signed by `by`.

    Raises:
        InvalidInput, NotFound: As `check_attestation`.
        Refused: The signatory may not; the refusal is recorded.
    """
    check_attestation(request, library=library, collect=collect)
    check_entitled("attest", by, request.role, on=request.controls[0], takes=MAY_ATTEST, collect=collect)
    attestation = Attestation(
        controls=tuple(about(control, library) for control in sorted(set(request.controls))),
        claim=request.claim,
        role=request.role,
        service=request.service,
        document=request.document,
        statement=collect.private(request.statement, about=principal_subject_id(by.principal)),
        expires_at=request.expires_at,
    )
    # The size of the log makes each one a step of its own: the same words may be said again.
    return sign(attestation, step=f"attestation/{collect.log.size()}", run=None, by=by, collect=collect)


def about(control: str, library: Library) -> About:
    """Return `control` as it stands in the library now."""
    return About.of(library.control(control), library.catalogue(control.partition(":")[0]))


def check_end(expires_at: datetime, collect: Collector) -> None:
    """Return if a word may reach until then.

    Raises:
        InvalidInput: The day has passed, or is more than LONGEST_WORD away.
    """
    now = collect.clock.now()
    if not now < expires_at <= now + LONGEST_WORD:
        raise InvalidInput(
            f"expected an end between now and {to_rfc3339(now + LONGEST_WORD)}, got {to_rfc3339(expires_at)}",
            remedy="Nobody answers for ever: say with --until when somebody looks again.",
        )


def check_entitled(  # noqa: PLR0913  # who tries what, on what, and who may
    action: str, by: Signatory, role: Role, *, on: str, takes: frozenset[Role], collect: Collector
) -> None:
    """Return if `by` may act so in `role`.

    Raises:
        Refused: They may not; the refusal is recorded.
    """
    people = enrolled(collect)
    objection = to_act_as(people.find(by.principal), role, keyid=by.signer.public_key.keyid)
    if objection is None and role not in takes:
        objection = Objection.WITHOUT_ROLE
    if objection is not None:
        attempt = Attempt(action=action, run=None, about=control_subject(on), by=by, takes=takes)
        raise refuse(attempt, objection, people=people, collect=collect)

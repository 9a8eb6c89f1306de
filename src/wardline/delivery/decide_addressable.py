"""Decide what becomes of an addressable specification (45 CFR 164.306(d)(3)): done, replaced, or reasonably left."""

from dataclasses import dataclass
from datetime import datetime

from wardline.controls.catalogue import Requirement
from wardline.controls.library import Library
from wardline.controls.predicates import AddressableDecision
from wardline.controls.said import Choice
from wardline.controls.standing import MAY_DECIDE
from wardline.delivery.attest import about, check_end, check_entitled
from wardline.delivery.collect_evidence import Collector
from wardline.delivery.sign import Signatory, sign
from wardline.errors import InvalidInput
from wardline.evidence.log import Evidence
from wardline.identity.principals import Role
from wardline.identity.subject_keys import principal_subject_id


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionRequest:
    """`rationale` and `alternative` are kept outside the log. `service` None: the whole organization."""

    control: str
    choice: Choice
    role: Role
    service: str | None
    rationale: str
    alternative: str | None
    expires_at: datetime


def check_decision(request: DecisionRequest, *, library: Library, collect: Collector) -> None:
    """Return if this can be signed, before anybody is asked to.

    Raises:
        InvalidInput: The control is not addressable; no reason; an alternative that is missing or goes with another
            choice; an end that has passed or is too far.
        NotFound: No catalogue has such a control.
    """
    control = library.control(request.control)
    if control.requirement is not Requirement.ADDRESSABLE:
        raise InvalidInput(
            f"{control.id} is not addressable: its requirement is {control.requirement}",
            remedy="What is required is carried out; what is yours to attest, attest: `wardline controls attest`.",
        )
    if not request.rationale.strip():
        raise InvalidInput("a rationale is expected, got none", remedy="Say why: --rationale.")
    has = request.alternative is not None and bool(request.alternative.strip())
    if has != (request.choice is Choice.ALTERNATIVE):
        raise InvalidInput(
            f"an alternative goes with --choice {Choice.ALTERNATIVE}, and with no other; got --choice {request.choice}",
            remedy="Name the measure that stands in its place with --alternative, or make another choice.",
        )
    check_end(request.expires_at, collect)


def decide_addressable(request: DecisionRequest, *, by: Signatory, library: Library, collect: Collector) -> Evidence:
    """Record the decision, signed by `by`.

    Raises:
        InvalidInput, NotFound: As `check_decision`.
        Refused: The signatory may not; the refusal is recorded.
    """
    check_decision(request, library=library, collect=collect)
    check_entitled("decide", by, request.role, on=request.control, takes=MAY_DECIDE, collect=collect)
    theirs = principal_subject_id(by.principal)
    decision = AddressableDecision(
        control=about(request.control, library),
        choice=request.choice,
        role=request.role,
        service=request.service,
        rationale=collect.private(request.rationale, about=theirs),
        alternative=None if request.alternative is None else collect.private(request.alternative, about=theirs),
        expires_at=request.expires_at,
    )
    step = f"addressable-decision/{collect.log.size()}"
    return sign(decision, step=step, run=None, by=by, collect=collect)

"""Train: somebody answers for it that a person was trained, until a day."""

from dataclasses import dataclass
from datetime import datetime

from wardline.canonical import Digest
from wardline.clock import to_rfc3339
from wardline.delivery.collect_evidence import Collector
from wardline.delivery.enrol import enrolled
from wardline.delivery.refuse import Attempt, refuse
from wardline.delivery.sign import Signatory, sign
from wardline.errors import InvalidInput, NotFound
from wardline.evidence.log import Evidence
from wardline.gates.training import LONGEST_TRAINING, MAY_RECORD, Trained, Training
from wardline.identity.directory import Directory
from wardline.identity.predicates import principal_subject
from wardline.identity.principals import Role
from wardline.identity.separation import Objection, to_act
from wardline.identity.subject_keys import principal_subject_id
from wardline.ids import PrincipalId


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingRequest:
    """`expires_at` None: what was recorded before is withdrawn. `statement` is kept outside the log."""

    principal: PrincipalId
    expires_at: datetime | None
    document: Digest | None
    statement: str


def check_training(request: TrainingRequest, *, collect: Collector) -> None:
    """Return if this can be signed, before anybody is asked to.

    Raises:
        InvalidInput: No words, or an end that has passed or is more than LONGEST_TRAINING away.
        NotFound: Nobody of that id is enrolled.
    """
    now = collect.clock.now()
    if enrolled(collect).find(request.principal) is None:
        raise NotFound(
            f"principal {request.principal[:64]} was never enrolled here",
            remedy="`wardline people list` shows who was.",
        )
    if not request.statement.strip():
        raise InvalidInput(
            "a statement is expected, got none", remedy="Say what was taught and where it is recorded: --statement."
        )
    ends = request.expires_at
    if ends is not None and not now < ends <= now + LONGEST_TRAINING:
        raise InvalidInput(
            f"training: expected an end between now and {to_rfc3339(now + LONGEST_TRAINING)}, got {to_rfc3339(ends)}",
            remedy="What was learned is refreshed every year: say with --until when it ends.",
        )


def train(request: TrainingRequest, *, by: Signatory, collect: Collector) -> Evidence:
    """Record the training, signed by `by`.

    Raises:
        InvalidInput, NotFound: As `check_training`.
        Refused: The signatory may not, or it is their own; the refusal is recorded.
    """
    check_training(request, collect=collect)
    people = enrolled(collect)
    objection, role = _role_of(by, people)
    if objection is None and by.principal == request.principal:
        objection = Objection.OWN_TRAINING
    if objection is not None:
        about = principal_subject(request.principal)
        attempt = Attempt(action="train", run=None, about=about, by=by, takes=MAY_RECORD)
        raise refuse(attempt, objection, people=people, collect=collect)
    training = Training(
        principal=request.principal,
        claim=Trained.WITHDRAWN if request.expires_at is None else Trained.TRAINED,
        role=role,
        document=request.document,
        statement=collect.private(request.statement, about=principal_subject_id(request.principal)),
        expires_at=request.expires_at or collect.clock.now(),
    )
    # The size of the log makes each one a step of its own: the same may be said again.
    step = f"training/{request.principal}/{collect.log.size()}"
    return sign(training, step=step, run=None, by=by, collect=collect)


def _role_of(by: Signatory, people: Directory) -> tuple[Objection | None, Role]:
    """Return in which role `by` may record, and why they may not: compliance, if they have both."""
    person = people.find(by.principal)
    objection = to_act(person, keyid=by.signer.public_key.keyid)
    may = sorted(MAY_RECORD & person.roles, reverse=True) if person is not None else []
    if objection is None and not may:
        objection = Objection.WITHOUT_ROLE
    return objection, may[0] if may else Role.COMPLIANCE

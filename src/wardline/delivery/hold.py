"""Hold: nothing in a scope may be purged for a legal reason, until somebody releases it. Both are a person's word."""

from dataclasses import dataclass

from wardline.delivery.collect_evidence import Collector
from wardline.delivery.enrol import enrolled
from wardline.delivery.refuse import Attempt, refuse
from wardline.delivery.sign import Signatory, sign
from wardline.errors import InvalidInput, NotFound
from wardline.evidence.log import Evidence
from wardline.evidence.predicates import (
    LEGAL_HOLD,
    LEGAL_HOLD_RELEASE,
    HoldReason,
    LegalHold,
    LegalHoldReleased,
    Scope,
    legal_hold_subject,
)
from wardline.evidence.retention.legal_holds import MAY_HOLD, PlacedHold, legal_holds
from wardline.identity.directory import Directory
from wardline.identity.principals import Role
from wardline.identity.separation import Objection, to_act_as
from wardline.identity.subject_keys import principal_subject_id
from wardline.predicates import Subject


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldRequest:
    """`reason` is kept outside the log."""

    scope: Scope
    role: Role
    code: HoldReason
    reason: str
    blocks_erasure: bool


def hold(request: HoldRequest, *, by: Signatory, collect: Collector) -> Evidence:
    """Record the legal hold, signed by `by`; from here on nothing in its scope is purged.

    Raises:
        InvalidInput: No reason is given.
        NotFound: The run or the service of the scope is not in the log.
        Refused: The signatory may not; the refusal is recorded.
    """
    _check_reason(request.reason)
    _check_known(request.scope, collect)
    placing = LegalHold(
        role=request.role,
        scope=request.scope,
        code=request.code,
        reason=collect.private(request.reason, about=principal_subject_id(by.principal)),
        blocks_erasure=request.blocks_erasure,
    )
    _check_entitled("hold", by, request.role, about=placing.subjects()[0], collect=collect)
    return sign(placing, step=f"legal-hold/{collect.log.size()}", run=None, by=by, collect=collect)


def release(index: int, *, role: Role, reason: str, by: Signatory, collect: Collector) -> Evidence:
    """Record that the legal hold at log index `index` is over. Releasing twice records nothing more.

    Raises:
        InvalidInput: No reason is given.
        NotFound: There is no legal hold at `index`.
        Refused: The signatory may not; the refusal is recorded.
    """
    _check_reason(reason)
    placed = next((one for one in holds(collect) if one.index == index), None)
    if placed is None:
        raise NotFound(f"there is no legal hold at log index {index}", remedy="List them with `wardline log holds`.")
    if placed.ended is not None:
        return collect.log.read(placed.ended.index)
    _check_entitled("release-hold", by, role, about=legal_hold_subject(index), collect=collect)
    released = LegalHoldReleased(
        role=role, hold=index, reason=collect.private(reason, about=principal_subject_id(by.principal))
    )
    step = f"legal-hold-release/{index}/{collect.log.size()}"
    return sign(released, step=step, run=None, by=by, collect=collect)


def holds(collect: Collector) -> tuple[PlacedHold, ...]:
    """Return every legal hold ever placed, in log order."""
    return legal_holds(collect.log.every(LEGAL_HOLD, LEGAL_HOLD_RELEASE), people=enrolled(collect))


def _check_reason(reason: str) -> None:
    if not reason.strip():
        raise InvalidInput("a reason is expected, got none", remedy="Say why: --reason.")


def _check_known(scope: Scope, collect: Collector) -> None:
    """A mistyped name would hold nothing, and nobody would see it."""
    if scope.run is not None and not collect.log.of_run(scope.run):
        raise NotFound(f"run {scope.run} left nothing in the log", remedy="See `wardline runs list`.")
    if scope.service is None:
        return
    named = (item.statement.body.get("service") for item in collect.log.every())
    if scope.service not in named:
        raise NotFound(
            f"no statement in the log is of service {scope.service[:80]!r}",
            remedy="Take the name from `wardline.yaml`; `wardline status` lists those with environments.",
        )


def _check_entitled(action: str, by: Signatory, role: Role, *, about: Subject, collect: Collector) -> None:
    people: Directory = enrolled(collect)
    objection = to_act_as(people.find(by.principal), role, keyid=by.signer.public_key.keyid)
    if objection is None and role not in MAY_HOLD:
        objection = Objection.WITHOUT_ROLE
    if objection is not None:
        attempt = Attempt(action=action, run=None, about=about, by=by, takes=MAY_HOLD)
        raise refuse(attempt, objection, people=people, collect=collect)

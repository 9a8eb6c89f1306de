"""Who is covered for what, on which day. Pure: values in, an answer out."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from eligibility.inquiry import Inquiry

WHOLE_PLAN = "30"  # X12 service type: health benefit plan coverage


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """One benefit of one member, from the first to the last day, both included."""

    service_type: str
    plan: str
    starts: date
    ends: date
    copay_cents: int | None  # per visit; None: nothing is asked


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    id: str
    last_name: str
    first_name: str
    born: date
    sex: str
    coverages: tuple[Coverage, ...]


class RejectReason(StrEnum):
    """AAA03: why an inquiry about a subscriber is not answered."""

    DATE_OF_BIRTH_MISSING = "58"
    DATE_OF_BIRTH_DIFFERS = "71"
    ID_MISSING = "72"
    NAME_DIFFERS = "73"
    NOT_FOUND = "75"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """The subscriber cannot be told apart from everybody else: correct the inquiry and send it again (AAA04 = C)."""

    reason: RejectReason


class Standing(StrEnum):
    """EB01: how a member stands to a service type."""

    ACTIVE = "1"
    INACTIVE = "6"
    NOT_COVERED = "I"


@dataclass(frozen=True, slots=True, kw_only=True)
class Benefit:
    service_type: str
    standing: Standing
    coverage: Coverage | None = None  # where active


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    member: Member
    day: date
    benefits: tuple[Benefit, ...]


def answer(inquiry: Inquiry, member: Member | None, *, today: date) -> Answered | Rejected:
    """Say how `member` is covered; refuse unless the inquiry names this very person.

    Args:
        inquiry: What is asked.
        member: Whoever has the member id that was given, or None.
        today: The day of service where the inquiry names none.
    """
    reason = _mismatch(inquiry, member)
    if reason is not None or member is None:
        return Rejected(reason=reason or RejectReason.NOT_FOUND)
    day = inquiry.day or today
    benefits = tuple(
        benefit for kind in dict.fromkeys(inquiry.service_types) for benefit in _benefits(member, kind, day)
    )
    return Answered(member=member, day=day, benefits=benefits)


def _mismatch(inquiry: Inquiry, member: Member | None) -> RejectReason | None:
    if inquiry.member_id is None:
        return RejectReason.ID_MISSING
    if inquiry.born is None:
        return RejectReason.DATE_OF_BIRTH_MISSING
    if member is None:
        return RejectReason.NOT_FOUND
    if inquiry.born != member.born:
        return RejectReason.DATE_OF_BIRTH_DIFFERS
    if inquiry.last_name is None or inquiry.last_name.upper() != member.last_name.upper():
        return RejectReason.NAME_DIFFERS
    return None


def _benefits(member: Member, kind: str, day: date) -> list[Benefit]:
    of_kind = [c for c in member.coverages if kind in (c.service_type, WHOLE_PLAN)]
    if not of_kind:
        # Without any coverage there is no plan that could leave a service out.
        standing = Standing.NOT_COVERED if member.coverages else Standing.INACTIVE
        return [Benefit(service_type=kind, standing=standing)]
    active = [c for c in of_kind if c.starts <= day <= c.ends]
    if not active:
        return [Benefit(service_type=kind, standing=Standing.INACTIVE)]
    return [Benefit(service_type=c.service_type, standing=Standing.ACTIVE, coverage=c) for c in active]

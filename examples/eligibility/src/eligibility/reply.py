"""The answer in words a practice's system reads: an X12 271 (005010X279A1), or JSON."""

from datetime import date, datetime

from eligibility.coverage import Answered, Benefit, Coverage, Member, Rejected, Standing
from eligibility.inquiry import Inquiry, Transaction
from eligibility.x12 import Delimiters, Interchange, Segment, clean, write

_CORRECT_AND_RESEND = "C"  # AAA04
_PER_VISIT = "27"  # EB06


def to_x12(asked: Interchange, transaction: Transaction, result: Answered | Rejected, *, now: datetime) -> bytes:
    """Return the 271 that answers `asked`."""
    day, time = f"{now:%Y%m%d}", f"{now:%H%M}"
    body: list[Segment] = [
        ("BHT", "0022", "11", transaction.reference, day, time),
        ("HL", "1", "", "20", "1"),
        transaction.payer,
        ("HL", "2", "1", "21", "1"),
        transaction.provider,
        ("HL", "3", "2", "22", "0"),
        # TRN01 = 2: the numbers are those of the asker, not ours.
        *(("TRN", "2", *trace[2:]) for trace in transaction.traces),
    ]
    if isinstance(result, Rejected):
        body += _rejection(transaction.inquiry, result)
    else:
        body += _answer(result, asked.delimiters)
    return write(asked, body, kind=("HB", "271"), date=day, time=time)


def _rejection(inquiry: Inquiry, result: Rejected) -> list[Segment]:
    has_id = ("", "", "", "MI", inquiry.member_id) if inquiry.member_id else ()
    return [
        ("NM1", "IL", "1", inquiry.last_name or "", inquiry.first_name or "", *has_id),
        ("AAA", "N", "", result.reason, _CORRECT_AND_RESEND),
    ]


def _answer(result: Answered, delimiters: Delimiters) -> list[Segment]:
    member = result.member
    last, first, member_id = (clean(v, delimiters) for v in (member.last_name, member.first_name, member.id))
    return [
        ("NM1", "IL", "1", last, first, "", "", "", "MI", member_id),
        ("DMG", "D8", f"{member.born:%Y%m%d}", member.sex),
        ("DTP", "291", "D8", f"{result.day:%Y%m%d}"),
        *(segment for benefit in result.benefits for segment in _eb(benefit, delimiters)),
    ]


def _eb(benefit: Benefit, delimiters: Delimiters) -> list[Segment]:
    coverage = benefit.coverage
    if coverage is None:
        return [("EB", benefit.standing, "IND", benefit.service_type)]
    segments: list[Segment] = [
        ("EB", benefit.standing, "IND", benefit.service_type, "", clean(coverage.plan, delimiters))
    ]
    if coverage.copay_cents is not None:
        segments.append(("EB", "B", "IND", benefit.service_type, "", "", _PER_VISIT, money(coverage.copay_cents)))
    return segments


def money(cents: int) -> str:
    """Return an amount as X12 type R: no zeros at the end, no point without a fraction."""
    whole, fraction = divmod(cents, 100)
    return f"{whole}.{fraction:02}".rstrip("0").rstrip(".") if fraction else str(whole)


def to_json(result: Answered | Rejected) -> dict[str, object]:
    """Return the answer as plain values; amounts in cents."""
    if isinstance(result, Rejected):
        return {"rejected": {"code": result.reason, "reason": result.reason.name.lower().replace("_", " ")}}
    return {
        "member": _member(result.member),
        "service_date": result.day.isoformat(),
        "active": any(benefit.standing is Standing.ACTIVE for benefit in result.benefits),
        "benefits": [_benefit(benefit) for benefit in result.benefits],
    }


def _member(member: Member) -> dict[str, object]:
    return {"id": member.id, "last_name": member.last_name, "first_name": member.first_name}


def _benefit(benefit: Benefit) -> dict[str, object]:
    shown: dict[str, object] = {"service_type": benefit.service_type, "standing": benefit.standing.name.lower()}
    return shown | (_terms(benefit.coverage) if benefit.coverage else {})


def _terms(coverage: Coverage) -> dict[str, object]:
    return {"plan": coverage.plan, "until": _iso(coverage.ends), "copay_cents": coverage.copay_cents}


def _iso(day: date) -> str:
    return day.isoformat()

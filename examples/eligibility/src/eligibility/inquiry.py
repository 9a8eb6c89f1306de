"""What is asked: one subscriber, some service types, one day. From a 270 (005010X279A1) or from JSON."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from eligibility.x12 import Interchange, MalformedError, Segment, element, levels

VERSION = "005010X279A1"
_SOURCE, _RECEIVER, _SUBSCRIBER, _DEPENDENT = "20", "21", "22", "23"  # HL03
_MAX_SERVICE_TYPES = 99  # repetitions of EQ01
_HEALTH_PLAN = "30"  # the whole health benefit plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Inquiry:
    """Who is asked about, as the asker knows it; None where it was not given or cannot be read."""

    member_id: str | None
    last_name: str | None
    first_name: str | None
    born: date | None
    service_types: tuple[str, ...] = (_HEALTH_PLAN,)
    day: date | None = None  # of the service; None: today


@dataclass(frozen=True, slots=True, kw_only=True)
class Transaction:
    """An inquiry, with what its answer must repeat."""

    inquiry: Inquiry
    reference: str  # BHT03
    payer: Segment  # NM1 of the information source
    provider: Segment  # NM1 of the information receiver
    traces: tuple[Segment, ...]  # TRN, as given


def from_x12(interchange: Interchange) -> Transaction:
    """Read the 270 inside an interchange.

    Raises:
        MalformedError: A segment that the guide requires is missing or out of place.
    """
    if element(interchange.gs, 8) != VERSION:
        raise MalformedError(f"GS08: expected {VERSION}", code="AK905:2", segment=2)
    body = interchange.body
    bht = body[0]
    if bht[0] != "BHT" or element(bht, 1) != "0022" or element(bht, 2) != "13":
        raise MalformedError("expected BHT, 0022, 13: a request", code="IK502:5", segment=4)
    found = levels(body)
    if _DEPENDENT in found:
        raise MalformedError("a dependent is asked about; ask with the dependent's own id", code="IK502:5")
    subscriber = _level(found, _SUBSCRIBER)
    return Transaction(
        inquiry=_inquiry(subscriber, repetition=interchange.delimiters.repetition),
        reference=element(bht, 3),
        payer=_name(_level(found, _SOURCE), entities=("PR", "2B", "36", "GP", "P5")),
        provider=_name(_level(found, _RECEIVER), entities=("1P", "2B", "36", "80", "FA", "GP", "P5", "PR")),
        traces=tuple(segment for segment in subscriber if segment[0] == "TRN"),
    )


def _level(found: Mapping[str, tuple[Segment, ...]], code: str) -> tuple[Segment, ...]:
    if code not in found:
        raise MalformedError(f"HL03: level {code} is missing", code="IK502:5")
    return found[code]


def _name(level: tuple[Segment, ...], *, entities: tuple[str, ...]) -> Segment:
    for segment in level:
        if segment[0] == "NM1" and element(segment, 1) in entities:
            return segment
    raise MalformedError(f"NM1 is missing at level {element(level[0], 3)}", code="IK502:5")


def _inquiry(level: tuple[Segment, ...], *, repetition: str) -> Inquiry:
    nm1 = _name(level, entities=("IL",))
    dmg = _first(level, "DMG")
    dtp = next((s for s in level if s[0] == "DTP" and element(s, 1) == "291"), ())
    asked = tuple(
        kind.strip() for s in level if s[0] == "EQ" for kind in element(s, 1).split(repetition) if kind.strip()
    )
    if not asked or len(asked) > _MAX_SERVICE_TYPES:
        raise MalformedError(f"EQ01: expected 1 to {_MAX_SERVICE_TYPES} service types", code="IK502:5")
    return Inquiry(
        member_id=element(nm1, 9) or None if element(nm1, 8) == "MI" else None,
        last_name=element(nm1, 3) or None,
        first_name=element(nm1, 4) or None,
        born=_day(element(dmg, 2)) if element(dmg, 1) == "D8" else None,
        service_types=asked,
        day=_service_day(dtp),
    )


def _first(level: tuple[Segment, ...], name: str) -> Segment:
    return next((segment for segment in level if segment[0] == name), ())


def _service_day(dtp: Segment) -> date | None:
    if not dtp:
        return None
    form, value = element(dtp, 2), element(dtp, 3)
    day = _day(value.partition("-")[0]) if form in ("D8", "RD8") else None  # of a range, its first day
    if day is None:
        raise MalformedError("DTP03: expected a date or a range of dates", code="IK502:5")
    return day


def _day(value: str) -> date | None:
    if len(value) != len("CCYYMMDD") or not value.isdecimal():
        return None
    try:
        return date(int(value[:4]), int(value[4:6]), int(value[6:]))
    except ValueError:
        return None


def from_json(asked: object) -> Inquiry:
    """Read an inquiry from decoded JSON.

    Raises:
        MalformedError: It is not an object, or a member has the wrong form.
    """
    if not isinstance(asked, dict):
        raise MalformedError("expected a JSON object", code="json")
    return Inquiry(
        member_id=_text(asked, "member_id"),
        last_name=_text(asked, "last_name"),
        first_name=_text(asked, "first_name"),
        born=_iso(asked, "date_of_birth"),
        service_types=_types(asked.get("service_types", [_HEALTH_PLAN])),
        day=_iso(asked, "service_date"),
    )


def _text(asked: Mapping[str, object], key: str) -> str | None:
    value = asked.get(key)
    if value is not None and not isinstance(value, str):
        raise MalformedError(f"{key}: expected a string", code="json")
    return value.strip() or None if value else None


def _iso(asked: Mapping[str, object], key: str) -> date | None:
    value = _text(asked, key)
    try:
        return date.fromisoformat(value) if value else None
    except ValueError:
        pass
    # Raised out here, so that the error carries no trace of the one that quotes the value.
    raise MalformedError(f"{key}: expected YYYY-MM-DD", code="json")


def _types(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not 0 < len(value) <= _MAX_SERVICE_TYPES:
        raise MalformedError(f"service_types: expected a list of 1 to {_MAX_SERVICE_TYPES} codes", code="json")
    if not all(isinstance(kind, str) and kind.isalnum() for kind in value):
        raise MalformedError("service_types: expected X12 service type codes", code="json")
    return tuple(value)

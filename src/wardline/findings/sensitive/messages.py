"""Messages between hospitals and payers: HL7 v2 (chapters 2, 3, 6) and X12 005010. The place of a field says what it is."""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from wardline.findings.sensitive.classes import SensitiveClass as C
from wardline.findings.sensitive.sighting import Spot

_HL7: Final[Mapping[str, Mapping[int, C]]] = {
    "PID": {2: C.MEDICAL_RECORD, 3: C.MEDICAL_RECORD, 4: C.MEDICAL_RECORD, 5: C.NAME, 6: C.NAME, 7: C.DATE, 9: C.NAME,
            11: C.GEOGRAPHY, 12: C.GEOGRAPHY, 13: C.PHONE, 14: C.PHONE, 18: C.ACCOUNT, 19: C.SSN, 20: C.LICENCE,
            21: C.MEDICAL_RECORD, 23: C.GEOGRAPHY, 29: C.DATE, 40: C.PHONE},
    "PD1": {4: C.NAME}, "MRG": {1: C.MEDICAL_RECORD, 3: C.ACCOUNT, 4: C.MEDICAL_RECORD, 7: C.NAME},
    "NK1": {2: C.NAME, 4: C.GEOGRAPHY, 5: C.PHONE, 6: C.PHONE, 13: C.NAME, 16: C.DATE, 26: C.NAME, 30: C.NAME, 31: C.PHONE,
            32: C.GEOGRAPHY, 33: C.OTHER_ID, 37: C.SSN},
    "GT1": {2: C.OTHER_ID, 3: C.NAME, 4: C.NAME, 5: C.GEOGRAPHY, 6: C.PHONE, 7: C.PHONE, 8: C.DATE, 12: C.SSN, 16: C.NAME,
            17: C.GEOGRAPHY, 18: C.PHONE, 19: C.OTHER_ID, 45: C.NAME, 46: C.PHONE},
    "IN1": {2: C.HEALTH_PLAN, 8: C.HEALTH_PLAN, 10: C.HEALTH_PLAN, 16: C.NAME, 18: C.DATE, 19: C.GEOGRAPHY, 36: C.HEALTH_PLAN,
            44: C.GEOGRAPHY, 49: C.HEALTH_PLAN},
    "IN2": {1: C.OTHER_ID, 2: C.SSN, 3: C.NAME, 6: C.HEALTH_PLAN, 8: C.HEALTH_PLAN, 22: C.NAME, 25: C.HEALTH_PLAN, 26: C.NAME,
            40: C.NAME, 49: C.NAME, 61: C.HEALTH_PLAN, 63: C.PHONE, 64: C.PHONE},
    "PV1": {7: C.NAME, 8: C.NAME, 9: C.NAME, 17: C.NAME, 19: C.OTHER_ID, 44: C.DATE, 45: C.DATE, 50: C.OTHER_ID, 52: C.NAME},
    "PV2": {8: C.DATE, 9: C.DATE}, "ORC": {12: C.NAME, 24: C.GEOGRAPHY}, "OBR": {16: C.NAME, 18: C.OTHER_ID},
    "OBX": {14: C.DATE, 18: C.DEVICE}, "PRT": {5: C.NAME, 10: C.DEVICE, 14: C.GEOGRAPHY, 15: C.PHONE, 16: C.DEVICE},
    "ACC": {1: C.DATE, 11: C.GEOGRAPHY}, "ROL": {4: C.NAME, 11: C.GEOGRAPHY, 12: C.PHONE}, "PDA": {4: C.DATE},
    "AIP": {3: C.NAME}, "SCH": {12: C.NAME, 13: C.PHONE, 16: C.NAME}, "DG1": {5: C.DATE}, "PR1": {5: C.DATE},
    "TXA": {5: C.NAME, 9: C.NAME}, "CTD": {2: C.NAME, 3: C.GEOGRAPHY, 5: C.PHONE}, "STF": {3: C.NAME, 6: C.DATE, 10: C.PHONE, 11: C.GEOGRAPHY},
}  # fmt: skip
_SEGMENT: Final = re.compile(r"[A-Z][A-Z0-9]{2}\|")
# Every person of X12: patients, insured, providers; not the payers and clearing houses.
_PERSONS: Final = frozenset({"IL", "QC", "74", "QD", "03", "S1", "GW", "EY", "36", "QE", "E1"})
_REFERENCES: Final[Mapping[str, C]] = {
    "SY": C.SSN, "EA": C.MEDICAL_RECORD, "0B": C.LICENCE, "1L": C.HEALTH_PLAN, "1W": C.HEALTH_PLAN, "6P": C.HEALTH_PLAN,
    "IG": C.HEALTH_PLAN, "F6": C.HEALTH_PLAN, "NQ": C.HEALTH_PLAN, "0F": C.HEALTH_PLAN, "EJ": C.ACCOUNT, "D9": C.OTHER_ID,
    "23": C.OTHER_ID, "Y4": C.OTHER_ID, "1G": C.LICENCE, "N6": C.HEALTH_PLAN, "F8": C.OTHER_ID, "G1": C.OTHER_ID, "DP": C.OTHER_ID,
}  # fmt: skip
_NUMBERS: Final[Mapping[str, C]] = {
    "TE": C.PHONE,
    "HP": C.PHONE,
    "WP": C.PHONE,
    "CP": C.PHONE,
    "FX": C.FAX,
    "EM": C.EMAIL,
    "UR": C.URL,
}
_DATES: Final = frozenset(
    {"431", "434", "472", "435", "096", "454", "304", "484", "455", "471", "439", "050", "356", "357", "348", "349"}
)


def looks_like_hl7(head: bytes) -> bool:
    return re.match(rb"[\x0b\xef\xbb\xbf\s]{0,8}(?:FHS|BHS|MSH)\|", head) is not None


def looks_like_x12(head: bytes) -> bool:
    return re.match(rb"\s{0,4}ISA([^A-Za-z0-9\s]).{2}\1.{10}\1.{2}\1", head, re.DOTALL) is not None


def hl7_spots(text: str, *, first_line: int = 1) -> Iterator[Spot]:
    """Yield the fields of HL7 v2 messages that identify somebody; segments end with CR, LF or both."""
    line = first_line
    for segment, end in re.findall(r"([^\r\n]*)(\r\n|\r|\n|$)", text):
        begins = _SEGMENT.search(segment[:12])
        if begins is not None:
            yield from _hl7_fields(segment, begins.start(), line)
        line += end != ""


def _hl7_fields(segment: str, at: int, line: int) -> Iterator[Spot]:
    fields = segment[at:].split("|")
    name = fields[0]
    kinds = _HL7.get(name, {})
    column = at + 1
    for number, value in enumerate(fields):
        kind = kinds.get(number) if number else None
        if kind is not None and value.strip('"^~& '):
            kind = _of_telecom(kind, value)
            yield Spot(kind=kind, rule=f"hl7-{name}-{number}", line=line, column=column, value=value)
        column += len(value) + 1


def _of_telecom(kind: C, value: str) -> C:
    """An XTN says what equipment it is (HL7 v2 §2A.3.89): FX is a fax, an `@` a mail address."""
    if kind is not C.PHONE:
        return kind
    if re.search(r"\^FX(?:\^|$)|fax", value):
        return C.FAX
    return C.EMAIL if "@" in value and not re.match(r"\W*\d", value) else C.PHONE


def x12_spots(text: str) -> Iterator[Spot]:
    """Yield the elements of an interchange that identify somebody; ISA says what separates them."""
    start = text.find("ISA")
    element = text[start + 3]
    ends = text[start + 105 : start + 106]
    terminator = ends if ends and not ends.isalnum() else "~"
    line, column = 1, 1
    of_person = False
    for segment in text.split(terminator):
        body = segment.lstrip("\r\n ")
        lead = segment[: len(segment) - len(body)]
        line, column = line + lead.count("\n"), 1 if "\n" in lead else column + len(lead)
        parts = body.split(element)
        if parts[0] in {"NM1", "HL"}:
            of_person = parts[0] == "NM1" and parts[1:2] != [] and (parts[1] in _PERSONS or parts[2:3] == ["1"])
        places = [column + sum(len(part) + 1 for part in parts[:number]) for number in range(len(parts))]
        for number, kind in _x12_kinds(parts, of_person=of_person):
            if number < len(parts) and parts[number].strip():
                rule = f"x12-{parts[0]}{number:02}"
                yield Spot(kind=kind, rule=rule, line=line, column=places[number], value=parts[number])
        line, column = line + body.count("\n"), column + len(body) + 1


def _x12_kinds(parts: list[str], *, of_person: bool) -> Iterator[tuple[int, C]]:  # noqa: C901, PLR0912  # a table
    match parts:
        case ["NM1", code, "1", *_]:
            yield from ((number, C.NAME) for number in (3, 4, 5))
            yield 9, C.HEALTH_PLAN if code in _PERSONS else C.LICENCE
        case ["DMG", *_]:
            yield 2, C.DATE
        case ["REF", code, *_] if code in _REFERENCES:
            yield 2, _REFERENCES[code]
        case ["N3", *_] if of_person:
            yield from ((1, C.GEOGRAPHY), (2, C.GEOGRAPHY))
        case ["N4", *_] if of_person:
            yield from ((1, C.GEOGRAPHY), (3, C.GEOGRAPHY))
        case ["PER", *_]:
            yield 2, C.NAME
            yield from ((n + 1, _NUMBERS[parts[n]]) for n in range(3, len(parts) - 1, 2) if parts[n] in _NUMBERS)
        case ["CLM", *_]:
            yield 1, C.ACCOUNT
        case ["CLP", *_]:
            yield from ((1, C.ACCOUNT), (7, C.OTHER_ID))
        case ["DTP", code, *_] if code in _DATES:
            yield 3, C.DATE
        case ["SBR", *_]:
            yield 3, C.HEALTH_PLAN
        case ["TRN", *_]:
            yield 2, C.OTHER_ID
        case _:
            return

"""X12 envelopes (ISA/GS/ST, version 00501), read with the delimiters the ISA itself declares and written with the same.

One interchange carries one group with one transaction set: this service answers in real time, not in batches.
"""

from dataclasses import dataclass
from itertools import pairwise

ISA_LENGTH = 106  # fixed: the ISA is the one segment read by position
_ISA_WIDTHS = (3, 2, 10, 2, 10, 2, 15, 2, 15, 6, 4, 1, 5, 9, 1, 1)  # ISA16, the component separator, ends the segment
_CONTROLS_VERSION = "00501"
_MAX_SEGMENTS = 500  # a real-time inquiry has about fifteen

Segment = tuple[str, ...]  # the segment's name, then its elements: NM1 is seg[0], NM101 is seg[1]


class MalformedError(ValueError):
    """What arrived is not an interchange that can be answered.

    Never holds any of what was sent: that may be somebody's name or number.

    Attributes:
        why: What is wrong, in words.
        code: The element and value an X12 acknowledgement would say it with: TA105 for the envelope, AK905 for the
            group, IK502 for the transaction set.
        segment: Where, counted from 1 at the ISA; None where that says nothing.
    """

    def __init__(self, why: str, *, code: str, segment: int | None = None) -> None:
        super().__init__(why)
        self.why = why
        self.code = code
        self.segment = segment


@dataclass(frozen=True, slots=True, kw_only=True)
class Delimiters:
    """How one interchange separates its parts."""

    element: str = "*"
    repetition: str = "^"
    component: str = ":"
    terminator: str = "~"

    @property
    def all(self) -> str:
        return self.element + self.repetition + self.component + self.terminator


@dataclass(frozen=True, slots=True, kw_only=True)
class Interchange:
    """One transaction set and the three envelopes around it, all control numbers and counts already checked."""

    delimiters: Delimiters
    isa: Segment
    gs: Segment
    st: Segment
    body: tuple[Segment, ...]  # between ST and SE; the first stands at position 4

    @property
    def is_test(self) -> bool:
        """ISA15: T for test, P for production."""
        return self.isa[15] == "T"


def element(segment: Segment, number: int) -> str:
    """Return an element by its X12 number, with outer spaces removed; empty where the segment ends before it."""
    return segment[number].strip() if number < len(segment) else ""


def read(raw: bytes) -> Interchange:
    """Take an interchange apart.

    Raises:
        MalformedError: It has no readable ISA, or a control number, count, version or order is wrong.
    """
    text = raw.decode("latin-1").lstrip("\r\n ")  # byte for byte: what is echoed later leaves as it came
    delimiters = _read_delimiters(text)
    segments = _split(text, delimiters)
    isa, gs, st, *body, se, ge, iea = segments
    last = len(segments)
    _expect_names(segments)
    _check_interchange(isa, iea, position=last)
    _check_group(gs, ge, position=last - 1)
    _check_transaction(gs, st, se, count=len(body) + 2)
    return Interchange(delimiters=delimiters, isa=isa, gs=gs, st=st, body=tuple(body))


def _read_delimiters(text: str) -> Delimiters:
    if not text.startswith("ISA") or len(text) < ISA_LENGTH:
        raise MalformedError("no interchange header: expected ISA and 106 characters of it", code="TA105:022")
    found = Delimiters(element=text[3], repetition=text[82], component=text[104], terminator=text[105])
    if len(set(found.all)) != len(found.all) or any(c.isalnum() or c == " " for c in found.all):
        raise MalformedError("the delimiters in the ISA are not four different punctuation marks", code="TA105:022")
    parts = text[:104].split(found.element)[:-1]
    if tuple(len(part) for part in parts) != _ISA_WIDTHS:
        raise MalformedError("the elements of the ISA do not have their fixed widths", code="TA105:022")
    return found


def _split(text: str, delimiters: Delimiters) -> list[Segment]:
    *texts, rest = text.split(delimiters.terminator)
    if rest.strip("\r\n "):
        raise MalformedError("the last segment is not terminated", code="TA105:023", segment=len(texts) + 1)
    if not 6 < len(texts) <= _MAX_SEGMENTS:
        raise MalformedError(f"expected 7 to {_MAX_SEGMENTS} segments", code="TA105:024")
    texts = [part.strip("\r\n") for part in texts]
    marks = str.maketrans("", "", delimiters.all)  # a delimiter may itself be a control character
    for position, part in enumerate(texts, start=1):
        if not part.translate(marks).isprintable():
            raise MalformedError("a control character inside an element", code="TA105:024", segment=position)
    return [tuple(part.split(delimiters.element)) for part in texts]


def _expect_names(segments: list[Segment]) -> None:
    last = len(segments)
    wanted = {1: "ISA", 2: "GS", 3: "ST", last - 2: "SE", last - 1: "GE", last: "IEA"}
    for position, name in wanted.items():
        if segments[position - 1][0] != name:
            raise MalformedError(f"expected {name} here", code="TA105:024", segment=position)


def _check_interchange(isa: Segment, iea: Segment, *, position: int) -> None:
    if element(isa, 12) != _CONTROLS_VERSION:
        raise MalformedError(f"ISA12: expected {_CONTROLS_VERSION}", code="TA105:017", segment=1)
    if isa[15] not in ("T", "P"):
        raise MalformedError("ISA15: expected T or P", code="TA105:020", segment=1)
    if not isa[13].isdecimal():
        raise MalformedError("ISA13: expected nine digits", code="TA105:018", segment=1)
    if element(iea, 1) != "1":
        raise MalformedError("IEA01: expected one group in the interchange", code="TA105:021", segment=position)
    if element(iea, 2) != isa[13]:
        raise MalformedError("IEA02: differs from ISA13", code="TA105:001", segment=position)


def _check_group(gs: Segment, ge: Segment, *, position: int) -> None:
    if element(gs, 1) != "HS":
        raise MalformedError("GS01: expected HS, an eligibility inquiry", code="AK905:1", segment=2)
    if not 1 <= len(element(gs, 6)) <= 9 or not element(gs, 6).isdecimal():
        raise MalformedError("GS06: expected one to nine digits", code="AK905:6", segment=2)
    if element(ge, 1) != "1":
        raise MalformedError("GE01: expected one transaction set in the group", code="AK905:5", segment=position)
    if element(ge, 2) != element(gs, 6):
        raise MalformedError("GE02: differs from GS06", code="AK905:4", segment=position)


def _check_transaction(gs: Segment, st: Segment, se: Segment, *, count: int) -> None:
    if element(st, 1) != "270":
        raise MalformedError("ST01: expected 270", code="IK502:6", segment=3)
    if not 4 <= len(element(st, 2)) <= 9:
        raise MalformedError("ST02: expected four to nine characters", code="IK502:7", segment=3)
    if element(st, 3) != element(gs, 8):
        raise MalformedError("ST03: differs from GS08", code="IK502:I6", segment=3)
    if element(se, 1) != str(count):
        raise MalformedError(f"SE01: the transaction set has {count} segments", code="IK502:4", segment=count + 2)
    if element(se, 2) != element(st, 2):
        raise MalformedError("SE02: differs from ST02", code="IK502:3", segment=count + 2)


def write(asked: Interchange, body: list[Segment], *, kind: tuple[str, str], date: str, time: str) -> bytes:
    """Return `body` as the answer to `asked`: sender and receiver change places, its control numbers are used again.

    Args:
        asked: What is answered.
        body: The segments between ST and SE.
        kind: GS01 and ST01 of the answer.
        date: CCYYMMDD.
        time: HHMM.
    """
    isa, gs, st = asked.isa, asked.gs, asked.st
    group, transaction = kind
    # ISA14 is 0: no acknowledgement is asked for a real-time answer.
    header = (*isa[:5], *isa[7:9], *isa[5:7], date[2:], time, isa[11], isa[12], isa[13], "0", isa[15], isa[16])
    version = element(gs, 8)
    segments = [
        header,
        ("GS", group, element(gs, 3), element(gs, 2), date, time, element(gs, 6), "X", version),
        ("ST", transaction, st[2], version),
        *body,
        ("SE", str(len(body) + 2), st[2]),
        ("GE", "1", element(gs, 6)),
        ("IEA", "1", isa[13]),
    ]
    return "".join(_join(segment, asked.delimiters) for segment in segments).encode("latin-1")


def _join(segment: Segment, delimiters: Delimiters) -> str:
    values = list(segment)
    while values[-1] == "":  # empty elements at the end are left out, and their separators with them
        values.pop()
    return delimiters.element.join(values) + delimiters.terminator


def clean(value: str, delimiters: Delimiters) -> str:
    """Return a stored value with anything that would end an element, or cannot be written, made a space."""
    unsafe = delimiters.all
    text = value.encode("latin-1", "replace").decode("latin-1")
    return "".join(" " if c in unsafe or not c.isprintable() else c for c in text)


def levels(body: tuple[Segment, ...]) -> dict[str, tuple[Segment, ...]]:
    """Return the segments of each HL by its level code (HL03), the HL itself first.

    Raises:
        MalformedError: The levels are not numbered from 1, or one occurs twice.
    """
    starts = [i for i, segment in enumerate(body) if segment[0] == "HL"]
    found: dict[str, tuple[Segment, ...]] = {}
    for number, (start, end) in enumerate(pairwise([*starts, len(body)]), start=1):
        hl = body[start]
        if element(hl, 1) != str(number):
            raise MalformedError(f"HL01: expected {number}", code="IK502:5", segment=start + 4)
        if element(hl, 3) in found:
            raise MalformedError("HL03: a level occurs twice; send one subscriber", code="IK502:5", segment=start + 4)
        found[element(hl, 3)] = body[start:end]
    return found

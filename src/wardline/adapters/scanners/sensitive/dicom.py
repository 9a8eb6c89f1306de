"""DICOM files (PS3.10): the attributes that the basic confidentiality profile removes (PS3.15 table E.1-1).

A small reader of our own: names and values of a data set, no pixels. It stops at the pixel data.
"""

import struct
import zlib
from collections.abc import Iterator
from typing import Final

from wardline.findings.sensitive.classes import SensitiveClass as C
from wardline.findings.sensitive.sighting import Spot

_LONG: Final = frozenset({b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"})
_UNDEFINED: Final = 0xFFFFFFFF
_MAX_INFLATED: Final = 256 << 20  # bytes
_MAX_DEPTH: Final = 16  # sequences in sequences
_MAX_VALUE: Final = 4096  # bytes of an attribute that is told
_PIXELS: Final = 0x7FE00010
_TAGS: Final = {
    0x00100010: C.NAME, 0x00100020: C.MEDICAL_RECORD, 0x00100021: C.OTHER_ID, 0x00100030: C.DATE, 0x00100032: C.DATE,
    0x00100050: C.HEALTH_PLAN, 0x00101000: C.SSN, 0x00101001: C.NAME, 0x00101005: C.NAME, 0x00101040: C.GEOGRAPHY,
    0x00101060: C.NAME, 0x00101080: C.OTHER_ID, 0x00101090: C.MEDICAL_RECORD, 0x00102150: C.GEOGRAPHY,
    0x00102152: C.GEOGRAPHY, 0x00102154: C.PHONE, 0x00102155: C.PHONE, 0x00102297: C.NAME, 0x00080020: C.DATE,
    0x00080021: C.DATE, 0x00080022: C.DATE, 0x00080023: C.DATE, 0x00080012: C.DATE, 0x0008002A: C.DATE,
    0x00080050: C.ACCOUNT, 0x00080080: C.OTHER_ID, 0x00080081: C.GEOGRAPHY, 0x00080090: C.NAME, 0x00080092: C.GEOGRAPHY,
    0x00080094: C.PHONE, 0x00081048: C.NAME, 0x00081050: C.NAME, 0x00081060: C.NAME, 0x00081070: C.NAME,
    0x00080018: C.OTHER_ID, 0x0020000D: C.OTHER_ID, 0x0020000E: C.OTHER_ID, 0x00200010: C.OTHER_ID,
    0x00200052: C.OTHER_ID,
    0x00181000: C.DEVICE, 0x00181002: C.DEVICE, 0x00181003: C.DEVICE, 0x00181004: C.DEVICE, 0x00181005: C.DEVICE,
    0x00181007: C.DEVICE, 0x00181008: C.DEVICE, 0x00189919: C.DATE, 0x00380010: C.ACCOUNT, 0x00380020: C.DATE,
    0x00380030: C.DATE, 0x00380300: C.GEOGRAPHY, 0x00380400: C.GEOGRAPHY, 0x00400275: C.OTHER_ID, 0x00321032: C.NAME,
    0x00400006: C.NAME, 0x00400244: C.DATE, 0x0040A123: C.NAME, 0x00402016: C.OTHER_ID, 0x00402017: C.OTHER_ID,
    0x00400002: C.DATE, 0x00321033: C.GEOGRAPHY,
}  # fmt: skip
_AGE: Final = 0x00101010
_BURNED_IN: Final = 0x00280301


class NotDICOM(Exception):
    """The file is damaged, or of a kind that is not read. Travels inside this package only."""


def is_dicom(head: bytes) -> bool:
    return head[128:132] == b"DICM"


def dicom_spots(content: bytes) -> list[Spot]:
    """Return what the attributes of a DICOM file give away; line 1, the column is the place in bytes.

    Raises:
        NotDICOM: It is cut short or damaged.
    """
    try:
        return list(_spots(content))
    except (struct.error, zlib.error, IndexError) as error:
        raise NotDICOM("damaged") from error


def _spots(content: bytes) -> Iterator[Spot]:  # noqa: C901, PLR0912  # two sets
    syntax, at = "", 132
    for tag, value, _, ends in _elements(content, 132, explicit=True, order="<"):
        if tag >> 16 != 2:  # noqa: PLR2004  # the group of the file's meta information
            break
        at = ends
        if tag == 0x00020010:  # noqa: PLR2004
            syntax = value.rstrip(b"\0 ").decode("ascii", errors="replace")
    if syntax == "1.2.840.10008.1.2.1.99":
        inflater = zlib.decompressobj(-15)
        content, at = inflater.decompress(content[at:], _MAX_INFLATED), 0
        if not inflater.eof:
            raise NotDICOM("deflated data set is cut short, or too large")
    explicit, order = syntax != "1.2.840.10008.1.2", ">" if syntax == "1.2.840.10008.1.2.2" else "<"
    for tag, value, begins, _ in _elements(content, at, explicit=explicit, order=order):
        kind, text = _TAGS.get(tag), value[:_MAX_VALUE].rstrip(b"\0 ").decode("utf-8", errors="replace").strip()
        if tag == _AGE and text[:3].isdigit() and text.endswith("Y") and int(text[:3]) > 89:  # noqa: PLR2004  # 164.514(b)(2)(i)(C)
            kind = C.DATE
        if tag == _BURNED_IN:
            kind = C.PHOTO if text.upper() == "YES" else None
        if kind is not None and text:
            rule = f"dicom-{tag >> 16:04X}-{tag & 0xFFFF:04X}"
            yield Spot(kind=kind, rule=rule, line=1, column=begins + 1, value=text)


def _elements(content: bytes, at: int, *, explicit: bool, order: str) -> Iterator[tuple[int, bytes, int, int]]:
    """Yield tag, value, where the value begins and ends; what lies in sequences among them."""
    open_sequences = 0
    while at + 8 <= len(content):
        group, element = struct.unpack_from(f"{order}HH", content, at)
        tag = group << 16 | element
        if tag == _PIXELS:
            return
        length, begins, sequence = _length(content, at, explicit=explicit and group != 0xFFFE, order=order)  # noqa: PLR2004
        if group == 0xFFFE or sequence or length == _UNDEFINED:  # noqa: PLR2004  # items and their ends
            # Gone into, not over: their elements follow.
            open_sequences += sequence or length == _UNDEFINED
            if open_sequences > 100_000:  # noqa: PLR2004
                raise NotDICOM("sequences without end")
            at = begins
            continue
        if begins + length > len(content):
            raise NotDICOM("cut short")
        yield tag, content[begins : begins + length], begins, begins + length
        at = begins + length
    if at < len(content) and content[at:].strip(b"\0"):
        raise NotDICOM("cut short")


def _length(content: bytes, at: int, *, explicit: bool, order: str) -> tuple[int, int, bool]:
    if not explicit:
        (length,) = struct.unpack_from(f"{order}I", content, at + 4)
        return length, at + 8, False
    kind = content[at + 4 : at + 6]
    if not kind.isalpha() or not kind.isupper():
        raise NotDICOM("no value representation")
    if kind in _LONG:
        (length,) = struct.unpack_from(f"{order}I", content, at + 8)
        return length, at + 12, kind == b"SQ"
    (length,) = struct.unpack_from(f"{order}H", content, at + 6)
    return length, at + 8, False

"""Everything that stands in a file, member by member, held in memory and never unpacked to disk."""

import bz2
import gzip
import html
import io
import lzma
import re
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import PurePosixPath
from typing import IO, Final

from wardline.adapters.scanners.sensitive.dicom import NotDICOM, dicom_spots, is_dicom
from wardline.adapters.scanners.sensitive.parts import (
    MAX_DEPTH,
    MAX_MEMBER,
    MAX_MEMBERS,
    Budget,
    Part,
    Seen,
    Skipped,
    Unread,
)

Found = Part | Seen | Unread | Skipped
PIECE: Final = 4 << 20  # bytes of a plain file that are held at once
WHOLE: Final = 32 << 20  # bytes up to which a file is held as a whole, so that its form can be read
_Unpacked = gzip.GzipFile | bz2.BZ2File | lzma.LZMAFile
_PACKED: Final[Mapping[bytes, Callable[[IO[bytes]], _Unpacked]]] = {
    b"\x1f\x8b": lambda stream: gzip.GzipFile(fileobj=stream),
    b"BZh": bz2.BZ2File,
    b"\xfd7zXZ\x00": lzma.LZMAFile,
}
_MAX_PAGES: Final = 5000
_PARAGRAPH: Final = re.compile(rb"</(?:w:p|a:p|si|row|text:p|table:table-row)>|<w:br/>")
_CELL: Final = re.compile(rb"</(?:c|w:tc|table:table-cell)>|<w:tab/>")
_DAMAGE: Final = (
    OSError, EOFError, zlib.error, lzma.LZMAError, tarfile.TarError, zipfile.BadZipFile, ValueError,
    NotImplementedError, RuntimeError, IndexError, KeyError, OverflowError,
)  # fmt: skip


def read(name: str, stream: IO[bytes], size: int) -> Iterator[Found]:
    """Yield the parts of one file. Nothing is raised for what it holds.

    Args:
        name: How it is called in findings.
        stream: Its bytes, seekable.
        size: How many they are.
    """
    budget = Budget(packed=size)
    yield from _of(name, stream, budget, 0)


def _of(name: str, stream: IO[bytes], budget: Budget, depth: int) -> Iterator[Found]:
    head = stream.read(4096)
    stream.seek(0)
    opener = next((opener for magic, opener in _PACKED.items() if head.startswith(magic)), None)
    if depth > MAX_DEPTH and (opener or head.startswith(b"PK\x03\x04")):
        yield Unread(name=name, reason="nested-too-deep")
    elif opener is not None:
        yield from _guarded(name, _packed(name, opener(stream), budget, depth))
    elif head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        yield from _guarded(name, _zip(name, stream, budget, depth))
    elif head[257:262] == b"ustar":
        yield from _guarded(name, _tar(name, stream, budget, depth))
    elif head.startswith(b"%PDF-"):
        yield from _guarded(name, _pdf(name, stream))
    elif is_dicom(head):
        yield _dicom(name, stream.read(MAX_MEMBER))
    else:
        yield from _plain(name, stream, head)


def _guarded(name: str, found: Iterator[Found]) -> Iterator[Found]:
    try:
        yield from found
    except _DAMAGE:
        yield Unread(name=name, reason="damaged")


def _plain(name: str, stream: IO[bytes], head: bytes) -> Iterator[Found]:
    if b"\0" in head and not head.startswith((b"\xff\xfe", b"\xfe\xff")):
        yield Skipped(name=name, reason="binary")
        return
    first = stream.read(WHOLE)
    if len(first) < WHOLE:
        yield Part(name=name, content=first)
        return
    line, rest = 1, b""
    for begins in range(0, len(first), PIECE):
        block, rest = _cut(rest + first[begins : begins + PIECE])
        yield Part(name=name, content=block, first_line=line)
        line += block.count(b"\n")
    del first
    while more := stream.read(PIECE):
        block, rest = _cut(rest + more)
        yield Part(name=name, content=block, first_line=line)
        line += block.count(b"\n")
    if rest:
        yield Part(name=name, content=rest, first_line=line)


def _cut(block: bytes) -> tuple[bytes, bytes]:
    """Cut behind the last line; a line longer than a piece at white space, else with the end kept for the next."""
    ends = block.rfind(b"\n") + 1 or block.rfind(b" ") + 1
    return (block[:ends], block[ends:]) if ends else (block, block[-256:])


def _packed(name: str, stream: _Unpacked, budget: Budget, depth: int) -> Iterator[Found]:
    inner = PurePosixPath(name).stem if "!" not in name else PurePosixPath(name.rpartition("!")[2]).stem
    content = bytearray()
    with stream:
        while more := stream.read(1 << 20):
            content += more
            if not budget.take(len(more)):
                yield Unread(name=name, reason="expands-too-far")
                return
            if len(content) > 4 * MAX_MEMBER:
                yield Unread(name=name, reason="member-too-large")
                return
    yield from _of(f"{name}!{inner}", io.BytesIO(bytes(content)), budget, depth + 1)


def _zip(name: str, stream: IO[bytes], budget: Budget, depth: int) -> Iterator[Found]:
    with zipfile.ZipFile(stream) as archive:
        members = archive.infolist()
        if len(members) > MAX_MEMBERS:
            yield Unread(name=name, reason="too-many-members")
            return
        office = any(member.filename in {"[Content_Types].xml", "content.xml"} for member in members)
        for member in members:
            if member.is_dir():
                continue
            called = f"{name}!{_printable(member.filename)}"
            trouble = "encrypted" if member.flag_bits & 1 else _trouble(member.filename, member.file_size)
            if trouble is not None:
                yield Unread(name=called, reason=trouble)
                continue
            yield from _guarded(called, _member(called, archive, member, budget, depth, office=office))
            if budget.left < 0:
                return


def _member(  # noqa: PLR0913  # what a member of an archive is known by
    called: str, archive: zipfile.ZipFile, member: zipfile.ZipInfo, budget: Budget, depth: int, *, office: bool
) -> Iterator[Found]:
    with archive.open(member) as opened:
        content = opened.read(MAX_MEMBER + 1)
    if not budget.take(len(content)):
        budget.left = -1
        yield Unread(name=called, reason="expands-too-far")
    elif len(content) > MAX_MEMBER:
        yield Unread(name=called, reason="member-too-large")
    elif office and member.filename.endswith(".xml"):
        yield Part(name=f"{called}.text", content=_office_text(content))
    else:
        yield from _of(called, io.BytesIO(content), budget, depth + 1)


def _office_text(content: bytes) -> bytes:
    """Return the text of a word, sheet or slide: a line a paragraph, cells apart. No parser, so no entities."""
    lines = _CELL.sub(b"\t", _PARAGRAPH.sub(b"\n", content))
    return html.unescape(re.sub(rb"<[^<>]*>", b"", lines).decode(errors="replace")).encode()


def _tar(name: str, stream: IO[bytes], budget: Budget, depth: int) -> Iterator[Found]:
    with tarfile.open(fileobj=stream, mode="r:") as archive:
        for number, member in enumerate(archive):
            if number > MAX_MEMBERS:
                yield Unread(name=name, reason="too-many-members")
                return
            if not member.isreg():
                continue  # a link holds no text, and what it points to is looked at where it lies
            called = f"{name}!{_printable(member.name)}"
            trouble = _trouble(member.name, member.size)
            opened = archive.extractfile(member) if trouble is None else None
            if trouble is not None or opened is None:
                yield Unread(name=called, reason=trouble or "damaged")
                continue
            content = opened.read()
            if len(content) < member.size:
                raise EOFError
            if not budget.take(len(content)):
                yield Unread(name=called, reason="expands-too-far")
                return
            yield from _of(called, io.BytesIO(content), budget, depth + 1)
        if stream.seek(0, io.SEEK_END) % 512:
            raise EOFError


def _trouble(member: str, size: int) -> str | None:
    path = PurePosixPath(member.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts:
        return "climbs-out"
    return "member-too-large" if size > MAX_MEMBER else None


def _printable(name: str) -> str:
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in name)[:512]


def _dicom(name: str, content: bytes) -> Found:
    try:
        return Seen(name=name, spots=tuple(dicom_spots(content)))
    except NotDICOM:
        return Unread(name=name, reason="damaged")


def _pdf(name: str, stream: IO[bytes]) -> Iterator[Found]:
    import logging

    from pypdf import PdfReader
    from pypdf.errors import PyPdfError

    logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # it would quote the file
    try:
        reader = PdfReader(stream)
        if reader.is_encrypted:
            yield Unread(name=name, reason="encrypted")
            return
        if len(reader.pages) > _MAX_PAGES:
            yield Unread(name=name, reason="too-many-members")
            return
        for number, page in enumerate(reader.pages, 1):
            yield Part(name=f"{name}!page-{number}", content=page.extract_text().encode(errors="replace"))
    except (PyPdfError, TypeError, AttributeError, RecursionError, AssertionError) as error:
        raise ValueError("damaged") from error

"""What form a file has, by what it begins with and how it is called; then its fields, then its running text."""

import csv
import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Final

import re2

from wardline.errors import InvalidInput
from wardline.findings.sensitive.allowed import is_stock_name
from wardline.findings.sensitive.classes import SensitiveClass
from wardline.findings.sensitive.documents import assignments, json_leaves, xml_leaves, yaml_leaves
from wardline.findings.sensitive.meaning import kind_of_field
from wardline.findings.sensitive.messages import hl7_spots, looks_like_hl7, looks_like_x12, x12_spots
from wardline.findings.sensitive.rules import rules
from wardline.findings.sensitive.sighting import Spot
from wardline.findings.sensitive.tables import delimiter_of, sql_spots, table_spots
from wardline.findings.sensitive.text import TextScan
from wardline.findings.sensitive.trees import tree_spots

MAX_STRUCTURED: Final = 32 << 20  # bytes; a longer document is looked at as text, in pieces
_CODE: Final = frozenset(
    [
        "py",
        "pyi",
        "pyx",
        "js",
        "jsx",
        "mjs",
        "cjs",
        "ts",
        "tsx",
        "java",
        "kt",
        "kts",
        "scala",
        "groovy",
        "go",
        "rs",
        "c",
        "h",
        "cc",
        "cpp",
        "cxx",
        "hpp",
        "hh",
        "cs",
        "fs",
        "vb",
        "swift",
        "m",
        "mm",
        "rb",
        "php",
        "pl",
        "pm",
        "lua",
        "r",
        "jl",
        "sh",
        "bash",
        "zsh",
        "fish",
        "ps1",
        "bat",
        "cmd",
        "dart",
        "ex",
        "exs",
        "erl",
        "hrl",
        "clj",
        "hs",
        "ml",
        "mli",
        "css",
        "scss",
        "less",
        "html",
        "htm",
        "vue",
        "svelte",
        "tf",
        "md",
        "rst",
        "adoc",
        "tex",
        "toml",
        "cfg",
        "ini",
        "gradle",
        "cmake",
        "mk",
        "make",
        "dockerfile",
        "proto",
        "thrift",
        "graphql",
        "j2",
        "tmpl",
        "tpl",
        "lock",
        "po",
        "pot",
        "pem",
        "crt",
        "svg",
        "jsp",
        "erb",
        "asm",
        "s",
        "f",
        "f90",
        "el",
        "lisp",
        "scm",
        "vim",
        "awk",
        "sed",
        "y",
        "l",
        "in",
        "am",
        "ac",
        "m4",
        "spec",
        "patch",
        "diff",
        "yml",
        "yaml",
    ]
)
_CODE_NAMES: Final = re.compile(
    r"(?i)makefile|dockerfile|license.*|copying.*|authors.*|notice.*|readme.*|change(?:s|log).*|contributors.*|news.*|metadata|record|pkg-info|install.*|credits.*|thanks.*|history.*|todo.*|.*requirements.*\.txt"
)
_OPTIONS: Final = re2.Options()
_OPTIONS.encoding = re2.Options.Encoding.LATIN1
_OPTIONS.never_capture = True
# The name of a field, and what assigns a value not far behind it; a filter, so that few lines are looked at closely.
_FIELDS: Final = re2.compile(
    rb"(?i)(?:name|ssn|social|dob|birth|mrn|phone|mobile|fax|mail|addr|street|city|zip|postal|licen|vin\b|plate|serial|device|udi|account|acct|iban|member|subscriber|policy|insur|medicare|patient|finger|biometr|photo|face|retina|iris|npi|dea|passport|encounter|admi|discharge|deceased|ip\b|website|age\b)[\w \"'\\\].-]{0,32}[:=>]|(?:PID|NK1|IN1|GT1)\|[^\n]*\|",
    _OPTIONS,
)


def is_code(name: str) -> bool:
    """Say whether a file of this name is source, configuration or documentation of a program."""
    path = PurePosixPath(name.rpartition("!")[2])
    return path.suffix[1:].lower() in _CODE or _CODE_NAMES.fullmatch(path.name) is not None


class Formats:
    """Looks at the content of files, whatever their form. It never raises for what they hold."""

    def __init__(self, *, record_number: str | None = None) -> None:
        self._text = TextScan(rules(record_number=record_number))

    def spots(self, name: str, content: bytes, *, first_line: int = 1) -> list[Spot]:
        """Return what stands in `content`, fields before text; nothing is said twice.

        Args:
            name: Of the file; its suffix helps to tell its form.
            content: All of it, or a piece that begins and ends with a line.
            first_line: The number of its first line.
        """
        content = _as_bytes(content)
        in_code = is_code(name)
        found = _fields(name, content, in_code=in_code) if first_line == 1 else _named(content, in_code, first_line)
        taken: dict[int, list[Spot]] = {}
        for spot in found:
            taken.setdefault(spot.line, []).append(spot)
        for spot in self._text.spots(content, in_code=in_code, first_line=first_line):
            if not any(_same(spot, other) for other in taken.get(spot.line, ())):
                found.append(spot)
        return sorted(found, key=lambda spot: (spot.line, spot.column))


def _same(spot: Spot, other: Spot) -> bool:
    inside = spot.value in other.value or other.value in spot.value
    return inside or (spot.column < other.column + len(other.value) and other.column < spot.column + len(spot.value))


def _as_bytes(content: bytes) -> bytes:
    """Return UTF-16 with its mark as UTF-8, and lines that end with LF; anything else as it is."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        content = content.decode("utf-16", errors="replace").encode()
    # HL7 ends segments with CR alone; as many bytes, so that columns hold.
    return re.sub(rb"\r(?!\n)", b"\n", content) if b"\r" in content else content


def _fields(name: str, content: bytes, *, in_code: bool) -> list[Spot]:
    if len(content) > MAX_STRUCTURED:
        return _named(content, in_code, 1)
    try:
        return list(_structured(name, content)) or _named(content, in_code, 1)
    except (InvalidInput, csv.Error, RecursionError, IndexError):
        return _named(content, in_code, 1)  # what is broken is looked at as text


def _structured(name: str, content: bytes) -> Iterator[Spot]:  # noqa: PLR0911  # a form, a return
    head, text = content[:4096], content.decode("utf-8", errors="replace")
    suffix = PurePosixPath(name).suffix.lower()
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if looks_like_hl7(head):
        return hl7_spots(text)
    if looks_like_x12(head):
        return x12_spots(text)
    if suffix in {".json", ".jsonl", ".ndjson", ".geojson", ".ipynb"} or re.match(rb"[\[{]\s*[\"{\[]", start):
        return tree_spots(json_leaves(text))
    if suffix in {".xml", ".xsd", ".cda", ".ccd", ".fhir", ".plist"} or start.startswith(b"<?xml"):
        return tree_spots(xml_leaves(content))
    if suffix in {".yaml", ".yml"}:
        return tree_spots(yaml_leaves(text))
    if suffix in {".sql", ".dump"}:
        return sql_spots(text)
    delimiter = (
        delimiter_of(text.partition("\n")[0][:4096])
        if suffix in {".csv", ".tsv", ".tab", ".psv", ".txt", ".dat", ""}
        else None
    )
    if delimiter is not None and (suffix != ".txt" or text.count(delimiter) > 3):
        return table_spots(iter(text.splitlines(keepends=True)), delimiter)
    return iter(())


def _named(content: bytes, in_code: bool, first_line: int) -> list[Spot]:  # noqa: FBT001  # beside the text it tells of
    """Return what names give away in text: in code only literals, elsewhere anything behind `name:` or `name=`."""
    if not in_code and re.search(rb"[:=>]", content[:65536]) is None and len(content) < 65536:
        return []
    found: list[Spot] = []
    line = first_line
    for piece in _pieces(content):
        for number, text in _telling_lines(piece):
            at_line = line + number
            if looks_like_messages(text):
                found += hl7_spots(text, first_line=at_line)
            for key, value, at, column in assignments(text, quoted_only=in_code, first_line=at_line):
                kind = kind_of_field(key, value, of_person=False)
                stock = in_code and kind is SensitiveClass.NAME and is_stock_name(value)
                if kind is not None and not stock and _worth(value, in_code=in_code):
                    found.append(Spot(kind=kind, rule="name", line=at, column=column, value=value))
        if b"insert" in piece.lower():
            found += _inserts(piece.decode("utf-8", errors="replace"), line)
        line += piece.count(b"\n")
    return found


def _telling_lines(piece: bytes) -> Iterator[tuple[int, str]]:
    """Yield the lines that assign something to a name worth knowing, or hold a segment; with how many stand before."""
    at = counted = number = 0
    while at < len(piece):
        hit = _FIELDS.search(piece, at)
        if hit is None:
            return
        begins = piece.rfind(b"\n", at, hit.start()) + 1 or at
        ends = piece.find(b"\n", hit.start())
        ends = len(piece) if ends < 0 else ends
        number += piece.count(b"\n", counted, begins)
        counted = begins
        yield number, piece[begins:ends].decode("utf-8", errors="replace")
        at = ends + 1


def looks_like_messages(text: str) -> bool:
    return re.search(r"(?:^|[\s\"'>\x0b])(?:PID|NK1|IN1|GT1)\|[^\n]*\|", text) is not None


def _inserts(text: str, line: int) -> list[Spot]:
    if "insert" not in text.lower():
        return []
    return [
        Spot(kind=s.kind, rule=s.rule, line=s.line + line - 1, column=s.column, value=s.value) for s in sql_spots(text)
    ]


def _worth(value: str, *, in_code: bool) -> bool:
    """In code `name = "first_name"` names a column, and `f"{…}"` is filled in later."""
    if not in_code:
        return True
    return re.search(r"\d", value) is not None or (
        re.match(r"[A-Z][\w'.-]+(?:,? [A-Z][\w'.-]*)*$", value) is not None and re.search(r"[{%$<]", value) is None
    )


def _pieces(content: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(content):
        ends = content.rfind(b"\n", at, at + (1 << 20)) + 1 if len(content) - at > 1 << 20 else len(content)
        ends = ends or min(len(content), at + (1 << 20))
        yield content[at:ends]
        at = ends

"""Tables: CSV and TSV by the words of their heading, SQL by the names of columns in INSERT."""

import csv
import re
from collections.abc import Iterator, Sequence
from typing import Final

from wardline.findings.sensitive.meaning import is_about_a_person, kind_of_field, meaning_of
from wardline.findings.sensitive.sighting import Spot

_INSERT: Final = re.compile(
    r"(?is)\binsert\s+(?:ignore\s+|or\s+\w+\s+)?into\s+([\w.`\"\[\]]{1,120})\s*\(([^()]{1,4000})\)\s*values\s*"
)
_COPY: Final = re.compile(r"(?im)^copy\s+([\w.\"]{1,120})\s*\(([^()]{1,4000})\)\s*from\s+stdin[^\n]*\n")
_VALUE: Final = re.compile(r"\s*(?:[NEB]?'((?:[^']|'')*)'|\"((?:[^\"]|\"\")*)\"|([^,()'\"]*(?:\([^()]*\))?))\s*([,)])")
_PERSONS_TABLE: Final = re.compile(
    r"(?i)patient|person|member|subscriber|people|client|customer|user|beneficiar|guarantor|contact|employee"
)


def delimiter_of(heading: str) -> str | None:
    """Return what separates the columns of a heading; None: it is none."""
    best = max(",\t;|", key=heading.count)
    names = heading.split(best)
    named = sum(meaning_of(name.strip("\"' \ufeff")) is not None for name in names)
    return best if len(names) > 1 and named else None


def table_spots(lines: Iterator[str], delimiter: str) -> Iterator[Spot]:
    """Yield the cells of a table whose heading says what they are.

    Raises:
        csv.Error: A row is not one, e.g. it holds NUL or a field beyond csv's limit.
    """
    rows = csv.reader(lines, delimiter=delimiter)
    heading = [name.strip("\ufeff \"'") for name in next(rows, [])]
    of_person = is_about_a_person(heading)
    line = rows.line_num + 1
    for row in rows:
        column = 1
        for number, value in enumerate(row):
            kind = kind_of_field(heading[number], value, of_person=of_person) if number < len(heading) else None
            if kind is not None:
                yield Spot(kind=kind, rule="column", line=line, column=column, value=value)
            column += len(value) + 1
        line = rows.line_num + 1


def sql_spots(text: str) -> Iterator[Spot]:
    """Yield the values of INSERT and COPY whose columns say what they are."""
    for statement in _INSERT.finditer(text):
        table, columns = statement[1], _columns(statement[2])
        of_person = is_about_a_person(columns) or _PERSONS_TABLE.search(table) is not None
        at = statement.end()
        while text[at : at + 1] == "(":
            at += 1
            for name in columns:
                value = _VALUE.match(text, at)
                if value is None:
                    return
                yield from _cell(text, value, name, of_person=of_person)
                at = value.end()
                if value[4] == ")":
                    break
            following = re.compile(r"\s*,\s*(?=\()").match(text, at)
            at = following.end() if following else at
            if following is None:
                break
    for statement in _COPY.finditer(text):
        columns = _columns(statement[2])
        ends = text.find("\n\\.", statement.end())
        body = text[statement.end() : ends if ends > 0 else len(text)]
        first = text.count("\n", 0, statement.end()) + 1
        yield from _copied(body, columns, first, _PERSONS_TABLE.search(statement[1]) is not None)


def _copied(body: str, columns: Sequence[str], first: int, of_person: bool) -> Iterator[Spot]:  # noqa: FBT001  # what it is about
    of_person = of_person or is_about_a_person(columns)
    for number, row in enumerate(body.split("\n")):
        column = 1
        for name, value in zip(columns, row.split("\t"), strict=False):
            kind = kind_of_field(name, value, of_person=of_person)
            if kind is not None:
                yield Spot(kind=kind, rule="column", line=first + number, column=column, value=value)
            column += len(value) + 1


def _cell(text: str, value: re.Match[str], name: str, *, of_person: bool) -> Iterator[Spot]:
    group = next((number for number in (1, 2, 3) if value[number] is not None), 3)
    kind = kind_of_field(name, value[group].strip(), of_person=of_person)
    if kind is not None:
        start = value.start(group)
        line, column = text.count("\n", 0, start) + 1, start - text.rfind("\n", 0, start)
        yield Spot(kind=kind, rule="column", line=line, column=column, value=value[group].replace("''", "'"))


def _columns(text: str) -> list[str]:
    return [name.strip(' \t\r\n`"[]') for name in text.split(",")]

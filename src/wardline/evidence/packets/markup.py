"""Marking text up for the page of a packet: nothing in it can become markup, or hide, or turn the direction of text."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from wardline.canonical import JSON


@dataclass(frozen=True, slots=True)
class Mark:
    """A word that says how something went, and is shown in the colour of that."""

    word: JSON


Cell: TypeAlias = JSON | Mark
Row: TypeAlias = tuple[Cell, ...]

_LONG = 28  # characters
NOTHING = "<p>None in this packet.</p>"

# What cannot be seen (controls, marks that turn the direction of text) must not change what is read.
# Spelled out: what Python calls printable changes with its version, and a page must not.
_UNSEEN = re.compile(
    "[\\x00-\\x1f\\x7f-\\x9f\\u061c\\u200b-\\u200f\\u2028-\\u202e\\u2060-\\u206f\\ufeff\\ufff9-\\ufffb\\U000e0000-\\U000e007f]"
)
_ENTITIES = (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;"), ("'", "&#x27;"))
_COLOURS = {
    **dict.fromkeys(("passed", "PASSED", "allow", "succeeded", "approved", "in this packet"), "good"),
    **dict.fromkeys(
        ("failed", "FAILED", "deny", "denied", "rejected", "rolled-back", "set-aside", "critical", "high"), "bad"
    ),
    **dict.fromkeys(("errored", "inconclusive", "undecided", "warn", "not sealed", "cancelled", "missing"), "open"),
}


def plain(value: JSON) -> str:
    """Return `value` as a person reads it; what has no one line is a dash."""
    match value:
        case None | dict() | list():
            return "-"
        case bool():
            return "yes" if value else "no"
        case _:
            return _UNSEEN.sub("\N{REPLACEMENT CHARACTER}", str(value))


def escape(value: JSON) -> str:
    text = plain(value)
    for character, entity in _ENTITIES:
        text = text.replace(character, entity)
    return text


def coloured(text: str) -> str:
    return f'<span class="{_COLOURS[text]}">{escape(text)}</span>' if text in _COLOURS else escape(text)


def listed(value: JSON) -> str | None:
    """Return the items of a list as one line; None where there are none."""
    return ", ".join(plain(item) for item in value) if isinstance(value, list) and value else None


def table(headings: Sequence[str], rows: Sequence[Row]) -> str:
    """Return a table. The headings are said again on every sheet of paper."""
    if not rows:
        return NOTHING
    head = "<thead><tr>" + "".join(f"<th>{escape(heading)}</th>" for heading in headings) + "</tr></thead>"
    lines = ["<tr>" + "".join(_cell(cell) for cell in row) + "</tr>" for row in rows]
    return "\n".join(["<table>", head, "<tbody>", *lines, "</tbody>", "</table>"])


def facts(rows: Sequence[tuple[str, Cell]]) -> str:
    """Return a table of names and what they are."""
    lines = [f"<tr><th>{escape(name)}</th>{_cell(value)}</tr>" for name, value in rows]
    return "\n".join(['<table class="facts">', *lines, "</table>"])


def _cell(value: Cell) -> str:
    if isinstance(value, Mark):
        return f"<td>{coloured(plain(value.word))}</td>"
    text = plain(value)
    # A digest may break anywhere; a word may not, or narrow columns would take it apart.
    long = any(len(word) > _LONG for word in text.split(" "))
    return f'<td class="long">{escape(text)}</td>' if long else f"<td>{escape(text)}</td>"

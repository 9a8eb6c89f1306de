"""Catalogue files: YAML read once into values, every problem told at once."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import yaml

from wardline.controls.catalogue import Catalogue, Control, Kind, Period, Reading, Requirement, Section, Status
from wardline.controls.reading import Reader, compose, pairs

CATALOGUE_ID = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*", re.ASCII)
_PLACE = re.compile(r"[A-Za-z0-9()./,-]+", re.ASCII)  # of a row in its law; with the catalogue before it, a control id
_URL = re.compile(r"https://[^\s]+", re.ASCII)
_COUNTRY = re.compile(r"[A-Z]{2}|EU", re.ASCII)  # ISO 3166-1, or the Union
_CROSSWALKS = {  # ids only: the texts of the last three are licensed
    "nist-800-53r5": r"[A-Z]{2}-[0-9]{1,2}(?:\([0-9]{1,2}\))?",
    "nist-csf-2.0": r"(?:GV|ID|PR|DE|RS|RC)\.[A-Z]{2}-[0-9]{2}",
    "iso-27001-2022": r"A\.[5-8]\.[0-9]{1,2}",
    "soc2-tsc": r"(?:CC|A|C|P|PI)[0-9]{1,2}\.[0-9]{1,2}",
    "hitrust-csf-11": r"[0-9]{2}\.[a-z]{1,2}",
}
_CROSSWALK = re.compile("|".join(f"{name}:(?:{form})" for name, form in _CROSSWALKS.items()), re.ASCII)

_HEAD = frozenset(
    {"catalogue", "version", "title", "publisher", "jurisdiction", "source", "status", "advisory", "regulations"}
    | {"crosswalk_checked", "dates", "readings", "sections"}
)
_SECTION = frozenset({"id", "title", "citation", "in_force", "checked", "controls"})
_ROW = frozenset(
    {"id", "kind", "requirement", "title", "says", "citation", "in_force", "status", "checked", "crosswalk"}
)


def parse_catalogue(text: str, *, where: str) -> Catalogue:
    """Return the catalogue that the YAML `text` of the file `where` holds.

    Raises:
        InvalidInput: Every problem at once, each naming file, line, key, what was expected and what stands there.
    """
    reader = Reader(where)
    catalogue = _catalogue(reader, compose(text, where=where))
    reader.finish("catalogue")
    return catalogue


@dataclass(frozen=True, slots=True, kw_only=True)
class _Head:
    """What the file says for all of its sections."""

    catalogue: str
    status: Status
    readings: Mapping[str, Reading]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Defaults:
    """What a section says for all of its rows."""

    head: _Head
    section: str
    in_force: Period
    checked: Reading | None


def _catalogue(reader: Reader, node: yaml.Node) -> Catalogue:
    members = reader.members(node, "", _HEAD)
    head = _Head(
        catalogue=reader.text(members.get("catalogue"), "catalogue", form=CATALOGUE_ID),
        status=reader.word(members.get("status"), "status", Status),
        readings=_readings(reader, members.get("readings")),
    )
    sections: list[Section] = []
    controls: list[Control] = []
    for at, part in enumerate(reader.items(members.get("sections"), "sections", at_least=1)):
        section, rows = _section(reader, part, f"sections[{at}]", head)
        sections.append(section)
        controls += rows
    _once(reader, members.get("sections"), "section", [section.id for section in sections])
    _once(reader, members.get("sections"), "control", [control.id for control in controls])
    regulations = reader.items(members.get("regulations"), "regulations")
    return Catalogue(
        id=head.catalogue,
        version=reader.number(members.get("version"), "version"),
        title=reader.text(members.get("title"), "title"),
        publisher=reader.text(members.get("publisher"), "publisher"),
        jurisdiction=reader.text(members.get("jurisdiction"), "jurisdiction", form=_COUNTRY),
        source=reader.text(members.get("source"), "source", form=_URL),
        status=head.status,
        advisory=reader.flag(members.get("advisory"), "advisory"),
        regulations=tuple(
            reader.text(word, f"regulations[{i}]", form=CATALOGUE_ID) for i, word in enumerate(regulations)
        ),
        dates=reader.text(members.get("dates"), "dates"),
        crosswalk_checked=reader.flag(members.get("crosswalk_checked"), "crosswalk_checked"),
        sections=tuple(sections),
        controls=tuple(controls),
    )


def _section(reader: Reader, node: yaml.Node, key: str, head: _Head) -> tuple[Section, list[Control]]:
    members = reader.members(node, key, _SECTION)
    section = Section(
        id=reader.text(members.get("id"), f"{key}.id", form=CATALOGUE_ID),
        title=reader.text(members.get("title"), f"{key}.title"),
        citation=reader.text(members.get("citation"), f"{key}.citation"),
    )
    defaults = _Defaults(
        head=head,
        section=section.id,
        in_force=_period(reader, members.get("in_force"), f"{key}.in_force"),
        checked=_checked(reader, members.get("checked"), f"{key}.checked", head.readings),
    )
    rows = reader.items(members.get("controls"), f"{key}.controls", at_least=1)
    return section, [_control(reader, row, f"{key}.controls[{i}]", defaults) for i, row in enumerate(rows)]


def _control(reader: Reader, node: yaml.Node, key: str, defaults: _Defaults) -> Control:
    members = reader.members(node, key, _ROW)
    place = reader.text(members.get("id"), f"{key}.id", form=_PLACE)
    in_force, checked = members.get("in_force"), members.get("checked")
    status = members.get("status")
    related = reader.items(members.get("crosswalk"), f"{key}.crosswalk")
    return Control(
        id=f"{defaults.head.catalogue}:{place}",
        section=defaults.section,
        kind=reader.word(members.get("kind"), f"{key}.kind", Kind),
        requirement=reader.word(members.get("requirement"), f"{key}.requirement", Requirement),
        title=reader.text(members.get("title"), f"{key}.title"),
        paraphrase=reader.text(members.get("says"), f"{key}.says"),
        citation=reader.text(members.get("citation"), f"{key}.citation"),
        in_force=defaults.in_force if in_force is None else _period(reader, in_force, f"{key}.in_force"),
        status=defaults.head.status if status is None else reader.word(status, f"{key}.status", Status),
        checked=(
            defaults.checked if checked is None else _checked(reader, checked, f"{key}.checked", defaults.head.readings)
        ),
        crosswalk=tuple(reader.text(id_, f"{key}.crosswalk[{i}]", form=_CROSSWALK) for i, id_ in enumerate(related)),
    )


def _readings(reader: Reader, node: yaml.Node | None) -> dict[str, Reading]:
    found: dict[str, Reading] = {}
    for name, item in pairs(reader, node, "readings").items():
        key = f"readings.{name}"
        members = reader.members(item, key, frozenset({"source", "edition", "read_on"}))
        read_on = reader.day(members.get("read_on"), f"{key}.read_on")
        if read_on is None and not reader.problems:
            reader.expected(f"{key}.read_on", "a date", members.get("read_on"))
        found[name] = Reading(
            source=reader.text(members.get("source"), f"{key}.source"),
            edition=reader.text(members.get("edition"), f"{key}.edition"),
            read_on=read_on or date.min,
        )
    return found


def _checked(reader: Reader, node: yaml.Node | None, key: str, readings: Mapping[str, Reading]) -> Reading | None:
    """Return the reading a row names, or None where it says `false`: nobody held it against a text."""
    if isinstance(node, yaml.ScalarNode) and node.value == "false":
        return None
    if isinstance(node, yaml.ScalarNode) and node.value in readings:
        return readings[node.value]
    reader.expected(key, f"false or one of the readings: {', '.join(readings) or 'none'}", node)
    return None


def _period(reader: Reader, node: yaml.Node | None, key: str) -> Period:
    members = reader.members(node, key, frozenset({"from", "to"}))
    start, end = (reader.day(members.get(side), f"{key}.{side}") for side in ("from", "to"))
    if start is not None and end is not None and end < start:
        reader.problem(node, key, f"ends on {end}, before it begins on {start}")
    return Period(start=start, end=end)


def _once(reader: Reader, node: yaml.Node | None, what: str, ids: list[str]) -> None:
    seen: set[str] = set()
    for each in ids:
        if each in seen:
            reader.problem(node, "sections", f"{what} {each} stands there twice")
        seen.add(each)

"""Mapping files: YAML read once into values, every problem told at once."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import yaml

from wardline.controls.catalogue_files import CATALOGUE_ID
from wardline.controls.mapping import (
    Answer,
    CatalogueMapping,
    Condition,
    EvidenceKind,
    Gap,
    Mapped,
    Reach,
    Relation,
)
from wardline.controls.reading import Reader, compose, pairs, plain
from wardline.predicates import NAMESPACE

_NAME = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*", re.ASCII)
_OURS = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*/v[1-9][0-9]{0,3}", re.ASCII)
_PATH = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*", re.ASCII)

_HEAD = frozenset({"mapping", "version", "scope", "evidence", "controls"})
_ROW = frozenset({"control", "answers", "organisational", "not-built", "person"})
_ANSWER = frozenset({"evidence", "relation", "scope", "rationale"})
_KIND = frozenset({"type", "where", "reach"})


def parse_mapping(text: str, *, where: str, known_types: Iterable[str]) -> CatalogueMapping:
    """Return the mapping that the YAML `text` of the file `where` holds.

    `known_types` are the predicate types that something produces; evidence of any other cannot be named.

    Raises:
        InvalidInput: Every problem at once, each naming file, line, key, what was expected and what stands there.
    """
    reader = Reader(where)
    mapping = _mapping(reader, compose(text, where=where), frozenset(known_types))
    reader.finish("mapping")
    return mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class _Head:
    """What the file says for all of its rows."""

    catalogue: str
    scope: str
    kinds: Mapping[str, EvidenceKind]


def _mapping(reader: Reader, node: yaml.Node, known_types: frozenset[str]) -> CatalogueMapping:
    members = reader.members(node, "", _HEAD)
    head = _Head(
        catalogue=reader.text(members.get("mapping"), "mapping", form=CATALOGUE_ID),
        scope=reader.text(members.get("scope"), "scope"),
        kinds={
            name: _kind(reader, kind, f"evidence.{name}", known_types)
            for name, kind in pairs(reader, members.get("evidence"), "evidence").items()
        },
    )
    items = reader.items(members.get("controls"), "controls", at_least=1)
    rows = [_row(reader, item, f"controls[{at}]", head) for at, item in enumerate(items)]
    seen: set[str] = set()
    for item, row in zip(items, rows, strict=True):
        if row.control in seen:
            reader.problem(item, "controls", f"{row.control} is mapped twice")
        seen.add(row.control)
    return CatalogueMapping(
        catalogue=head.catalogue,
        version=reader.number(members.get("version"), "version"),
        rows=tuple(rows),
    )


def _kind(reader: Reader, node: yaml.Node, key: str, known_types: frozenset[str]) -> EvidenceKind:
    members = reader.members(node, key, _KIND)
    spelled = reader.text(members.get("type"), f"{key}.type")
    kind = f"{NAMESPACE}/{spelled}" if _OURS.fullmatch(spelled) else spelled
    if spelled and kind not in known_types:
        known = ", ".join(sorted(known.removeprefix(f"{NAMESPACE}/") for known in known_types))
        reader.problem(members.get("type"), f"{key}.type", f"nothing produces {kind[:120]}; known: {known}")
    reach = members.get("reach")
    return EvidenceKind(
        predicate_type=kind,
        where=tuple(
            _condition(reader, wanted, f"{key}.where", path)
            for path, wanted in pairs(reader, members.get("where"), f"{key}.where").items()
        ),
        reach=Reach.RUN if reach is None else reader.word(reach, f"{key}.reach", Reach),
    )


def _condition(reader: Reader, node: yaml.Node, key: str, path: str) -> Condition:
    place = f"{key}.{path}"
    if _PATH.fullmatch(path) is None:
        reader.problem(node, place, "expected a path such as wardline_decision.environment")
    if isinstance(node, yaml.MappingNode):
        present = reader.members(node, place, frozenset({"present"})).get("present")
        if not reader.flag(present, f"{place}.present"):
            reader.expected(f"{place}.present", "true", present)
        return Condition(path=path, values=())
    nodes = reader.items(node, place, at_least=1) if isinstance(node, yaml.SequenceNode) else [node]
    return Condition(path=path, values=tuple(plain(reader, value, place) for value in nodes))


def _row(reader: Reader, node: yaml.Node, key: str, head: _Head) -> Mapped:
    members = reader.members(node, key, _ROW)
    said = [name for name in ("answers", "organisational", "not-built") if name in members]
    if len(said) != 1:
        got = " and ".join(said) or "none of them"
        reader.problem(node, key, f"expected one of answers, organisational and not-built, got {got}")
    gap = next((gap for gap in Gap if gap.value in said), None)
    answers = tuple(
        _answer(reader, item, f"{key}.answers[{i}]", head)
        for i, item in enumerate(reader.items(members.get("answers"), f"{key}.answers"))
    )
    if said == ["answers"] and not answers:
        reader.expected(f"{key}.answers", "at least one answer", members["answers"])
    row = Mapped(
        control=f"{head.catalogue}:{reader.text(members.get('control'), f'{key}.control')}",
        answers=answers,
        gap=gap,
        what=None if gap is None else reader.text(members.get(gap.value), f"{key}.{gap.value}"),
        person=None if "person" not in members else reader.text(members["person"], f"{key}.person"),
    )
    return _with_duty(reader, node, key, row)


def _with_duty(reader: Reader, node: yaml.Node, key: str, row: Mapped) -> Mapped:
    """Return `row` with what stays for a person; evidence that does not satisfy leaves something."""
    if row.gap is Gap.ORGANISATIONAL:
        if row.person is not None:
            reader.problem(node, f"{key}.person", "an organisational control says under that name what is attested")
        return replace(row, person=None if row.what is None else f"Attest that {row.what}.")
    satisfied = any(answer.relation is Relation.SATISFIES for answer in row.answers)
    if row.person is None and not satisfied:
        reader.expected(f"{key}.person", "what stays for a person, as nothing here satisfies the control", None)
    return row


def _answer(reader: Reader, node: yaml.Node, key: str, head: _Head) -> Answer:
    members = reader.members(node, key, _ANSWER)
    name = reader.text(members.get("evidence"), f"{key}.evidence", form=_NAME)
    kind = head.kinds.get(name)
    if name and kind is None:
        reader.expected(f"{key}.evidence", f"one of {', '.join(head.kinds)}", members.get("evidence"))
    scope = members.get("scope")
    return Answer(
        evidence=kind or EvidenceKind(predicate_type="", where=(), reach=Reach.RUN),
        relation=reader.word(members.get("relation"), f"{key}.relation", Relation),
        scope=head.scope if scope is None else reader.text(scope, f"{key}.scope"),
        rationale=reader.text(members.get("rationale"), f"{key}.rationale"),
    )

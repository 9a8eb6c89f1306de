"""YAML as people write it, read with line numbers: every problem of a file is told at once."""

import re
from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from typing import Protocol, TypeVar

import yaml

from wardline.errors import InvalidInput

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml's where it came along: ten times faster
_MOST_BYTES = 1 << 20  # a catalogue of a thousand rows is a quarter of that
_MOST_DEPTH = 12  # ours need six; a document that nests without end is nobody's catalogue
_NULL, _TRUTH, _NUMBER = "tag:yaml.org,2002:null", "tag:yaml.org,2002:bool", "tag:yaml.org,2002:int"

Word = TypeVar("Word", bound=StrEnum)


def compose(text: str, *, where: str) -> yaml.Node:
    """Return the YAML document in `text`.

    Raises:
        InvalidInput: It is none, too large, or nests too deeply.
    """
    if len(text) > _MOST_BYTES:
        raise InvalidInput(f"{where}: more than {_MOST_BYTES} characters")
    depth = 0
    try:
        for event in yaml.parse(text, Loader=_LOADER):
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > _MOST_DEPTH:
                raise InvalidInput(f"{where}{_line(event.start_mark)}: nested more than {_MOST_DEPTH} deep")
            if isinstance(event, yaml.AliasEvent):
                raise InvalidInput(f"{where}{_line(event.start_mark)}: an alias (*{event.anchor}); write it out")
        node = yaml.compose(text, Loader=_LOADER)
    except yaml.YAMLError as error:
        line = _line(getattr(error, "problem_mark", None))
        raise InvalidInput(f"{where}{line}: not YAML: {getattr(error, 'problem', None) or error}") from error
    if node is None:
        raise InvalidInput(f"{where}: empty; expected a mapping")
    return node


class _Mark(Protocol):
    """Where in a file; PyYAML and libyaml each have a class of their own for it."""

    @property
    def line(self) -> int: ...


class Reader:
    """Reads the nodes of one file and collects what is wrong with them."""

    def __init__(self, where: str) -> None:
        self.problems: list[str] = []
        self._where = where

    def members(self, node: yaml.Node | None, key: str, known: frozenset[str]) -> Mapping[str, yaml.Node]:
        """Return the members of a mapping that are known; the others, and what stands there twice, are problems."""
        if not isinstance(node, yaml.MappingNode):
            self.expected(key or "the file", f"a mapping with {', '.join(sorted(known))}", node)
            return {}
        found: dict[str, yaml.Node] = {}
        for name, value in node.value:
            spelled = str(name.value)[:60] if isinstance(name, yaml.ScalarNode) else "a key that is no text"
            place = f"{key}.{spelled}" if key else spelled
            if spelled not in known:
                self.problem(name, place, f"unknown key; expected one of {', '.join(sorted(known))}")
            elif spelled in found:
                self.problem(name, place, "stands there twice")
            else:
                found[spelled] = value
        return found

    def items(self, node: yaml.Node | None, key: str, *, at_least: int = 0) -> list[yaml.Node]:
        if isinstance(node, yaml.SequenceNode) and len(node.value) >= at_least:
            found: list[yaml.Node] = node.value
            return found
        if node is not None or at_least:
            self.expected(key, f"a list of at least {at_least}" if at_least else "a list", node)
        return []

    def text(self, node: yaml.Node | None, key: str, *, form: re.Pattern[str] | None = None) -> str:
        """Return a text in one piece, whatever YAML would make of it: `164.306` is no number here."""
        if not isinstance(node, yaml.ScalarNode) or is_null(node) or not node.value.strip():
            self.expected(key, "a text", node)
            return ""
        text = " ".join(node.value.split())
        if form is not None and form.fullmatch(text) is None:
            self.expected(key, f"a text like {form.pattern}", node)
        return text

    def word(self, node: yaml.Node | None, key: str, words: type[Word]) -> Word:
        found = next((word for word in words if isinstance(node, yaml.ScalarNode) and node.value == word.value), None)
        if found is None:
            self.expected(key, f"one of {', '.join(word.value for word in words)}", node)
            return next(iter(words))
        return found

    def flag(self, node: yaml.Node | None, key: str) -> bool:
        if isinstance(node, yaml.ScalarNode) and node.tag == _TRUTH:
            return str(node.value).lower() in {"true", "yes", "on"}
        self.expected(key, "true or false", node)
        return False

    def number(self, node: yaml.Node | None, key: str) -> int:
        if isinstance(node, yaml.ScalarNode) and node.tag == _NUMBER and re.fullmatch(r"[0-9]{1,6}", node.value):
            return int(node.value)
        self.expected(key, "a whole number", node)
        return 0

    def day(self, node: yaml.Node | None, key: str) -> date | None:
        """Return a date, or None where `null` says that none is known."""
        if node is not None and is_null(node):
            return None
        try:
            return date.fromisoformat(node.value if isinstance(node, yaml.ScalarNode) else "")
        except ValueError:
            self.expected(key, "a date such as 2013-09-23, or null", node)
            return None

    def expected(self, key: str, expected: str, node: yaml.Node | None) -> None:
        self.problem(node, key, f"expected {expected}, got {_shown(node)}")

    def problem(self, node: yaml.Node | None, key: str, what: str) -> None:
        line = "" if node is None else _line(node.start_mark)
        self.problems.append(f"{self._where}{line}: {key}: {what}")

    def finish(self, what: str) -> None:
        """Return if nothing was wrong.

        Raises:
            InvalidInput: Every problem at once, each with file, line, key, what was expected and what stands there.
        """
        if self.problems:
            count = f"{len(self.problems)} problems" if len(self.problems) > 1 else "a problem"
            raise InvalidInput(f"{what} {self._where}: {count}", problems=self.problems)


def pairs(reader: Reader, node: yaml.Node | None, key: str) -> Mapping[str, yaml.Node]:
    """Return the members of a mapping whose keys are the writer's own."""
    if node is None:
        return {}
    names = [str(name.value) for name, _ in node.value] if isinstance(node, yaml.MappingNode) else []
    return reader.members(node, key, frozenset(names))


def plain(reader: Reader, node: yaml.Node | None, key: str) -> str | int | bool:
    """Return a text, a whole number or a truth, as YAML tells them apart."""
    if isinstance(node, yaml.ScalarNode) and node.tag == _TRUTH:
        return reader.flag(node, key)
    if isinstance(node, yaml.ScalarNode) and node.tag == _NUMBER:
        return reader.number(node, key)
    return reader.text(node, key)


def is_null(node: yaml.Node) -> bool:
    return node.tag == _NULL


def _line(mark: _Mark | None) -> str:
    return "" if mark is None else f":{mark.line + 1}"


def _shown(node: yaml.Node | None) -> str:
    match node:
        case None:
            return "nothing"
        case yaml.ScalarNode():
            return "nothing" if is_null(node) else repr(node.value)[:60]
        case yaml.SequenceNode():
            return "a list"
        case _:
            return "a mapping"

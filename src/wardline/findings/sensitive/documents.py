"""Readers of JSON, YAML and XML that say where each value stands. They read what a strict parser would refuse."""

import re
from collections.abc import Iterator
from itertools import count
from typing import Final
from xml.parsers import expat

import yaml

from wardline.errors import InvalidInput
from wardline.findings.sensitive.trees import Leaf

MAX_DEPTH: Final = 200  # of keys; deeper ones are nobody's data
_JSON: Final = re.compile(r'"((?:[^"\\]|\\.)*)"|([{}\[\],:])|([^\s{}\[\],:"]+)', re.DOTALL)
_ESCAPE: Final = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_PLAIN: Final = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}


def json_leaves(text: str) -> list[Leaf]:  # noqa: C901, PLR0912, PLR0915  # one loop over tokens
    """Return the strings and numbers of one or several JSON documents, also where one ends in the middle.

    Raises:
        InvalidInput: It is nested deeper than anybody's data.
    """
    leaves: list[Leaf] = []
    stack: list[tuple[str, int, str]] = []  # bracket, number of the object, key in the object around
    numbers, key, waiting = count(1), "", ""
    line, counted, last_break = 1, 0, -1
    for token in _JSON.finditer(text):
        mark = token[2]
        if mark is not None:
            if mark in "{[":
                stack.append((mark, next(numbers), key))
                key = ""
            elif mark in "}]" and stack:
                key = stack.pop()[2]
            elif mark == ":":
                key = waiting
            elif stack and stack[-1][0] == "{":
                key = ""
            if len(stack) > MAX_DEPTH:
                raise InvalidInput(f"JSON is nested deeper than {MAX_DEPTH}; expected less")
            continue
        raw = token[1] if token[1] is not None else token[3]
        waiting = raw
        if token[3] in {"null", "true", "false"} or not raw:
            continue
        after = text[token.end() : token.end() + 8].lstrip()
        if token[1] is not None and after.startswith(":") and stack and stack[-1][0] == "{" and not key:
            continue  # a key
        line += text.count("\n", counted, token.start())
        counted = token.start()
        last_break = (
            text.rfind("\n", last_break + 1 if last_break >= 0 else 0, counted)
            if "\n" in text[max(last_break, 0) : counted]
            else last_break
        )
        path = (*(part for _, _, part in stack if part), *((key,) if key else ()))
        begins = token.start() + (token[1] is not None)
        leaves.append(
            Leaf(path, tuple(n for kind, n, _ in stack if kind == "{"), _unescaped(raw), line, begins - last_break)
        )
    return leaves


def _unescaped(raw: str) -> str:
    if "\\" not in raw:
        return raw
    return _ESCAPE.sub(lambda m: chr(int(m[1][1:], 16)) if len(m[1]) == 5 else _PLAIN.get(m[1], m[1]), raw)  # uXXXX


def yaml_leaves(text: str) -> list[Leaf]:  # noqa: C901  # a walk over three kinds of nodes
    """Return the scalars of YAML documents; anchors are not followed twice.

    Raises:
        InvalidInput: It is no YAML.
    """
    leaves: list[Leaf] = []
    numbers, seen = count(1), set[int]()

    def walk(node: yaml.Node, path: tuple[str, ...], owner: tuple[int, ...]) -> None:
        if isinstance(node, yaml.ScalarNode):
            mark = node.start_mark
            leaves.append(
                Leaf(path, owner, str(node.value), mark.line + 1, mark.column + 1 + (node.style in {"'", '"'}))
            )
            return
        if id(node) in seen or len(path) > MAX_DEPTH:  # an alias: its values are reported where they stand
            return
        seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            inner = (*owner, next(numbers))
            for name, value in node.value:
                walk(value, (*path, str(name.value)) if isinstance(name, yaml.ScalarNode) else path, inner)
        elif isinstance(node, yaml.SequenceNode):
            for value in node.value:
                walk(value, path, owner)

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    documents = []
    try:
        for document in yaml.compose_all(text, Loader=loader):
            documents.append(document)  # kept: `seen` goes by identity
            if document is not None:
                walk(document, (), ())
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise InvalidInput("the file is no YAML") from error
    return leaves


def xml_leaves(content: bytes) -> list[Leaf]:
    """Return texts and attributes of an XML document; an attribute `value` stands for its element, as in FHIR.

    Raises:
        InvalidInput: It is no XML, or declares entities (nobody's data needs them, and bombs are made of them).
    """
    reader = _XML()
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = lambda name, attributes: reader.begin(name, attributes, _place(parser))
    parser.EndElementHandler = lambda _: reader.end()
    parser.CharacterDataHandler = lambda text: reader.text(text, _place(parser))

    def refuse(*_: object) -> None:
        raise InvalidInput("the XML declares entities; expected none")

    parser.EntityDeclHandler = refuse
    try:
        parser.Parse(content, True)  # noqa: FBT003  # expat's own
    except (expat.ExpatError, ValueError, LookupError) as error:
        if not reader.leaves:
            raise InvalidInput("the file is no XML") from error
        # What stands before the break was read; the caller looks at the rest as text.
    return reader.leaves


def _place(parser: expat.XMLParserType) -> tuple[int, int]:
    return parser.CurrentLineNumber, parser.CurrentColumnNumber + 1


class _XML:
    def __init__(self) -> None:
        self.leaves: list[Leaf] = []
        self._path: list[str] = []
        self._owner: list[int] = []
        self._numbers = count(1)

    def begin(self, name: str, attributes: dict[str, str], place: tuple[int, int]) -> None:
        self._path.append(name.rpartition(":")[2])
        if len(self._path) > MAX_DEPTH:
            raise InvalidInput(f"XML is nested deeper than {MAX_DEPTH}; expected less")
        for attribute, value in attributes.items():
            # FHIR: <family value="…"/> is a member of the element around it.
            own = (*self._path, attribute) if attribute != "value" else tuple(self._path)
            owner = (*self._owner, next(self._numbers)) if attribute != "value" else tuple(self._owner)
            self.leaves.append(Leaf(own, owner, value, *place))
        self._owner.append(next(self._numbers))

    def end(self) -> None:
        self._path.pop()
        self._owner.pop()

    def text(self, text: str, place: tuple[int, int]) -> None:
        if text.strip():
            self.leaves.append(Leaf(tuple(self._path), tuple(self._owner[:-1]), text.strip(), *place))


_ASSIGNED: Final = re.compile(
    r"(?<![\w$.-])(?P<quote>\\?[\"']?)(?P<key>[A-Za-z][\w-]{1,48}(?: [A-Za-z]{2,12}){0,2})(?P=quote)\]?\s{0,2}(?:=>|[:=](?!=))\s{0,4}(?P<value>[a-z]{0,2}\\?\"(?P<double>[^\"\\\n]{1,200})\\?\"|\\?'(?P<single>[^'\\\n]{1,200})\\?'|(?P<bare>[^\s\"'<>{}()\[\],;&|=]{2,80}+(?![=\"'])))"
)
_TAGGED: Final = re.compile(r"<(?P<key>[A-Za-z][\w.:-]{1,40})(?:\s[^<>]{0,200})?>(?P<value>[^<>]{1,200})</(?P=key)>")


def assignments(text: str, *, quoted_only: bool, first_line: int = 1) -> Iterator[tuple[str, str, int, int]]:
    """Yield what a text of no known form assigns: name, value, line, column; as in code, logs and broken documents."""
    line, counted = first_line, 0
    for match in _ASSIGNED.finditer(text):
        which = "double" if match["double"] is not None else "single" if match["single"] is not None else "bare"
        if which == "bare" and quoted_only:
            continue
        start = match.start(which)
        line += text.count("\n", counted, start)
        counted = start
        yield match["key"], match[which], line, start - text.rfind("\n", 0, start)
    for match in _TAGGED.finditer(text) if "</" in text else ():
        start = match.start("value")
        yield match["key"], match["value"], text.count("\n", 0, start) + first_line, start - text.rfind("\n", 0, start)

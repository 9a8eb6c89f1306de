"""Shapes a value in wardline.yaml can have. Each one reads a YAML node and writes its own JSON Schema.

`read` returns None where it has reported a problem; no value in the file is ever None.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Protocol, TypeAlias

from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from wardline.pipelines.reading import NOTHING, TEXT, Reader, join, line_of

Schema: TypeAlias = dict[str, object]  # JSON Schema 2020-12; not our JSON, which has no floats

_WHOLE = re.compile(r"0|-?[1-9][0-9]{0,8}", re.ASCII)
_FRACTION = re.compile(r"0|1|0?\.[0-9]{1,20}|0\.|1\.0{0,20}", re.ASCII)
_DURATION = re.compile(r"(0|[1-9][0-9]{0,5})(ms|s|m|h|d)", re.ASCII)
_UNITS = {
    "ms": timedelta(milliseconds=1),
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
}
_SCALARS = frozenset(f"tag:yaml.org,2002:{name}" for name in ("str", "int", "float", "bool", "timestamp"))
MAX_TEXT = 2_000  # characters: a long command; anything longer belongs in a script of the repository
MAX_ITEMS = 100


class Shape(Protocol):
    """What a value may be."""

    @property
    def wanted(self) -> str:
        """The shape in words, after "expected"."""
        ...

    def read(self, node: Node, key: str, reader: Reader) -> object | None: ...

    def schema(self) -> Schema: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Where the entries of one mapping stand, for a rule that finds them at odds with each other."""

    reader: Reader
    key: str
    line: int

    def names(self, below: str = "") -> tuple[str, ...]:
        """Return the keys given in this mapping, or in the one at `below`, in the file's order."""
        return tuple(self.reader.names.get(join(self.key, below) if below else self.key, ()))

    def value(self, below: str) -> object | None:
        """Return what was read at `below` this mapping, even where the section around it is faulty."""
        return self.reader.values.get(join(self.key, below))

    def report(self, name: str, message: str) -> None:
        """Report `message` at the entry `name`, or at the mapping where there is no such entry."""
        at = join(self.key, name)
        self.reader.report(self.reader.lines.get(at, self.line), at, message)


class Check(Protocol):
    """A rule over the entries of one mapping that could be read; it MUST bear that any of them is missing."""

    def __call__(self, declared: Mapping[str, object], places: Places, /) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """Text matching `pattern` in full; the pattern must mean the same to Python and to ECMA 262.

    Attributes:
        refine: Makes the value, or returns None to say that the text is not what `wanted` says.
        hidden: The value is never repeated in a message.
    """

    wanted: str
    pattern: str
    longest: int = MAX_TEXT
    refine: Callable[[str], object | None] = str
    hidden: bool = False

    def read(self, node: Node, key: str, reader: Reader) -> object | None:
        if isinstance(node, ScalarNode) and node.tag == TEXT:
            value = self.accept(node.value)
            if value is not None:
                return value
        complain = reader.expected_unseen if self.hidden else reader.expected
        complain(node, key, self.wanted)
        return None

    def accept(self, text: str) -> object | None:
        if len(text) > self.longest or re.fullmatch(self.pattern, text, re.ASCII) is None:
            return None
        return self.refine(text)

    def schema(self) -> Schema:
        return {"type": "string", "pattern": f"^(?:{self.pattern})$", "maxLength": self.longest}


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One word of a closed set. `not_built` are words the design knows and this version cannot do."""

    words: tuple[str, ...]
    not_built: tuple[str, ...] = ()
    make: Callable[[str], object] = str

    def read(self, node: Node, key: str, reader: Reader) -> object | None:
        if isinstance(node, ScalarNode) and node.tag == TEXT:
            if node.value in self.words:
                return self.make(node.value)
            if node.value in self.not_built:
                reader.expected(node, key, f"{self.wanted} ({node.value} is known but not built yet in this version)")
                return None
        reader.expected(node, key, self.wanted)
        return None

    def schema(self) -> Schema:
        return {"enum": list(self.words)}

    @property
    def wanted(self) -> str:
        return self.words[0] if len(self.words) == 1 else "one of " + ", ".join(self.words)


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """A whole number in plain digits: YAML 1.1's octal, hexadecimal and base 60 are refused."""

    at_least: int
    at_most: int
    multiple_of: int = 1
    unit: str = ""

    def read(self, node: Node, key: str, reader: Reader) -> object | None:
        if isinstance(node, ScalarNode) and node.tag == "tag:yaml.org,2002:int" and _WHOLE.fullmatch(node.value):
            number = int(node.value)
            if self.at_least <= number <= self.at_most and number % self.multiple_of == 0:
                return number
        reader.expected(node, key, self.wanted)
        return None

    def schema(self) -> Schema:
        step: Schema = {"multipleOf": self.multiple_of} if self.multiple_of > 1 else {}
        return {"type": "integer", "minimum": self.at_least, "maximum": self.at_most, **step}

    @property
    def wanted(self) -> str:
        if self.at_least == self.at_most:
            return f"the number {self.at_least}"
        kind = f"a multiple of {self.multiple_of}" if self.multiple_of > 1 else "a whole number"
        return f"{kind} from {self.at_least} to {self.at_most}{self.unit}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fraction:
    """A part of one, such as 0.01, kept in basis points: evidence holds no floats."""

    wanted: str = "a fraction from 0 to 1 with at most four decimals, such as 0.01 for 1 %"

    def read(self, node: Node, key: str, reader: Reader) -> object | None:
        number = isinstance(node, ScalarNode) and node.tag in {"tag:yaml.org,2002:int", "tag:yaml.org,2002:float"}
        if number and _FRACTION.fullmatch(node.value):
            points = Decimal(node.value) * 10_000
            if points == int(points):
                return int(points)
        reader.expected(node, key, self.wanted)
        return None

    def schema(self) -> Schema:
        return {"type": "number", "minimum": 0, "maximum": 1}


@dataclass(frozen=True, slots=True, kw_only=True)
class Duration:
    """A whole number with its unit: ms, s, m, h or d."""

    at_least: timedelta
    at_most: timedelta

    def read(self, node: Node, key: str, reader: Reader) -> object | None:
        if isinstance(node, ScalarNode) and node.tag == TEXT:
            length = to_timedelta(node.value)
            if length is not None and self.at_least <= length <= self.at_most:
                return length
        reader.expected(node, key, self.wanted)
        return None

    def schema(self) -> Schema:
        return {"type": "string", "pattern": f"^(?:{_DURATION.pattern})$"}

    @property
    def wanted(self) -> str:
        least, most = from_timedelta(self.at_least), from_timedelta(self.at_most)
        return f"a duration from {least} to {most}, such as 30s, 5m or 24h"


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """One configuration value: any scalar, taken as the text that stands in the file (`on` stays `on`)."""

    wanted: str = "one value: text, a number or yes/no"

    def read(self, node: Node, key: str, reader: Reader) -> object | None:
        if isinstance(node, ScalarNode) and node.tag in _SCALARS and "\0" not in node.value:
            return str(node.value)
        hint = '; write "" for an empty one' if node.tag == NOTHING else ""
        reader.expected_unseen(node, key, self.wanted + hint)
        return None

    def schema(self) -> Schema:
        return {"type": ["string", "number", "boolean"]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Items:
    """A list of at least `at_least` values of one shape, none of them twice; read as a tuple."""

    each: Shape
    at_least: int = 0

    def read(self, node: Node, key: str, reader: Reader) -> object | None:
        if not isinstance(node, SequenceNode) or not self.at_least <= len(node.value) <= MAX_ITEMS:
            reader.expected(node, key, self.wanted)
            return None
        read = [self.each.read(item, f"{key}[{at}]", reader) for at, item in enumerate(node.value)]
        values = [value for value in read if value is not None]
        for at, value in enumerate(read):
            if value is not None and value in read[:at]:
                reader.expected(node.value[at], f"{key}[{at}]", "each entry once")
                return None
        return tuple(values) if len(values) == len(read) else None

    def schema(self) -> Schema:
        return {"type": "array", "items": self.each.schema(), "minItems": self.at_least, "maxItems": MAX_ITEMS,
                "uniqueItems": True}  # fmt: skip

    @property
    def wanted(self) -> str:
        least = f" of at least {self.at_least}" if self.at_least else ""
        return f"a list{least}, each entry {self.each.wanted}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A mapping from names the user chooses to values of one shape, in the file's order.

    Attributes:
        required: Names that must be among the keys; for the schema, where `check` says it better.
        make: Makes the whole from its entries.
    """

    name: Text
    each: Shape
    required: tuple[str, ...] = ()
    make: Callable[[Mapping[str, object]], object] = MappingProxyType
    check: Check | None = None

    def read(self, node: Node, key: str, reader: Reader) -> object | None:
        if not isinstance(node, MappingNode) or len(node.value) > MAX_ITEMS:
            reader.expected(node, key, self.wanted)
            return None
        before = len(reader.problems)
        values: dict[str, object] = {}
        for name, node_of in reader.entries(node, key):
            if self.name.accept(name.value) is None:
                reader.expected(name, join(key, name.value), self.name.wanted)
            value = self.each.read(node_of, join(key, name.value), reader)
            if value is not None:
                values[name.value] = value
        if self.check is not None:
            self.check(values, Places(reader=reader, key=key, line=reader.lines.get(key, line_of(node))))
        return self.make(values) if len(reader.problems) == before else None

    def schema(self) -> Schema:
        required: Schema = {"required": list(self.required)} if self.required else {}
        return {"type": "object", "propertyNames": self.name.schema(), "additionalProperties": self.each.schema(),
                "maxProperties": MAX_ITEMS, **required}  # fmt: skip

    @property
    def wanted(self) -> str:
        return f"a mapping; each key {self.name.wanted}, with {self.each.wanted}"


def to_timedelta(text: str) -> timedelta | None:
    """Return the length that `text` such as `30s` or `24h` spells, or None where it spells none."""
    match = _DURATION.fullmatch(text)
    return int(match[1]) * _UNITS[match[2]] if match else None


def from_timedelta(length: timedelta) -> str:
    """Return the shortest spelling of `length` in one unit."""
    unit = next(
        (u for u in ("d", "h", "m", "s") if length and length % _UNITS[u] == timedelta()), "ms" if length else "s"
    )
    return f"{length // _UNITS[unit]}{unit}"

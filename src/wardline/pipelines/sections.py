"""A section of wardline.yaml: keys the design names, each declared once with its shape, its default and its meaning."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from yaml.nodes import MappingNode, Node

from wardline.pipelines.reading import Reader, join, line_of, nearest
from wardline.pipelines.shapes import Check, Places, Schema, Shape


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One key of a section.

    Attributes:
        default: What stands for a key that is left out, as the file spells it; for the reader of schema and
            reference. The value itself comes from `spec.py`, and a test holds the two together.
        field: The argument of the section's `make`, where it is not the key's own name.
    """

    name: str
    shape: Shape
    doc: str
    required: bool = False
    default: object = None
    field: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A mapping whose keys are known.

    Attributes:
        make: Builds the value from the keys that are given; it MUST have defaults for all that may be left out.
        not_built: Keys the design knows and this version cannot do, each with what it will be.
    """

    keys: tuple[Key, ...]
    make: Callable[..., object]
    not_built: Mapping[str, str] = field(default_factory=dict)
    check: Check | None = None

    def read(self, node: Node, key: str, reader: Reader) -> object | None:
        if not isinstance(node, MappingNode):
            reader.expected(node, key, self.wanted)
            return None
        before = len(reader.problems)
        places = Places(reader=reader, key=key, line=reader.lines.get(key, line_of(node)))
        declared: dict[str, object] = {}
        for name, value_node in reader.entries(node, key):
            known = self.key(name.value)
            if known is None:
                places.report(name.value, self._unknown(name.value))
                continue
            value = known.shape.read(value_node, join(key, name.value), reader)
            if value is not None:
                declared[name.value] = reader.values[join(key, name.value)] = value
        self._judge(declared, places)
        if len(reader.problems) > before:
            return None
        return self.make(**{k.field or k.name: declared[k.name] for k in self.keys if k.name in declared})

    @property
    def wanted(self) -> str:
        return "a mapping with " + ", ".join(k.name for k in self.keys)

    def key(self, name: str) -> Key | None:
        return next((k for k in self.keys if k.name == name), None)

    def schema(self) -> Schema:
        properties: Schema = {}
        for key in self.keys:
            default: Schema = {} if key.default is None else {"default": key.default}
            properties[key.name] = {**key.shape.schema(), "description": key.doc, **default}
        required = [k.name for k in self.keys if k.required]
        return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}

    def _judge(self, declared: Mapping[str, object], places: Places) -> None:
        given = places.names()
        for key in self.keys:
            if key.required and key.name not in given:
                places.report(key.name, f"required and not given: {key.doc}")
        if self.check is not None:
            self.check(declared, places)

    def _unknown(self, name: str) -> str:
        if name in self.not_built:
            return f"known but not built yet in this version: {self.not_built[name]}; remove it"
        return f"unknown key; {nearest(name, (k.name for k in self.keys))}"

"""YAML of policies, read so that no file can exhaust the process, or say one thing twice."""

from collections.abc import Iterator
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode

from wardline.errors import InvalidInput

MAX_BYTES = 1 << 17  # thirty times our longest policy
_MAX_VALUES = 20_000  # counted where an alias leads, too
_MAX_DEPTH = 20
_MERGE = "tag:yaml.org,2002:merge"


def read_yaml(content: bytes, *, where: str) -> object:
    """Return what the bytes of the file `where` hold.

    Raises:
        InvalidInput: They are too many, no UTF-8 or no YAML, a key stands twice, or aliases make more of them than
            anybody wrote.
    """
    if len(content) > MAX_BYTES:
        raise InvalidInput(f"{where} has {len(content):,} bytes; expected at most {MAX_BYTES:,}")
    try:
        document: object = yaml.load(content.decode(), Loader=_Bounded)  # noqa: S506  # a safe loader, with limits
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{where}: expected UTF-8, got byte 0x{content[error.start]:02x}") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = "" if mark is None else f":{mark.line + 1}"
        raise InvalidInput(f"{where}{line}: not YAML: {getattr(error, 'problem', None) or error}") from error
    except (ValueError, OverflowError, RecursionError) as error:
        # PyYAML lets int(), chr() and date() speak for themselves.
        raise InvalidInput(f"{where}: a value is out of range: {error}"[:300]) from error
    for number, (depth, value) in enumerate(_walk(document), 1):
        if number > _MAX_VALUES or depth > _MAX_DEPTH:
            limit = f"{_MAX_DEPTH} levels" if depth > _MAX_DEPTH else f"{_MAX_VALUES:,} values"
            raise InvalidInput(f"{where}: its aliases make more than {limit} of it")
        if isinstance(value, str) and any("\ud800" <= character <= "\udfff" for character in value):
            raise InvalidInput(f"{where}: half a surrogate pair is no character")
    return document


class _Bounded(yaml.SafeLoader):
    """The safe loader, stopped before nesting can exhaust the process, and before a second value hides the first."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.depth = 0

    def compose_node(self, parent: Node | None, index: int) -> Node | None:
        self.depth += 1
        if self.depth > _MAX_DEPTH:
            raise yaml.MarkedYAMLError(problem=f"more than {_MAX_DEPTH} levels", problem_mark=self.get_mark())
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node

    def compose_mapping_node(self, anchor: dict[Any, Node]) -> MappingNode:  # as its stubs have it
        node = super().compose_mapping_node(anchor)
        seen: set[tuple[str, str]] = set()
        for key, _ in node.value:
            if isinstance(key, ScalarNode) and key.tag != _MERGE:
                if (key.tag, key.value) in seen:
                    raise yaml.MarkedYAMLError(
                        problem=f"the key {key.value[:40]!r} stands twice", problem_mark=key.start_mark
                    )
                seen.add((key.tag, key.value))
        return node


def _walk(value: object) -> Iterator[tuple[int, object]]:
    """Yield the depth of each value and itself, without recursion: an alias may lead into itself."""
    waiting = [(value, 1)]
    while waiting:
        item, depth = waiting.pop()
        yield depth, item
        if isinstance(item, dict):
            waiting += [(each, depth + 1) for pair in item.items() for each in pair]
        elif isinstance(item, list):
            waiting += [(each, depth + 1) for each in item]

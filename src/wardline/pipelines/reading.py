"""Reading YAML nodes with every problem kept: where it is, what was expected and what stands there instead."""

import difflib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

BLANK_MARK = "FILL IN:"  # what `wardline init` writes, in a comment, beside a value it cannot know
_SHOWN = 60  # characters of a wrong value that a message repeats
_KINDS = {
    "tag:yaml.org,2002:int": "the number",
    "tag:yaml.org,2002:float": "the number",
    "tag:yaml.org,2002:bool": "the yes/no value",
    "tag:yaml.org,2002:timestamp": "the date",
}
TEXT = "tag:yaml.org,2002:str"
NOTHING = "tag:yaml.org,2002:null"


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing wrong in the file. `line` counts from 1; `key` is a dotted path, empty for the whole file."""

    line: int
    key: str
    message: str

    def render(self, filename: str) -> str:
        key = f"{self.key}: " if self.key else ""
        return f"{filename}:{self.line}: {key}{self.message}"


@dataclass(slots=True, kw_only=True)
class Reader:
    """Gathers the problems of one file while shapes read its nodes."""

    source: tuple[str, ...]  # the lines of the file, for the comment beside a blank
    problems: list[Problem] = field(default_factory=list)
    lines: dict[str, int] = field(default_factory=dict)  # where each key that was read stands
    values: dict[str, object] = field(default_factory=dict)  # what was read there, also within a faulty section
    names: dict[str, list[str]] = field(default_factory=dict)  # the keys of each mapping, in the file's order

    def report(self, line: int, key: str, message: str) -> None:
        self.problems.append(Problem(line, key, message))

    def expected(self, node: Node, key: str, wanted: str) -> None:
        """Report that `node` is not `wanted`, repeating the value: not for secrets or configuration."""
        if blank := self._blank(node):
            self.report(line_of(node), key, f"still blank: {blank}; expected {wanted}")
            return
        self.report(line_of(node), key, f"expected {wanted}, got {describe(node)}")

    def expected_unseen(self, node: Node, key: str, wanted: str) -> None:
        """Report that `node` is not `wanted`, without repeating what it holds."""
        self.report(line_of(node), key, f"expected {wanted} (what stands there is not repeated here)")

    def entries(self, node: MappingNode, key: str) -> Iterator[tuple[ScalarNode, Node]]:
        """Yield the pairs of a mapping whose keys are texts given once; report the others."""
        names = self.names.setdefault(key, [])
        for name, value in node.value:
            if not isinstance(name, ScalarNode):
                self.report(line_of(name), key, "expected a plain name as key, got " + describe(name))
                continue
            if name.tag == "tag:yaml.org,2002:merge":
                self.report(line_of(name), key, "merge keys (<<) are not read here: write the keys out")
                continue
            at = join(key, name.value)
            if name.value in names:
                self.report(line_of(name), at, f"given twice, first on line {self.lines[at]}; keep one")
                continue
            names.append(name.value)
            self.lines[at] = line_of(name)
            yield name, value

    def _blank(self, node: Node) -> str | None:
        if not isinstance(node, ScalarNode) or node.tag != NOTHING:
            return None
        line = self.source[node.start_mark.line] if node.start_mark.line < len(self.source) else ""
        _, mark, wish = line.partition(BLANK_MARK)
        return wish.strip() if mark else None


def line_of(node: Node) -> int:
    return int(node.start_mark.line) + 1


def join(key: str, name: str) -> str:
    shown = _shorten(name)
    return f"{key}.{shown}" if key else shown


def describe(node: Node) -> str:
    """Return what `node` is, in words and shortened."""
    if isinstance(node, MappingNode):
        return "a mapping"
    if isinstance(node, SequenceNode):
        return "a list"
    if node.tag == NOTHING:
        return "nothing"
    if node.tag == TEXT:
        return f'"{_shorten(node.value)}"'
    return f"{_KINDS.get(node.tag, 'the tagged value')} {_shorten(node.value)}"


def nearest(name: str, valid: Iterable[str]) -> str:
    """Return which of `valid` was probably meant, or all of them where nothing is near."""
    names = sorted(valid)
    close = difflib.get_close_matches(name[:_SHOWN], names, n=1)
    return f"nearest valid key: {close[0]}" if close else "valid keys: " + ", ".join(names)


def _shorten(text: str) -> str:
    # Not repr: a message shows what the file shows, with the unprintable made visible.
    clean = "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text[: _SHOWN + 1])
    return clean if len(text) <= _SHOWN else clean[:_SHOWN] + "…"

"""A YAML document that people wrote, read once with every error found at once: YAML 1.1 by PyYAML's safe rules."""

import re
from dataclasses import dataclass

import yaml
from yaml.nodes import Node, ScalarNode

from wardline.errors import InvalidInput
from wardline.pipelines.reading import Problem, Reader
from wardline.pipelines.shapes import Shape

MAX_BYTES = 1 << 20  # a hundred times the longest pipeline anybody wrote by hand
_MAX_NODES = 20_000
_MAX_DEPTH = 20  # the design's deepest key is at 6; PyYAML's composer recurses
_MAX_SHOWN = 50  # problems in one message; the rest is counted


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of document: its shape, and what to say where a file is none.

    Attributes:
        wrong: After the file's name, e.g. "does not declare a pipeline".
    """

    shape: Shape
    wrong: str
    remedy: str


def decoded(content: bytes, kind: Kind, *, filename: str) -> str:
    """Return the text of a file.

    Raises:
        InvalidInput: It has too many bytes, or they are not UTF-8.
    """
    if len(content) > MAX_BYTES:
        raise InvalidInput(f"{filename} has {len(content):,} bytes; expected at most {MAX_BYTES:,}")
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        found = Problem(line, "", f"expected UTF-8, got byte 0x{content[error.start]:02x}")
        raise _invalid([found], kind, filename, "is not UTF-8 text") from error


def read_document(text: str, kind: Kind, *, filename: str) -> object:
    """Return what `text` declares.

    Raises:
        InvalidInput: It is not YAML or not of `kind`; `problems` lists all that is wrong, each as
            `file:line: key: what was expected and what stands there`.
    """
    if len(text) > MAX_BYTES:
        raise InvalidInput(f"{filename} has {len(text):,} characters; expected at most {MAX_BYTES:,}")
    reader = Reader(source=_lines(text))
    found = kind.shape.read(_compose(text, kind, filename), "", reader)
    if reader.problems or found is None:
        raise _invalid(reader.problems, kind, filename, kind.wrong)
    return found


def problem_in(value: object, shape: Shape, key: str) -> str | None:
    """Return why `value` cannot stand at `key`, which has `shape`; None where it can."""
    reader = Reader(source=())
    written = yaml.safe_dump(list(value) if isinstance(value, tuple) else value, allow_unicode=True)
    shape.read(_compose(written, Kind(shape=shape, wrong="cannot stand there", remedy=""), key), key, reader)
    return reader.problems[0].message if reader.problems else None


class _Bounded(yaml.SafeLoader):
    """The safe loader, stopped before nesting or number of nodes can exhaust the process."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.depth = 0
        self.nodes = 0

    def compose_node(self, parent: Node | None, index: int) -> Node | None:
        self.depth += 1
        self.nodes += 1
        if self.depth > _MAX_DEPTH or self.nodes > _MAX_NODES:
            limit = f"{_MAX_DEPTH} levels" if self.depth > _MAX_DEPTH else f"{_MAX_NODES} values"
            raise yaml.MarkedYAMLError(problem=f"more than {limit}", problem_mark=self.get_mark())
        node = super().compose_node(parent, index)
        self.depth -= 1
        if isinstance(node, ScalarNode) and any("\ud800" <= c <= "\udfff" for c in node.value):
            raise yaml.MarkedYAMLError(problem="half a surrogate pair is no character", problem_mark=node.start_mark)
        return node


def _compose(text: str, kind: Kind, filename: str) -> Node:
    try:
        node = _read_nodes(text)
    except yaml.reader.ReaderError as error:
        line = len(_lines(text[: error.position]))
        found = Problem(line, "", f"character U+{error.character:04X} cannot stand in YAML")
        raise _invalid([found], kind, filename, "is not YAML") from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        found = Problem(mark.line + 1 if mark else 1, "", _explain(error))
        raise _invalid([found], kind, filename, "is not YAML") from error
    if node is None:
        found = Problem(1, "", "the file declares nothing")
        raise _invalid([found], kind, filename, "is empty")
    return node


def _read_nodes(text: str) -> Node | None:
    loader = _Bounded(text)
    try:
        return loader.get_single_node()
    except (ValueError, OverflowError) as error:
        # PyYAML lets int() and chr() speak for themselves: escapes beyond U+10FFFF, versions of a million digits.
        raise yaml.MarkedYAMLError(
            problem="a number or an escape is out of range", problem_mark=loader.get_mark()
        ) from error
    finally:
        loader.dispose()


def _explain(error: yaml.MarkedYAMLError) -> str:
    told = [part for part in (error.context, error.problem) if part]
    hint = "; indent with spaces, not tabs" if "'\\t'" in " ".join(told) else ""
    return "not YAML: " + ": ".join(told) + hint


def _lines(text: str) -> tuple[str, ...]:
    # Where PyYAML counts a line; str.splitlines also counts form feeds and separators.
    return tuple(re.split("\r\n|[\n\r\x85\u2028\u2029]", text))


def _invalid(problems: list[Problem], kind: Kind, filename: str, verdict: str) -> InvalidInput:
    found = sorted(set(problems))
    shown = [problem.render(filename) for problem in found[:_MAX_SHOWN]]
    if len(found) > _MAX_SHOWN:
        shown.append(f"{filename}:{found[_MAX_SHOWN].line}: and {len(found) - _MAX_SHOWN} more from here on")
    count = "1 error" if len(found) == 1 else f"{len(found)} errors"
    return InvalidInput(f"{filename} {verdict}: {count}", remedy=kind.remedy or None, problems=shown)

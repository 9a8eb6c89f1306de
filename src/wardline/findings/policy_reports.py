"""Reports of policy tools outside: what conftest and OPA wrote, read without believing that nothing is fine.

Shapes: https://www.conftest.dev/output and https://www.openpolicyagent.org/docs/latest/cli (eval, exec), both with
`--output json` or `--format json`. What is of no such shape, tested nothing, or cannot be told for a yes or a no, has a
`reason`, and is never a pass.
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from wardline.canonical import Digest
from wardline.errors import InvalidInput

MAX_REPORT = 8 << 20  # bytes; ten thousand failures take a tenth of it
_MOST_TOLD = 200  # failures in one statement; a leaf holds 65,535 bytes
_MOST_NAMESPACES = 50
# What looks like the name of a rule is told; anything else may be text of people, or of what was tested.
_RULE = re.compile(r"[A-Za-z_][A-Za-z0-9_./:-]{0,119}", re.ASCII)


class PolicyTool(StrEnum):
    CONFTEST = "conftest"
    OPA = "opa"


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleFailed:
    """One failure. `rule` and `namespace` None: the report names none. The message stays in the report."""

    rule: str | None
    namespace: str | None
    message: Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolReport:
    """What one run of a tool came to, over all its files.

    Attributes:
        reason: Why nobody could look, as a code: `empty`, `too-large`, `not-json`, `other-shape`, `unclear`,
            `undefined`, `tool-error`, `tested-nothing`; None: somebody looked.
        errored: Checks that the tool itself could not make.
        failures: The first ones; `failed` counts all.
    """

    passed: int = 0
    failed: int = 0
    warned: int = 0
    errored: int = 0
    namespaces: tuple[str, ...] = ()
    failures: tuple[RuleFailed, ...] = ()
    reason: str | None = None

    @property
    def tested(self) -> int:
        return self.passed + self.failed + self.warned + self.errored


@dataclass(slots=True)
class _Tally:
    passed: int = 0
    warned: int = 0
    errored: int = 0
    failures: list[RuleFailed] = field(default_factory=list)
    namespaces: set[str] = field(default_factory=set)

    def failed(self, message: str, *, rule: object, namespace: object) -> None:
        digest = Digest.of(message.encode(errors="surrogatepass"))
        self.failures.append(RuleFailed(rule=_name(rule), namespace=_name(namespace), message=digest))


class _CouldNotRead(Exception):  # never leaves this module
    """The report tells nothing; its argument is the code."""


def read_report(tool: PolicyTool, contents: Sequence[bytes], *, decision: str | None = None) -> ToolReport:
    """Return what the files of one report say.

    `decision` is what `opa exec --decision` was given: its report does not name it. Any bytes at all give an answer.
    """
    tally = _Tally()
    try:
        if not contents:
            raise _CouldNotRead("empty")  # noqa: TRY301  # one place where it becomes an answer
        for content in contents:
            _READERS[tool](_decoded(content), tally, decision)
    except _CouldNotRead as why:
        return ToolReport(reason=str(why))
    report = ToolReport(
        passed=tally.passed,
        failed=len(tally.failures),
        warned=tally.warned,
        errored=tally.errored,
        namespaces=tuple(sorted(tally.namespaces))[:_MOST_NAMESPACES],
        failures=tuple(tally.failures[:_MOST_TOLD]),
    )
    return report if report.tested else ToolReport(reason="tested-nothing")


def _decoded(content: bytes) -> object:
    if len(content) > MAX_REPORT:
        raise _CouldNotRead("too-large")
    if not content.strip():
        raise _CouldNotRead("empty")
    try:
        found: object = json.loads(content, object_pairs_hook=_once)
    except (ValueError, RecursionError, InvalidInput) as error:
        raise _CouldNotRead("not-json") from error
    return found


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Return an object whose every member stands once: of two values a reader chooses one, and we another."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise InvalidInput("a member stands twice")
    return found


def _conftest(document: object, tally: _Tally, _: str | None) -> None:
    if not isinstance(document, list):
        raise _CouldNotRead("other-shape")
    for entry in document:
        if not isinstance(entry, dict) or not isinstance(entry.get("filename"), str):
            raise _CouldNotRead("other-shape")
        namespace = entry.get("namespace")
        if (name := _name(namespace)) is not None:
            tally.namespaces.add(name)
        tally.passed += _successes(entry.get("successes", 0))
        tally.warned += len(_told(entry, "warnings"))
        tally.errored += len(_told(entry, "exceptions"))
        for each in _told(entry, "failures"):
            metadata = each.get("metadata")
            about = metadata if isinstance(metadata, dict) else {}
            tally.failed(str(each["msg"]), rule=about.get("query", about.get("rule_name")), namespace=namespace)


def _successes(value: object) -> int:
    """Return how many checks passed: a number, or in versions before 0.22 a list."""
    if isinstance(value, list):
        return len(value)
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    raise _CouldNotRead("other-shape")


def _told(entry: dict[str, object], name: str) -> list[dict[str, object]]:
    # Go writes a list that is not there as null.
    listed = entry.get(name) or []
    if not isinstance(listed, list):
        raise _CouldNotRead("other-shape")
    found = [each for each in listed if isinstance(each, dict) and isinstance(each.get("msg"), str)]
    if len(found) != len(listed):
        raise _CouldNotRead("other-shape")
    return found


def _opa(document: object, tally: _Tally, decision: str | None) -> None:
    match document:
        case {"errors": list(errors)} if errors:
            raise _CouldNotRead("tool-error")
        case {"result": list(results)}:
            for result in results:
                _opa_result(result, tally, decision)
        case dict():
            # A query that is undefined: OPA says {}, and nobody said yes.
            raise _CouldNotRead("undefined" if not document.keys() - {"metrics"} else "other-shape")
        case _:
            raise _CouldNotRead("other-shape")


def _opa_result(result: object, tally: _Tally, decision: str | None) -> None:
    match result:
        case {"expressions": list(expressions)} if expressions:
            for expression in expressions:
                match expression:
                    case {"value": value, "text": str(text)}:
                        _value(value, text, tally)
                    case _:
                        raise _CouldNotRead("other-shape")
        case {"path": str(), "error": _}:
            tally.errored += 1
        case {"path": str(), "result": value}:
            _value(value, decision or "", tally)
        case _:
            raise _CouldNotRead("other-shape")


def _value(value: object, query: str, tally: _Tally) -> None:
    """Count what a rule, or every rule of a package, came to."""
    if isinstance(value, dict) and _kind(query) is None:
        rules = [(name, found) for name, found in value.items() if _kind(name) is not None]
        if not rules:
            raise _CouldNotRead("unclear")
        namespace = query
    else:
        rules, namespace = [(query, value)], query.replace("/", ".").rpartition(".")[0]
    if (name := _name(namespace)) is not None:
        tally.namespaces.add(name)
    for rule, found in rules:
        _count(found, rule, namespace, tally)


def _count(value: object, rule: str, namespace: str, tally: _Tally) -> None:
    kind = _kind(rule)
    if kind is None:
        raise _CouldNotRead("unclear")
    if kind == "allow":
        if not isinstance(value, bool):
            raise _CouldNotRead("unclear")
        messages = [] if value else [rule]
    else:
        messages = list(_messages(value, rule))
    if not messages:
        tally.passed += 1
    elif kind == "warn":
        tally.warned += len(messages)
    else:
        for message in messages:
            tally.failed(message, rule=rule, namespace=namespace)


def _kind(query: str) -> str | None:
    """Return what a rule of this name says by convention; None: nobody can tell a yes from a no."""
    last = re.split(r"[./]", query.strip())[-1]
    for kind, names in _KINDS.items():
        if any(last == name or last.startswith(f"{name}_") for name in names):
            return kind
    return None


_KINDS = {"deny": ("deny", "violation"), "warn": ("warn",), "allow": ("allow",)}


def _messages(value: object, rule: str) -> Iterator[str]:
    match value:
        case bool():
            yield from [rule] if value else []
        case list():
            yield from (each if isinstance(each, str) else json.dumps(each, sort_keys=True) for each in value)
        case dict():  # a partial rule whose set is written as an object
            yield from (str(key) for key in value)
        case _:
            raise _CouldNotRead("unclear")


def _name(value: object) -> str | None:
    return value if isinstance(value, str) and _RULE.fullmatch(value) else None


_READERS = {PolicyTool.CONFTEST: _conftest, PolicyTool.OPA: _opa}

"""Policy files: YAML read once into values, every problem told at once."""

import re
from enum import StrEnum
from importlib import resources
from typing import TypeVar

from wardline.canonical import JSON, JSONObject, encode
from wardline.errors import InvalidInput
from wardline.gates.matching import Match, Scope
from wardline.gates.policy import Cases, Check, Emergency, Policy, Severity
from wardline.gates.policy_yaml import read_yaml
from wardline.ids import EnvironmentName
from wardline.pipelines.spec import Criticality, DataClass

_Word = TypeVar("_Word", bound=StrEnum)

_ID = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*", re.ASCII)
_CONTROL = re.compile(r"[a-z0-9-]+:[A-Za-z0-9()./,-]+", re.ASCII)
_MEMBERS = frozenset(
    {"id", "title", "controls", "source", "match", "severity", "emergency", "needs", "validations", "cases"}
)
# A reason is part of a leaf, which holds 65,535 bytes with all of them.
_LONGEST = 400
_LONGEST_EXPRESSION = 4000
_MOST_CHECKS = 20
_MATCH = frozenset({"environments", "services", "criticality", "data"})


def load_policies() -> tuple[Policy, ...]:
    """Return the policies that come with Wardline, by id."""
    files = (f for f in resources.files("wardline.gates").joinpath("policies").iterdir() if f.name.endswith(".yaml"))
    policies = [parse(file.read_bytes(), where=file.name) for file in files]
    return tuple(sorted(policies, key=lambda p: p.id))


def parse(content: bytes | str, *, where: str) -> Policy:
    """Return the policy that the YAML of the file `where` holds.

    Raises:
        InvalidInput: Every problem at once, each naming the file and the key.
    """
    document = read_yaml(content.encode() if isinstance(content, str) else content, where=where)
    reader = _Reader(where)
    policy = reader.policy(document)
    if reader.problems:
        raise InvalidInput(
            f"policy {where}: {'; '.join(reader.problems)}",
            remedy="Every key of a policy is in docs/reference/policies.md.",
            problems=reader.problems,
        )
    return policy


class _Reader:
    """Reads one file and collects what is wrong with it."""

    def __init__(self, where: str) -> None:
        self.problems: list[str] = []
        self._where = where

    def policy(self, document: object) -> Policy:
        members = self._members(document, "", _MEMBERS)
        return Policy(
            id=self._matching(members.get("id"), "id", _ID),
            title=self._text(members.get("title"), "title"),
            controls=tuple(
                self._matching(control, f"controls[{i}]", _CONTROL)
                for i, control in enumerate(self._items(members.get("controls"), "controls"))
            ),
            match=self._match(members.get("match")),
            needs=self._checks(members.get("needs", []), "needs"),
            validations=self._checks(members.get("validations"), "validations", at_least=1),
            cases=self._cases(members.get("cases")),
            severity=self._word(members.get("severity", Severity.DENY.value), "severity", Severity),
            source=self._text(members["source"], "source") if "source" in members else None,
            emergency=self._word(members.get("emergency", Emergency.KEPT.value), "emergency", Emergency),
        )

    def _match(self, value: object) -> Match:
        members = self._members(value, "match", _MATCH)
        return Match(
            environments=self._environments(members.get("environments")),
            services=self._texts(members, "services"),
            criticality=self._words(members, "criticality", Criticality),
            data=self._words(members, "data", DataClass),
        )

    def _environments(self, value: object) -> Scope | tuple[EnvironmentName, ...]:
        if isinstance(value, str):
            if value in {scope.value for scope in Scope}:
                return Scope(value)
            self._problem("match.environments", "all, production or a list of names", value)
            return Scope.ALL
        names = self._items(value, "match.environments", at_least=1)
        return tuple(EnvironmentName(self._text(name, f"match.environments[{i}]")) for i, name in enumerate(names))

    def _texts(self, members: dict[str, object], name: str) -> tuple[str, ...]:
        """Return the texts below match; a member that is there and empty would match nothing, and is refused."""
        items = self._items(members[name], f"match.{name}", at_least=1) if name in members else []
        return tuple(self._text(item, f"match.{name}[{i}]") for i, item in enumerate(items))

    def _words(self, members: dict[str, object], name: str, kind: type[_Word]) -> tuple[_Word, ...]:
        items = self._items(members[name], f"match.{name}", at_least=1) if name in members else []
        return tuple(self._word(item, f"match.{name}[{i}]", kind) for i, item in enumerate(items))

    def _word(self, value: object, key: str, kind: type[_Word]) -> _Word:
        for word in kind:
            if value == word.value:
                return word
        self._problem(key, f"one of {', '.join(kind)}", value)
        return next(iter(kind))

    def _checks(self, value: object, key: str, *, at_least: int = 0) -> tuple[Check, ...]:
        items = self._items(value, key, at_least=at_least)
        if len(items) > _MOST_CHECKS:
            self.problems.append(f"{key}: expected at most {_MOST_CHECKS}, got {len(items)}; make it several policies")
        return tuple(self._check(item, f"{key}[{i}]") for i, item in enumerate(items))

    def _check(self, value: object, key: str) -> Check:
        members = self._members(value, key, frozenset({"expression", "message", "shows"}))
        shows = self._items(members.get("shows", []), f"{key}.shows")
        if len(shows) > _MOST_CHECKS:
            self.problems.append(f"{key}.shows: expected at most {_MOST_CHECKS}, got {len(shows)}")
        return Check(
            expression=self._text(members.get("expression"), f"{key}.expression", longest=_LONGEST_EXPRESSION),
            message=self._text(members.get("message"), f"{key}.message"),
            shows=tuple(self._text(shown, f"{key}.shows[{i}]") for i, shown in enumerate(shows)),
        )

    def _cases(self, value: object) -> Cases:
        members = self._members(value, "cases", frozenset({"pass", "deny", "undecided"}))
        inputs = {
            kind: tuple(
                self._input(item, f"cases.{kind}[{i}]")
                for i, item in enumerate(self._items(members.get(kind), f"cases.{kind}", at_least=1))
            )
            for kind in ("pass", "deny", "undecided")
        }
        return Cases(allowed=inputs["pass"], denied=inputs["deny"], undecided=inputs["undecided"])

    def _input(self, value: object, key: str) -> JSONObject:
        try:
            plain: JSON = value  # type: ignore[assignment]  # `encode` refuses whatever is not JSON
            encode(plain)
        except InvalidInput as error:
            self.problems.append(f"{key}: {error.what}")
            return {}
        if not isinstance(plain, dict):
            self._problem(key, "an input document", value)
            return {}
        return plain

    def _members(self, value: object, key: str, known: frozenset[str]) -> dict[str, object]:
        if not isinstance(value, dict):
            self._problem(key or "the file", f"a mapping with {', '.join(sorted(known))}", value)
            return {}
        for name in value:
            if name not in known:
                self.problems.append(
                    f"{key or 'the file'}: unknown key {str(name)[:40]!r}; expected {', '.join(sorted(known))}"
                )
        return value

    def _items(self, value: object, key: str, *, at_least: int = 0) -> list[object]:
        if isinstance(value, list) and len(value) >= at_least:
            return value
        self._problem(key, "a list" if at_least == 0 else f"a list of at least {at_least}", value)
        return []

    def _matching(self, value: object, key: str, form: re.Pattern[str]) -> str:
        text = self._text(value, key)
        if text and form.fullmatch(text) is None:
            self._problem(key, f"a text like {form.pattern}", value)
        return text

    def _text(self, value: object, key: str, *, longest: int = _LONGEST) -> str:
        if isinstance(value, str) and value.strip() and len(value) <= longest:
            return value
        long = isinstance(value, str) and len(value) > longest
        self._problem(key, f"a text of at most {longest} characters" if long else "a text", value)
        return ""

    def _problem(self, key: str, expected: str, got: object) -> None:
        self.problems.append(f"{key}: expected {expected}, got {'nothing' if got is None else repr(got)[:60]}")

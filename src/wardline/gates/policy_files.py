"""Policy files: YAML read once into values, every problem told at once."""

import re
from importlib import resources

import yaml

from wardline.canonical import JSON, JSONObject, encode
from wardline.errors import InvalidInput
from wardline.gates.policy import Cases, Check, Policy, Scope
from wardline.ids import EnvironmentName

_ID = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*", re.ASCII)
_CONTROL = re.compile(r"[a-z0-9-]+:[A-Za-z0-9()./,-]+", re.ASCII)
_MEMBERS = frozenset({"id", "title", "controls", "environments", "needs", "validations", "cases"})


def load_policies() -> tuple[Policy, ...]:
    """Return the policies that come with Wardline, by id."""
    files = (f for f in resources.files("wardline.gates").joinpath("policies").iterdir() if f.name.endswith(".yaml"))
    policies = [parse(file.read_text("utf-8"), where=file.name) for file in files]
    return tuple(sorted(policies, key=lambda p: p.id))


def parse(text: str, *, where: str) -> Policy:
    """Return the policy that the YAML `text` of the file `where` holds.

    Raises:
        InvalidInput: Every problem at once, each naming the file and the key.
    """
    try:
        document: object = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = "" if mark is None else f":{mark.line + 1}"
        raise InvalidInput(f"{where}{line}: not YAML: {getattr(error, 'problem', None) or error}") from error
    reader = _Reader(where)
    policy = reader.policy(document)
    if reader.problems:
        raise InvalidInput(f"policy {where}: {'; '.join(reader.problems)}", problems=reader.problems)
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
            environments=self._environments(members.get("environments")),
            needs=self._checks(members.get("needs", []), "needs"),
            validations=self._checks(members.get("validations"), "validations", at_least=1),
            cases=self._cases(members.get("cases")),
        )

    def _environments(self, value: object) -> Scope | tuple[EnvironmentName, ...]:
        if isinstance(value, str):
            if value in {scope.value for scope in Scope}:
                return Scope(value)
            self._problem("environments", "all, production or a list of names", value)
            return Scope.ALL
        names = self._items(value, "environments", at_least=1)
        return tuple(EnvironmentName(self._text(name, f"environments[{i}]")) for i, name in enumerate(names))

    def _checks(self, value: object, key: str, *, at_least: int = 0) -> tuple[Check, ...]:
        return tuple(
            self._check(item, f"{key}[{i}]") for i, item in enumerate(self._items(value, key, at_least=at_least))
        )

    def _check(self, value: object, key: str) -> Check:
        members = self._members(value, key, frozenset({"expression", "message", "shows"}))
        shows = self._items(members.get("shows", []), f"{key}.shows")
        return Check(
            expression=self._text(members.get("expression"), f"{key}.expression"),
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
                self.problems.append(f"{key}: unknown key {str(name)[:40]!r}; expected {', '.join(sorted(known))}")
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

    def _text(self, value: object, key: str) -> str:
        if isinstance(value, str) and value.strip():
            return value
        self._problem(key, "a text", value)
        return ""

    def _problem(self, key: str, expected: str, got: object) -> None:
        self.problems.append(f"{key}: expected {expected}, got {'nothing' if got is None else repr(got)[:60]}")

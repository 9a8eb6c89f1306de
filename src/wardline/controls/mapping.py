"""Mappings: which evidence answers which control, how far, and what a person still has to do."""

from dataclasses import dataclass
from enum import StrEnum

from wardline.canonical import JSON, JSONObject
from wardline.evidence.statements import Statement


class Relation(StrEnum):
    """How far evidence answers a control, the strongest first."""

    SATISFIES = "satisfies"  # it is what the control asks for, within the scope
    SUPPORTS = "supports"  # it is a part of it; a person answers for the rest
    INDICATES = "indicates"  # it points that way; a person has to look


class Reach(StrEnum):
    """Where evidence is looked for."""

    RUN = "run"  # among the statements of the run that is asked about
    INSTALLATION = "installation"  # in the whole log, the youngest counting


class Gap(StrEnum):
    """Why nothing answers a control."""

    ORGANISATIONAL = "organisational"  # only people can do it
    NOT_BUILT = "not-built"  # evidence could answer it, and nothing produces that yet


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One member of a predicate, by a dotted path that goes through lists, and what it may be.

    `values` empty: it has to be there, whatever it is.
    """

    path: str
    values: tuple[str | int | bool, ...]

    def holds(self, body: JSONObject) -> bool:
        found = [value for value in _at(body, self.path.split(".")) if value is not None]
        return any(not self.values or _same(value, wanted) for value in found for wanted in self.values or ("",))


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceKind:
    """Evidence that a mapping counts on: a predicate type, and what its body has to say."""

    predicate_type: str
    where: tuple[Condition, ...]
    reach: Reach

    def matches(self, statement: Statement) -> bool:
        """Return whether `statement` is of this kind, however it came out."""
        return statement.predicate_type == self.predicate_type and all(c.holds(statement.body) for c in self.where)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One kind of evidence and what it says for a control.

    Attributes:
        scope: What it says that for; nothing beyond.
        rationale: Why it says that.
    """

    evidence: EvidenceKind
    relation: Relation
    scope: str
    rationale: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapped:
    """A control and what answers it.

    Attributes:
        answers: Kinds of evidence; empty: none, and `gap` says why.
        what: Where there is a gap: what a person attests, or what would answer it.
        person: What stays for a person; None: nothing within the scope.
    """

    control: str
    answers: tuple[Answer, ...]
    gap: Gap | None
    what: str | None
    person: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogueMapping:
    """All that answers one catalogue."""

    catalogue: str
    version: int
    rows: tuple[Mapped, ...]


def _at(value: JSON, steps: list[str]) -> list[JSON]:
    if isinstance(value, list):
        return [found for item in value for found in _at(item, steps)]
    if not steps:
        return [value]
    return _at(value.get(steps[0]), steps[1:]) if isinstance(value, dict) else []


def _same(value: JSON, wanted: JSON) -> bool:
    return type(value) is type(wanted) and value == wanted  # in Python, True is 1

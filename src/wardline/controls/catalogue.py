"""Catalogues: what a law asks, row by row, cited and paraphrased.

Which evidence answers a row stands apart, in mappings. No row holds the law's own words: they are at the citation,
and they are what counts.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cached_property

from wardline.canonical import JSON, Digest, JSONObject, digest_of
from wardline.errors import NotFound


class Kind(StrEnum):
    """What a row is in the law it is from."""

    GENERAL = "general"
    STANDARD = "standard"
    SPEC = "spec"  # an implementation specification of a standard
    CLAUSE = "clause"
    DEFINITION = "definition"
    ARTICLE = "article"


class Requirement(StrEnum):
    """Whether it has to be done. `addressable`: done, or decided about and written down (45 CFR 164.306(d)(3))."""

    REQUIRED = "required"
    ADDRESSABLE = "addressable"
    NONE = "none"  # allows or explains something


class Status(StrEnum):
    IN_FORCE = "in-force"
    PROPOSED = "proposed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A text of the law that rows were held against, and when."""

    source: str
    edition: str
    read_on: date

    def to_json(self) -> JSONObject:
        return {"source": self.source, "edition": self.edition, "read_on": self.read_on.isoformat()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """From the first day to the last; None: not known, or no end in sight."""

    start: date | None
    end: date | None

    def covers(self, day: date) -> bool:
        """Return whether `day` is in it. Where the start is not known, nothing is."""
        return self.start is not None and self.start <= day and (self.end is None or day <= self.end)

    def to_json(self) -> JSONObject:
        return {
            "from": None if self.start is None else self.start.isoformat(),
            "to": None if self.end is None else self.end.isoformat(),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """One requirement.

    Attributes:
        id: `<catalogue>:<its place in the law>`, e.g. `hipaa:164.308(a)(8)`.
        section: Id of the section it stands in.
        paraphrase: What it asks, in words of our own.
        checked: The text this row was held against; None: nobody has yet.
        crosswalk: Related ids elsewhere, `<publication>:<id>`; ids only, several of those texts are not free.
    """

    id: str
    section: str
    kind: Kind
    requirement: Requirement
    title: str
    paraphrase: str
    citation: str
    in_force: Period
    status: Status
    checked: Reading | None
    crosswalk: tuple[str, ...]

    @property
    def digest(self) -> Digest:
        """What identifies what is asked: a person's word about a row that asks something else by now is another's."""
        return digest_of(
            {
                "id": self.id,
                "kind": self.kind.value,
                "requirement": self.requirement.value,
                "title": self.title,
                "paraphrase": self.paraphrase,
                "citation": self.citation,
            }
        )

    def to_json(self) -> JSONObject:
        return {
            "id": self.id,
            "section": self.section,
            "kind": self.kind.value,
            "requirement": self.requirement.value,
            "title": self.title,
            "paraphrase": self.paraphrase,
            "citation": self.citation,
            "in_force": self.in_force.to_json(),
            "status": self.status.value,
            "checked": None if self.checked is None else self.checked.to_json(),
            "crosswalk": list(self.crosswalk),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A part of a law that is read together."""

    id: str
    title: str
    citation: str

    def to_json(self) -> JSONObject:
        return {"id": self.id, "title": self.title, "citation": self.citation}


@dataclass(frozen=True, kw_only=True)
class Catalogue:
    """A law as data.

    Attributes:
        version: Of this catalogue, not of the law: every change of a row raises it.
        advisory: It informs; nothing is expected to answer it.
        regulations: The words in `regulations` of a wardline.yaml that call for it.
        dates: What the dates of its rows mean.
        crosswalk_checked: Whether its crosswalk was held against the publications it names.
    """

    id: str
    version: int
    title: str
    publisher: str
    jurisdiction: str
    source: str
    status: Status
    advisory: bool
    regulations: tuple[str, ...]
    dates: str
    crosswalk_checked: bool
    sections: tuple[Section, ...]
    controls: tuple[Control, ...]

    def control(self, control: str) -> Control:
        """Return the row with this id.

        Raises:
            NotFound: The catalogue has none.
        """
        found = self._by_id.get(control)
        if found is None:
            raise NotFound(f"catalogue {self.id} has no control {control[:80]}")
        return found

    @cached_property
    def digest(self) -> Digest:
        """What identifies this content: a decision that names it can be told from one made by another edition."""
        return digest_of(self.to_json())

    def to_json(self) -> JSONObject:
        controls: list[JSON] = [control.to_json() for control in self.controls]
        return {
            "id": self.id,
            "version": self.version,
            "title": self.title,
            "publisher": self.publisher,
            "jurisdiction": self.jurisdiction,
            "source": self.source,
            "status": self.status.value,
            "advisory": self.advisory,
            "regulations": list(self.regulations),
            "dates": self.dates,
            "crosswalk_checked": self.crosswalk_checked,
            "sections": [section.to_json() for section in self.sections],
            "controls": controls,
        }

    @cached_property
    def _by_id(self) -> dict[str, Control]:
        return {control.id: control for control in self.controls}


def called_for(catalogues: Iterable[Catalogue], regulations: Iterable[str]) -> tuple[Catalogue, ...]:
    """Return those in force that a service which names `regulations` answers to."""
    named = set(regulations)
    return tuple(c for c in catalogues if c.status is Status.IN_FORCE and named & set(c.regulations))

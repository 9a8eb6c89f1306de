"""The library: every catalogue with its mapping, ours and an organisation's own, held together."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import resources

from wardline.controls.catalogue import Catalogue, Control
from wardline.controls.catalogue_files import parse_catalogue
from wardline.controls.mapping import CatalogueMapping, Mapped
from wardline.controls.mapping_files import parse_mapping
from wardline.errors import InvalidInput, NotFound
from wardline.evidence.schemas import known_types

CATALOGUES, MAPPINGS = "catalogs", "mappings"


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A file and where it lies."""

    where: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Library:
    """Catalogues and what answers them. Every control has exactly one row in a mapping."""

    catalogues: tuple[Catalogue, ...]
    mappings: tuple[CatalogueMapping, ...]

    def catalogue(self, catalogue: str) -> Catalogue:
        """Return the catalogue with this id.

        Raises:
            NotFound: There is none.
        """
        for found in self.catalogues:
            if found.id == catalogue:
                return found
        known = ", ".join(each.id for each in self.catalogues)
        raise NotFound(f"there is no catalogue {catalogue[:80]!r}; known: {known}")

    def control(self, control: str) -> Control:
        """Return the row with this id.

        Raises:
            NotFound: No catalogue has it.
        """
        self.mapped(control)
        return self.catalogue(control.partition(":")[0]).control(control)

    def mapped(self, control: str) -> Mapped:
        """Return what answers `control`.

        Raises:
            NotFound: No catalogue has it.
        """
        found = self._rows.get(control)
        if found is None:
            raise NotFound(
                f"no catalogue has the control {control[:80]!r}",
                remedy="An id is the catalogue and the place in the law: `wardline controls list`.",
            )
        return found

    @cached_property
    def _rows(self) -> dict[str, Mapped]:
        return {row.control: row for mapping in self.mappings for row in mapping.rows}


def load_library(
    catalogues: Sequence[Written] = (), mappings: Sequence[Written] = (), *, packaged: bool = True
) -> Library:
    """Return the catalogues and mappings that come with Wardline, and these.

    Raises:
        InvalidInput: Every problem at once: of the files, and of what does not go together.
    """
    own = [*_packaged(CATALOGUES), *catalogues] if packaged else catalogues
    theirs = [*_packaged(MAPPINGS), *mappings] if packaged else mappings
    problems: list[str] = []
    read, produced = [], known_types()
    for file in own:
        try:
            read.append(parse_catalogue(file.text, where=file.where))
        except InvalidInput as error:
            problems += error.problems or (error.what,)
    rows = []
    for file in theirs:
        try:
            rows.append(parse_mapping(file.text, where=file.where, known_types=produced))
        except InvalidInput as error:
            problems += error.problems or (error.what,)
    if not problems:
        problems = [*_apart(read, rows)]
    if problems:
        raise InvalidInput(f"catalogues and mappings: {_counted(problems)}", problems=problems)
    return Library(
        catalogues=tuple(sorted(read, key=lambda c: c.id)), mappings=tuple(sorted(rows, key=lambda m: m.catalogue))
    )


def _packaged(folder: str) -> list[Written]:
    files = resources.files("wardline.controls").joinpath(folder).iterdir()
    found = (f for f in files if f.name.endswith(".yaml"))
    return sorted(
        (Written(where=f"{folder}/{f.name}", text=f.read_text("utf-8")) for f in found), key=lambda w: w.where
    )


def _apart(catalogues: Iterable[Catalogue], mappings: Iterable[CatalogueMapping]) -> Iterable[str]:
    """Yield where catalogues and mappings do not go together."""
    asked: dict[str, list[str]] = {}
    for catalogue in catalogues:
        if catalogue.id in asked:
            yield f"catalogue {catalogue.id}: there are two; one law, one file"
        asked[catalogue.id] = [control.id for control in catalogue.controls]
    answered: set[str] = set()
    for mapping in mappings:
        if mapping.catalogue in answered:
            yield f"mapping {mapping.catalogue}: there are two; one catalogue, one mapping"
        answered.add(mapping.catalogue)
        if mapping.catalogue not in asked:
            yield f"mapping {mapping.catalogue}: there is no such catalogue"
            continue
        known, rows = set(asked[mapping.catalogue]), {row.control for row in mapping.rows}
        yield from (f"mapping {mapping.catalogue}: no control {row}" for row in sorted(rows - known))
        yield from (
            f"mapping {mapping.catalogue}: {control} has no row; say what answers it, or why nothing does"
            for control in asked[mapping.catalogue]
            if control not in rows
        )
    yield from (f"catalogue {name}: it has no mapping" for name in asked if name not in answered)


def _counted(problems: Sequence[str]) -> str:
    return f"{len(problems)} problems" if len(problems) > 1 else "a problem"

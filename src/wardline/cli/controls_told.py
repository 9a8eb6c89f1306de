"""How coverage looks on a terminal."""

from collections.abc import Iterable, Iterator, Sequence

from wardline.cli.shell import say
from wardline.clock import to_rfc3339
from wardline.controls.catalogue import Catalogue, Control, Requirement
from wardline.controls.coverage import Row, State
from wardline.controls.mapping import Gap
from wardline.delivery.show_controls import Shown

_MOST_INDICES = 4


def lines(shown: Shown, *, details: bool) -> Iterator[str]:
    """Yield the whole answer: what it is about, each catalogue section by section, the counts."""
    where = "every environment" if shown.environment is None else shown.environment
    yield f"run {shown.run} of {shown.service or 'no known service'}, {where}; a log of {shown.log_size} leaves"
    yield "This lists evidence. Whether a law is satisfied is for people to judge; it is not legal advice."
    for catalogue, rows in shown.coverage.catalogues:
        yield ""
        yield f"{catalogue.title} ({catalogue.id} version {catalogue.version}, {catalogue.digest.short})"
        if catalogue.advisory:
            yield "Advice only: this is not law, and nothing of it is counted below."
        for section in catalogue.sections:
            yield ""
            yield f"  {section.title}, {section.citation}"
            yield from _rows([row for row in rows if row.control.section == section.id], details=details)
    yield ""
    yield from _end(shown)


def show_asked(controls: Iterable[Control], *words: str | None) -> None:
    """Say what is answered for, and with which words, before it is signed."""
    for control in controls:
        say(f"{control.id} {control.title} ({control.requirement}), {control.citation}")
        say(f"    {control.paraphrase}")
    for said in words:
        if said is not None:
            say(f"    your words: {said}")


def catalogue_rows(catalogues: Iterable[Catalogue]) -> list[tuple[str, ...]]:
    return [
        (
            each.id,
            str(each.version),
            each.jurisdiction,
            each.status.value + (", advisory" if each.advisory else ""),
            str(len(each.controls)),
            str(sum(control.checked is not None for control in each.controls)),
            each.title,
        )
        for each in catalogues
    ]


def control_rows(catalogue: Catalogue) -> list[tuple[str, ...]]:
    return [
        (
            control.id,
            control.requirement.value,
            "no" if control.checked is None else control.checked.read_on.isoformat(),
            control.title,
        )
        for control in catalogue.controls
    ]


def _rows(rows: Sequence[Row], *, details: bool) -> Iterator[str]:
    if not rows:
        return
    cells = [(row.control.id, _state(row), _indices(row), _title(row)) for row in rows]
    widths = [max(len(cell[column]) for cell in cells) for column in range(3)]
    for row, cell in zip(rows, cells, strict=True):
        yield "    " + "  ".join((*(cell[column].ljust(widths[column]) for column in range(3)), cell[3])).rstrip()
        if details:
            yield from (f"        {line}" for line in _details(row))


def _state(row: Row) -> str:
    if row.state is State.WAIVED:
        return f"accepted until {to_rfc3339(min(each.until for each in row.accepted))[:10]}"
    return row.state.value


def _indices(row: Row) -> str:
    found = sorted({index for each in row.answered for index in each.indices})
    words = [said.index for said in (row.attested, row.decided) if said is not None]
    shown = [f"#{index}" for index in [*found, *words][:_MOST_INDICES]]
    return " ".join([*shown, "…"] if len(found) + len(words) > _MOST_INDICES else shown) or "-"


def _title(row: Row) -> str:
    addressable = row.control.requirement is Requirement.ADDRESSABLE
    return f"{row.control.title} (addressable)" if addressable else row.control.title


def _details(row: Row) -> Iterator[str]:
    yield f"{row.control.citation}: {row.control.paraphrase}"
    for each in row.answered:
        indices = ", ".join(f"#{index}" for index in each.indices)
        yield f"{each.answer.relation} by {indices}: {each.answer.rationale} [{each.answer.scope}]"
    yield from (f"against: #{each.index} {each.outcome}" for each in row.against)
    yield from _words(row)
    if row.mapped.gap is Gap.NOT_BUILT and row.state is State.MISSING:
        yield f"{row.mapped.gap}: {row.mapped.what}"
    if row.person is not None:
        yield f"person: {row.person}"
    if row.wants_decision:
        yield "addressable: carry it out, or decide in writing (45 CFR 164.306(d)(3))"
    if row.control.checked is None:
        yield "this row was not held against the law's text"


def _words(row: Row) -> Iterator[str]:
    """Yield what people said that bears on the row."""
    for accepted in row.accepted:
        yield f"waiver #{accepted.index} lets {accepted.finding} pass; that meets nothing"
    for lapsed in row.lapsed:
        yield f"waiver #{lapsed.index} let {lapsed.finding} pass until {to_rfc3339(lapsed.until)[:10]}, and has ended"
    if row.attested is not None:
        said, until = row.attested, to_rfc3339(row.attested.until)[:10]
        yield f"attested {said.claim} by {said.by}, #{said.index}, until {until}"
    if row.decided is not None:
        yield f"decided {row.decided.choice} by {row.decided.by}, until {to_rfc3339(row.decided.until)[:10]}"


def _end(shown: Shown) -> Iterator[str]:
    counts = {state: count for state, count in shown.coverage.counts.items() if count}
    yield "; ".join(f"{count} {state.value}" for state, count in counts.items()) or "nothing was asked"
    if shown.without_catalogue:
        yield f"no catalogue is kept of: {', '.join(shown.without_catalogue)}"

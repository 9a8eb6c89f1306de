"""Whether every reference in a set of OSCAL documents leads to something in the set."""

from collections import Counter
from collections.abc import Container, Iterable, Iterator, Sequence

from wardline.adapters.interop.oscal.names import Document
from wardline.canonical import JSON
from wardline.errors import IntegrityViolation

_DEFINED = frozenset({"uuid", "id"})
_TO_UUIDS = frozenset(
    {"subject-uuid", "actor-uuid", "component-uuid", "observation-uuid", "finding-uuid", "risk-uuid", "party-uuid"}
)
_TO_IDS = frozenset({"control-id", "target-id", "statement-id"})
_TO_FILES = frozenset({"href", "source"})
_ELSEWHERE = ("https://", "http://")


def check_references(documents: Sequence[Document], files: Iterable[str]) -> None:
    """Return if every uuid, id and relative address in `documents` is that of something in them, or one of `files`.

    A fragment leads to something in its own document, a uuid there or in the plan that the document imports, the id of
    a control into any catalog. Nothing is defined twice in one document.

    Raises:
        IntegrityViolation: Something leads nowhere, or to two things.
    """
    kept = {*files, *(document.file for document in documents)}
    defined = {document.file: Counter(_values(document.json, _DEFINED)) for document in documents}
    identifiers = {name for names in defined.values() for name in names}
    for document in documents:
        own = defined[document.file]
        reached = {*own, *defined.get(_imported(document), ())}
        for name, count in own.items():
            if count > 1:
                raise IntegrityViolation(f"{document.file}: {name} is defined {count} times")
        astray = [
            *(each for each in _values(document.json, _TO_FILES) if not _leads_somewhere(each, own, kept)),
            *(each for each in _values(document.json, _TO_UUIDS) if each not in reached),
            *(each for each in _values(document.json, _TO_IDS) if each not in identifiers),
        ]
        if astray:
            raise IntegrityViolation(f"{document.file}: {astray[0]} leads nowhere")


def _leads_somewhere(address: str, own: Container[str], files: Container[str]) -> bool:
    if address.startswith("#"):
        return address.removeprefix("#") in own
    return address in files or address.startswith(_ELSEWHERE)


def _imported(document: Document) -> str:
    match document.content.get("import-ap"):
        case {"href": str(file)}:
            return file
        case _:
            return ""


def _values(value: JSON, names: frozenset[str]) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from _values(item, names)
    if isinstance(value, dict):
        for name, held in value.items():
            # `system-id` holds an id that is a name elsewhere, and defines nothing here.
            if name in names and isinstance(held, str):
                yield held
            elif name != "system-id":
                yield from _values(held, names)

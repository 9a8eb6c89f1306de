"""A catalogue of ours as an OSCAL catalog: paraphrases and citations, never the law's own words."""

from collections.abc import Iterable

from wardline.adapters.interop.oscal.names import (
    Document,
    Names,
    catalogue_file,
    check_tokens,
    control_token,
    metadata,
    properties,
    statement_token,
)
from wardline.canonical import JSON, JSONObject
from wardline.controls.assessed import Assessed
from wardline.controls.catalogue import Catalogue, Control


def catalogs(assessed: Assessed) -> Iterable[Document]:
    """Yield the catalogs that the other documents refer to.

    Raises:
        InvalidInput: The ids of one cannot be told apart in OSCAL.
    """
    for catalogue, _ in assessed.coverage.catalogues:
        check_tokens(catalogue)
        yield _catalog(catalogue, assessed)


def _catalog(catalogue: Catalogue, assessed: Assessed) -> Document:
    names = Names(assessed.origin)
    law = names.uuid("law", catalogue.id)
    head = metadata(catalogue.title, assessed)
    # Of the catalogue, not of the release: what it says changes with its own version alone.
    head["version"] = str(catalogue.version)
    head["props"] = properties(
        {
            "catalogue": catalogue.id,
            "digest": str(catalogue.digest),
            "jurisdiction": catalogue.jurisdiction,
            "status": catalogue.status.value,
            "advisory": "yes" if catalogue.advisory else "no",
            "crosswalk-checked": "yes" if catalogue.crosswalk_checked else "no",
        }
    )
    groups: list[JSON] = []
    for section in catalogue.sections:
        controls: list[JSON] = [_control(each, law) for each in catalogue.controls if each.section == section.id]
        group: JSONObject = {
            "id": f"{control_token(catalogue.id)}_section_{section.id}",
            "title": section.title,
            "props": properties({"citation": section.citation}),
        }
        groups.append(group | {"controls": controls} if controls else group)
    resource: JSONObject = {
        "uuid": law,
        "title": f"{catalogue.title}, {catalogue.publisher}",
        "description": f"The law's own text, which alone counts. {catalogue.dates}",
        "rlinks": [{"href": catalogue.source}],
    }
    body: JSONObject = {"groups": groups, "back-matter": {"resources": [resource]}}
    return names.document(catalogue_file(catalogue), "catalog", head, body)


def _control(control: Control, law: str) -> JSONObject:
    related = [each for name in control.crosswalk for each in properties({"related": name})]
    return {
        "id": control_token(control.id),
        "class": control.kind.value,
        "title": control.title,
        "props": [
            {"name": "label", "value": control.id},
            *properties(
                {
                    "citation": control.citation,
                    "requirement": control.requirement.value,
                    "status": control.status.value,
                    "in-force-from": None if control.in_force.start is None else control.in_force.start.isoformat(),
                    "in-force-to": None if control.in_force.end is None else control.in_force.end.isoformat(),
                    "held-against": None if control.checked is None else control.checked.edition,
                }
            ),
            *related,
        ],
        "links": [{"href": f"#{law}", "rel": "reference"}],
        "parts": [{"id": statement_token(control.id), "name": "statement", "prose": control.paraphrase}],
    }

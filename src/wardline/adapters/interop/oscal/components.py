"""The mappings as an OSCAL component definition: each kind of evidence a check, and what it leaves to people."""

from collections import defaultdict
from collections.abc import Iterable

from wardline.adapters.interop.oscal.names import (
    COMPONENTS,
    Document,
    Names,
    catalogue_file,
    control_token,
    metadata,
    properties,
)
from wardline.canonical import JSON, JSONObject
from wardline.controls.assessed import Assessed
from wardline.controls.catalogue import Catalogue
from wardline.controls.mapping import Answer, EvidenceKind, Mapped
from wardline.predicates import NAMESPACE

_LEFT = "Left to a person: "
_TOOL = (
    "Takes a change from commit to production and keeps signed evidence of each step. It carries no control out by "
    "itself: its checks, the other components, answer controls as far as they say. What nothing answers, and what only "
    "people can do, is in no component."
)


def component_definition(assessed: Assessed) -> Document:
    """Return what Wardline's evidence can answer of the catalogues, whatever this release came to."""
    names = Names(assessed.origin)
    answered: dict[EvidenceKind, dict[str, list[tuple[Answer, Mapped]]]] = defaultdict(lambda: defaultdict(list))
    catalogues = {catalogue.id: catalogue for catalogue, _ in assessed.coverage.catalogues}
    for catalogue in catalogues.values():
        for control in catalogue.controls:
            mapped = assessed.library.mapped(control.id)
            for answer in mapped.answers:
                answered[answer.evidence][catalogue.id].append((answer, mapped))
    checks: list[JSON] = []
    for kind, by_catalogue in sorted(answered.items(), key=lambda each: kind_title(each[0])):
        implementations: list[JSON] = [
            _implementation(names, kind, catalogues[name], answers) for name, answers in by_catalogue.items()
        ]
        checks.append(_check(names, kind) | {"control-implementations": implementations})
    body: JSONObject = {"components": [wardline(assessed), *checks]}
    head = metadata("What Wardline's evidence can answer", assessed)
    return names.document(COMPONENTS, "component-definition", head, body)


def wardline(assessed: Assessed) -> JSONObject:
    """Return the tool itself, as components of every document begin."""
    return {
        "uuid": Names(assessed.origin).uuid("wardline"),
        "type": "software",
        "title": "Wardline",
        "description": _TOOL,
    }


def kind_title(kind: EvidenceKind) -> str:
    """Return what people call a kind of evidence."""
    conditions = (
        f"{each.path} is {' or '.join(str(value) for value in each.values)}" if each.values else f"{each.path} is said"
        for each in kind.where
    )
    told = " and ".join(conditions)
    name = kind.predicate_type.removeprefix(f"{NAMESPACE}/")
    return f"{name} where {told}" if told else name


def _check(names: Names, kind: EvidenceKind) -> JSONObject:
    where = "what the run left" if kind.reach.value == "run" else "the whole log, the youngest counting"
    return {
        "uuid": names.uuid("check", kind_title(kind), kind.reach.value),
        "type": "validation",
        "title": f"Evidence: {kind_title(kind)}",
        "description": f"A signed statement of this type that passed, looked for in {where}.",
        "props": properties({"predicate-type": kind.predicate_type, "reach": kind.reach.value}),
    }


def _implementation(
    names: Names, kind: EvidenceKind, catalogue: Catalogue, answers: Iterable[tuple[Answer, Mapped]]
) -> JSONObject:
    place = (kind_title(kind), kind.reach.value, catalogue.id)
    requirements: list[JSON] = []
    for number, (answer, mapped) in enumerate(answers):
        requirement: JSONObject = {
            "uuid": names.uuid("requirement", *place, mapped.control, str(number)),
            "control-id": control_token(mapped.control),
            "description": f"It {answer.relation.value} the control, within {answer.scope}: {answer.rationale}.",
            "props": properties({"relation": answer.relation.value, "scope": answer.scope}),
        }
        requirements.append(requirement if mapped.person is None else requirement | {"remarks": _LEFT + mapped.person})
    return {
        "uuid": names.uuid("implementation", *place),
        "source": catalogue_file(catalogue),
        "description": f"How far this evidence answers {catalogue.id}. `satisfies` alone is what a control asks for.",
        "implemented-requirements": requirements,
    }

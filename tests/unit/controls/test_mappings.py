"""The mappings that come along claim nothing that nothing produces, and nothing that only people can do."""

import importlib
import json
import pkgutil
from collections import Counter
from importlib import resources

import pytest

import wardline
from wardline.canonical import JSON
from wardline.controls.library import load_library
from wardline.controls.mapping import Gap, Relation
from wardline.evidence.schemas import PROFILES, known_types
from wardline.predicates import NAMESPACE

LIBRARY = load_library()
ROWS = [row for mapping in LIBRARY.mappings for row in mapping.rows]
KINDS = {kind.evidence for row in ROWS for kind in row.answers}

# What no machine can answer, whatever is built one day: acts of employers, contracts, buildings, offices, grounds.
ONLY_PEOPLE = {
    "hipaa:164.306(a)(4)",
    "hipaa:164.306(b)",
    "hipaa:164.308(a)(1)(ii)(C)",
    "hipaa:164.308(a)(2)",
    "hipaa:164.308(a)(3)(ii)(B)",
    "hipaa:164.308(a)(5)(ii)(A)",
    "hipaa:164.308(a)(6)(i)",
    "hipaa:164.310(a)(1)",
    "hipaa:164.310(a)(2)(i)",
    "hipaa:164.310(a)(2)(ii)",
    "hipaa:164.310(a)(2)(iv)",
    "hipaa:164.310(b)",
    "hipaa:164.310(c)",
    "hipaa:164.314(a)(1)",
    "hipaa:164.314(a)(2)(i)(A)",
    "hipaa:164.314(a)(2)(i)(B)",
    "hipaa:164.314(a)(2)(ii)",
    "hipaa:164.314(a)(2)(iii)",
    "hipaa:164.314(b)(1)",
    "hipaa:164.314(b)(2)(i)",
    "hipaa:164.314(b)(2)(ii)",
    "hipaa:164.314(b)(2)(iii)",
    "hipaa:164.314(b)(2)(iv)",
    "hipaa:164.502(a)",
    "hipaa:164.504(e)",
    "hipaa:164.530",
    "gdpr:art-5(1)(a)",
    "gdpr:art-6",
    "gdpr:art-22",
    "gdpr:art-36",
    "gdpr:art-37-39",
}


def test_what_only_people_can_do_claims_no_automation():
    assert {row.control for row in ROWS if row.control in ONLY_PEOPLE and row.gap is not Gap.ORGANISATIONAL} == set()
    assert not [row.control for row in ROWS if row.gap is not None and row.answers]
    of_hipaa_and_gdpr = {
        row.control
        for row in ROWS
        if row.gap is Gap.ORGANISATIONAL and row.control.partition(":")[0] in {"hipaa", "gdpr"}
    }
    assert of_hipaa_and_gdpr == ONLY_PEOPLE


def test_every_control_has_one_row_and_every_row_says_something():
    asked = [control.id for catalogue in LIBRARY.catalogues for control in catalogue.controls]
    assert Counter(row.control for row in ROWS) == Counter(asked)
    assert all(row.answers or row.what for row in ROWS)


def test_what_does_not_satisfy_leaves_something_to_a_person():
    for row in ROWS:
        satisfied = any(answer.relation is Relation.SATISFIES for answer in row.answers)
        assert satisfied or row.person, row.control


def test_satisfying_is_rare_and_bounded():
    satisfied = [(row, a) for row in ROWS for a in row.answers if a.relation is Relation.SATISFIES]
    assert [row.control for row, _ in satisfied] == ["hipaa:164.316(b)(1)"]
    assert all("release" in answer.scope for _, answer in satisfied)
    assert all(row.person for row, _ in satisfied)


@pytest.mark.parametrize("kind", sorted(KINDS, key=lambda kind: (kind.predicate_type, str(kind.where))), ids=str)
def test_evidence_that_is_named_is_published_and_said_by_the_code(kind):
    assert kind.predicate_type in known_types()
    assert kind.predicate_type in declared()
    schema = schema_of(kind.predicate_type)
    for condition in kind.where:
        leaves = at(schema, condition.path.split("."), schema)
        assert leaves, f"{condition.path} is no member of {kind.predicate_type}"
        for value in condition.values:
            assert any(allows(leaf, value) for leaf in leaves), f"{condition.path} is never {value}"


def test_conditions_name_policies_that_there_are():
    from wardline.gates.policy_files import load_policies

    named = {
        value
        for kind in KINDS
        for condition in kind.where
        for value in condition.values
        if condition.path == "wardline_decision.reasons.policy"
    }
    assert named <= {policy.id for policy in load_policies()}


def test_nothing_is_called_compliant_in_data():
    texts = [text for row in ROWS for text in (row.what, row.person) if text]
    texts += [text for row in ROWS for answer in row.answers for text in (answer.scope, answer.rationale)]
    texts += [text for c in LIBRARY.catalogues for row in c.controls for text in (row.title, row.paraphrase)]
    assert not [text for text in texts if "complian" in text.lower()]


def declared() -> set[str]:
    """Return the predicate types of every value in the code that can be said."""
    found = set()
    for module in pkgutil.walk_packages(wardline.__path__, "wardline."):
        if module.name.startswith(("wardline.adapters", "wardline.cli", "wardline.bootstrap")):
            continue
        for value in vars(importlib.import_module(module.name)).values():
            kind = getattr(value, "predicate_type", None) if isinstance(value, type) else None
            if isinstance(kind, str):
                found.add(kind)
    return found


def schema_of(kind: str) -> JSON:
    name = PROFILES.get(kind) or kind.removeprefix(f"{NAMESPACE}/").partition("/")[0]
    file = resources.files("wardline.evidence").joinpath("schemas", f"{name}.schema.json")
    return json.loads(file.read_text("utf-8"))


def at(schema: JSON, steps: list[str], root: JSON) -> list[JSON]:
    """Return the schemas of what lies at a path, through lists, alternatives and references."""
    assert isinstance(schema, dict)
    if "$ref" in schema:
        found = root
        for step in str(schema["$ref"]).removeprefix("#/").split("/"):
            assert isinstance(found, dict)
            found = found[step]
        return at(found, steps, root)
    branches = [*schema.get("oneOf", ()), *schema.get("anyOf", ()), *schema.get("allOf", ())]
    leaves = [leaf for branch in branches for leaf in at(branch, steps, root)]
    if "items" in schema:
        leaves += at(schema["items"], steps, root)
    elif not steps:
        leaves += [schema]
    elif steps[0] in schema.get("properties", {}):
        leaves += at(schema["properties"][steps[0]], steps[1:], root)
    return leaves


def allows(leaf: JSON, value: object) -> bool:
    assert isinstance(leaf, dict)
    if "enum" in leaf or "const" in leaf:
        return value in leaf.get("enum", [leaf.get("const")])
    kinds = leaf.get("type", [])
    named = [kinds] if isinstance(kinds, str) else kinds
    return {str: "string", bool: "boolean", int: "integer"}[type(value)] in named

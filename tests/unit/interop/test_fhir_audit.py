"""AuditEvents are valid R4, in the bindings that a parser does not enforce too."""

import json
from typing import Any

import pytest
from audit_samples import ORIGIN, context, leaf, leaves, predicates
from fhir.resources.R4B.auditevent import AuditEvent
from fhir.resources.R4B.bundle import Bundle
from hypothesis import given
from hypothesis import strategies as st

from wardline.adapters.interop.fhir_audit import FHIRAuditEvents
from wardline.evidence.audit.exports import Extent
from wardline.predicates import NAMESPACE

LEAVES = leaves()
FORM = FHIRAuditEvents(ORIGIN)
EVERYTHING = Extent(size=len(LEAVES), first=0, end=len(LEAVES), service=None)

# Required bindings of R4 (hl7.org/fhir/R4/auditevent.html): nothing else may stand there.
ACTIONS = {"C", "R", "U", "D", "E"}
OUTCOMES = {"0", "4", "8", "12"}
# Extensible bindings whose systems we keep to.
ENTITY_TYPES = {"1": "Person", "2": "System Object"}
OBJECT_ROLES = {"11": "Security User Entity", "13": "Security Resource", "20": "Job"}
DICOM_EVENTS = {"110106", "110113"}
DICOM = "http://dicom.nema.org/resources/ontology/DCM"


def document(items: list[Any], extent: Extent = EVERYTHING) -> bytes:
    return b"".join(FORM.document(extent, iter(items)))


@pytest.mark.parametrize("item", LEAVES, ids=lambda item: item.statement.predicate_type)
def test_every_statement_is_a_valid_audit_event(item: Any) -> None:
    text = FORM.message(item)
    parsed = AuditEvent.model_validate_json(text)
    assert json.loads(parsed.model_dump_json()).keys() == json.loads(text).keys()
    resource = json.loads(text)
    check_bindings(resource)


def check_bindings(resource: dict[str, Any]) -> None:
    assert resource["action"] in ACTIONS
    assert resource["outcome"] in OUTCOMES
    assert resource["type"]["system"] == DICOM
    assert resource["type"]["code"] in DICOM_EVENTS
    assert len(resource["agent"]) >= 1
    assert [agent["requestor"] for agent in resource["agent"]].count(True) == 1
    for agent in resource["agent"]:
        identifier = agent["who"]["identifier"]
        assert identifier.get("system") in {None, "urn:ietf:rfc:3986", f"https://wardline.dev/log/{ORIGIN}/principal"}
        assert ("system" in identifier) != identifier["value"].startswith("sha256:")
        assert "name" not in agent
        assert "network" not in agent
    assert resource["source"]["observer"]["identifier"]["value"].endswith(ORIGIN)
    for entity in resource["entity"]:
        # sev-1: name or query, never both.
        assert ("name" in entity) != ("query" in entity)
        assert entity["type"]["display"] == ENTITY_TYPES[entity["type"]["code"]]
        role = entity.get("role")
        assert role is None or role["display"] == OBJECT_ROLES[role["code"]]
        for detail in entity.get("detail", []):
            assert detail.keys() == {"type", "valueString"}
    no_empty(resource)


def no_empty(value: Any) -> None:
    """FHIR forbids empty strings, lists and objects, and null outside of lists (R4 json)."""
    assert value not in ("", [], {}, None)
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else []:
        no_empty(inner)


def test_a_bundle_is_valid_and_holds_every_statement_under_its_own_id() -> None:
    bundle = Bundle.model_validate_json(document(LEAVES))
    assert bundle.type == "collection"
    entries = json.loads(document(LEAVES))["entry"]
    assert len(entries) == len(LEAVES)
    # bdl-7: no two the same.
    assert len({entry["fullUrl"] for entry in entries}) == len(LEAVES)
    for entry in entries:
        assert entry["fullUrl"] == f"urn:uuid:{entry['resource']['id']}"


def test_a_bundle_of_nothing_has_no_entries() -> None:
    nothing = json.loads(document([]))
    assert "entry" not in nothing
    Bundle.model_validate(nothing)


def test_the_same_statements_give_the_same_bytes() -> None:
    assert document(LEAVES) == document(LEAVES)
    other = Extent(size=len(LEAVES), first=1, end=len(LEAVES), service=None)
    assert json.loads(document([], other))["id"] != json.loads(document([]))["id"]


def test_a_bundle_is_written_one_statement_at_a_time() -> None:
    taken = 0

    def watched() -> Any:
        nonlocal taken
        for item in LEAVES:
            taken += 1
            yield item

    pieces = FORM.document(EVERYTHING, watched())
    next(pieces)
    assert taken == 0
    next(pieces)
    assert taken == 1


@given(text=st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_no_text_makes_it_invalid(text: str) -> None:
    kind = f"{NAMESPACE}/refusal/v1"
    body = predicates()[kind] | {"action": text, "principal": text, "wardline": context("m-1", step=text)}
    message = FORM.message(leaf(kind, body, subjects=[(text, text)]))
    AuditEvent.model_validate_json(message)
    check_bindings(json.loads(message))
    assert b"\n" not in message

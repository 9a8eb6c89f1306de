"""Every statement is an audit event, coded on purpose, that tells nothing its leaf does not hold."""

import json
import re
from pathlib import Path

import pytest
from audit_samples import ORIGIN, context, leaf, leaves, predicates

from wardline.evidence.audit.audit_codes import CODINGS
from wardline.evidence.audit.audit_events import (
    LONGEST_TEXT,
    MOST_DETAIL_BYTES,
    MOST_SUBJECTS,
    AuditEvent,
    Indicator,
    audit_event,
    event_id,
)
from wardline.evidence.schemas import known_types
from wardline.predicates import NAMESPACE

LEAVES = {item.statement.predicate_type: item for item in leaves()}
REFERENCE = Path(__file__).resolve().parents[3] / "docs" / "reference" / "audit-exports.md"


def event(kind: str) -> AuditEvent:
    return audit_event(LEAVES[kind], origin=ORIGIN)


def details(of: AuditEvent) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for detail in of.objects[0].details:
        found.setdefault(detail.type, []).append(detail.value)
    return found


def ours(name: str) -> str:
    return f"{NAMESPACE}/{name}/v1"


def test_every_predicate_is_coded_on_purpose() -> None:
    assert set(known_types()) <= set(CODINGS)


@pytest.mark.parametrize("kind", sorted(LEAVES))
def test_every_detail_is_in_the_leaf(kind: str) -> None:
    told = details(event(kind))
    # Every path of the coding that leads to something was followed; a misspelt one leads nowhere.
    leads = {name for name, path in CODINGS[kind].details.items() if _leads(predicates()[kind], path.split("."))}
    assert leads <= set(told)
    payload = LEAVES[kind].envelope.payload.decode()
    text = json.dumps(json.loads(payload), ensure_ascii=False)
    for name, values in told.items():
        for value in values if name not in {"index", "leaf-hash", "left-out"} else []:
            assert value.removeprefix("sha256:") in text, name


def test_no_path_of_a_coding_leads_nowhere() -> None:
    optional = {"reason", "part", "parts", "service", "version"}
    for kind in known_types():
        for name, path in CODINGS[kind].details.items():
            if name not in optional:
                assert path.split(".")[0] in predicates()[kind], f"{kind}: {path}"


def _leads(value: object, path: list[str]) -> bool:
    if isinstance(value, list):
        return any(_leads(item, path) for item in value)
    if path and isinstance(value, dict):
        return _leads(value.get(path[0]), path[1:])
    return not path and value not in (None, "", [])


def test_a_deployment_is_a_change_of_software() -> None:
    shifted = event(ours("deployment"))
    assert (shifted.event.code, [kind.code for kind in shifted.kinds]) == ("110113", ["110131", "deployment.shifted"])
    assert details(shifted)["environment"] == ["production"]


def test_a_decision_is_a_change_of_what_guards_and_names_the_controls() -> None:
    decided = event("https://slsa.dev/verification_summary/v1")
    assert decided.kinds[0].code == "110129"
    assert any(control.startswith("hipaa:") for control in details(decided)["control"])


def test_an_enrolment_changes_roles_and_attributes_of_a_user() -> None:
    enrolled = event(ours("enrolment"))
    assert [kind.code for kind in enrolled.kinds] == ["110136", "110137", "enrolment"]
    assert enrolled.objects[-1].kind == "1"
    assert details(enrolled)["role"] == ["clinical-safety", "compliance"]


def test_an_export_is_an_export_and_reads() -> None:
    exported = event(ours("export"))
    assert (exported.event.code, exported.action) == ("110106", "R")
    assert [each.role.code for each in exported.participants if each.role] == ["110153", "110154"]


@pytest.mark.parametrize(
    ("outcome", "indicator"),
    [("passed", "0"), ("failed", "8"), ("errored", "8"), ("inconclusive", "4")],
)
def test_only_passed_is_a_success(outcome: str, indicator: str) -> None:
    body = predicates()[ours("seal")] | {"wardline": context("m-1", outcome=outcome)}
    assert audit_event(leaf(ours("seal"), body), origin=ORIGIN).indicator == indicator


def test_a_refusal_is_minor_and_names_who_tried() -> None:
    refused = event(ours("refusal"))
    assert refused.indicator is Indicator.MINOR
    assert [(each.id, each.requestor) for each in refused.participants] == [
        ("p-devi", True),
        ("m-71263c27e84536f2", False),
    ]


def test_a_person_acts_under_a_pseudonym_in_a_role_and_the_machine_takes_the_word() -> None:
    approved = event(ours("approval"))
    person, machine = approved.participants
    assert (person.id, person.requestor, person.role) == ("p-sam", True, None)
    assert person.answers_as is not None
    assert person.answers_as.code == "clinical-safety"
    assert (machine.id, machine.requestor) == (ORIGIN, False)


@pytest.mark.parametrize("kind", sorted(LEAVES))
def test_the_first_participant_asked_for_it(kind: str) -> None:
    assert event(kind).participants[0].requestor


def test_the_same_leaf_has_the_same_id_and_no_other_has() -> None:
    again = {event_id(origin, index) for origin in (ORIGIN, "wardline/other") for index in range(100)}
    assert len(again) == 200
    assert str(event_id(ORIGIN, 17)) == "db2b2a93-fcf9-5ae8-acb1-3034dddf382b"


def test_what_a_newer_wardline_wrote_is_told_too() -> None:
    unknown = audit_event(leaf(f"{NAMESPACE}/prophecy/v9", {"wardline": context("m-1")}), origin=ORIGIN)
    assert unknown.kinds[-1].code == "statement"
    assert details(unknown)["predicate-type"] == [f"{NAMESPACE}/prophecy/v9"]


def test_a_code_of_ours_takes_no_text_from_the_body() -> None:
    body = predicates()[ours("deployment")] | {"phase": "<b>Anna Bell</b>"}
    assert audit_event(leaf(ours("deployment"), body), origin=ORIGIN).kinds[-1].code == "deployment"


def test_an_event_stays_small_however_large_its_leaf_is() -> None:
    reasons = [{"controls": [f"hipaa:164.{number}" + "é" * 400 for number in range(300)]}]
    body = {"wardline_decision": {"verdict": "deny", "reasons": reasons}, "wardline": context("m-1")}
    subjects = [(f"{number}" + "x" * 2000, str(number)) for number in range(200)]
    large = audit_event(leaf("https://slsa.dev/verification_summary/v1", body, subjects=subjects), origin=ORIGIN)
    told = large.objects[0].details
    assert sum(len(detail.value.encode()) for detail in told) <= MOST_DETAIL_BYTES + 64
    assert all(len(detail.value) <= LONGEST_TEXT for detail in told)
    assert int(details(large)["left-out"][0]) == 300 - len(details(large)["control"])
    assert details(large)["subjects"] == ["200"]
    assert len(large.objects) == 2 + MOST_SUBJECTS


def test_the_reference_names_every_code() -> None:
    page = REFERENCE.read_text()
    for kind in known_types():
        coding = CODINGS[kind]
        rows = [row for row in page.splitlines() if row.startswith("|") and f"`{coding.name}" in row]
        assert rows, coding.name
        for code in (coding.event, *coding.kinds):
            assert any(re.search(rf"\b{code.code}\b", row) for row in rows), (coding.name, code.code)

"""The catalogues that come along: complete, cited, and honest about what nobody has checked."""

import re
from collections import Counter
from pathlib import Path

import pytest

from wardline.controls.catalogue import Kind, Requirement, Status, called_for
from wardline.controls.library import load_library
from wardline.controls.mapping import Gap
from wardline.gates.policy_files import load_policies
from wardline.pipelines.keys import REGULATIONS

LIBRARY = load_library()
CITED = {  # how a citation is written, from the id of its row
    "hipaa": "45 CFR {}",
    "hipaa-nprm-2025": "90 FR 898, proposed 45 CFR 164.{}",
    "gdpr": "GDPR Art. {}",
    "nis2": "NIS2 Art. {}",
    "uk-gdpr": "UK GDPR Art. {}",
}
EVERY = [control for catalogue in LIBRARY.catalogues for control in catalogue.controls]


def rows(catalogue, *sections):
    return [c for c in LIBRARY.catalogue(catalogue).controls if not sections or c.section in sections]


def test_the_security_rule_is_there_row_by_row():
    found = rows(
        "hipaa",
        "security-general",
        "security-administrative",
        "security-physical",
        "security-technical",
        "security-organizational",
        "security-documents",
    )
    kinds = Counter(control.kind for control in found)
    assert len(found) == 80
    assert kinds == {Kind.GENERAL: 9, Kind.STANDARD: 22, Kind.SPEC: 48, Kind.CLAUSE: 1}


def test_the_matrix_of_appendix_a_comes_out():
    # 18 standards, 36 specifications, 14 of them required and 22 addressable; audit controls are no specification.
    found = rows("hipaa", "security-administrative", "security-physical", "security-technical")
    specs = Counter(control.requirement for control in found if control.kind is Kind.SPEC)
    assert sum(control.kind is Kind.STANDARD for control in found) == 18
    assert specs == {Requirement.REQUIRED: 14, Requirement.ADDRESSABLE: 22}
    assert LIBRARY.catalogue("hipaa").control("hipaa:164.312(b)").requirement is Requirement.REQUIRED


@pytest.mark.parametrize(
    ("section", "standards", "required", "addressable"),
    [
        ("security-administrative", 9, 10, 11),
        ("security-physical", 4, 2, 6),
        ("security-technical", 5, 2, 5),
        ("security-organizational", 2, 9, 0),
        ("security-documents", 2, 3, 0),
    ],
)
def test_each_section_has_its_standards_and_specifications(section, standards, required, addressable):
    found = rows("hipaa", section)
    specs = Counter(control.requirement for control in found if control.kind is Kind.SPEC)
    assert sum(control.kind is Kind.STANDARD for control in found) == standards
    assert (specs[Requirement.REQUIRED], specs[Requirement.ADDRESSABLE]) == (required, addressable)


@pytest.mark.parametrize(
    ("catalogue", "sections", "count"),
    [
        ("hipaa", (), 99),
        ("hipaa", ("breach",), 7),
        ("hipaa", ("privacy",), 12),
        ("gdpr", (), 32),
        ("hipaa-nprm-2025", (), 20),
        ("nis2", (), 15),
        ("uk-gdpr", (), 10),
    ],
)
def test_every_row_is_there(catalogue, sections, count):
    assert len(rows(catalogue, *sections)) == count


def test_only_hipaa_knows_what_is_addressable():
    assert {c.id.partition(":")[0] for c in EVERY if c.requirement is Requirement.ADDRESSABLE} == {"hipaa"}


@pytest.mark.parametrize("control", EVERY, ids=lambda control: control.id)
def test_a_citation_is_the_place_of_its_row(control):
    catalogue, _, place = control.id.partition(":")
    if control.id == "hipaa-nprm-2025:no-addressable":
        assert control.citation == "90 FR 898, proposed 45 CFR 164.306"
        return
    cited = re.sub(r",(?=\S)", ", ", place.removeprefix("art-"))
    assert control.citation == CITED[catalogue].format(cited) or control.id == "hipaa-nprm-2025:312(a)(2)"


def test_no_two_rows_have_one_id_or_one_paraphrase():
    assert max(Counter(control.id for control in EVERY).values()) == 1
    within = Counter((c.id.partition(":")[0], c.paraphrase) for c in EVERY)
    assert max(within.values()) == 1


def test_what_was_checked_says_against_which_text():
    checked = Counter(c.id.partition(":")[0] for c in EVERY if c.checked is not None)
    # Whoever checks more raises this, and the catalogue's version.
    assert checked == {"hipaa": 99, "gdpr": 29, "nis2": 15}
    assert {c.id for c in rows("gdpr") if c.checked is None} == {
        "gdpr:art-12-16,18,20,21",
        "gdpr:art-44-49",
        "gdpr:art-89",
    }


def test_the_proposal_is_no_law():
    proposal = LIBRARY.catalogue("hipaa-nprm-2025")
    assert proposal.advisory
    assert {control.status for control in proposal.controls} == {Status.PROPOSED}
    assert all(control.in_force.start is None for control in proposal.controls)
    assert proposal not in called_for(LIBRARY.catalogues, ["hipaa"])
    assert {c.id for c in LIBRARY.catalogues if c.status is Status.PROPOSED} == {"hipaa-nprm-2025"}


def test_a_service_is_asked_what_its_regulations_call_for():
    assert [c.id for c in called_for(LIBRARY.catalogues, ["gdpr", "nis2", "iso-27001"])] == ["gdpr", "nis2"]
    assert [c.id for c in called_for(LIBRARY.catalogues, ["hitech"])] == ["hipaa"]
    assert called_for(LIBRARY.catalogues, []) == ()


def test_every_regulation_that_a_catalogue_names_can_be_said_in_wardline_yaml():
    named = {word for catalogue in LIBRARY.catalogues for word in catalogue.regulations}
    assert named <= set(REGULATIONS)


def test_every_control_that_a_policy_names_is_in_a_catalogue_and_no_gap():
    for policy in load_policies():
        for control in policy.controls:
            LIBRARY.catalogue(control.partition(":")[0]).control(control)
            assert LIBRARY.mapped(control).answers, f"{policy.id} speaks to {control}, and nothing answers it"


def test_the_digest_is_of_all_that_a_catalogue_says():
    from dataclasses import replace

    one = LIBRARY.catalogue("gdpr")
    other = replace(one, controls=(replace(one.controls[0], title="Else"), *one.controls[1:]))
    assert one.digest == load_library().catalogue("gdpr").digest
    assert one.digest != other.digest


def test_the_reference_says_how_many_rows_were_checked():
    page = (Path(__file__).parents[3] / "docs" / "reference" / "controls.md").read_text()
    for catalogue in LIBRARY.catalogues:
        checked = sum(control.checked is not None for control in catalogue.controls)
        row = f"| `{catalogue.id}` | {catalogue.jurisdiction} | {len(catalogue.controls)} | {checked} |"
        assert row in page, row
    security = [control for control in rows("hipaa") if control.section.startswith("security")]
    mapped = [LIBRARY.mapped(control.id) for control in security]
    answered = sum(bool(row.answers) for row in mapped)
    people = sum(row.gap is Gap.ORGANISATIONAL for row in mapped)
    assert f"{answered} are answered by evidence in part" in page
    assert f"{people} are left to people for good; {len(mapped) - answered - people} wait" in page

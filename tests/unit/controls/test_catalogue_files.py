import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardline.controls.catalogue import Kind, Requirement, Status
from wardline.controls.catalogue_files import parse_catalogue
from wardline.errors import InvalidInput

GOOD = """
catalogue: ch-revdsg
version: 3
title: Federal Act on Data Protection
publisher: Swiss Confederation
jurisdiction: CH
source: https://www.fedlex.admin.ch/eli/cc/2022/491/en
status: in-force
advisory: false
regulations: [ch-revdsg]
crosswalk_checked: false
dates: From 1 September 2023.
readings:
  fedlex: {source: fedlex.admin.ch, edition: of 1 September 2023, read_on: 2026-01-02}
sections:
  - id: security
    title: Security
    citation: DSG Art. 8
    in_force: {from: 2023-09-01, to: null}
    checked: fedlex
    controls:
      - id: art-8
        kind: article
        requirement: required
        title: Security of data
        says: Measures fit the risk.
        citation: DSG Art. 8
        crosswalk: ["nist-800-53r5:RA-3(1)", "nist-csf-2.0:ID.RA-05", "iso-27001-2022:A.5.1", "soc2-tsc:CC6.1"]
      - id: 24.1
        kind: article
        requirement: addressable
        title: Telling the commissioner
        says: As soon as possible.
        citation: DSG Art. 24(1)
        in_force: {from: 2023-09-01, to: 2030-01-01}
        status: proposed
        checked: false
"""


def test_a_catalogue_file_is_read():
    found = parse_catalogue(GOOD, where="ch.yaml")
    assert (found.id, found.version, found.jurisdiction, found.status) == ("ch-revdsg", 3, "CH", Status.IN_FORCE)
    first, _ = found.controls
    assert (first.id, first.kind, first.section) == ("ch-revdsg:art-8", Kind.ARTICLE, "security")
    assert first.checked is not None
    assert str(first.checked.read_on) == "2026-01-02"
    assert len(first.crosswalk) == 4


def test_a_row_may_differ_from_its_section():
    second = parse_catalogue(GOOD, where="ch.yaml").controls[1]
    assert second.id == "ch-revdsg:24.1"  # a place in a law is no number
    assert (second.requirement, second.status, second.checked) == (Requirement.ADDRESSABLE, Status.PROPOSED, None)
    assert second.in_force.end is not None


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("catalogue: ch-revdsg", "catalogue: CH DSG", "ch.yaml:2: catalogue: expected a text like"),
        ("version: 3", "version: three", "version: expected a whole number, got 'three'"),
        ("jurisdiction: CH", "jurisdiction: Switzerland", "jurisdiction: expected a text like"),
        ("source: https", "source: http", "source: expected a text like"),
        ("status: in-force\n", "status: maybe\n", "status: expected one of in-force, proposed, got 'maybe'"),
        ("advisory: false", "advisory: perhaps", "advisory: expected true or false, got 'perhaps'"),
        ("dates: From", "date: From", "date: unknown key; expected one of advisory"),
        ("dates: From 1 September 2023.", "", "dates: expected a text, got nothing"),
        ("read_on: 2026-01-02", "read_on: soon", "readings.fedlex.read_on: expected a date"),
        ("read_on: 2026-01-02", "read_on: null", "readings.fedlex.read_on: expected a date"),
        ("checked: fedlex", "checked: somewhere", "sections[0].checked: expected false or one of the readings: fedlex"),
        ("checked: fedlex", "", "sections[0].checked: expected false or one of the readings"),
        ("from: 2023-09-01, to: null}", "to: null}", "sections[0].in_force.from: expected a date such as"),
        ("to: 2030-01-01", "to: 2020-01-01", "ends on 2020-01-01, before it begins on 2023-09-01"),
        ("kind: article\n", "kind: rule\n", "kind: expected one of general, standard, spec"),
        ("requirement: required", "requirement: R", "requirement: expected one of required, addressable, none"),
        ("id: 24.1", "id: art-8", "control ch-revdsg:art-8 stands there twice"),
        ("id: 24.1", "id: art 8", "controls[1].id: expected a text like"),
        ("nist-csf-2.0:ID.RA-05", "nist-csf-2.0:ID.XX-5", "crosswalk[1]: expected a text like"),
        ("iso-27001-2022:A.5.1", "iso-27001-2022:Policies for security", "crosswalk[2]: expected a text like"),
        ("title: Security of data", "title: ''", "controls[0].title: expected a text, got ''"),
        ("title: Security of data", "title: a\n        title: b", "title: stands there twice"),
        ("says: Measures fit the risk.", "says: [a]", "says: expected a text, got a list"),
    ],
)
def test_what_is_wrong_is_named(old, new, said):
    assert old in GOOD
    with pytest.raises(InvalidInput) as caught:
        parse_catalogue(GOOD.replace(old, new, 1), where="ch.yaml")
    assert any(said in problem for problem in caught.value.problems), caught.value.problems
    assert all(problem.startswith("ch.yaml") for problem in caught.value.problems)


def test_every_problem_is_told_at_once_with_its_line():
    with pytest.raises(InvalidInput) as caught:
        parse_catalogue("catalogue: X\ncolour: red\nsections: []\n", where="x.yaml")
    assert len(caught.value.problems) >= 10
    assert any(problem.startswith("x.yaml:2: colour:") for problem in caught.value.problems)


@pytest.mark.parametrize(
    "text",
    ["", "- 1", "a: [", "\x00", "a: !!python/object:os.system {}", "a: &x 1\nb: *x", "[" * 40 + "]" * 40, "x" * 2**21],
)
def test_what_is_no_catalogue_is_refused(text):
    with pytest.raises(InvalidInput, match=r"x\.yaml"):
        parse_catalogue(text, where="x.yaml")


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text):
    with pytest.raises(InvalidInput):
        parse_catalogue(text, where="x.yaml")


@given(st.integers(0, len(GOOD) - 1), st.sampled_from(['"', ":", "{", "\n", "-", "\t", "0", "é", "&a ", "*"]))
def test_a_catalogue_with_a_letter_changed_is_read_or_refused(at, letter):
    try:
        found = parse_catalogue(GOOD[:at] + letter + GOOD[at + 1 :], where="x.yaml")
    except InvalidInput:
        return
    assert found.controls

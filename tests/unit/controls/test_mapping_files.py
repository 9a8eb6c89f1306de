import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardline.controls.mapping import Condition, Gap, Reach, Relation
from wardline.controls.mapping_files import parse_mapping
from wardline.errors import InvalidInput
from wardline.predicates import NAMESPACE

TYPES = (f"{NAMESPACE}/scan/v1", "https://slsa.dev/provenance/v1")
GOOD = """
mapping: ch-revdsg
version: 1
scope: this release
evidence:
  scan: {type: scan/v1, where: {scanner.name: [bandit, other], counts.critical: 0, report: {present: true}}}
  built: {type: "https://slsa.dev/provenance/v1", reach: installation}
controls:
  - control: art-8
    answers:
      - {evidence: scan, relation: supports, scope: its code, rationale: somebody looked}
      - {evidence: built, relation: indicates, rationale: it is known}
    person: Look at the rest.
  - control: "24.1"
    not-built: incident records
    person: Attest it.
  - control: art-9
    organisational: contracts are signed
"""


def read(text: str):
    return parse_mapping(text, where="ch.yaml", known_types=TYPES)


def test_a_mapping_file_is_read():
    found = read(GOOD)
    first, second, third = found.rows
    assert (found.catalogue, first.control, second.control) == ("ch-revdsg", "ch-revdsg:art-8", "ch-revdsg:24.1")
    scan, built = first.answers
    assert (scan.relation, scan.scope, built.relation, built.scope) == (
        Relation.SUPPORTS,
        "its code",
        Relation.INDICATES,
        "this release",
    )
    assert scan.evidence.predicate_type == f"{NAMESPACE}/scan/v1"
    assert (scan.evidence.reach, built.evidence.reach) == (Reach.RUN, Reach.INSTALLATION)
    assert [(c.path, c.values) for c in scan.evidence.where] == [
        ("scanner.name", ("bandit", "other")),
        ("counts.critical", (0,)),
        ("report", ()),
    ]
    assert (second.gap, second.what, second.person) == (Gap.NOT_BUILT, "incident records", "Attest it.")
    assert (third.gap, third.person) == (Gap.ORGANISATIONAL, "Attest that contracts are signed.")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("type: scan/v1", "type: phi-scan/v1", "evidence.scan.type: nothing produces"),
        ("type: scan/v1", "type: scan/v2", "known: https://slsa.dev/provenance/v1, scan/v1"),
        ("evidence: built", "evidence: guessed", "answers[1].evidence: expected one of scan, built, got 'guessed'"),
        ("relation: supports", "relation: proves", "relation: expected one of satisfies, supports, indicates"),
        ("rationale: somebody looked", "because: x", "because: unknown key"),
        ("rationale: somebody looked", "scopes: x", "rationale: expected a text, got nothing"),
        ("    person: Look at the rest.\n", "", "person: expected what stays for a person"),
        ("    person: Attest it.\n", "", "person: expected what stays for a person"),
        ("organisational: contracts are signed", "person: x", "expected one of answers, organisational and not-built"),
        (
            "organisational: contracts",
            "not-built: x\n    organisational: contracts",
            "got organisational and not-built",
        ),
        (
            "organisational: contracts are signed",
            "organisational: contracts\n    answers: [{evidence: scan, relation: satisfies, rationale: x}]",
            "got answers and organisational",
        ),
        ("organisational: contracts", "person: x\n    organisational: contracts", "says under that name"),
        ("control: art-9", "control: art-8", "ch-revdsg:art-8 is mapped twice"),
        ("reach: installation", "reach: world", "reach: expected one of run, installation"),
        ("{present: true}", "{present: false}", "present: expected true"),
        ("scanner.name:", "scanner..name:", "expected a path such as"),
        ("[bandit, other]", "[]", "where.scanner.name: expected a list of at least 1"),
    ],
)
def test_what_is_wrong_is_named(old, new, said):
    assert old in GOOD
    with pytest.raises(InvalidInput) as caught:
        read(GOOD.replace(old, new, 1))
    assert any(said in problem for problem in caught.value.problems), caught.value.problems


@pytest.mark.parametrize("text", ["", "- 1", "mapping: [", "mapping: x\nmapping: x\n"])
def test_what_is_no_mapping_is_refused(text):
    with pytest.raises(InvalidInput):
        read(text)


@given(st.integers(0, len(GOOD) - 1), st.sampled_from(['"', ":", "{", "\n", "-", "\t", "0", "é", "*"]))
def test_a_mapping_with_a_letter_changed_is_read_or_refused(at, letter):
    try:
        found = read(GOOD[:at] + letter + GOOD[at + 1 :])
    except InvalidInput:
        return
    assert found.rows


@pytest.mark.parametrize(
    ("path", "values", "body", "holds"),
    [
        ("a", ("x",), {"a": "x"}, True),
        ("a", ("x",), {"a": "y"}, False),
        ("a", ("x", "y"), {"a": "y"}, True),
        ("a.b", (1,), {"a": [{"b": 2}, {"b": 1}]}, True),
        ("a", ("x",), {"a": ["y", "x"]}, True),
        ("a", (True,), {"a": 1}, False),
        ("a", (1,), {"a": True}, False),
        ("a", ("1",), {"a": 1}, False),
        ("a.b", ("x",), {"a": "x"}, False),
        ("a", (), {"a": 0}, True),
        ("a", (), {"a": None}, False),
        ("a", (), {"a": []}, False),
        ("a", (), {}, False),
        ("a.b", (), {"a": [{"b": None}, {}]}, False),
    ],
)
def test_a_condition_holds_of_what_it_says_and_nothing_else(path, values, body, holds):
    assert Condition(path=path, values=values).holds(body) is holds

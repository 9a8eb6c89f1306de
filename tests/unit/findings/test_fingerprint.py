"""Ids of findings: stable while lines move, different for different findings, silent about the source."""

from hypothesis import given
from hypothesis import strategies as st

from wardline.findings.finding import Finding, Severity
from wardline.findings.fingerprint import Sighting, identify


def sighting(line, text="hashlib.sha1(x)", rule="B324", path="app.py"):
    finding = Finding(
        id="", check="bandit", rule=rule, severity=Severity.HIGH, path=path, line=line, message="Weak hash."
    )
    return Sighting(finding=finding, text=text)


def ids(*sightings):
    return [finding.id for finding in identify(sightings)]


def test_an_id_is_f_and_twelve_hex_digits():
    (found,) = ids(sighting(1))
    assert found[:2] == "F-"
    assert len(found) == 14
    assert set(found[2:]) <= set("0123456789abcdef")


@given(st.integers(1, 10_000), st.integers(0, 20))
def test_a_moved_or_indented_line_keeps_its_id(line, indent):
    assert ids(sighting(line, " " * indent + "hashlib.sha1( x )")) == ids(sighting(1))


def test_another_rule_path_or_line_of_code_is_another_finding():
    assert len(set(ids(sighting(1)) + ids(sighting(1, rule="B303")) + ids(sighting(1, path="b.py")))) == 3
    assert ids(sighting(1, "hashlib.sha1(y)")) != ids(sighting(1))


def test_the_same_line_twice_is_two_findings_with_ids_that_stay():
    first, second = ids(sighting(1), sighting(9))
    assert first != second
    assert ids(sighting(3), sighting(20), sighting(40))[:2] == [first, second]


def test_order_of_arrival_does_not_matter():
    assert ids(sighting(1), sighting(9), sighting(5, rule="B1")) == ids(
        sighting(5, rule="B1"), sighting(9), sighting(1)
    )


def test_a_literal_never_enters_the_hash():
    one, other = ids(sighting(1, 'password = "hunter2"')), ids(sighting(1, 'password = "tr0ub4dor\\"&3"'))
    assert one == other
    assert ids(sighting(1, "password = 'hunter2'")) == one

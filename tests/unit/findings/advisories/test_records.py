import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes.advisories import record

from wardline.errors import InvalidInput
from wardline.findings.advisories.advisory import parse_advisory
from wardline.findings.advisories.severity import base_score, of_score, stated_severity
from wardline.findings.finding import Severity


def test_a_record_is_read():
    found = parse_advisory(record(aliases=["CVE-2020-28493"], withdrawn=None), where="x")
    assert (found.id, found.aliases, found.withdrawn) == ("PYSEC-2021-66", ("CVE-2020-28493",), False)
    assert found.affected[0].ranges[0].events[1].version == "2.11.3"


def test_a_release_of_a_distribution_is_its_ecosystem():
    assert parse_advisory(record(ecosystem="Debian:12"), where="x").affected[0].ecosystem == "Debian"


def changed(**changes):
    return record() | changes


def within(change):
    found = copy.deepcopy(record())
    change(found["affected"][0])
    return found


@pytest.mark.parametrize(
    "document",
    [
        None, [], {}, {"id": "X-1"}, changed(id="../../etc"), changed(id=7), changed(modified="yesterday"),
        changed(modified="2024-10-10T17:22:00"), changed(withdrawn="no"), changed(aliases="CVE-1"),
        changed(aliases=[3]), changed(affected={}), changed(affected=["x"]),
        within(lambda a: a.update(package="jinja2")), within(lambda a: a.update(versions=[1])),
        within(lambda a: a["ranges"][0].update(type="VERSIONS")), within(lambda a: a["ranges"][0].update(events=[])),
        within(lambda a: a["ranges"][0]["events"].append({"mended": "3"})),
        within(lambda a: a["ranges"][0]["events"].append({"fixed": "3", "introduced": "1"})),
        within(lambda a: a["ranges"][0]["events"].append({"fixed": ""})),
        within(lambda a: a["ranges"][0].update(events=[{"fixed": "1"}])),
    ],
)  # fmt: skip
def test_a_record_that_cannot_be_understood_is_refused_and_named(document):
    with pytest.raises(InvalidInput, match=r"^a/b\.json"):
        parse_advisory(document, where="a/b.json")


json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)
)


@given(st.sampled_from(["id", "modified", "withdrawn", "aliases", "affected", "severity", "database_specific"]), json)
def test_whatever_stands_in_a_member_it_is_read_or_refused(member, value):
    try:
        parse_advisory(record() | {member: value}, where="x")
    except InvalidInput:
        return


# Scores as the FIRST calculator and the records of NVD have them.
@pytest.mark.parametrize(
    ("vector", "score"),
    [
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", 9.8),
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H", 10.0),
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N", 6.1),
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:L", 5.3),
        ("CVSS:3.0/AV:L/AC:L/PR:L/UI:N/S:U/C:H/I:H/A:H", 7.8),
        ("CVSS:3.1/AV:N/AC:H/PR:N/UI:N/S:U/C:H/I:N/A:N", 5.9),
        ("CVSS:3.1/AV:P/AC:H/PR:H/UI:R/S:U/C:L/I:N/A:N", 1.6),
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:N", 0.0),
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H", None),
        ("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N", None),
        ("7.5", None),
    ],
)
def test_the_base_score_is_that_of_cvss_3(vector, score):
    assert base_score(vector) == score


def test_ratings_are_those_of_cvss():
    assert [of_score(n) for n in (10.0, 9.0, 8.9, 7.0, 6.9, 4.0, 3.9, 0.1, 0.0)] == [
        Severity.CRITICAL, Severity.CRITICAL, Severity.HIGH, Severity.HIGH, Severity.MEDIUM, Severity.MEDIUM,
        Severity.LOW, Severity.LOW, Severity.NOTE,
    ]  # fmt: skip


def test_of_what_a_record_states_the_worst_counts():
    vector = {"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:L"}
    assert stated_severity(record(severity=[vector])) is Severity.MEDIUM
    assert stated_severity(record(severity=[vector], database_specific={"severity": "HIGH"})) is Severity.HIGH
    assert stated_severity(record(database_specific={"severity": "MODERATE"})) is Severity.MEDIUM
    assert stated_severity(record()) is None

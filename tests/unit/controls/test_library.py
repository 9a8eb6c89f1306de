"""Catalogues and mappings held together; an organisation's own country is two files and no code."""

import pytest

from wardline.controls.library import Written, load_library
from wardline.errors import InvalidInput, NotFound


def catalogue(name="ch-revdsg", rows=("art-8", "art-24")):
    head = f"""
catalogue: {name}
version: 1
title: Federal Act on Data Protection
publisher: Swiss Confederation
jurisdiction: CH
source: https://www.fedlex.admin.ch/eli/cc/2022/491/en
status: in-force
advisory: false
regulations: [gdpr]
crosswalk_checked: false
dates: From 1 September 2023.
readings: {{}}
sections:
  - id: security
    title: Security
    citation: DSG
    in_force: {{from: 2023-09-01, to: null}}
    checked: false
    controls:
"""
    body = "".join(
        f"      - {{id: {row}, kind: article, requirement: required, title: T, says: S {row}, citation: DSG {row}}}\n"
        for row in rows
    )
    return Written(where=f"{name}.yaml", text=head + body)


def mapping(name="ch-revdsg", rows=("art-8", "art-24")):
    head = f"mapping: {name}\nversion: 1\nscope: this release\nevidence: {{}}\ncontrols:\n"
    body = "".join(f"  - {{control: {row}, not-built: it, person: Attest it.}}\n" for row in rows)
    return Written(where=f"{name}.map.yaml", text=head + body)


def test_a_country_is_two_files_and_no_code():
    library = load_library([catalogue()], [mapping()])
    assert "ch-revdsg" in [each.id for each in library.catalogues]
    assert library.mapped("ch-revdsg:art-8").what == "it"


@pytest.mark.parametrize(
    ("catalogues", "mappings", "said"),
    [
        ([catalogue()], [], "catalogue ch-revdsg: it has no mapping"),
        ([], [mapping()], "mapping ch-revdsg: there is no such catalogue"),
        ([catalogue()], [mapping(rows=("art-8",))], "ch-revdsg:art-24 has no row"),
        ([catalogue(rows=("art-8",))], [mapping()], "mapping ch-revdsg: no control ch-revdsg:art-24"),
        ([catalogue(), catalogue()], [mapping()], "catalogue ch-revdsg: there are two"),
        ([catalogue()], [mapping(), mapping()], "mapping ch-revdsg: there are two"),
        ([catalogue(name="hipaa")], [], "catalogue hipaa: there are two"),
        ([], [mapping(name="gdpr")], "mapping gdpr: there are two"),
    ],
)
def test_what_does_not_go_together_is_named(catalogues, mappings, said):
    with pytest.raises(InvalidInput) as caught:
        load_library(catalogues, mappings)
    assert any(said in problem for problem in caught.value.problems), caught.value.problems


def test_the_problems_of_all_files_are_told_at_once():
    broken = [Written(where="a.yaml", text="catalogue: [x"), Written(where="b.yaml", text="colour: red")]
    with pytest.raises(InvalidInput) as caught:
        load_library(broken, broken)
    assert {problem.partition(":")[0] for problem in caught.value.problems} == {"a.yaml", "b.yaml"}


def test_what_is_not_there_is_said_with_what_is():
    library = load_library()
    with pytest.raises(NotFound, match="known: gdpr, hipaa"):
        library.catalogue("ccpa")
    with pytest.raises(NotFound, match="no catalogue has the control"):
        library.mapped("hipaa:164.999")
    with pytest.raises(NotFound, match="catalogue gdpr has no control"):
        library.catalogue("gdpr").control("gdpr:art-99")

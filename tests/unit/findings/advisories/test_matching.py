import pytest
from tests.fakes.advisories import bom, components, mirror, record

from wardline.errors import InvalidInput
from wardline.findings.advisories.components import component_of, read_components
from wardline.findings.advisories.matching import match
from wardline.findings.advisories.vex import read_vex
from wardline.findings.finding import Severity

JINJA = "pkg:pypi/jinja2@2.4.1"


def spdx(*purls):
    refs = [[{"referenceType": "purl", "referenceLocator": purl}] for purl in purls]
    packages = [{"name": purl, "externalRefs": ref} for purl, ref in zip(purls, refs, strict=True)]
    return {"spdxVersion": "SPDX-2.3", "packages": packages}


@pytest.mark.parametrize("make", [bom, spdx])
def test_an_affected_component_is_found_under_any_spelling_of_its_name(make):
    found = match(read_components(make("pkg:pypi/Jinja2@2.4.1", "pkg:pypi/flask@3.0")), mirror(record()))
    assert [v.finding.rule for v in found.open] == ["PYSEC-2021-66"]
    assert found.open[0].fixed == ("2.11.3",)
    assert (found.compared, found.unknown) == (2, ())


def test_a_mended_version_is_clean():
    assert match(components("pkg:pypi/jinja2@2.11.3"), mirror(record())).open == ()


def test_one_vulnerability_of_three_databases_is_one_finding_rated_by_who_rates_it():
    found = match(
        components(JINJA),
        mirror(
            record(aliases=["CVE-2020-28493", "GHSA-g3rq-g295-4j3m"]),
            record("GHSA-g3rq-g295-4j3m", aliases=["CVE-2020-28493"], database_specific={"severity": "MODERATE"}),
            record("OSV-2020-1", aliases=["GHSA-g3rq-g295-4j3m"]),
        ),
    ).open
    assert [v.ids[0] for v in found] == ["CVE-2020-28493"]
    assert found[0].finding.severity is Severity.MEDIUM
    assert "PYSEC-2021-66" in found[0].ids


def test_names_that_meet_only_through_a_third_are_one():
    found = match(components(JINJA), mirror(record("A-1", aliases=["C-1"]), record("B-1", aliases=["C-2"]),
                                            record("D-1", aliases=["C-1", "C-2"]))).open  # fmt: skip
    assert len(found) == 1


def test_an_unrated_vulnerability_counts_as_high_and_says_so():
    finding = match(components(JINJA), mirror(record())).open[0].finding
    assert finding.severity is Severity.HIGH
    assert "no severity is stated" in finding.message


def test_what_was_withdrawn_is_no_finding():
    assert match(components(JINJA), mirror(record(withdrawn="2024-01-01T00:00:00Z"))).open == ()


def test_the_id_of_a_finding_outlives_an_update_that_mends_nothing():
    ids = {match(components(f"pkg:pypi/jinja2@{v}"), mirror(record())).open[0].finding.id for v in ("2.4", "2.11.2")}
    assert len(ids) == 1


@pytest.mark.parametrize(
    ("purl", "code"),
    [
        ("pkg:npm/left-pad@1.0.0", "ecosystem-not-mirrored"),
        ("pkg:deb/debian/bash@5.2-1?distro=debian-12", "ecosystem-not-comparable"),
        ("pkg:pypi/jinja2@unknown", "version-not-comparable"),
    ],
)
def test_what_nobody_can_compare_is_said_and_never_clean(purl, code):
    found = match(components(purl, "pkg:pypi/flask@3.0"), mirror(record()))
    assert [why for _, why in found.unknown] == [code]
    assert found.compared == 1


def test_a_package_without_purl_is_said_and_a_file_is_no_package():
    document = bom("pkg:pypi/flask@3.0")
    document["components"] += [{"type": "library", "name": "vendored"}, {"type": "file", "name": "/bin/sh"}]
    assert match(read_components(document), mirror(record())).unknown == (("vendored", "without-purl"),)


def test_a_component_inside_another_is_looked_at():
    document = bom("pkg:pypi/flask@3.0")
    document["components"][0]["components"] = bom(JINJA)["components"]
    assert len(match(read_components(document), mirror(record())).open) == 1


@pytest.mark.parametrize(
    "document",
    [{}, [], {"bomFormat": "CycloneDX"}, bom(), bom("not-a-purl"), bom("pkg:pypi/x"), {"spdxVersion": "SPDX-2.3"},
     {"spdxVersion": "SPDX-2.3", "packages": []}, bom("pkg:pypi/x@1") | {"components": ["x"]}],
)  # fmt: skip
def test_an_sbom_that_lists_nothing_or_is_none_is_refused(document):
    with pytest.raises(InvalidInput, match="SBOM"):
        read_components(document)


def test_purls_are_read_as_their_ecosystem_names_packages():
    def named(purl):
        return component_of(purl, "x").ecosystem, component_of(purl, "x").name, component_of(purl, "x").version

    assert named("pkg:npm/%40angular/core@17.0.0") == ("npm", "@angular/core", "17.0.0")
    assert named("pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1?type=jar") == (
        "Maven", "org.apache.logging.log4j:log4j-core", "2.14.1",
    )  # fmt: skip
    assert named("pkg:golang/golang.org/x/net@v0.1.0#html") == ("Go", "golang.org/x/net", "v0.1.0")


def openvex(status="not_affected", *, products=(JINJA,), at="2024-11-01T00:00:00Z", **more):
    reason = {"justification": "vulnerable_code_not_in_execute_path"} if status == "not_affected" else {}
    said = {"vulnerability": {"name": "CVE-2020-28493"}, "products": [{"@id": p} for p in products], "status": status}
    head = {"@context": "https://openvex.dev/ns/v0.2.0", "author": "supplier", "timestamp": at}
    return head | {"statements": [said | reason | more]}


KNOWN = mirror(record(aliases=["CVE-2020-28493"]))


def csaf(label="vulnerable_code_not_present"):
    """After the CSAF 2.0 VEX use cases: a component, the product it is part of, and the two together."""

    def product(name, purl):
        return {"name": name, "product_id": name, "product_identification_helper": {"purl": purl}}

    return {
        "document": {"category": "csaf_vex", "publisher": {"name": "supplier"},
                     "tracking": {"current_release_date": "2024-11-01T00:00:00Z"}},
        "product_tree": {
            "branches": [{"branches": [{"product": product("APP", "pkg:pypi/app@1.0")}]}],
            "full_product_names": [product("JINJA", JINJA)],
            "relationships": [{"category": "default_component_of", "product_reference": "JINJA",
                               "relates_to_product_reference": "APP",
                               "full_product_name": {"product_id": "APP:JINJA"}}],
        },
        "vulnerabilities": [{"cve": "CVE-2020-28493", "product_status": {"known_not_affected": ["APP:JINJA"]},
                             "flags": [{"label": label, "product_ids": ["APP:JINJA"]}]}],
    }  # fmt: skip


@pytest.mark.parametrize("product", [JINJA, "pkg:pypi/jinja2"])
def test_a_justified_word_of_the_supplier_clears_a_finding_and_is_kept(product):
    found = match(components(JINJA), KNOWN, [read_vex(openvex(products=(product,)))])
    assert found.open == ()
    assert found.not_affected[0].to_json()["said"]["justification"] == "vulnerable_code_not_in_execute_path"


def test_csaf_speaks_of_a_component_of_the_product_only():
    inside = read_components(bom(JINJA) | {"metadata": {"component": {"name": "app", "purl": "pkg:pypi/app@1.0"}}})
    assert match(inside, KNOWN, [read_vex(csaf())]).open == ()
    assert len(match(components(JINJA), KNOWN, [read_vex(csaf())]).open) == 1


@pytest.mark.parametrize(
    "document",
    [
        openvex("affected"), openvex("under_investigation"), openvex("fixed"),
        openvex(justification=None, impact_statement="we looked"), openvex(products=("pkg:pypi/jinja2@2.4.2",)),
        openvex(products=("pkg:pypi/jinja2-time",)), openvex(vulnerability={"name": "CVE-2020-1"}),
        openvex(products=({"@id": JINJA}["@id"],), subcomponents=[]) | {"statements": [
            {"vulnerability": "CVE-2020-28493", "status": "not_affected", "justification": "component_not_present",
             "products": [{"@id": "pkg:pypi/app@1.0", "subcomponents": [{"@id": "pkg:pypi/other@1"}]}]}]},
    ],
)  # fmt: skip
def test_any_other_word_clears_nothing(document):
    assert len(match(components(JINJA), KNOWN, [read_vex(document)]).open) == 1


def test_the_latest_word_counts():
    clears, takes_back = openvex(), openvex("affected", at="2024-12-01T00:00:00Z")
    assert len(match(components(JINJA), KNOWN, [read_vex(takes_back), read_vex(clears)]).open) == 1


@pytest.mark.parametrize(
    "document",
    [{}, openvex(justification="trust-us"), openvex(justification=None), openvex("solved"), openvex(products=(3,)),
     openvex(timestamp="soon"), openvex() | {"statements": []}, csaf("trust-us"), csaf() | {"product_tree": {}},
     csaf() | {"document": {}}, csaf() | {"vulnerabilities": []}],
)  # fmt: skip
def test_a_vex_document_that_cannot_be_understood_is_refused(document):
    with pytest.raises(InvalidInput, match="VEX"):
        read_vex(document)

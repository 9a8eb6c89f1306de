"""OSCAL documents of made-up coverage: honest states, references that lead somewhere, names that stay."""

import json
import re
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from covered import ID, LATER, NOW, RUN, answer, control, coverage, kind, library, said
from hypothesis import given
from hypothesis import strategies as st

from wardline.adapters.interop.oscal.documents import documents, files
from wardline.adapters.interop.oscal.folder import write_folder
from wardline.adapters.interop.oscal.names import Document, Names, control_token
from wardline.adapters.interop.oscal.references import check_references
from wardline.canonical import JSON, JSONObject
from wardline.controls.assessed import Assessed, Leaf, OwedReview
from wardline.controls.catalogue import Requirement
from wardline.controls.coverage import State
from wardline.controls.library import Library, load_library
from wardline.controls.mapping import Gap, Relation
from wardline.controls.said import Accepted, Attested, Claim, Said
from wardline.errors import Conflict, IntegrityViolation, InvalidInput, Unavailable
from wardline.evidence.log import Evidence
from wardline.ids import EnvironmentName, PrincipalId
from wardline.outcomes import Outcome

TOKEN = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
SCANNED: JSONObject = {"findings": [{"id": "F-1"}]}
WAIVED = Said(accepted=(Accepted(index=9, finding="F-1", environment=None, until=LATER),))
ATTESTED = Said(attested=(Attested(index=8, control=ID, claim=Claim.IN_PLACE, by=PrincipalId("p-cleo"), until=LATER),))


def assessed(books: Library, *evidence: Evidence, words: Said | None = None) -> Assessed:
    found = coverage(books, *evidence, words=words)
    by_index = {item.index: item for item in evidence}
    named = {index for _, rows in found.catalogues for row in rows for index in row.indices}
    return Assessed(
        origin="wardline/0123",
        run=RUN,
        service="tiny",
        environment=None,
        began_at=NOW,
        changed_at=NOW + timedelta(microseconds=64000),
        coverage=found,
        library=books,
        leaves={index: leaf(by_index.get(index) or said(index)) for index in named},
        made_by="1.0",
    )


def leaf(item: Evidence) -> Leaf:
    return Leaf(
        index=item.index,
        predicate_type=item.statement.predicate_type,
        outcome=item.statement.context.outcome,
        recorded_at=NOW,
        leaf_hash="00" * 32,
        content=item.envelope.encode(),
    )


def of_root(made: tuple[Document, ...], root: str) -> JSONObject:
    (found,) = (document.content for document in made if document.root == root)
    return found


def result(about: Assessed) -> JSONObject:
    (found,) = of_root(documents(about), "assessment-results")["results"]
    assert isinstance(found, dict)
    return found


def in_state(state: State) -> Assessed:
    supports, satisfies = library(control(), answer()), library(control(), answer(Relation.SATISFIES))
    match state:
        case State.EVIDENCED:
            return assessed(satisfies, said(1))
        case State.SUPPORTED:
            return assessed(supports, said(1))
        case State.ATTESTATION:
            return assessed(library(control(), gap=Gap.ORGANISATIONAL))
        case State.WAIVED:
            return assessed(satisfies, said(1, body=SCANNED), words=WAIVED)
        case State.MISSING:
            return assessed(supports, said(1, outcome=Outcome.FAILED))
        case State.NOT_APPLICABLE:
            words = replace(ATTESTED.attested[0], claim=Claim.NOT_APPLICABLE)
            return assessed(supports, said(1), words=Said(attested=(words,)))


@pytest.mark.parametrize("state", State)
def test_only_what_is_evidenced_is_satisfied(state: State) -> None:
    about = in_state(state)
    ((_, (row,)),) = about.coverage.catalogues
    assert row.state is state
    found = result(about)
    (observation,) = found["observations"]
    assert state.value in observation["title"]
    if state is State.NOT_APPLICABLE:
        assert "findings" not in found
        return
    (finding,) = found["findings"]
    status = finding["target"]["status"]
    assert (status["state"] == "satisfied") is (state is State.EVIDENCED)
    assert status["remarks"] == state.value


@pytest.mark.parametrize("state", State)
def test_trestle_accepts_every_document_and_reads_it_equal(state: State, tmp_path: Path) -> None:
    from trestle.oscal.assessment_plan import AssessmentPlan
    from trestle.oscal.assessment_results import AssessmentResults
    from trestle.oscal.catalog import Catalog
    from trestle.oscal.component import ComponentDefinition
    from trestle.oscal.poam import PlanOfActionAndMilestones

    models = (Catalog, ComponentDefinition, AssessmentPlan, AssessmentResults, PlanOfActionAndMilestones)
    made = files(in_state(state))
    write_folder(tmp_path / "oscal", made)
    read = 0
    for name, content in made.items():
        root = next(iter(json.loads(content)))
        for model in models:
            if re.sub(r"(?<=[a-z])(?=[A-Z])", "-", model.__name__).lower() == root:
                again = model.oscal_read(tmp_path / "oscal" / name)
                again.oscal_write(tmp_path / "again.json")
                assert json.loads((tmp_path / "again.json").read_bytes()) == json.loads(content)
                assert model.oscal_read(tmp_path / "again.json") == again
                read += 1
    assert read == (5 if state in {State.MISSING, State.WAIVED} else 4)


def test_a_review_that_is_owed_is_an_item_though_nothing_else_is_open(tmp_path: Path) -> None:
    from trestle.oscal.poam import PlanOfActionAndMilestones

    sound = in_state(State.EVIDENCED)
    assert "plan-of-action-and-milestones" not in {document.root for document in documents(sound)}
    review = OwedReview(
        decision=41,
        deployment=42,
        environment=EnvironmentName("production"),
        opened_at=NOW,
        due=NOW + timedelta(days=1),
    )
    made = documents(replace(sound, owed=(review, replace(review, decision=51, deployment=52, due=None))))
    check_references(made, ["evidence/1.json"])
    milestones = of_root(made, "plan-of-action-and-milestones")
    alone, together = milestones["poam-items"]
    assert {"name": "decision", "ns": alone["props"][0]["ns"], "value": "41"} in alone["props"]
    assert [each["name"] for each in alone["props"]] == ["decision", "deployment", "since", "due"]
    assert [each["name"] for each in together["props"]] == ["decision", "deployment", "since"]
    (tmp_path / "plan.json").write_text(json.dumps({"plan-of-action-and-milestones": milestones}))
    assert PlanOfActionAndMilestones.oscal_read(tmp_path / "plan.json") is not None


def test_a_waiver_is_a_risk_accepted_until_it_ends_and_meets_nothing() -> None:
    about = in_state(State.WAIVED)
    milestones = of_root(documents(about), "plan-of-action-and-milestones")
    (risk,) = milestones["risks"]
    assert (risk["status"], risk["deadline"]) == ("deviation-approved", "2026-12-25T09:00:00+00:00")
    assert "accepted until 2026-12-25" in risk["title"]
    (finding,) = milestones["findings"]
    assert finding["target"]["status"]["state"] == "not-satisfied"


def test_nothing_open_makes_no_plan_of_action() -> None:
    assert not [each for each in documents(in_state(State.EVIDENCED)) if each.root.startswith("plan-of-action")]


def test_who_attested_appears_by_pseudonym_alone() -> None:
    made = documents(assessed(library(control(), gap=Gap.ORGANISATIONAL), words=ATTESTED))
    parties = of_root(made, "assessment-results")["metadata"]["parties"]
    assert [each["name"] for each in parties] == ["wardline/0123", "p-cleo"]


def test_an_advisory_law_opens_nothing() -> None:
    books = library(control(), answer(), advisory=True)
    assert not [each for each in documents(assessed(books)) if each.root.startswith("plan-of-action")]


def test_residual_duty_stands_beside_what_evidence_answers() -> None:
    components = of_root(documents(in_state(State.SUPPORTED)), "component-definition")["components"]
    _, check = components
    (implementation,) = check["control-implementations"]
    assert implementation["source"] == "catalog-law.json"
    (requirement,) = implementation["implemented-requirements"]
    assert requirement["remarks"] == "Left to a person: Look at the rest."
    assert "supports" in requirement["description"]


def leaves_of(value: JSON, name: str) -> Iterator[JSON]:
    if isinstance(value, dict):
        for key, held in value.items():
            if key == name:
                yield held
            yield from leaves_of(held, name)
    if isinstance(value, list):
        for each in value:
            yield from leaves_of(each, name)


@pytest.mark.parametrize(
    ("root", "member"),
    [
        ("assessment-results", "back-matter"),
        ("assessment-plan", "back-matter"),
        ("assessment-plan", "local-definitions"),
        ("plan-of-action-and-milestones", "local-definitions"),
        ("plan-of-action-and-milestones", "observations"),
        ("plan-of-action-and-milestones", "risks"),
        ("catalog", "groups"),
    ],
)
def test_a_reference_that_leads_nowhere_is_found(root: str, member: str) -> None:
    about = in_state(State.WAIVED)
    made = documents(about)
    broken = tuple(
        replace(each, content={name: held for name, held in each.content.items() if name != member})
        if each.root == root
        else each
        for each in made
    )
    assert broken != made
    with pytest.raises(IntegrityViolation, match="leads nowhere"):
        check_references(broken, [f"evidence/{index}.json" for index in about.leaves])


def test_a_leaf_or_a_document_that_is_not_beside_is_found() -> None:
    about = in_state(State.SUPPORTED)
    made = documents(about)
    with pytest.raises(IntegrityViolation, match=r"evidence/1.json leads nowhere"):
        check_references(made, [])
    with pytest.raises(IntegrityViolation, match=r"assessment-plan.json leads nowhere"):
        check_references([each for each in made if each.root != "assessment-plan"], ["evidence/1.json"])


def test_what_is_defined_twice_is_found() -> None:
    (catalog, *_) = documents(in_state(State.SUPPORTED))
    twice = replace(catalog, content=catalog.content | {"groups": catalog.content["groups"] * 2})
    with pytest.raises(IntegrityViolation, match="defined 2 times"):
        check_references([twice], [])


def test_every_control_that_comes_along_has_an_id_of_its_own_in_oscal() -> None:
    for catalogue in load_library().catalogues:
        tokens = [control_token(each.id) for each in catalogue.controls]
        assert len(set(tokens)) == len(tokens)
        assert all(TOKEN.fullmatch(token) for token in tokens)
    assert control_token("hipaa:164.308(a)(1)(ii)(A)") == "hipaa_164.308_a_1_ii_A"


def test_controls_that_oscal_cannot_tell_apart_are_refused() -> None:
    one, other = control(id="law:a(b)"), control(id="law:a/b")
    books = library(one)
    (law,), (mapping,) = books.catalogues, books.mappings
    rows = (*mapping.rows, replace(mapping.rows[0], control=other.id))
    both = Library(catalogues=(replace(law, controls=(one, other)),), mappings=(replace(mapping, rows=rows),))
    with pytest.raises(InvalidInput, match=r"cannot tell law:a\(b\) from law:a/b"):
        documents(assessed(both))


PARTS = st.lists(st.text(max_size=8), min_size=1, max_size=4)


@given(PARTS, PARTS, st.sampled_from(["a", "b"]), st.sampled_from(["a", "b"]))
def test_a_name_is_that_of_one_thing_in_one_log(one: list[str], other: list[str], log: str, elsewhere: str) -> None:
    named, again = Names(log).uuid(*one), Names(elsewhere).uuid(*other)
    assert (named == again) is ((log, one) == (elsewhere, other))
    assert UUID(named).version == 5


def test_another_content_has_another_uuid_and_the_same_has_the_same() -> None:
    one, same = (documents(in_state(State.SUPPORTED)) for _ in range(2))
    assert one == same
    later = documents(replace(in_state(State.SUPPORTED), changed_at=LATER))
    assert not {each.content["uuid"] for each in one} & {each.content["uuid"] for each in later}


def test_trestle_that_is_not_there_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "trestle.oscal.catalog", None)
    with pytest.raises(Unavailable) as refused:
        files(in_state(State.SUPPORTED))
    assert "pip install 'wardline[oscal]'" in str(refused.value.remedy)


def test_what_trestle_does_not_accept_is_not_written() -> None:
    from wardline.adapters.interop.oscal.trestle import written

    (catalog, *_) = documents(in_state(State.SUPPORTED))
    metadata = {name: held for name, held in catalog.content["metadata"].items() if name != "title"}
    with pytest.raises(IntegrityViolation, match=r"catalog-law.json metadata.title: trestle does not accept it"):
        written(replace(catalog, content=catalog.content | {"metadata": metadata}))
    moved = catalog.content["metadata"] | {"last-modified": "2026-11-25T10:00:00+01:00"}
    with pytest.raises(IntegrityViolation, match="something else than was said"):
        written(replace(catalog, content=catalog.content | {"metadata": moved}))


def test_a_folder_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    write_folder(tmp_path / "out", {"a.json": b"{}", "evidence/1.json": b"{}"})
    assert (tmp_path / "out" / "evidence" / "1.json").stat().st_mode & 0o777 == 0o600
    with pytest.raises(Conflict, match="there already"):
        write_folder(tmp_path / "out", {})
    with pytest.raises(Unavailable):
        write_folder(tmp_path / "new", {"a": b"", "a/b": b""})
    assert sorted(each.name for each in tmp_path.iterdir()) == ["out"]


def test_a_decision_can_be_asked_for_only_where_it_may_be_made() -> None:
    for requirement in (Requirement.REQUIRED, Requirement.ADDRESSABLE):
        found = result(assessed(library(control(requirement), answer(evidence=kind())), said(1)))
        wants = [each for each in leaves_of(found, "name") if each == "wants-decision"]
        assert bool(wants) is (requirement is Requirement.ADDRESSABLE)

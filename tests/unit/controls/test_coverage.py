from datetime import date, datetime, timedelta

import pytest
from covered import (
    DECISION,
    ENROLMENT,
    ID,
    LATER,
    NOW,
    SCAN,
    SEAL,
    answer,
    control,
    coverage,
    kind,
    library,
    row,
    said,
)
from hypothesis import given
from hypothesis import strategies as st

from wardline.canonical import JSON, JSONObject, encode
from wardline.controls.catalogue import Period, Requirement, Status, called_for
from wardline.controls.cover import cover, installation_types
from wardline.controls.coverage import Row, State
from wardline.controls.library import load_library
from wardline.controls.mapping import Condition, Gap, Reach, Relation
from wardline.controls.said import Accepted, Attested, Choice, Claim, Decided, Said
from wardline.ids import EnvironmentName, PrincipalId
from wardline.outcomes import Outcome

BEN = PrincipalId("p-ben")
NOT_PASSED = [outcome for outcome in Outcome if outcome is not Outcome.PASSED]
SUPPORTED = library(control(), answer())
ORGANISATIONAL = library(control(), gap=Gap.ORGANISATIONAL)
NOT_BUILT = library(control(), gap=Gap.NOT_BUILT)


def attested(claim=Claim.IN_PLACE, *, until=LATER, index=90):
    return Said(attested=(Attested(index=index, control=ID, claim=claim, by=BEN, until=until),))


def decided(choice, *, until=LATER):
    return Said(decided=(Decided(index=91, control=ID, choice=choice, by=BEN, until=until),))


def accepted(finding="F-1", *, until=LATER, environment=None):
    where = None if environment is None else EnvironmentName(environment)
    return Said(accepted=(Accepted(index=92, finding=finding, environment=where, until=until),))


def found(name="F-1"):
    return {"findings": [{"id": name, "severity": "high"}]}


@pytest.mark.parametrize(
    ("relation", "state"),
    [
        (Relation.SATISFIES, State.EVIDENCED),
        (Relation.SUPPORTS, State.SUPPORTED),
        (Relation.INDICATES, State.ATTESTATION),
    ],
)
def test_evidence_answers_as_far_as_its_mapping_says(relation, state):
    covered = row(library(control(), answer(relation)), said(7))
    assert covered.state is state
    assert [each.indices for each in covered.answered] == [(7,)]


@pytest.mark.parametrize("outcome", NOT_PASSED)
def test_what_did_not_pass_answers_nothing(outcome):
    for relation in Relation:
        covered = row(library(control(), answer(relation)), said(7, outcome=outcome))
        assert covered.state is State.MISSING
        assert [(each.index, each.outcome) for each in covered.against] == [(7, outcome)]


@pytest.mark.parametrize("outcome", NOT_PASSED)
def test_one_that_did_not_pass_outweighs_all_that_did_and_every_word(outcome):
    covered = row(
        SUPPORTED, said(7, step="scan/a"), said(8, step="scan/b", outcome=outcome), words=attested(Claim.IN_PLACE)
    )
    assert covered.state is State.MISSING


def test_the_last_word_at_a_place_counts():
    body = {"wardline_decision": {"environment": "production"}}
    books = library(control(), answer(evidence=kind(DECISION)))
    waited = said(7, DECISION, body, step="gate", outcome=Outcome.INCONCLUSIVE)
    allowed = said(9, DECISION, body, step="gate/2")
    assert row(books, waited, allowed).state is State.SUPPORTED
    assert row(books, allowed, said(11, DECISION, body, outcome=Outcome.FAILED)).state is State.MISSING


def test_an_environment_sees_what_is_said_of_it_and_of_none():
    books = library(control(), answer(evidence=kind(DECISION)))
    staging = said(7, DECISION, {"wardline_decision": {"environment": "staging"}})
    production = said(9, DECISION, {"wardline_decision": {"environment": "production"}}, outcome=Outcome.FAILED)
    assert row(books, staging, production).state is State.MISSING
    assert row(books, staging, production, environment="staging").state is State.SUPPORTED
    assert row(books, staging, production, environment="production").against[0].index == 9
    assert row(SUPPORTED, said(3), environment="production").state is State.SUPPORTED


def test_a_rehearsal_counts_for_the_environment_the_release_goes_to():
    rehearsal = "https://wardline.dev/predicates/rollback-rehearsal/v1"
    books = library(control(), answer(evidence=kind(rehearsal)))
    assert row(books, said(5, rehearsal, {"environment": "staging"}), environment="production").state is State.SUPPORTED


def test_both_people_who_said_yes_are_shown():
    approval = "https://wardline.dev/predicates/approval/v1"
    words = [
        said(index, approval, {"environment": "production", "role": role})
        for index, role in ((5, "compliance"), (6, "clinical-safety"))
    ]
    assert row(library(control(), answer(evidence=kind(approval))), *words).answered[0].indices == (5, 6)


def test_what_does_not_say_the_right_thing_is_not_counted():
    books = library(control(), answer(evidence=kind(SCAN, Condition(path="scanner.name", values=("bandit",)))))
    assert row(books, said(3, body={"scanner": {"name": "bandit"}})).state is State.SUPPORTED
    assert row(books, said(3, body={"scanner": {"name": "other"}})).state is State.MISSING


def test_evidence_of_the_installation_is_the_youngest_of_its_kind():
    books = library(control(), answer(evidence=kind(ENROLMENT, reach=Reach.INSTALLATION)))
    assert installation_types(books, books.catalogues) == (ENROLMENT,)
    first, second = said(1, ENROLMENT, run=None), said(2, ENROLMENT, run=None)
    assert row(books, first, second).answered[0].indices == (2,)
    assert row(books, first, said(2, ENROLMENT, run=None, outcome=Outcome.FAILED)).state is State.MISSING
    assert row(books, said(1, ENROLMENT)).state is State.MISSING, "what a run says is not the installation's"
    assert installation_types(SUPPORTED, SUPPORTED.catalogues) == ()


def test_nothing_there_is_missing_or_needs_a_person():
    assert row(SUPPORTED).state is State.MISSING
    assert row(NOT_BUILT).state is State.MISSING
    assert row(ORGANISATIONAL).state is State.ATTESTATION
    assert row(SUPPORTED, said(1, SEAL)).state is State.MISSING


@pytest.mark.parametrize("books", [ORGANISATIONAL, NOT_BUILT, library(control(), answer(Relation.INDICATES))])
def test_a_persons_word_answers_what_is_left_to_people(books):
    evidence = [said(7)] if not books.mappings[0].rows[0].gap else []
    covered = row(books, *evidence, words=attested())
    assert (covered.state, covered.person) == (State.EVIDENCED, None)
    assert covered.attested is not None
    assert covered.attested.index == 90


def test_a_word_stands_beside_evidence_and_not_in_its_place():
    assert row(SUPPORTED, said(7), words=attested()).state is State.EVIDENCED
    assert row(SUPPORTED, words=attested()).state is State.MISSING


def test_a_word_ends():
    assert row(ORGANISATIONAL, words=attested(until=NOW)).state is State.ATTESTATION
    assert row(ORGANISATIONAL, words=attested(until=NOW + timedelta(seconds=1))).state is State.EVIDENCED


def test_of_several_words_the_last_counts():
    both = Said(attested=(*attested(Claim.NOT_APPLICABLE).attested, *attested(index=99).attested))
    covered = row(ORGANISATIONAL, words=both)
    assert covered.state is State.EVIDENCED


def test_where_the_last_word_has_ended_an_earlier_one_does_not_return():
    earlier, later = attested().attested, attested(Claim.NOT_APPLICABLE, until=NOW, index=99).attested
    assert row(ORGANISATIONAL, words=Said(attested=(*earlier, *later))).state is State.ATTESTATION


def test_a_word_is_taken_back():
    back = attested(Claim.WITHDRAWN, index=99).attested
    covered = row(ORGANISATIONAL, words=Said(attested=(*attested().attested, *back)))
    assert (covered.state, covered.attested) == (State.ATTESTATION, None)
    again = Said(attested=(*back, *attested().attested))
    assert row(ORGANISATIONAL, words=again).state is State.EVIDENCED


def test_what_is_said_not_to_apply_does_not():
    covered = row(ORGANISATIONAL, words=attested(Claim.NOT_APPLICABLE))
    assert (covered.state, covered.person) == (State.NOT_APPLICABLE, None)


@pytest.mark.parametrize(
    ("choice", "state"),
    [
        (Choice.IMPLEMENTED, State.EVIDENCED),
        (Choice.ALTERNATIVE, State.EVIDENCED),
        (Choice.NOT_REASONABLE, State.NOT_APPLICABLE),
    ],
)
def test_an_addressable_specification_is_decided_about(choice, state):
    books = library(control(Requirement.ADDRESSABLE), gap=Gap.NOT_BUILT)
    assert row(books).wants_decision
    covered = row(books, words=decided(choice))
    assert (covered.state, covered.wants_decision) == (state, False)
    assert row(books, words=decided(choice, until=NOW)).wants_decision


@pytest.mark.parametrize("choice", Choice)
@pytest.mark.parametrize("requirement", [Requirement.REQUIRED, Requirement.NONE])
def test_nobody_decides_a_required_specification_away(choice, requirement):
    covered = row(library(control(requirement), gap=Gap.NOT_BUILT), words=decided(choice))
    assert (covered.state, covered.decided, covered.wants_decision) == (State.MISSING, None, False)


@pytest.mark.parametrize("requirement", Requirement)
@pytest.mark.parametrize("relation", Relation)
def test_a_waiver_meets_nothing(requirement, relation):
    books = library(control(requirement), answer(relation))
    covered = row(books, said(7, body=found()), words=accepted())
    assert covered.state is State.WAIVED
    assert [each.finding for each in covered.accepted] == ["F-1"]
    assert row(books, said(7, body=found("F-2")), words=accepted()).state is not State.WAIVED


def test_not_even_a_persons_word_meets_a_control_with_a_waived_finding():
    words = Said(attested=attested().attested, accepted=accepted().accepted)
    assert row(SUPPORTED, said(7, body=found()), words=words).state is State.WAIVED


def test_a_waiver_ends_and_is_for_its_environment():
    evidence = said(7, body=found())
    assert row(SUPPORTED, evidence, words=accepted(until=NOW)).state is State.SUPPORTED
    elsewhere = accepted(environment="staging")
    assert row(SUPPORTED, evidence, words=elsewhere, environment="production").state is State.SUPPORTED
    assert row(SUPPORTED, evidence, words=elsewhere, environment="staging").state is State.WAIVED
    assert row(SUPPORTED, evidence, words=elsewhere).state is State.WAIVED


@pytest.mark.parametrize(
    "period",
    [
        Period(start=NOW.date() + timedelta(days=1), end=None),
        Period(start=date(2000, 1, 1), end=NOW.date() - timedelta(days=1)),
    ],
)
def test_what_is_not_in_force_does_not_apply(period):
    assert row(library(control(in_force=period), answer()), said(7)).state is State.NOT_APPLICABLE


def test_a_proposal_is_judged_as_if_it_were_law_and_not_counted():
    proposed = control(status=Status.PROPOSED, in_force=Period(start=None, end=None))
    books = library(proposed, answer(), advisory=True)
    covered = coverage(books, said(7))
    assert covered.catalogues[0][1][0].state is State.SUPPORTED
    assert sum(covered.counts.values()) == 0


def test_a_proposal_with_a_date_ahead_hides_no_row():
    ahead = Period(start=NOW.date() + timedelta(days=200), end=None)
    assert row(library(control(status=Status.PROPOSED, in_force=ahead), answer()), said(7)).state is State.SUPPORTED


def test_a_date_that_is_not_known_hides_no_row():
    assert row(library(control(in_force=Period(start=None, end=None)), answer()), said(7)).state is State.SUPPORTED


OUTCOMES = st.sampled_from(Outcome)
EVIDENCE = st.lists(st.tuples(st.sampled_from([SCAN, SEAL, DECISION]), OUTCOMES, st.booleans()), max_size=8)


@given(EVIDENCE, st.sampled_from(Requirement), st.sampled_from(Relation), st.booleans(), st.booleans())
def test_whatever_is_there_nothing_is_evidenced_without_grounds(told, requirement, relation, vouch, waive):
    evidence = [
        said(index, kind, found() if with_finding else {}, outcome=outcome)
        for index, (kind, outcome, with_finding) in enumerate(told)
    ]
    words = Said(attested=attested().attested if vouch else (), accepted=accepted().accepted if waive else ())
    covered = row(library(control(requirement), answer(relation)), *evidence, words=words)
    scans = [(outcome, with_finding) for kind, outcome, with_finding in told if kind == SCAN]
    if covered.state is State.EVIDENCED:
        assert scans
        assert all(outcome is Outcome.PASSED for outcome, _ in scans)
        assert vouch or relation is Relation.SATISFIES
        assert not (waive and any(with_finding for _, with_finding in scans))
    if not scans or any(outcome is not Outcome.PASSED for outcome, _ in scans):
        assert covered.state is State.MISSING


def test_every_row_of_every_catalogue_is_told_and_nothing_is_claimed_of_nothing():
    books = load_library()
    covered = cover(books.catalogues, books, seen=_nothing(), said=Said(), now=NOW)
    rows = [row for _, rows in covered.catalogues for row in rows]
    assert len(rows) == 176
    assert {row.state for row in rows} == {State.MISSING, State.ATTESTATION}
    assert sum(row.wants_decision for row in rows) == 22
    document = covered.to_json()
    assert encode(document)
    assert "complian" not in str(document).lower()
    in_force = cover(called_for(books.catalogues, ["hipaa"]), books, seen=_nothing(), said=Said(), now=NOW)
    assert [catalogue.id for catalogue, _ in in_force.catalogues] == ["hipaa"]
    assert sum(in_force.counts.values()) == 99


def _nothing():
    from wardline.controls.cover import Seen

    return Seen(run=[], installation=[])


def decision(*reasons: tuple[str, str], evidence: tuple[int, ...] = ()) -> JSONObject:
    told: list[JSON] = [{"policy": policy, "verdict": verdict} for policy, verdict in reasons]
    return {"wardline_decision": {"environment": "production", "evidence": list(evidence), "reasons": told}}


def lapsed_row(*counted_on: int, waivers: tuple[Accepted, ...]) -> Row:
    scanned = said(1, body={"findings": [{"id": "F-1"}]})
    decided = said(2, DECISION, decision(("approved", "allow"), evidence=counted_on))
    return row(library(control(), answer(Relation.SATISFIES)), scanned, decided, words=Said(accepted=waivers))


def waiver(index: int, until: datetime) -> Accepted:
    return Accepted(index=index, finding="F-1", environment=None, until=until)


def test_what_a_waiver_let_pass_is_missing_once_the_waiver_has_ended() -> None:
    found = lapsed_row(7, waivers=(waiver(7, NOW),))
    assert (found.state, found.accepted, found.indices) == (State.MISSING, (), (1, 7))
    assert lapsed_row(7, waivers=(waiver(7, LATER),)).state is State.WAIVED


def test_a_waiver_that_ended_costs_nothing_where_no_gate_counted_on_it_or_another_stands() -> None:
    assert lapsed_row(waivers=(waiver(7, NOW),)).state is State.EVIDENCED
    assert lapsed_row(7, waivers=(waiver(7, NOW), waiver(9, LATER))).state is State.WAIVED


@pytest.mark.parametrize("verdict", ["set-aside", "warn"])
def test_a_policy_that_did_not_allow_answers_nothing(verdict: str) -> None:
    approved = kind(DECISION, Condition(path="wardline_decision.reasons.policy", values=("approved",)))
    books = library(control(), answer(Relation.SATISFIES, approved))
    assert row(books, said(1, DECISION, decision(("approved", "allow"), ("other", verdict)))).state is State.EVIDENCED
    assert row(books, said(1, DECISION, decision(("approved", verdict), ("other", "allow")))).state is State.MISSING

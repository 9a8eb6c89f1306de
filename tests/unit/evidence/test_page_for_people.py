"""What the page of a packet tells a person to do, and which requirements it says were spoken to."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from told_story import FINDING, PRODUCTION, RUN, STAGING, Story, begun

from wardline.canonical import Digest, encode
from wardline.deployments.predicates import Phase
from wardline.evidence.log import Evidence
from wardline.evidence.packets.controls_named import controls_named, law_of
from wardline.evidence.packets.duties import Duty, duties
from wardline.evidence.packets.page import render
from wardline.evidence.packets.told import Absent, Enclosed, Told
from wardline.gates.decisions import Deny, Undecided
from wardline.outcomes import Outcome
from wardline.predicates import BlobRef

ALWAYS = {"Know the people behind the pseudonyms", "Judge whether this satisfies the law"}


@pytest.fixture
def story(tmp_path: Path) -> Iterator[Story]:
    with begun(tmp_path) as story:
        yield story


def told(story: Story, **parts: object) -> Told:
    return Told(run=RUN, origin="log", evidence=tuple(story.log.every()), **parts)  # type: ignore[arg-type]


def to_do(found: Told) -> dict[str, Duty]:
    return {duty.what: duty for duty in duties(found)}


def changed(item: Evidence, **body: object) -> Evidence:
    statement = item.statement
    return replace(item, statement=replace(statement, body=statement.body | body))  # type: ignore[arg-type]


def ending(item: Evidence, outcome: Outcome) -> Evidence:
    context = replace(item.statement.context, outcome=outcome)
    return replace(item, statement=replace(item.statement, context=context))


def rewritten(found: Told, change: Callable[[Evidence], Evidence], kind: str) -> Told:
    return replace(
        found,
        evidence=tuple(
            change(item) if f"/{kind}" in item.statement.predicate_type else item for item in found.evidence
        ),
    )


def test_a_good_release_leaves_what_no_machine_can_do(story: Story) -> None:
    story.tell()
    left = to_do(told(story))
    assert set(left) == ALWAYS | {
        f"Mend {FINDING.id}, or accept its risk again",
        "Know why tests were skipped",
        "Trust the machine that built it, or look at it",
    }


def test_a_waived_finding_is_due_when_its_waiver_ends(story: Story) -> None:
    story.tell()
    duty = to_do(told(story))[f"Mend {FINDING.id}, or accept its risk again"]
    assert duty.by == "2027-01-31T00:00:00.000Z"
    assert duty.why.startswith("p-safety let it pass in every environment: high, bandit B324 at src/eligibility/")
    assert "2027-01-31 00:00:00 UTC" in render(told(story))


def test_a_serious_finding_that_nobody_waived_is_named_and_lesser_ones_counted(story: Story) -> None:
    story.scan()
    assert f"Judge finding {FINDING.id}" in to_do(told(story))
    lesser = [dict(FINDING.to_json()) | {"id": f"F-{number:012x}", "severity": "low"} for number in range(7)]
    few = rewritten(told(story), lambda item: changed(item, findings=lesser), "scan/")
    assert to_do(few)["Accept or mend the lesser findings"].why.startswith("7 below high")
    assert not any(what.startswith("Judge finding") for what in to_do(few))


@pytest.mark.parametrize(("verdict", "word"), [(Deny, "deny"), (Undecided, "undecided")])
def test_what_a_policy_did_not_allow_is_to_be_settled(story: Story, verdict: type[Deny], word: str) -> None:
    decision = story.decide(STAGING, (), verdict=verdict)
    duty = to_do(told(story))["Settle “no-serious-finding” before staging"]
    assert (duty.why, duty.rests_on) == (f"{word}: one high finding, waived", (decision.index,))


def test_only_the_last_word_at_a_gate_is_to_be_settled(story: Story) -> None:
    story.decide(STAGING, (), verdict=Undecided)
    allowed = story.decide(PRODUCTION, ())
    again = changed(allowed, wardline_decision=allowed.statement.body["wardline_decision"] | {"environment": "staging"})  # type: ignore[operator]
    found = replace(told(story), evidence=(*told(story).evidence, again))
    assert not any(what.startswith("Settle") for what in to_do(found))


def test_approvals_still_open_are_told_by_role(story: Story) -> None:
    story.decide(PRODUCTION, (), verdict=Undecided)
    document: dict = {
        "environment": {"name": "production", "production": True},
        "approvals": {
            "required": [{"role": "clinical-safety", "count": 1}, {"role": "compliance", "count": 2}],
            "standing": [{"role": "clinical-safety"}, {"role": "compliance"}],
        },
    }
    content = encode(document)
    reference = BlobRef(digest=Digest.of(content), media_type="application/json", size_bytes=len(content))
    asked = rewritten(
        told(story, enclosed=(Enclosed(reference=reference, content=content),)),
        lambda item: changed(
            item,
            wardline_decision=item.statement.body["wardline_decision"]  # type: ignore[operator]
            | {"input_digest": {"sha256": reference.digest.hex}},
        ),
        "verification_summary/",
    )
    left = to_do(asked)
    assert left["Approve or reject as compliance, before production"].why == "1 of 2 given"
    assert "Approve or reject as clinical-safety, before production" not in left


@pytest.mark.parametrize("outcome", [Outcome.ERRORED, Outcome.INCONCLUSIVE])
def test_a_check_that_could_not_tell_is_looked_at_by_somebody(story: Story, outcome: Outcome) -> None:
    story.scan()

    def could_not(item: Evidence) -> Evidence:
        return ending(changed(item, reason="timed-out", findings=[]), outcome)

    left = to_do(rewritten(told(story), could_not, "scan/"))
    assert left["Have looked at what scan/bandit could not tell"].why == f"{outcome.value}: timed-out"


def test_what_was_deployed_without_being_looked_at_is_decided_by_somebody(story: Story) -> None:
    story.source()
    decision = story.decide(STAGING, ())
    story.deploy(STAGING, decision.index, Phase.SUCCEEDED)
    left = {what for what in to_do(told(story)) if "go without" in what}
    assert {what.rpartition(": ")[2] for what in left} == {"tests", "list of components (SBOM)", "code scan"}


def test_a_deployment_that_failed_is_found_out_and_one_taken_back_on_purpose_is_not(story: Story) -> None:
    decision = story.decide(STAGING, ())
    story.deploy(STAGING, decision.index, Phase.ROLLED_BACK)
    assert not any(what.startswith("Find out") for what in to_do(told(story)))
    assert "rolled-back, as intended" in render(told(story))
    failed = rewritten(told(story), lambda item: ending(item, Outcome.FAILED), "deployment/")
    assert "Find out what went wrong in staging" in to_do(failed)
    assert '<span class="bad">rolled-back</span>' in render(failed)


def test_an_author_nobody_knows_one_person_in_two_roles_and_lost_documents_are_for_people(story: Story) -> None:
    story.tell()
    unmapped = rewritten(told(story), lambda item: changed(item, author=None), "source/")
    assert "Tell who wrote the change" in to_do(unmapped)
    assert "nobody enrolled" in render(unmapped)
    approval = next(item for item in story.log.every() if "/approval/" in item.statement.predicate_type)
    twice = replace(told(story), evidence=(*told(story).evidence, changed(approval, role="compliance")))
    assert "Judge whether one person may stand for several roles" in to_do(twice)
    reference = BlobRef(digest=Digest.of(b"gone"), media_type="text/plain", size_bytes=4)
    lost = told(story, absent=(Absent(reference=reference, why="missing", statement=None),))
    assert "Ask where documents went" in to_do(lost)


def test_an_unsealed_run_is_asked_for_again(story: Story) -> None:
    story.source()
    assert "Ask for the packet again when the run has ended" in to_do(told(story))


def test_a_word_is_coloured_where_it_is_a_verdict_and_nowhere_else(story: Story) -> None:
    story.tell()
    renamed = rewritten(told(story), lambda item: changed(item, service="failed"), "source/")
    page = render(renamed)
    assert "<td>failed</td>" in page
    assert '<span class="bad">failed</span>' not in page
    assert '<span class="good">succeeded</span>' in page


# Requirements


def test_a_requirement_has_the_gravest_of_the_last_verdicts(story: Story) -> None:
    first = story.decide(STAGING, (), verdict=Deny)
    second = story.decide(PRODUCTION, (), verdict=Undecided)
    named = {each.control: each for each in controls_named(told(story))}
    spoken = named["hipaa:164.308(a)(1)(ii)(A)"]
    assert (spoken.verdict, spoken.policies) == ("deny", ("no-serious-finding",))
    assert spoken.environments == ("staging", "production")
    assert spoken.decisions == (first.index, second.index)
    assert named["hipaa:164.308(a)(8)"].verdict == "allow"
    assert list(named) == sorted(named)


def test_a_verdict_nobody_knows_is_never_read_as_a_yes(story: Story) -> None:
    story.decide(STAGING, ())

    def strange(item: Evidence) -> Evidence:
        decision = item.statement.body["wardline_decision"]
        assert isinstance(decision, dict)
        reasons = decision["reasons"]
        assert isinstance(reasons, list)
        doubled = [*reasons, *(reason | {"verdict": "perhaps"} for reason in reasons if isinstance(reason, dict))]
        return changed(item, wardline_decision=decision | {"reasons": doubled})

    odd = rewritten(told(story), strange, "verification_summary/")
    assert {each.verdict for each in controls_named(odd)} == {"perhaps"}


def test_laws_have_their_names_and_unknown_ones_their_prefix() -> None:
    assert law_of("gdpr:art-5(2)") == "General Data Protection Regulation, (EU) 2016/679"
    assert law_of("iso:27001") == "iso"

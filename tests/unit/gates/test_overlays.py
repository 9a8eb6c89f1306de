"""Policies that an organisation adopts and a service declares: only ever stricter, and never skipped."""

from dataclasses import replace
from pathlib import Path

import pytest
from gate_world import World, key, person, pipeline
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.gates.test_judge import FALSE, QUESTION, TRUE, UNKNOWN, Answers, policy

from wardline.adapters.policy.cel import CEL
from wardline.canonical import Digest
from wardline.controls.library import load_library
from wardline.delivery.adopt_policy import Adopting, retire, standing
from wardline.delivery.approve import Approvals
from wardline.delivery.decide import Gate, decide, decision_of
from wardline.delivery.replay import Archive, explain_decision, replay
from wardline.errors import InvalidInput, NotFound, Refused
from wardline.evidence.log import Evidence
from wardline.evidence.schemas import check_predicate
from wardline.gates.decisions import Allow, Decision, Deny, Undecided
from wardline.gates.declared_policies import read_declared, refuse_wrong
from wardline.gates.door import Door
from wardline.gates.judge import judge
from wardline.gates.overlays import Added, Overlays
from wardline.gates.policy import Severity
from wardline.gates.policy_files import load_policies
from wardline.gates.policy_words import POLICY_FILE, PolicyAdoption, PolicyRetirement
from wardline.identity.predicates import Refusal
from wardline.identity.principals import Role
from wardline.outcomes import Outcome
from wardline.predicates import BlobRef

ENGINE = CEL()
POLICIES = load_policies()
LIBRARY = load_library()
STRICT = """\
id: acme-two-scanners
title: At least two scanners read the source
controls: ["hipaa:164.308(a)(1)(ii)(A)"]
source: ACME standard 4.2
match: {environments: production}
needs: [{expression: has(input.standards.scanners), message: which scanners are declared is not known}]
validations: [{expression: size(input.standards.scanners) >= 2, message: fewer than two scanners}]
cases:
  pass: [{standards: {scanners: [a, b]}}]
  deny: [{standards: {scanners: [a]}}]
  undecided: [{}]
"""
CONTENT = {
    "id: acme-two-scanners": "id: acme-one-scanner",
    ">= 2": ">= 1",
    "[a, b]": "[a]",
    "deny: [{standards: {scanners: [a]}}]": "deny: [{standards: {scanners: []}}]",
}


def content_policy() -> str:
    text = STRICT
    for old, new in CONTENT.items():
        text = text.replace(old, new)
    return text


@pytest.fixture
def world() -> World:
    world = World()
    world.serve()
    world.ship()
    desk = Approvals(collect=world.collect, messenger=world.messenger)
    for who, role in (("ben", Role.CLINICAL_SAFETY), ("cleo", Role.COMPLIANCE)):
        desk.approve(desk.what_is_signed(world.door()), by=person(who), role=role, reason="Looked at it.")
    return world


def adopting(world: World) -> Adopting:
    return Adopting(collect=world.collect, library=LIBRARY, shipped=POLICIES, engine=ENGINE)


def adopt(world: World, text: str = STRICT, *, by: str = "cleo") -> Evidence:
    return adopting(world).adopt(text.encode(), where="x.yaml", reason="Risk analysis.", by=person(by))


def declaring(world: World, *files: str) -> Door:
    found = {f"policies/{i}.yaml": text.encode() for i, text in enumerate(files)}
    declared = replace(pipeline(), policies=tuple(found))
    return replace(world.door(pipeline=declared), policies=read_declared(declared, found.get))


def decided(world: World, *, door: Door | None = None, step: str = "production/gate") -> Evidence:
    gate = Gate(collect=world.collect, engine=ENGINE, policies=POLICIES)
    return world.log.read(decide(gate, door or world.door(), step=step)[1])


def ask(world: World, door: Door | None = None) -> Decision:
    gate = Gate(collect=world.collect, engine=ENGINE, policies=POLICIES)
    return gate.judged(door or world.door()).decision


def said_by(decision: Decision, policy: str) -> list[str]:
    return [reason.verdict for reason in decision.judgement.reasons if reason.policy == policy]


def test_what_is_adopted_is_asked_and_the_decision_rests_on_it(world):
    assert isinstance(ask(world), Allow)
    adopted = adopt(world)
    check_predicate(adopted.statement)
    decision = ask(world)
    assert isinstance(decision, Deny)
    assert said_by(decision, "acme-two-scanners") == ["deny"]
    assert adopted.index in decision.judgement.evidence


def test_what_is_adopted_is_asked_only_where_it_matches(world):
    adopt(world)
    assert said_by(ask(world, world.door(environment="staging")), "acme-two-scanners") == []


def test_what_is_retired_is_asked_no_longer_and_old_decisions_come_to_the_same(world):
    adopt(world)
    denied = decided(world)
    retired = retire("acme-two-scanners", reason="Replaced.", by=person("cleo"), collect=world.collect)
    check_predicate(retired.statement)
    allowed = decided(world, step="again")
    assert [decision_of(each).verdict for each in (denied, allowed)] == ["deny", "allow"]
    archive = Archive(log=world.log, blobs=world.collect.blobs)
    assert [replay(each, archive, engine=ENGINE).outcome for each in (denied, allowed)] == [Outcome.PASSED] * 2
    told = {each.policy.id: each for each in explain_decision(denied, archive, engine=ENGINE).policies}
    assert told["acme-two-scanners"].checks[1].values == {"standards.scanners": "1 of them"}


def test_what_was_retired_may_be_adopted_again(world):
    adopt(world)
    retire("acme-two-scanners", reason="Replaced.", by=person("cleo"), collect=world.collect)
    again = adopt(world)
    assert [each.index for each in standing(world.collect)] == [again.index]


def test_what_warns_is_told_and_stops_nobody(world):
    adopt(world, STRICT.replace("needs:", "severity: warn\nneeds:"))
    decision = ask(world)
    assert isinstance(decision, Allow)
    assert said_by(decision, "acme-two-scanners") == ["warn"]
    evidence = decided(world)
    check_predicate(evidence.statement)
    assert decision_of(evidence) == replace(decision, judgement=decision_of(evidence).judgement)


@pytest.mark.parametrize("who", ["ben", "dora"])
def test_who_does_not_answer_for_compliance_is_refused_and_that_is_evidence(world, who):
    world.enrol("dora", Role.DEVELOPER)
    with pytest.raises(Refused, match="adopt refused"):
        adopt(world, by=who)
    adopt(world)
    with pytest.raises(Refused, match="retire refused"):
        retire("acme-two-scanners", reason="No.", by=person(who), collect=world.collect)
    refusals = [item.statement.body["action"] for item in world.log.every(Refusal.predicate_type)]
    assert refusals == ["adopt", "retire"]
    assert len(standing(world.collect)) == 1


def blob(text: str) -> BlobRef:
    return BlobRef(digest=Digest.of(text.encode()), media_type=POLICY_FILE, size_bytes=len(text))


def forged(*, document: BlobRef | None = None) -> PolicyAdoption:
    return PolicyAdoption(policy="acme", document=document or blob("x"), controls=(), reason=blob("why"))


def test_a_word_by_somebody_else_or_with_another_key_counts_for_nothing(world):
    world.forge(forged(), step="a", actor="ben", signer=key("ben"), run=None)
    world.forge(forged(), step="b", actor="cleo", signer=key("ben"), run=None)
    assert standing(world.collect) == ()
    real = world.forge(forged(), step="c", actor="cleo", signer=key("cleo"), run=None)
    ends = PolicyRetirement(policy="acme", adoption=real.index, document=blob("x").digest, reason=blob("why"))
    world.forge(ends, step="d", actor="ben", signer=key("ben"), run=None)
    others = (replace(ends, policy="other"), replace(ends, document=blob("y").digest), replace(ends, adoption=0))
    for i, other in enumerate(others):
        world.forge(other, step=f"e{i}", actor="cleo", signer=key("cleo"), run=None)
    assert [each.index for each in standing(world.collect)] == [real.index]
    world.forge(ends, step="f", actor="cleo", signer=key("cleo"), run=None)
    assert standing(world.collect) == ()


def test_what_was_adopted_stays_when_its_adopter_leaves(world):
    adopt(world)
    world.enrol("cleo")
    assert isinstance(ask(world), Deny)


@pytest.mark.parametrize("kept", [None, b"", b"id: other", content_policy().encode(), b"\xff" * 9])
def test_an_adopted_policy_that_cannot_be_read_leaves_the_gate_undecided(world, kept):
    digest = Digest(adopt(world).statement.body["document"]["digest"]["sha256"])
    if kept is None:
        del world.collect.blobs.kept[digest]
    else:
        world.collect.blobs.kept[digest] = kept
    decision = ask(world)
    assert isinstance(decision, Undecided)
    assert said_by(decision, "overlays-asked") == ["undecided"]
    assert said_by(decision, "acme-two-scanners") == []


def test_one_that_a_later_version_ships_too_is_denied_until_it_is_retired(world):
    text = STRICT.replace("id: acme-two-scanners", "id: tests-passed")
    document = world.collect.blobs.put(text.encode(), POLICY_FILE)
    adoption = replace(forged(document=document), policy="tests-passed")
    world.forge(adoption, step="a", actor="cleo", signer=key("cleo"), run=None)
    decision = ask(world)
    assert isinstance(decision, Deny)
    assert said_by(decision, "overlays-asked") == ["deny"]
    assert said_by(decision, "tests-passed") == ["allow"]
    retire("tests-passed", reason="It is shipped now.", by=person("cleo"), collect=world.collect)
    assert isinstance(ask(world), Allow)


def test_what_a_service_declares_is_asked_beside_the_others(world):
    assert isinstance(ask(world, declaring(world, content_policy())), Allow)
    decision = ask(world, declaring(world, content_policy(), STRICT))
    assert isinstance(decision, Deny)
    assert said_by(decision, "acme-one-scanner") == ["allow"]
    assert said_by(decision, "acme-two-scanners") == ["deny"]


def test_a_declared_policy_that_is_no_policy_leaves_the_gate_undecided(world):
    decision = ask(world, declaring(world, "id: x"))
    assert isinstance(decision, Undecided)
    assert said_by(decision, "overlays-asked") == ["undecided"]


def test_a_declared_policy_takes_nobodys_place(world):
    lax = content_policy().replace("id: acme-one-scanner", "id: approved")
    decision = ask(world, declaring(world, lax))
    assert isinstance(decision, Deny)
    assert said_by(decision, "overlays-asked") == ["deny"]
    assert said_by(decision, "approved") == ["allow"], "the shipped one was asked"
    adopt(world)
    lax = content_policy().replace("id: acme-one-scanner", "id: acme-two-scanners")
    assert said_by(ask(world, declaring(world, lax)), "acme-two-scanners") == ["deny"]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("id: acme-two-scanners", "id: tests-passed", "tests-passed is the id of another policy here"),
        ("hipaa:164.308(a)(1)(ii)(A)", "hipaa:164.999", "controls[0]: no catalogue has the control 'hipaa:164.999'"),
        ("hipaa:164.308(a)(1)(ii)(A)", "iso:5.1", "no catalogue has the control 'iso:5.1'"),
        (">= 2", ">=", "Failed to parse expression"),
        ("size(input.standards", "sizes(input.standards", "Undefined variable or function: 'sizes'"),
        (">= 2", ">= 1", "deny case 0: got allow"),
        ("undecided: [{}]", "undecided: [{standards: {scanners: [a]}}]", "undecided case 0: got deny"),
        ("[{standards: {scanners: [a, b]}}]", "[{standards: {scanners: [a, b], more: 1}}]", "still allows without"),
        ("deny: [{standards: {scanners: [a]}}]", "deny: []", "cases.deny: expected a list of at least 1"),
        ("title:", "titel:", "unknown key 'titel'"),
        ("match: {environments: production}", "environments: production", "unknown key 'environments'"),
    ],
)
def test_what_cannot_be_adopted_is_refused_with_its_reasons(world, old, new, said):
    size = world.log.size()
    with pytest.raises(InvalidInput) as caught:
        adopt(world, STRICT.replace(old, new))
    assert any(said in problem for problem in caught.value.problems), caught.value.problems
    assert world.log.size() == size


def test_what_is_adopted_already_cannot_be_shadowed_by_a_looser_one(world):
    adopt(world)
    lax = content_policy().replace("id: acme-one-scanner", "id: acme-two-scanners")
    with pytest.raises(InvalidInput) as caught:
        adopt(world, lax)
    assert "is the id of another policy" in caught.value.problems[0]
    assert "gate retire" in caught.value.remedy
    assert isinstance(ask(world), Deny)


def test_a_word_needs_a_reason_and_something_to_retire(world):
    with pytest.raises(InvalidInput, match="a reason is expected"):
        adopting(world).adopt(STRICT.encode(), where="x", reason=" ", by=person("cleo"))
    with pytest.raises(NotFound, match="no policy 'tests-passed' is adopted; adopted: none"):
        retire("tests-passed", reason="Why not.", by=person("cleo"), collect=world.collect)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "there is no such file beside wardline.yaml"),
        ("", "expected a mapping"),
        (STRICT.replace("environments: production", "environments: [prod]"), "no environment of wardline.yaml is prod"),
        (STRICT.replace("production}", "all, services: [billing]}"), "it fits no environment of eligibility"),
        (STRICT.replace("production}", "production, data: [none]}"), "it fits no environment of eligibility"),
        (STRICT.replace("id: acme-two-scanners", "id: approved"), "approved is the id of another policy here"),
        (STRICT + STRICT, "stands twice"),
    ],
)
def test_what_a_service_declares_and_cannot_be_asked_is_refused(text, said):
    declared = replace(pipeline(), policies=("policies/a.yaml",))
    added = read_declared(declared, lambda _: None if text is None else text.encode())
    with pytest.raises(InvalidInput) as caught:
        refuse_wrong(added, [policy.id for policy in POLICIES])
    assert any(said in problem and "policies/a.yaml" in problem for problem in caught.value.problems)


def test_a_file_named_twice_stands_in_its_own_place():
    declared = replace(pipeline(), policies=("a.yaml", "a.yaml"))
    with pytest.raises(InvalidInput) as caught:
        refuse_wrong(read_declared(declared, lambda _: STRICT.encode()), [])
    assert len(caught.value.problems) == 1


ANSWER = st.sampled_from([(TRUE, TRUE), (TRUE, FALSE), (TRUE, UNKNOWN), (FALSE, TRUE), ()])


@given(
    base=st.dictionaries(st.sampled_from("abc"), ANSWER, min_size=1),
    more=st.lists(st.tuples(st.sampled_from("abcdef"), ANSWER, st.sampled_from(Severity)), max_size=4),
)
def test_whatever_is_added_no_gate_becomes_looser(base, more):
    """Were a taken id to take its place, an answer of an overlay would be read for that of the baseline."""
    shipped = [policy(name) for name in base]
    added = tuple(
        Added(file=f"{i}.yaml", id=name, policy=replace(policy(name), severity=severity))
        for i, (name, _, severity) in enumerate(more)
    )
    overlays = Overlays(base=frozenset(base), added=added)
    engine = Answers({name: answer for name, answer, _ in reversed(more)} | base)
    before = judge(shipped, QUESTION, engine=Answers(base))
    after = judge([*shipped, *overlays.policies], QUESTION, engine=engine)
    if isinstance(after, Allow):
        assert isinstance(before, Allow)
    if isinstance(before, Deny):
        assert isinstance(after, Deny)
    assert {each.id for each in overlays.shadowing} <= {name for name, _, _ in more}


def test_the_policy_of_the_how_to_is_one(tmp_path):
    """What the page shows can be adopted as it stands."""
    root = Path(__file__).parents[3] / "docs"
    for page in ("how-to/write-a-policy.md", "reference/policies.md"):
        text = (root / page).read_text().split("```yaml\n")[1].split("```")[0]
        world = World()
        assert adopting(world).check(text.encode(), where=page).id == "acme-two-scanners"

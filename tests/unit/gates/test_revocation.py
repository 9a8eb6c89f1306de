"""What has become of every word at a door: derived from the log, and by which leaf."""

from dataclasses import replace
from datetime import timedelta

import pytest
from gate_world import ARTIFACT, FINDING, PRODUCTION, RUN, Said, World, counts, key, person, pipeline, scan
from hypothesis import given, settings
from hypothesis import strategies as st

from wardline.adapters.policy.cel import CEL
from wardline.canonical import Digest
from wardline.delivery.approve import CONSENT_DOCUMENT, Approvals
from wardline.delivery.decide import Gate, decide
from wardline.delivery.standing import WordNow, words_at
from wardline.delivery.train import TrainingRequest, train
from wardline.delivery.waive import WaiverRequest, waive
from wardline.errors import Conflict, Refused
from wardline.gates import readings
from wardline.gates.policy_files import load_policies
from wardline.gates.predicates import Approval, Rejection, Word
from wardline.gates.revocation import State
from wardline.identity.predicates import Change, KeyChange, RevocationReason
from wardline.identity.principals import Role
from wardline.ids import PrincipalId, RunId
from wardline.outcomes import Outcome
from wardline.pipelines.spec import ApprovalSpec
from wardline.predicates import BlobRef

OTHER_RUN = RunId("r-0000000002")
UNKNOWN = "F-ffffffffffff"
REASON = BlobRef(digest=Digest.of(b"salted"), media_type="text/plain", size_bytes=6)
DECLARED = pipeline(
    approvals=(ApprovalSpec(role=Role.CLINICAL_SAFETY, training=True), ApprovalSpec(role=Role.COMPLIANCE))
)


@pytest.fixture
def world() -> World:
    return begun()


def begun() -> World:
    world = World()
    world.serve()
    world.ship(findings=(FINDING,))
    trained(world, days=300)
    return world


def trained(world: World, *, days: int | None, who: str = "ben") -> int:
    ends = None if days is None else world.clock.now() + timedelta(days=days)
    request = TrainingRequest(principal=PrincipalId(who), expires_at=ends, document=None, statement="Yearly.")
    return train(request, by=person("cleo" if who != "cleo" else "ada"), collect=world.collect).index


def say(world: World, who: str, role: Role, *, yes: bool = True) -> int:
    desk = Approvals(collect=world.collect, messenger=world.messenger)
    shown = desk.what_is_signed(world.door(pipeline=DECLARED))
    word = desk.approve if yes else desk.reject
    return word(shown, by=person(who), role=role, reason="Looked at it.").index


def ben_says_yes(world: World) -> int:
    return say(world, "ben", Role.CLINICAL_SAFETY)


def waived(world: World, *, days: int = 30, finding: str = FINDING) -> int:
    ends = world.clock.now() + timedelta(days=days)
    request = WaiverRequest(finding=finding, expires_at=ends, environment=None, reason="Names a cache entry.")
    return waive(request, by=person("cleo"), collect=world.collect).index


def words(world: World) -> list[WordNow]:
    return list(words_at(world.door(pipeline=DECLARED), world.collect).words)


def told(world: World) -> list[tuple[int, State, list[tuple[str, int | None]]]]:
    return [
        (word.account.index, word.state, [(c.code, c.log) for c in (*word.account.causes, *word.fallen_by)])
        for word in words(world)
    ]


def decided(world: World) -> int:
    with CEL() as engine:
        gate = Gate(collect=world.collect, engine=engine, policies=load_policies())
        return decide(gate, world.door(pipeline=DECLARED), step="production/gate")[1]


def test_a_word_that_stands_has_no_cause(world):
    yes = ben_says_yes(world)
    assert told(world) == [(yes, State.STANDS, [])]


def test_another_rehearsal_is_named_as_what_an_approval_fell_by(world):
    yes = ben_says_yes(world)
    again = world.rehearse(step="staging/rehearsal-again").index
    assert told(world) == [(yes, State.FALLEN, [("rehearsal", again)])]


def test_a_waiver_added_and_one_that_expired_are_named(world):
    first = ben_says_yes(world)
    waiver = waived(world, days=2)
    second = ben_says_yes(world)
    assert told(world) == [(first, State.FALLEN, [("waivers", waiver)]), (second, State.STANDS, [])]
    world.clock.advance(timedelta(days=2))
    assert told(world)[1] == (second, State.FALLEN, [("waivers", waiver)])
    (cause,) = words(world)[1].account.causes
    assert cause.at == world.clock.now() - timedelta(0)
    assert FINDING in cause.told


def test_a_waiver_of_a_finding_that_is_not_in_this_run_fells_nothing(world):
    world.say("scan/bandit", Said(readings.SCAN, scan(UNKNOWN), Digest.of(b"other")), run=OTHER_RUN)
    yes = ben_says_yes(world)
    waived(world, finding=UNKNOWN)
    assert told(world) == [(yes, State.STANDS, [])]


def test_a_serious_finding_of_another_run_fells_approvals_of_the_same_artifact(world):
    yes = ben_says_yes(world)
    world.say("scan/bandit", Said(readings.SCAN, scan(FINDING)), run=RunId("r-0000000003"))  # known already
    seen = world.say("scan/bandit", Said(readings.SCAN, scan(FINDING, UNKNOWN)), run=OTHER_RUN).index
    assert told(world) == [(yes, State.FALLEN, [("recheck", seen)])]
    assert UNKNOWN in words(world)[0].account.causes[0].told
    assert world.facts(pipeline=DECLARED).question.document["rechecks"][0]["id"] == UNKNOWN
    again = ben_says_yes(world)
    assert told(world)[1] == (again, State.STANDS, [])


def test_failed_tests_of_the_same_artifact_elsewhere_fell_approvals(world):
    yes = ben_says_yes(world)
    world.say("test", Said(readings.TEST_RESULT, counts()), run=RunId("r-0000000003"))
    failed = Said(readings.TEST_RESULT, counts(failed=1), outcome=Outcome.FAILED)
    seen = world.say("test", failed, run=OTHER_RUN).index
    assert told(world) == [(yes, State.FALLEN, [("recheck", seen)])]


def test_what_another_run_saw_of_another_artifact_or_before_this_run_looked_fells_nothing():
    world = World()
    world.serve()
    world.say("scan/bandit", Said(readings.SCAN, scan(UNKNOWN)), run=OTHER_RUN)
    world.ship(findings=(FINDING,))
    trained(world, days=300)
    yes = ben_says_yes(world)
    world.say("scan/bandit", Said(readings.SCAN, scan(UNKNOWN), Digest.of(b"other")), run=RunId("r-0000000003"))
    assert told(world) == [(yes, State.STANDS, [])]


def test_a_leaver_a_lost_role_and_a_new_key_are_named_with_the_enrolment(world):
    yes = ben_says_yes(world)
    left = world.enrol("ben").index
    assert told(world) == [(yes, State.FALLEN, [("departed", left)])]
    lost = world.enrol("ben", Role.DEVELOPER).index
    assert told(world) == [(yes, State.FALLEN, [("without-role", left)])]
    world.enrol("ben", Role.CLINICAL_SAFETY)
    assert told(world) == [(yes, State.STANDS, [])]
    other = world.enrol("ben", Role.CLINICAL_SAFETY, seed="ben's second key").index
    assert told(world) == [(yes, State.FALLEN, [("wrong-key", other)])]
    assert lost < other


def test_a_revoked_key_is_named_with_its_revocation(world):
    yes = ben_says_yes(world)
    revoked = revoke(world, "ben", since=world.log.size())
    assert told(world) == [(yes, State.FALLEN, [("key-revoked", revoked)])]
    world = begun()
    yes = ben_says_yes(world)
    backwards = revoke(world, "ben", since=yes)
    assert told(world) == [(yes, State.FALLEN, [("key-revoked", backwards)])]


def revoke(world: World, who: str, *, since: int) -> int:
    change = KeyChange(
        change=Change.REVOKED,
        key=key(who).public_key,
        holder=PrincipalId(who),
        by=None,
        purposes=(),
        origin="wardline/test",
        since=since,
        reason=RevocationReason.KEY_COMPROMISE,
    )
    return world.forge(change, step=f"key/{who}", actor="ada", signer=key("ada"), run=None).index


def test_training_that_ran_out_is_named_with_its_day_and_one_withdrawn_with_its_leaf(world):
    record = trained(world, days=3)
    yes = ben_says_yes(world)
    world.clock.advance(timedelta(days=4))
    assert told(world) == [(yes, State.FALLEN, [("training-lapsed", record)])]
    assert words(world)[0].account.causes[0].at == world.clock.now() - timedelta(days=1)
    trained(world, days=3)
    assert told(world) == [(yes, State.STANDS, [])]
    withdrawn = trained(world, days=None)
    assert told(world) == [(yes, State.FALLEN, [("training-lapsed", withdrawn)])]


def test_a_word_that_was_said_otherwise_since_is_superseded(world):
    yes, no = ben_says_yes(world), say(world, "ben", Role.CLINICAL_SAFETY, yes=False)
    assert told(world) == [(yes, State.SUPERSEDED, [("another-word", no)]), (no, State.STANDS, [])]
    back = ben_says_yes(world)
    assert told(world) == [
        (yes, State.SUPERSEDED, [("another-word", back)]),
        (no, State.SUPERSEDED, [("another-word", back)]),
        (back, State.STANDS, []),
    ]


def test_the_same_approval_once_more_is_told_as_said_already(world):
    yes = ben_says_yes(world)
    document = world.facts(pipeline=DECLARED).document
    shown = world.collect.blobs.put(document.canonical, CONSENT_DOCUMENT)
    word = Word(environment=PRODUCTION, role=Role.CLINICAL_SAFETY, matter=document.matter, shown=shown, reason=REASON)
    again = world.forge(Approval(word=word), step="production/word/ben/2", actor="ben", signer=key("ben")).index
    assert told(world)[1] == (again, State.SUPERSEDED, [("said-already", yes)])


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"artifact": Digest.of(b"other")}, "artifact"),
        ({"release_configuration": Digest.of(b"other")}, "configuration"),
        ({"commit": "decade"}, "commit"),
        ({"run": OTHER_RUN}, None),
    ],
)
def test_an_approval_over_another_digest_never_counted_and_says_which(world, changes, code):
    document = world.facts(pipeline=DECLARED).document
    shown = world.collect.blobs.put(document.canonical, CONSENT_DOCUMENT)
    matter = replace(document.matter, **changes)
    word = Word(environment=PRODUCTION, role=Role.CLINICAL_SAFETY, matter=matter, shown=shown, reason=REASON)
    index = world.forge(Approval(word=word), step="production/word/ben/1", actor="ben", signer=key("ben")).index
    if code is None:  # it says of itself that it is of another run: it is no word at this door
        assert told(world) == []
    else:
        assert told(world) == [(index, State.NEVER_COUNTED, [(code, None)])]


def test_an_approval_replayed_in_another_run_is_the_same_statement_and_counts_there_for_nothing(world):
    yes = world.log.read(ben_says_yes(world))
    size = world.log.size()
    assert world.log.append(yes.envelope) == yes  # the run and the step are under the signature
    assert world.log.size() == size
    elsewhere = replace(world.door(pipeline=DECLARED), run=OTHER_RUN)
    assert words_at(elsewhere, world.collect).words == ()


def test_where_the_shown_document_is_purged_the_matter_still_tells(world):
    yes = ben_says_yes(world)
    again = world.rehearse(step="staging/rehearsal-again").index
    world.collect.blobs.kept.clear()
    assert told(world) == [(yes, State.FALLEN, [("rehearsal", again)])]


def test_a_document_that_is_purged_is_folded_again_from_the_log(world):
    yes = ben_says_yes(world)
    world.serve(Digest.of(b"1.0.1"), name="1.0.1-bb")
    was = [(yes, State.FALLEN, [("way-back", world.log.size() - 2)])]
    assert told(world) == was
    world.collect.blobs.kept.clear()
    assert told(world) == was


def test_a_document_that_nobody_ever_had_leaves_its_word_set_aside(world):
    matter = world.facts(pipeline=DECLARED).document.matter
    shown = BlobRef(digest=Digest.of(b"unseen"), media_type=CONSENT_DOCUMENT, size_bytes=6)
    word = Word(environment=PRODUCTION, role=Role.CLINICAL_SAFETY, matter=matter, shown=shown, reason=REASON)
    index = world.forge(Approval(word=word), step="production/word/ben/1", actor="ben", signer=key("ben")).index
    assert told(world) == [(index, State.SET_ASIDE, [("document", None)])]


def test_an_approval_after_the_deadline_does_not_count(world):
    yes = ben_says_yes(world)
    at = world.clock.now()
    late = world.facts(pipeline=DECLARED, deadline=at).standing
    assert [each.objection.value for each in late.set_aside] == ["too-late"]
    assert [given.index for given in world.facts(pipeline=DECLARED, deadline=at + timedelta(1)).standing.approvals] == [
        yes
    ]


class TestAfterTheRelease:
    """What serves now, asked over the evidence of today."""

    @pytest.fixture
    def released(self, world) -> World:
        self.yes = ben_says_yes(world)
        self.gate = decided(world)
        world.serve(ARTIFACT, name="1.1-bb")
        return world

    def test_the_release_itself_fells_nothing(self, released):
        waived(released)
        released.rehearse(step="staging/rehearsal-again")
        (word,) = words(released)
        assert (word.state, word.fallen_by) == (State.STANDS, ())

    def test_a_leaver_a_new_finding_and_lapsed_training_are_told_as_what_came_since(self, released):
        left = released.enrol("ben").index
        found = released.say("scan/bandit", Said(readings.SCAN, scan(UNKNOWN)), run=OTHER_RUN).index
        released.clock.advance(timedelta(days=301))
        (word,) = words(released)
        assert (word.account.state, word.state) == (State.STANDS, State.FALLEN)
        assert [(c.code, c.log) for c in word.fallen_by] == [
            ("departed", left),
            ("training-lapsed", self.yes - 1),
            ("recheck", found),
        ]

    def test_a_rehearsal_that_fails_later_and_a_waiver_that_expires_fell_it(self, world):
        waiver = waived(world, days=5)
        ben_says_yes(world)
        decided(world)
        world.clock.advance(timedelta(days=6))
        body = world.rehearse(step="staging/again").statement.body
        bad = Said(readings.REHEARSAL, dict(body) | {"same_digests": False}, outcome=Outcome.FAILED)
        failed = world.say("rehearsal/2", bad).index
        (word,) = words(world)
        assert [(c.code, c.log) for c in word.fallen_by] == [("rehearsal", failed), ("waivers", waiver)]

    def test_what_had_fallen_before_the_gate_stays_so(self, world):
        first = ben_says_yes(world)
        again = world.rehearse(step="staging/rehearsal-again").index
        gate = decided(world)
        assert told(world) == [(first, State.FALLEN, [("rehearsal", again)])]
        assert words_at(world.door(pipeline=DECLARED), world.collect).decided == (gate, "deny")


ACTS = st.sampled_from(
    [
        "ben+",
        "ben-",
        "dan+",
        "dan-",
        "cleo+",
        "rehearse",
        "waive",
        "leave",
        "return",
        "key",
        "train",
        "untrain",
        "day",
        "month",
        "scan",
        "test",
        "serve",
        "revoke",
    ]
)


def act(world: World, what: str, number: int) -> None:
    safety, compliance = Role.CLINICAL_SAFETY, Role.COMPLIANCE
    failed = Said(readings.TEST_RESULT, counts(failed=1), outcome=Outcome.FAILED)
    other = RunId(f"r-{number + 10:010}")
    acts = {
        "ben+": lambda: say(world, "ben", safety),
        "ben-": lambda: say(world, "ben", safety, yes=False),
        "dan+": lambda: say(world, "dan", compliance),
        "dan-": lambda: say(world, "dan", safety, yes=False),
        "cleo+": lambda: say(world, "cleo", compliance),
        "rehearse": lambda: world.rehearse(step=f"staging/rehearsal-{number}"),
        "waive": lambda: waived(world, days=2),
        "leave": lambda: world.enrol("ben"),
        "return": lambda: world.enrol("ben", safety),
        "key": lambda: world.enrol("ben", safety, seed=f"key-{number}"),
        "train": lambda: trained(world, days=20),
        "untrain": lambda: trained(world, days=None),
        "day": lambda: world.clock.advance(timedelta(days=1)),
        "month": lambda: world.clock.advance(timedelta(days=30)),
        "scan": lambda: world.say("scan/bandit", Said(readings.SCAN, scan(f"F-{number:012}")), run=other),
        "test": lambda: world.say("test", failed, run=other),
        "serve": lambda: world.serve(Digest.of(bytes([number])), name=f"1.0-{number}"),
        "revoke": lambda: revoke(world, "dan", since=world.log.size() - 2),
    }
    try:
        acts[what]()
    except (Refused, Conflict):
        return  # it may not be said now: that is what a rule is for


@settings(max_examples=60, deadline=None)
@given(st.lists(ACTS, max_size=12), st.booleans())
def test_a_word_stands_exactly_if_no_cause_is_found_and_every_leaf_named_is_there(story, purged):
    world = begun()
    for number, what in enumerate(story):
        act(world, what, number)
        if purged:
            world.collect.blobs.kept.clear()
        standing = world.facts(pipeline=DECLARED).standing
        stands = {given.index for given in (*standing.approvals, *standing.rejections)}
        found = words(world)
        assert {word.account.index for word in found} == said(world)
        for word in found:
            account = word.account
            assert (account.state is State.STANDS) == (not account.causes) == (account.index in stands)
            assert all(cause.log is None or 0 <= cause.log < world.log.size() for cause in account.causes)
            if account.state is State.FALLEN:  # something after it did it, or time
                assert any(cause.at or (cause.log or 0) > account.index for cause in account.causes)


def said(world: World) -> set[int]:
    kinds = (Approval.predicate_type, Rejection.predicate_type)
    return {leaf.index for leaf in world.log.of_run(RUN) if leaf.statement.predicate_type in kinds}


@settings(max_examples=30, deadline=None)
@given(st.lists(ACTS, max_size=5), st.lists(ACTS, max_size=5))
def test_what_comes_after_the_gate_changes_nothing_of_how_it_was_at_the_gate(before, after):
    world = begun()
    for number, what in enumerate(before):
        act(world, what, number)
    with CEL() as engine:
        decide(
            Gate(collect=world.collect, engine=engine, policies=()),
            world.door(pipeline=DECLARED),
            step="production/gate",
        )
    was = [word.account for word in words(world)]
    for number, what in enumerate(after, start=20):
        act(world, what, number)
    now = words(world)
    assert [word.account for word in now] == was
    for word in now:
        if word.fallen_by:
            assert word.account.state is State.STANDS
            assert all(cause.worse for cause in word.fallen_by)

"""Break-glass as a fold: whose word counts, for what, until when; what it leaves owed, and what closes that."""

from dataclasses import replace
from datetime import timedelta

import pytest
from gate_world import ARTIFACT, PRODUCTION, RUN, START, Said, World, key, person, pipeline, release
from hypothesis import given, settings
from hypothesis import strategies as st

from wardline.adapters.policy.cel import CEL
from wardline.canonical import Digest, JSONObject
from wardline.delivery.break_glass import GlassDesk, Warned
from wardline.delivery.decide import Gate
from wardline.delivery.owed import owed
from wardline.delivery.review_emergency import ReviewDesk
from wardline.errors import Conflict, InvalidInput, NotFound, Refused
from wardline.evidence.log import Evidence
from wardline.gates import readings
from wardline.gates.break_glass_predicates import DoorNamed, EmergencyCode, EmergencyRelease, GlassBroken, parse_code
from wardline.gates.decisions import Allow, Deny, Undecided
from wardline.gates.emergency_review import AskedAgain, EmergencyReviewed, ReviewVerdict
from wardline.gates.policy_files import load_policies
from wardline.gates.review_debts import Debt, debts
from wardline.identity.predicates import Refusal
from wardline.identity.principals import Role
from wardline.predicates import BlobRef

BLOB = BlobRef(digest=Digest.of(b"x"), media_type="text/plain", size_bytes=1)
POLICIES = load_policies()
DONE = ReviewVerdict.JUSTIFIED


@pytest.fixture(scope="module")
def engine():
    with CEL() as opened:
        yield opened


@pytest.fixture
def world() -> World:
    """Nobody has approved: production would wait. oli and olga operate it; ada wrote the change."""
    world = World()
    world.enrol("oli", Role.OPERATOR)
    world.enrol("olga", Role.OPERATOR)
    world.serve()
    world.ship()
    return world


def gate(world: World, engine: CEL) -> Gate:
    return Gate(collect=world.collect, engine=engine, policies=POLICIES)


def desk(world: World, engine: CEL) -> GlassDesk:
    return GlassDesk(collect=world.collect, messenger=world.messenger, gate=gate(world, engine))


def warned(world: World, engine: CEL) -> Warned:
    return desk(world, engine).warn([world.door()])


def start(world: World, engine: CEL, who: str = "oli") -> Evidence:
    warning = warned(world, engine)
    return desk(world, engine).start(warning, by=person(who), code=EmergencyCode.OUTAGE, reason="It is down.")


def join(world: World, engine: CEL, who: str = "olga") -> Evidence:
    at = desk(world, engine)
    return at.join(at.joinable(RUN), by=person(who), reason="I see it too.")


def released(world: World, engine: CEL) -> Evidence:
    """Ask the gate and deploy under what it says."""
    decision = world.collect.once("production/gate", RUN, lambda: gate(world, engine).judged(world.door()))
    body: JSONObject = {
        "service": "eligibility",
        "environment": "production",
        "release": release("1.1-bb", ARTIFACT),
        "previous": None,
        "serving": None,
        "phase": "started",
        "decision": decision.index,
    }
    world.say("production/deploy", Said(readings.DEPLOYMENT, body))
    return decision


def reviews(world: World, engine: CEL) -> ReviewDesk:
    return ReviewDesk(collect=world.collect, engine=engine, door_at=lambda _run, _environment: world.door())


def review(world: World, engine: CEL, who: str, verdict: ReviewVerdict = DONE) -> Evidence:
    at = reviews(world, engine)
    return at.review(*at.look(RUN), by=person(who), verdict=verdict, retrospective="Page two people.")


def standing(world: World) -> object:
    return world.facts().question.document.get("emergency")


def owes(world: World) -> list[Debt]:
    return [debt for debt in owed(world.collect) if not debt.closed]


def test_an_emergency_passes_what_yields_and_says_so(world, engine):
    broken = start(world, engine)
    decision = gate(world, engine).judged(world.door()).decision
    assert isinstance(decision, Allow)
    assert decision.judgement.emergency == broken.index
    assert broken.index in decision.judgement.evidence
    aside = [reason for reason in decision.judgement.reasons if reason.verdict == "set-aside"]
    assert {reason.policy for reason in aside} == {"approved"}


def test_what_is_kept_still_denies_in_an_emergency(world, engine):
    world.say("scan/again", Said(readings.SCAN, {**_scan_with_secret()}))
    start(world, engine)
    assert isinstance(gate(world, engine).judged(world.door()).decision, Deny)


def _scan_with_secret() -> JSONObject:
    found: JSONObject = {"id": "F-00000000dead", "check": "secrets", "rule": "key", "severity": "critical"}
    looked: JSONObject = {"files": 12, "lines": 800}
    return {"scanner": {"name": "bandit", "version": "1"}, "looked_at": looked, "findings": [found]}


def test_it_ends_after_an_hour(world, engine):
    start(world, engine)
    world.clock.advance(timedelta(hours=1, milliseconds=-1))
    assert standing(world)
    world.clock.advance(timedelta(milliseconds=1))
    assert standing(world) is None
    assert isinstance(gate(world, engine).judged(world.door()).decision, Undecided)


def test_the_author_does_not_suffice_alone_in_production(world, engine):
    start(world, engine, "ada")  # compliance, and the author of the change
    assert standing(world) is None
    join(world, engine, "oli")
    assert standing(world)["people"] == 2


def test_where_nobody_knows_the_author_it_takes_two(engine):
    world = World()
    world.enrol("oli", Role.OPERATOR)
    world.serve()
    world.ship(author=None)
    start(world, engine)
    assert standing(world) is None
    join(world, engine, "cleo")
    assert standing(world)


@pytest.mark.parametrize("minutes", [15, 16])
def test_a_second_person_joins_within_fifteen_minutes(world, engine, minutes):
    start(world, engine)
    world.clock.advance(timedelta(minutes=minutes))
    if minutes > 15:
        with pytest.raises(Conflict, match="could join until"):
            join(world, engine)
    else:
        join(world, engine)
    assert standing(world)["people"] == (2 if minutes == 15 else 1)


def test_one_person_does_not_join_themselves(world, engine):
    start(world, engine)
    with pytest.raises(Refused, match="same-person"):
        join(world, engine, "oli")
    assert world.log.leaves[-1].statement.predicate_type == Refusal.predicate_type


@pytest.mark.parametrize(("who", "code"), [("mallory", "not-enrolled"), ("dev", "without-role"), ("gone", "departed")])
def test_who_may_not_is_refused_on_record(world, engine, who, code):
    world.enrol("dev", Role.DEVELOPER)
    world.enrol("gone", Role.OPERATOR)
    world.enrol("gone")
    with pytest.raises(Refused, match=code):
        start(world, engine, who)
    refusal = world.log.leaves[-1].statement
    assert (refusal.body["action"], refusal.body["code"]) == ("break-glass", code)


def test_a_leaver_takes_their_word_with_them(world, engine):
    start(world, engine)
    join(world, engine)
    world.enrol("olga")
    assert standing(world)["people"] == 1
    world.enrol("oli")
    assert standing(world) is None


def test_a_key_that_was_replaced_does_not_count_any_more(world, engine):
    start(world, engine)
    world.enrol("oli", Role.OPERATOR, seed="another key")
    assert standing(world) is None


def test_another_artifact_run_or_configuration_is_not_covered(world, engine):
    start(world, engine)
    door = world.door()
    other = replace(door.environment, config={"URL": "elsewhere"})
    assert standing(world)
    for changed in (
        replace(door, artifact=Digest.of(b"other")),
        replace(door, run="r-0000000002"),
        replace(door, environment=other),
        world.door(environment="staging"),
    ):
        from wardline.gates.facts import gather

        facts = gather(changed, tuple(world.log.every()), now=world.clock.now(), deadline=None)
        assert "emergency" not in facts.question.document


def word(world: World, **changes: object) -> GlassBroken:
    named = DoorNamed(environment=PRODUCTION, configuration=world.door().configuration)
    said = {
        "service": "eligibility",
        "role": Role.OPERATOR,
        "release": EmergencyRelease(run=RUN, artifact=ARTIFACT, doors=(named,)),
        "code": EmergencyCode.OUTAGE,
        "expires_at": world.clock.now() + timedelta(minutes=30),
        "joins": None,
        "shown": BLOB,
        "reason": BLOB,
    }
    return GlassBroken(**(said | changes))


@pytest.mark.parametrize(
    ("actor", "seed", "run", "changes"),
    [
        ("oli", "mallory", RUN, {}),
        ("mallory", "mallory", RUN, {}),
        ("oli", "oli", "r-0000000002", {}),  # said in another run
        ("oli", "oli", RUN, {"role": Role.COMPLIANCE}),
        ("oli", "oli", RUN, {"expires_at": START + timedelta(hours=2)}),
        ("oli", "oli", RUN, {"expires_at": START}),
    ],
)
def test_a_word_that_no_desk_would_take_counts_for_nothing(world, actor, seed, run, changes):
    assert standing(world) is None
    world.forge(word(world), step="fine", actor="oli", signer=key("oli"))
    assert standing(world)
    worse = World()
    worse.enrol("oli", Role.OPERATOR)
    worse.ship()
    worse.forge(word(worse, **changes), step="x", actor=actor, signer=key(seed), run=run)
    assert standing(worse) is None


@pytest.mark.parametrize("text", ["", "urgent", "Outage", "outage "])
def test_an_unknown_code_is_refused_with_those_there_are(text):
    with pytest.raises(InvalidInput, match="expected one of patient-safety, outage, active-exploit, data-loss"):
        parse_code(text)


def test_it_is_not_broken_twice_nor_for_nothing_nor_without_a_reason(world, engine):
    warning = warned(world, engine)
    with pytest.raises(InvalidInput, match="a reason is expected"):
        desk(world, engine).start(warning, by=person("oli"), code=EmergencyCode.OUTAGE, reason=" ")
    start(world, engine)
    with pytest.raises(Conflict, match="the glass is broken for it until"):
        start(world, engine, "olga")
    with pytest.raises(Conflict, match="nothing to break the glass for"):
        desk(world, engine).warn([])
    quiet = replace(warning, content={**warning.content, "doors": [{"set_aside": []}]})
    with pytest.raises(Conflict, match="nothing stands in the way"):
        desk(world, engine).start(quiet, by=person("olga"), code=EmergencyCode.OUTAGE, reason="Now.")
    with pytest.raises(NotFound, match="nobody broke the glass"):
        desk(world, engine).joinable("r-0000000009")


def test_a_run_that_ended_has_nothing_to_break_the_glass_for(world, engine):
    world.say("seal", Said("https://wardline.dev/predicates/seal/v1", {}))
    with pytest.raises(Conflict, match="has ended"):
        warned(world, engine)


def test_the_warning_names_what_yields_and_what_stays_in_the_way(engine):
    world = World()
    world.enrol("oli", Role.OPERATOR)
    world.ship(findings=("F-0123456789ab",))
    (door,) = warned(world, engine).content["doors"]
    assert any(told.startswith("approved: undecided") for told in door["set_aside"])
    assert any(told.startswith("no-serious-finding: deny") for told in door["still_in_the_way"])


def test_a_release_owes_a_review_within_a_day_or_without_a_date_where_two_broke_it(world, engine):
    start(world, engine)
    assert owes(world) == []
    decision = released(world, engine)
    (debt,) = owes(world)
    assert (debt.decision, debt.code, debt.people) == (decision.index, "outage", ("oli",))
    assert debt.due == debt.opened_at + timedelta(hours=24)
    assert not debt.overdue(debt.due)
    assert debt.overdue(debt.due + timedelta(milliseconds=1))
    world.say("seal", Said("https://wardline.dev/predicates/seal/v1", {}))
    joined = join(world, engine)  # four eyes within minutes, though the run has ended
    assert joined.statement.context.run is None
    (debt,) = owes(world)
    assert (debt.due, debt.people) == (None, ("oli", "olga"))


def test_what_is_owed_blocks_the_next_normal_release_until_both_have_reviewed(world, engine):
    start(world, engine)
    released(world, engine)
    world.clock.advance(timedelta(hours=2))

    def objection() -> list[str]:
        reasons = gate(world, engine).judged(world.door()).decision.judgement.reasons
        return [reason.verdict for reason in reasons if reason.policy == "no-review-debt"]

    assert objection() == ["deny"]
    review(world, engine, "ben")
    assert objection() == ["deny"]
    said = review(world, engine, "cleo", ReviewVerdict.NOT_JUSTIFIED)
    assert objection() == ["allow"]
    asked = EmergencyReviewed.parse(said.statement.body).asked_again
    assert [policy for each in asked for policy, _ in each.answers] == ["approved"]
    assert [verdict for each in asked for _, verdict in each.answers] == ["undecided"]
    with pytest.raises(Conflict, match="was reviewed"):
        review(world, engine, "dan")


@pytest.mark.parametrize(
    ("first", "second", "code"),
    [
        (None, "oli", "without-role"),
        (None, "ada", "took-part"),  # compliance, but the author of the change
        (None, "mallory", "not-enrolled"),
        ("dan", "dan", "same-person"),  # has both roles, and is one person
    ],
)
def test_who_may_not_review_is_refused(world, engine, first, second, code):
    start(world, engine)
    released(world, engine)
    if first is not None:
        review(world, engine, first)
    with pytest.raises(Refused, match=code):
        review(world, engine, second)
    assert owes(world)


def test_who_broke_the_glass_does_not_review_it(world, engine):
    start(world, engine, "cleo")
    released(world, engine)
    with pytest.raises(Refused, match="took-part"):
        review(world, engine, "cleo")


def test_a_forged_review_closes_nothing(world, engine):
    start(world, engine)
    decision = released(world, engine)
    again = AskedAgain(decision=decision.index, input=BLOB, policies=BLOB, answers=(("approved", "allow"),))
    for number, (who, seed, role) in enumerate(
        [
            ("ben", "mallory", Role.CLINICAL_SAFETY),
            ("cleo", "cleo", Role.CLINICAL_SAFETY),
            ("ben", "ben", Role.COMPLIANCE),
        ]
    ):
        said = EmergencyReviewed(
            service="eligibility",
            role=role,
            run=RUN,
            artifact=ARTIFACT,
            verdict=DONE,
            asked_again=(again,),
            retrospective=BLOB,
        )
        world.forge(said, step=f"review/{number}", actor=who, signer=key(seed), run=None)
    (debt,) = owes(world)
    assert debt.reviews == ()


def test_no_debt_is_lost_when_those_who_broke_the_glass_leave(world, engine):
    start(world, engine)
    join(world, engine)
    released(world, engine)
    world.enrol("oli")
    world.enrol("olga")
    (debt,) = owes(world)
    assert debt.people == ("oli", "olga")


WORDS = st.lists(
    st.tuples(
        st.sampled_from(["ben", "cleo", "dan", "ada", "oli"]),
        st.sampled_from([Role.COMPLIANCE, Role.CLINICAL_SAFETY, Role.OPERATOR]),
        st.sampled_from([0, 0, 1]),
    ),
    max_size=6,
)


@pytest.fixture(scope="module")
def after_release(engine) -> tuple[World, int]:
    world = World()
    world.enrol("oli", Role.OPERATOR, Role.COMPLIANCE)
    world.serve()
    world.ship()
    start(world, engine)
    return world, released(world, engine).index


@given(words=WORDS)
@settings(max_examples=150, deadline=None)
def test_whatever_is_said_only_both_roles_in_two_people_without_part_in_it_close_a_debt(after_release, words):
    world, decision = after_release
    begun = len(world.log.leaves)
    roles = {
        "ben": {Role.CLINICAL_SAFETY},
        "cleo": {Role.COMPLIANCE},
        "dan": {Role.CLINICAL_SAFETY, Role.COMPLIANCE},
    }
    try:
        for number, (who, role, off) in enumerate(words):
            again = AskedAgain(decision=decision + off, input=BLOB, policies=BLOB, answers=(("approved", "allow"),))
            said = EmergencyReviewed(
                service="eligibility",
                role=role,
                run=RUN,
                artifact=ARTIFACT,
                verdict=DONE,
                asked_again=(again,),
                retrospective=BLOB,
            )
            world.forge(said, step=f"review/{number}", actor=who, signer=key(who), run=None)
        counted = [(who, role) for who, role, off in words if not off and role in roles.get(who, set())]
        closing = any(
            one != other and first is Role.COMPLIANCE and second is Role.CLINICAL_SAFETY
            for one, first in counted
            for other, second in counted
        )
        people = world.facts().people
        (debt,) = debts(world.log.leaves, people=people)
        assert debt.closed == closing
    finally:
        del world.log.leaves[begun:]


@given(
    role=st.sampled_from([*Role]),
    code=st.sampled_from([*EmergencyCode]),
    joins=st.none() | st.integers(0, 99),
    doors=st.lists(st.sampled_from(["development", "staging", "production"]), min_size=1, unique=True),
    seconds=st.integers(1, 3600),
)
def test_a_word_is_read_back_equal(role, code, joins, doors, seconds):
    named = tuple(DoorNamed(environment=name, configuration=Digest.of(name.encode())) for name in doors)
    said = GlassBroken(
        service="eligibility",
        role=role,
        release=EmergencyRelease(run=RUN, artifact=ARTIFACT, doors=named),
        code=code,
        expires_at=START + timedelta(seconds=seconds),
        joins=joins,
        shown=BLOB,
        reason=BLOB,
    )
    assert GlassBroken.parse(said.body()) == said
    for member in said.body():
        with pytest.raises(InvalidInput):
            GlassBroken.parse({name: value for name, value in said.body().items() if name != member})


def test_a_normal_release_is_as_it_was(world):
    document = world.facts(pipeline=pipeline()).question.document
    assert document["review_debts"] == []
    assert "emergency" not in document

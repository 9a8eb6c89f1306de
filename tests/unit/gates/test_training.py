"""Training of who approves: recorded by somebody else, until a day, and in date when it is asked."""

import json
import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import jsonschema
import pytest
from gate_world import START, World, key, person, pipeline
from hypothesis import given
from hypothesis import strategies as st

from wardline.canonical import Digest, decode
from wardline.delivery.approve import Approvals
from wardline.delivery.sign import Signatory
from wardline.delivery.train import TrainingRequest, train
from wardline.errors import InvalidInput, NotFound, Refused
from wardline.evidence.log import Evidence
from wardline.gates.facts import Facts
from wardline.gates.training import RECORDED, TRAINING, Trained, Training
from wardline.identity.predicates import Refusal
from wardline.identity.principals import Role
from wardline.identity.separation import Objection
from wardline.ids import PrincipalId
from wardline.pipelines.spec import ApprovalSpec
from wardline.predicates import BlobRef

DOCS = Path(__file__).parents[3] / "docs" / "predicates"
TEXT = BlobRef(digest=Digest.of(b"x"), media_type="text/plain", size_bytes=1)
ASKED = pipeline(approvals=(ApprovalSpec(role=Role.CLINICAL_SAFETY, training=True), ApprovalSpec(role=Role.COMPLIANCE)))
BEN, CLEO = PrincipalId("ben"), person("cleo")


@pytest.fixture
def world() -> World:
    world = World()
    world.serve()
    world.ship()
    return world


def record(world: World, by: Signatory = CLEO, *, days: int | None = 30, who: str = "ben") -> Evidence:
    ends = None if days is None else world.clock.now() + timedelta(days=days)
    request = TrainingRequest(principal=PrincipalId(who), expires_at=ends, document=None, statement="HIPAA, yearly.")
    return train(request, by=by, collect=world.collect)


def approve(world: World, name: str = "ben", role: Role = Role.CLINICAL_SAFETY) -> Evidence:
    desk = Approvals(collect=world.collect, messenger=world.messenger)
    shown = desk.what_is_signed(world.door(pipeline=ASKED))
    return desk.approve(shown, by=person(name), role=role, reason="Looked at it.")


def counted(world: World) -> list[str]:
    return [given.by for given in facts(world).standing.approvals]


def aside(world: World) -> list[Objection]:
    return [each.objection for each in facts(world).standing.set_aside]


def facts(world: World) -> Facts:
    return world.facts(pipeline=ASKED)


def test_without_training_on_record_an_approval_that_asks_for_it_is_refused(world):
    with pytest.raises(Refused, match=r"no training in date is on record.*\(training-missing\)") as refused:
        approve(world)
    assert "wardline people train" in refused.value.remedy
    assert world.log.leaves[-1].statement.body["code"] == "training-missing"


def test_whose_training_has_run_out_is_refused(world):
    record(world, days=3)
    world.clock.advance(timedelta(days=3))
    with pytest.raises(Refused, match=r"\(training-lapsed\)"):
        approve(world)


def test_an_approval_by_somebody_trained_counts_and_the_decision_rests_on_the_record(world):
    trained = record(world)
    approve(world)
    assert counted(world) == ["ben"]
    section = facts(world).question.document["approvals"]
    assert section["required"][0] == {"role": "clinical-safety", "count": 1, "training": "required"}
    assert section["standing"][0]["training"]["log"] == trained.index
    assert trained.index in facts(world).question.evidence


def test_who_is_not_asked_for_training_approves_without(world):
    approve(world, "cleo", Role.COMPLIANCE)
    assert counted(world) == ["cleo"]


def test_an_approval_falls_when_training_runs_out_before_the_gate_is_asked(world):
    record(world, days=3)
    approve(world)
    world.clock.advance(timedelta(days=3, milliseconds=-1))
    assert counted(world) == ["ben"]
    world.clock.advance(timedelta(milliseconds=1))
    assert (counted(world), aside(world)) == ([], [Objection.TRAINING_LAPSED])


def test_an_approval_falls_when_the_record_is_withdrawn(world):
    record(world)
    approve(world)
    record(world, days=None)
    assert (counted(world), aside(world)) == ([], [Objection.TRAINING_LAPSED])


def test_a_record_made_after_the_approval_does_not_make_it_count(world):
    record(world, days=3)
    approve(world)
    record(world, days=None)
    record(world)
    assert counted(world) == ["ben"]  # a refresher: it was in date then, and is in date now
    world.log.leaves = [leaf for leaf in world.log.leaves if leaf.statement.predicate_type != TRAINING]
    record(world)
    assert (counted(world), aside(world)) == ([], [Objection.TRAINING_MISSING])


@pytest.mark.parametrize(
    ("by", "who", "code"),
    [
        (person("ben"), "dan", "without-role"),
        (person("cleo"), "cleo", "own-training"),
        (person("mallory"), "ben", "not-enrolled"),
        (Signatory(principal=PrincipalId("cleo"), signer=key("mallory")), "ben", "wrong-key"),
    ],
)
def test_who_may_not_record_training_is_refused_on_record(world, by, who, code):
    with pytest.raises(Refused, match=code):
        record(world, by, who=who)
    refusal = world.log.leaves[-1].statement
    assert refusal.predicate_type == Refusal.predicate_type
    assert (refusal.body["action"], refusal.body["code"]) == ("train", code)


@pytest.mark.parametrize("days", [0, -1, 367])
def test_an_end_out_of_range_is_refused(world, days):
    with pytest.raises(InvalidInput, match="training: expected an end between"):
        record(world, days=days)


def test_training_of_a_stranger_and_without_words_is_refused(world):
    with pytest.raises(NotFound, match="never enrolled"):
        record(world, who="nobody")
    empty = TrainingRequest(principal=BEN, expires_at=None, document=None, statement=" ")
    with pytest.raises(InvalidInput, match="statement is expected"):
        train(empty, by=person("cleo"), collect=world.collect)


@pytest.mark.parametrize(
    ("actor", "seed", "changes"),
    [
        ("cleo", "mallory", {}),
        ("ben", "ben", {}),  # their own, and without a role
        ("ben", "ben", {"role": Role.CLINICAL_SAFETY}),
        ("cleo", "cleo", {"role": Role.ADMINISTRATOR}),
        ("cleo", "cleo", {"expires_at": START + timedelta(days=4000)}),
        ("cleo", "cleo", {"principal": PrincipalId("cleo")}),
        ("mallory", "mallory", {}),
    ],
)
def test_a_record_that_nobody_might_make_counts_for_nothing(world, actor, seed, changes):
    made = Training(
        principal=BEN,
        claim=Trained.TRAINED,
        role=Role.COMPLIANCE,
        document=None,
        statement=TEXT,
        expires_at=START + timedelta(days=30),
    )
    world.forge(replace(made, **changes), step="training/x", actor=actor, signer=key(seed), run=None)
    assert facts(world).ground.trainings.recorded == ()


trainings = st.builds(
    Training,
    principal=st.sampled_from(["ben", "p-1"]).map(PrincipalId),
    claim=st.sampled_from(Trained),
    role=st.sampled_from([Role.COMPLIANCE, Role.ADMINISTRATOR]),
    document=st.none() | st.binary().map(Digest.of),
    statement=st.just(TEXT),
    expires_at=st.integers(min_value=0, max_value=10**9).map(lambda s: START + timedelta(seconds=s)),
)


@given(trainings)
def test_parsing_gives_back_what_was_written(training):
    assert Training.parse(training.body()) == training


@given(trainings, st.data())
def test_no_member_may_be_missing_added_or_of_another_type(training, data):
    body = training.body()
    name = data.draw(st.sampled_from(sorted(body)))
    for changed in ({k: v for k, v in body.items() if k != name}, body | {"more": 1}, body | {name: 0.5}):
        with pytest.raises(InvalidInput):
            Training.parse(changed)


def test_the_page_names_every_member_and_its_example_keeps_to_the_schema(world):
    page = (DOCS / "training.md").read_text()
    schema = json.loads((DOCS / "training.schema.json").read_text())
    prose, _, _ = page.partition("## Example")
    assert all(f"`{member}`" in prose for member in schema["properties"])
    assert RECORDED in prose
    (example,) = re.findall(r"```json\n(.*?)```", page, flags=re.DOTALL)
    validator = jsonschema.Draft202012Validator(schema)
    validator.validate(json.loads(example))
    validator.validate(decode(record(world).envelope.payload)["predicate"])

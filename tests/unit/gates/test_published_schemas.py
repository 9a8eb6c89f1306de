"""What is written is what docs/predicates publishes."""

import json
from datetime import timedelta
from pathlib import Path

import jsonschema
import pytest
from gate_world import FINDING, World, person

from wardline.canonical import decode
from wardline.delivery.approve import Approvals
from wardline.delivery.waive import WaiverRequest, waive
from wardline.errors import Refused
from wardline.evidence.log import Evidence
from wardline.gates.predicates import APPROVAL, REJECTION, WAIVER
from wardline.identity.predicates import Enrolment, Refusal
from wardline.identity.principals import Role
from wardline.identity.separation import Objection

DOCS = Path(__file__).parents[3] / "docs" / "predicates"
PUBLISHED = {
    "approval": APPROVAL,
    "rejection": REJECTION,
    "waiver": WAIVER,
    "enrolment": Enrolment.predicate_type,
    "refusal": Refusal.predicate_type,
}


@pytest.fixture(scope="module")
def said() -> list[Evidence]:
    """Return a log in which every kind was said at least once."""
    world = World()
    world.serve()
    world.ship(findings=(FINDING,))
    world.enrol("eve", Role.DEVELOPER)
    world.enrol("eve")
    expiry = world.clock.now() + timedelta(days=1)
    waive(
        WaiverRequest(finding=FINDING, expires_at=expiry, environment=None, reason="Known."),
        by=person("cleo"),
        collect=world.collect,
    )
    desk = Approvals(collect=world.collect, messenger=world.messenger)
    shown = desk.what_is_signed(world.door())
    desk.approve(shown, by=person("ben"), role=Role.CLINICAL_SAFETY, reason="Looked at it.")
    desk.reject(shown, by=person("dan"), role=Role.COMPLIANCE, reason="Not now.")
    for who in ("ada", "mallory"):
        with pytest.raises(Refused):
            desk.approve(shown, by=person(who), role=Role.COMPLIANCE, reason="Mine.")
    return world.log.leaves


@pytest.mark.parametrize("name", sorted(PUBLISHED))
def test_what_is_signed_keeps_to_the_schema(said, name):
    schema = json.loads((DOCS / f"{name}.schema.json").read_text())
    validator = jsonschema.Draft202012Validator(schema)
    bodies = [
        decode(leaf.envelope.payload)["predicate"] for leaf in said if leaf.statement.predicate_type == PUBLISHED[name]
    ]
    assert bodies
    for body in bodies:
        validator.validate(body)
        for member in body:
            assert not validator.is_valid({key: value for key, value in body.items() if key != member})
        assert not validator.is_valid(body | {"extra": 1})


@pytest.mark.parametrize("name", sorted(PUBLISHED))
def test_every_page_names_its_type_and_every_member(name):
    page = (DOCS / f"{name}.md").read_text()
    schema = json.loads((DOCS / f"{name}.schema.json").read_text())
    assert f"`{PUBLISHED[name]}`" in page
    if name != "rejection":  # its page points to that of the approval
        assert all(f"`{member}" in page for member in schema["properties"] if member != "subject")


def test_every_code_of_a_refusal_is_on_its_page():
    page = (DOCS / "refusal.md").read_text()
    # These say of a word in the log that it does not count; nobody is refused with them.
    silent = {Objection.BAD_SIGNATURE, Objection.MALFORMED, Objection.ANOTHER_MATTER, Objection.TOO_LATE}
    assert all(f"`{code.value}`" in page for code in set(Objection) - silent)

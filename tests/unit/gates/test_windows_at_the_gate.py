"""Windows at the gate: the whole fold and the policies that come along, asked of a real worker."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from gate_world import PRODUCTION, World, person, pipeline

from wardline.adapters.policy.cel import CEL
from wardline.canonical import Digest
from wardline.delivery.approve import Approvals
from wardline.delivery.await_door import Waiting, what_to_await
from wardline.delivery.decide import Gate
from wardline.errors import IntegrityViolation, InvalidInput
from wardline.gates.calendar_files import read_calendars
from wardline.gates.decisions import Allow, Decision, Deny, Undecided
from wardline.gates.door import Door
from wardline.gates.policy_files import load_policies
from wardline.identity.principals import Role

FILE = "calendars/clinic.yaml"
UNTOLD = {"outside-windows", "outside-emergency-windows", "window-approved"}  # without calendars nobody can tell
POLICIES = load_policies()


def a_window(strength: str, *, starts: str = "2026-11-23T02:00", lasts: str = "2h", name: str = "nights") -> str:
    role = ", approval: data-protection" if strength == "soft" else ""
    return (
        f"  - {{id: {name}, kind: quiet-hours, strength: {strength}{role}, starts: {starts}, lasts: {lasts}, "
        "downtime_plan: shelf 3, reason: patients sleep}\n"
    )


def a_calendar(*windows: str) -> str:
    return "calendar: 1\ntimezone: America/New_York\nwindows:\n" + "".join(windows)


@pytest.fixture
def world() -> World:
    """A run before production on 23 November 2026 at 08:00 UTC, which is 03:00 in New York."""
    world = World()
    world.enrol("dora", Role.DATA_PROTECTION)
    world.serve()
    world.ship()
    return world


def door(world: World, *windows: str, **files: str | None) -> Door:
    declared = tuple(files) or (FILE,)
    content = files or {FILE: a_calendar(*windows)}
    calendars = read_calendars(declared, lambda name: None if content[name] is None else content[name].encode())
    before = pipeline()
    environments = tuple(
        replace(each, windows=declared) if each.name == PRODUCTION else each for each in before.environments
    )
    return replace(world.door(pipeline=replace(before, environments=environments)), calendars=calendars)


def approve(world: World, at: Door, *, also: str | None = None) -> None:
    desk = Approvals(collect=world.collect, messenger=world.messenger)
    roles = {"ben": Role.CLINICAL_SAFETY, "cleo": Role.COMPLIANCE}
    for who, role in (roles | ({also: Role.DATA_PROTECTION} if also else {})).items():
        desk.approve(desk.what_is_signed(at), by=person(who), role=role, reason="Looked at it.")


def ask(world: World, at: Door) -> Decision:
    return Gate(collect=world.collect, engine=CEL(), policies=POLICIES).judged(at).decision


def objections(decision: Decision) -> dict[str, tuple[str, str]]:
    reasons = [reason for reason in decision.judgement.reasons if reason.verdict != "allow"]
    told = {name: "; ".join(r.message for r in reasons if r.policy == name) for name in {r.policy for r in reasons}}
    return {reason.policy: (reason.verdict, told[reason.policy]) for reason in reasons}


def test_a_hard_window_denies_and_says_until_when(world):
    at = door(world, a_window("hard"))
    approve(world, at)
    decision = ask(world, at)
    assert isinstance(decision, Deny)
    ((policy, (verdict, message)),) = objections(decision).items()
    assert (policy, verdict) == ("outside-windows", "deny")
    assert "quiet-hours nights until 2026-11-23 04:00 America/New_York" in message


def test_a_window_for_emergencies_denies_what_is_none(world):
    at = door(world, a_window("emergency-only"))
    approve(world, at)
    ((policy, (verdict, message)),) = objections(ask(world, at)).items()
    assert (policy, verdict) == ("outside-emergency-windows", "deny")
    assert "a window lets pass emergencies alone" in message


def test_a_soft_window_is_undecided_until_its_role_has_approved(world):
    at = door(world, a_window("soft"))
    approve(world, at)
    decision = ask(world, at)
    assert isinstance(decision, Undecided)
    ((policy, (_, message)),) = objections(decision).items()
    assert policy == "window-approved"
    assert "data-protection for quiet-hours nights until 2026-11-23 04:00 America/New_York" in message
    approve(world, at, also="dora")
    assert isinstance(ask(world, at), Allow)


@pytest.mark.parametrize("starts", ["2026-11-23T00:00", "2026-11-23T03:01"])
def test_a_window_that_is_over_or_to_come_keeps_nobody_out(world, starts):
    at = door(world, a_window("hard", starts=starts))
    approve(world, at)
    assert isinstance(ask(world, at), Allow)


@pytest.mark.parametrize("broken", [None, "calendar: 1", a_calendar(a_window("hard")).replace("New_York", "Newyork")])
def test_a_calendar_that_cannot_be_read_leaves_the_gate_undecided(world, broken):
    at = door(world, **{"a.yaml": a_calendar(a_window("soft", starts="2027-01-01T00:00")), "b.yaml": broken})
    approve(world, at)
    decision = ask(world, at)
    assert isinstance(decision, Undecided)
    assert set(objections(decision)) == UNTOLD
    assert "a calendar that wardline.yaml declares could not be read" in objections(decision)["outside-windows"][1]


def test_a_door_without_its_calendars_is_undecided_and_never_clear(world):
    at = replace(door(world, a_window("hard")), calendars=world.door().calendars)
    approve(world, at)
    assert set(objections(ask(world, at))) == UNTOLD


def test_where_no_calendar_is_declared_nothing_is_said_of_windows(world):
    facts = world.facts()
    assert facts.question.document.keys().isdisjoint({"windows", "calendars"})
    assert "calendars" not in facts.document.content
    assert facts.question.document["standards"]["calendars"] == []


def test_the_calendars_are_in_what_is_asked_and_in_what_is_signed(world):
    at = door(world, a_window("hard"))
    digest = str(Digest.of(a_calendar(a_window("hard")).encode()))
    desk = Approvals(collect=world.collect, messenger=world.messenger)
    shown = desk.what_is_signed(at)
    assert shown.content["calendars"] == [{"file": FILE, "digest": digest}]
    facts = look_at(world, at)
    assert facts.question.document["calendars"] == [{"file": FILE, "digest": digest}]
    (window,) = facts.question.document["windows"]
    assert (window["began"], window["ends"]) == ("2026-11-23T07:00:00.000Z", "2026-11-23T09:00:00.000Z")
    assert "patients sleep" not in str(facts.question.document)


def test_what_is_signed_does_not_change_with_the_hour(world):
    at = door(world, a_window("hard"))
    before = look_at(world, at).document.digest
    world.clock.advance(datetime(2026, 11, 23, 12, tzinfo=UTC) - world.clock.now())
    assert look_at(world, at).document.digest == before


def test_an_approval_falls_when_a_calendar_is_another_one(world):
    at = door(world, a_window("hard", starts="2027-01-01T00:00"))
    approve(world, at)
    moved = door(world, a_window("hard", starts="2027-01-02T00:00"))
    assert look_at(world, at).standing.approvals
    assert not look_at(world, moved).standing.approvals


def test_only_the_roles_that_approvals_and_windows_name_are_asked(world):
    desk = Approvals(collect=world.collect, messenger=world.messenger)
    hard = door(world, a_window("hard"))
    with pytest.raises(InvalidInput, match="nobody is asked as data-protection; asked: clinical-safety, compliance"):
        desk.approve(desk.what_is_signed(hard), by=person("dora"), role=Role.DATA_PROTECTION, reason="Mine.")


def look_at(world, at):
    from wardline.delivery.decide import look

    return look(at, world.collect)


def awaited(world, at, *, since=None):
    return what_to_await(look_at(world, at), at, now=world.clock.now(), since=since)


def test_people_are_awaited_before_windows_and_told_of_them(world):
    at = door(world, a_window("hard"))
    found = awaited(world, at)
    assert found.people == "1 of clinical-safety and 1 of compliance"
    assert found.windows == "quiet-hours nights until 2026-11-23 04:00 America/New_York"
    assert (found.until, found.kept_out_since) == (None, None)
    approve(world, at)
    found = awaited(world, at)
    assert (found.people, found.until) == (None, datetime(2026, 11, 23, 9, tzinfo=UTC))
    assert found.kept_out_since == world.clock.now()


def test_a_role_of_a_soft_window_is_awaited_no_longer_than_the_window(world):
    at = door(world, a_window("soft"))
    approve(world, at)
    found = awaited(world, at)
    assert found.people == "1 of data-protection (quiet-hours nights until 2026-11-23 04:00 America/New_York)"
    assert found.until == datetime(2026, 11, 23, 9, tzinfo=UTC)
    approve(world, at, also="dora")
    assert awaited(world, at) is None


def test_what_would_be_in_vain_is_not_awaited(world):
    long = door(world, a_window("hard", lasts="12h"), a_window("hard", starts="2026-11-23T14:00", name="next"))
    assert awaited(world, long) is None  # 13 hours are left, and it waits for 12
    unread = door(world, **{"b.yaml": None})
    assert awaited(world, unread) is None
    night = door(world, a_window("hard"))
    approve(world, night)
    assert awaited(world, night, since=datetime(2026, 11, 22, 20, 59, tzinfo=UTC)) is None  # 11 h 1 min waited already
    assert awaited(world, night, since=datetime(2026, 11, 22, 21, tzinfo=UTC)) is not None
    desk = Approvals(collect=world.collect, messenger=world.messenger)
    desk.reject(desk.what_is_signed(night), by=person("dan"), role=Role.COMPLIANCE, reason="No.")
    assert awaited(world, night) is None


def test_what_a_step_recorded_is_read_again():
    waiting = Waiting(people="1 of compliance", windows="w", until=datetime(2026, 11, 23, 9, tzinfo=UTC))
    assert Waiting.parse(waiting.to_json()) == waiting
    assert Waiting.parse("1 of compliance") == Waiting(people="1 of compliance")  # by a version without windows
    with pytest.raises(IntegrityViolation):
        Waiting.parse({"people": 1})

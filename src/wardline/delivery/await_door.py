"""Await a door: people answer and windows end before the gate is asked, or nobody is waited for any longer.

What is waited for is looked at inside durable steps, so that a run that was killed waits on for the same.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Self

from wardline.canonical import JSON
from wardline.clock import from_rfc3339, to_rfc3339
from wardline.delivery.approve import approvals_topic
from wardline.delivery.begin import is_emergency
from wardline.delivery.decide import gate_step, look
from wardline.delivery.standing import words_at
from wardline.delivery.travel import Travel
from wardline.errors import IntegrityViolation
from wardline.evidence.statements import evidence_key
from wardline.gates.approvals import is_word
from wardline.gates.break_glass import Glass
from wardline.gates.calendars import Strength
from wardline.gates.door import Door
from wardline.gates.facts import Facts
from wardline.gates.revocation import State
from wardline.gates.windows import InEffect, clear_from, windows_at

GLASS_WITHIN = timedelta(hours=1)  # how long a run that was begun as an emergency waits for somebody to say so
_SECOND = "a second person"


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """What a run waits for at a door.

    Attributes:
        people: The approvals still to come; None: all are there, or no more can.
        windows: What keeps the run out, and until when; None: nothing does.
        until: When to look again; None: when people's time is up.
        glass: Who has still to break the glass, or to join; None: nobody is waited for so.
        kept_out_since: From when on the wait for windows counts; None: it does not count yet.
    """

    people: str | None = None
    windows: str | None = None
    until: datetime | None = None
    kept_out_since: datetime | None = None
    glass: str | None = None

    def to_json(self) -> JSON:
        return {
            "people": self.people,
            "windows": self.windows,
            "until": None if self.until is None else to_rfc3339(self.until),
            "kept_out_since": None if self.kept_out_since is None else to_rfc3339(self.kept_out_since),
            "glass": self.glass,
        }

    @classmethod
    def parse(cls, recorded: JSON) -> Self:
        match recorded:
            case str(people):  # recorded before there were windows
                return cls(people=people)
            case {
                "people": str() | None as people,
                "windows": str() | None as windows,
                "until": str() | None as until,
                "kept_out_since": str() | None as since,
                **later,
            }:
                glass = later.get("glass")  # recorded before there was break-glass
                return cls(
                    people=people,
                    windows=windows,
                    until=None if until is None else from_rfc3339(until),
                    kept_out_since=None if since is None else from_rfc3339(since),
                    glass=glass if isinstance(glass, str) else None,
                )
            case _:
                raise IntegrityViolation("a step recorded something else than what a run waits for")


def await_door(travel: Travel, door: Door) -> datetime:
    """Wait until the gate of `door` is worth asking, and return until when people were asked.

    People are asked even while a window keeps the run out; windows are waited for if they end within the
    environment's `window_wait`. What came of it is for the gate to judge.
    """
    name = door.environment.name
    # Where there are no windows, steps are called what they were before there were any: runs begun then go on.
    steps = f"{name}/waiting" if door.environment.windows else f"{name}/approvals"
    began = from_rfc3339(str(travel.decide(f"{steps}/asked", lambda: to_rfc3339(travel.clock.now()))))
    deadline = began + door.environment.approvals_within
    look_now = partial(_found, travel, door, began=began)
    kept_out_since: datetime | None = None
    told: set[int] = set()
    count = 0
    while True:
        # Looked at inside a step: on a replay the log holds more, and the clock shows later, than the first time.
        recorded = travel.decide(f"{steps}/look-{count}", partial(_look, look_now, since=kept_out_since))
        if recorded is None:
            return deadline
        waiting = Waiting.parse(recorded)
        kept_out_since = kept_out_since or waiting.kept_out_since
        _tell(travel, door, partial(look_now, since=kept_out_since), deadline=deadline)
        _tell_fallen(travel, door, told)
        wakes = _wakes(waiting, deadline)
        answered = travel.engine.wait_for(approvals_topic(name), deadline=wakes) is not None
        if not answered and waiting.people is not None and wakes == deadline:
            return deadline  # a timeout is not a yes, and the gate will find nobody's
        count += 1


def what_to_await(facts: Facts, door: Door, *, now: datetime, since: datetime | None) -> Waiting | None:
    """Return what a run waits for at `door` at `now`; None: nothing, or it would be in vain.

    `since` is when windows alone first kept the run out. In vain are waits after a no, for approvals that
    cannot count because nobody knows the author, for windows that nobody can tell, and for those that last
    longer than `window_wait`.
    """
    glass = facts.glass
    if glass is not None and glass.suffices(door, author=facts.author):
        return _in_emergency(glass, door, now=now)
    if glass is not None and now < glass.join_until:
        # The author alone does not suffice here: whatever else would come in time, a second person may come first.
        usual = _usual(facts, door, now=now, since=since) or Waiting()
        until = min(each for each in (usual.until, glass.join_until) if each is not None)
        return replace(usual, until=until, glass=_SECOND)
    return _usual(facts, door, now=now, since=since)


def _in_emergency(glass: Glass, door: Door, *, now: datetime) -> Waiting | None:
    """Return what an emergency waits for: a second person, while one may join, where a hard window is in effect."""
    windows = windows_at(door.calendars.read, now)
    hard = [window for window in windows if window.window.strength is Strength.HARD]
    if not hard or glass.together or now >= glass.join_until:
        return None
    until = min(glass.join_until, max(window.ends for window in hard))
    return Waiting(windows=" and ".join(window.told for window in hard), until=until, glass=_SECOND)


def _usual(facts: Facts, door: Door, *, now: datetime, since: datetime | None) -> Waiting | None:
    windows = windows_at(door.calendars.read, now)
    blocking = [window for window in windows if window.window.blocks]
    soft = [window for window in windows if not window.window.blocks]
    people = _lacking(facts, door, soft)
    if facts.standing.rejections or (people and facts.author is None) or not door.calendars.complete:
        return None
    waited = since or now
    left = door.environment.window_wait - (now - waited)
    if blocking and clear_from(door.calendars.read, now, within=left) is None:
        return None
    told = " and ".join(window.told for window in blocking) or None
    if people:
        ends = min((window.ends for window in soft), default=None)
        return Waiting(people=" and ".join(people), windows=told, until=ends)
    if told is None:
        return None
    return Waiting(windows=told, until=max(window.ends for window in blocking), kept_out_since=waited)


def _look(look_now: Callable[..., Waiting | None], *, since: datetime | None) -> JSON:
    found = look_now(since=since)
    return None if found is None else found.to_json()


def _found(travel: Travel, door: Door, *, began: datetime, since: datetime | None) -> Waiting | None:
    facts, now = look(door, travel.collect), travel.clock.now()
    if facts.glass is None and is_emergency(travel.run) and now < began + GLASS_WITHIN:
        return Waiting(glass="the glass to be broken", until=began + GLASS_WITHIN)
    return what_to_await(facts, door, now=now, since=since)


def _tell(travel: Travel, door: Door, found: Callable[[], Waiting | None], *, deadline: datetime) -> None:
    """Say what is still waited for: on a replay it may have come, and the gate may have decided, long ago."""
    decided = travel.collect.log.find(evidence_key(travel.id, gate_step(door.environment.name))) is not None
    waiting = None if decided else found()
    if waiting is None:
        return
    reason = _told(travel, door, waiting, deadline=deadline)
    if travel.run.waiting_for == reason:
        travel.progress.waits(reason)  # said in an earlier life of the run, and not to whoever watches this one
    travel.wait_for(reason)


def _tell_fallen(travel: Travel, door: Door, told: set[int]) -> None:
    """Say of each approval that fell, and was given by nobody anew, why and by which leaf; each once a process."""
    if not any(is_word(item) for item in travel.collect.log.of_run(door.run)):
        return  # what has become of words is read from all of the log, which may be long
    words = words_at(door, travel.collect).words
    anew = {(word.account.by, word.account.role) for word in words if word.state is State.STANDS}
    for account in (word.account for word in words):
        fallen = account.yes and account.state is State.FALLEN and (account.by, account.role) not in anew
        if not fallen or account.index in told:
            continue
        told.add(account.index)
        why = "; ".join(
            cause.told if cause.log is None else f"{cause.told} (log index {cause.log})" for cause in account.causes
        )
        travel.progress.says(f"the approval of {account.by} at log index {account.index} has fallen: {why}")


def _lacking(facts: Facts, door: Door, soft: Sequence[InEffect]) -> list[str]:
    given = Counter(approval.role for approval in facts.standing.approvals)
    lacking = {
        wanted.role: f"{wanted.count - given[wanted.role]} of {wanted.role.value}"
        for wanted in door.environment.approvals
        if given[wanted.role] < wanted.count
    }
    for window in soft:
        role = window.window.approval
        if role is not None and not given[role]:
            lacking.setdefault(role, f"1 of {role.value} ({window.told})")
    return list(lacking.values())


def _wakes(waiting: Waiting, deadline: datetime) -> datetime:
    if waiting.people is None:
        return waiting.until or deadline
    return min(waiting.until or deadline, deadline)


def _told(travel: Travel, door: Door, waiting: Waiting, *, deadline: datetime) -> str:
    name = door.environment.name
    if waiting.glass is not None:
        command = "join" if waiting.glass == _SECOND else "start"
        until = "" if waiting.until is None else f" by {to_rfc3339(waiting.until)}"
        rest = [text for text in (waiting.people, waiting.windows) if text is not None]
        also = f"; else it waits for {' and '.join(rest)}" if rest else ""
        return f"EMERGENCY: {name} waits for {waiting.glass}{until}: wardline break-glass {command} {travel.id}{also}"
    if waiting.people is None:
        return f"{name} waits for {waiting.windows}"
    asked = f"{name} needs {waiting.people} by {to_rfc3339(deadline)}: wardline approve {travel.id}"
    return asked if waiting.windows is None else f"{asked}; it waits for {waiting.windows}"

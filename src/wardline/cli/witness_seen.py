"""What a witness remembers, shown."""

from wardline.bootstrap.witness import Remembered
from wardline.cli.shell import say
from wardline.tlog.witness import Alarm, AlarmKind


def say_log(log: Remembered) -> None:
    say(f"log {log.origin}")
    if log.heads:
        newest = log.heads[-1]
        say(f"  newest: {newest.size} leaves, root {newest.root.hex()}, cosigned {newest.at:%Y-%m-%d %H:%M:%S} UTC")
        say(f"  cosigned heads: {len(log.heads)}")
    else:
        say("  nothing was cosigned yet")
    for alarm in log.alarms:
        say_alarm(log.origin, alarm)


def say_heads(log: Remembered) -> None:
    """Print the cosigned heads as signed notes, one after another: what `wardline restore --witnessed` reads."""
    for seen in log.heads:
        say(f"{seen.note}{seen.line}")


def say_alarm(origin: str, alarm: Alarm) -> None:
    title = {
        AlarmKind.FORK: "ALARM: the log signed two histories",
        AlarmKind.ROLLBACK: "ALARM: the log shows less than it had signed before",
        AlarmKind.UNCONNECTED: "doubt: a signed head came without a proof that it goes on from what was seen",
    }[alarm.kind]
    settled = "" if alarm.settled_at is None else f"; settled {alarm.settled_at:%Y-%m-%d %H:%M:%S} UTC"
    say(f"  {title} ({origin}, {alarm.at:%Y-%m-%d %H:%M:%S} UTC{settled})")
    for what, note in (("cosigned before", alarm.seen), ("came then", alarm.came)):
        say(f"    {what}:")
        for line in note.rstrip("\n").split("\n"):
            say(f"      {line}".rstrip())


def alarm_to_json(alarm: Alarm) -> dict[str, object]:
    return {
        "kind": alarm.kind.value,
        "at": alarm.at.isoformat(),
        "settled_at": None if alarm.settled_at is None else alarm.settled_at.isoformat(),
        "seen": alarm.seen,
        "came": alarm.came,
        "proof": [step.hex() for step in alarm.proof],
    }


def log_to_json(log: Remembered, *, history: bool) -> dict[str, object]:
    newest = log.heads[-1] if log.heads else None
    document: dict[str, object] = {
        "origin": log.origin,
        "size": 0 if newest is None else newest.size,
        "root": None if newest is None else newest.root.hex(),
        "at": None if newest is None else newest.at.isoformat(),
        "checkpoint": None if newest is None else newest.note + newest.line,
        "alarms": [alarm_to_json(alarm) for alarm in log.alarms],
    }
    if history:
        document["history"] = [seen.note + seen.line for seen in log.heads]
    return document

"""Calendar files: windows as YAML, read once into values, every problem told at once with its line and key."""

import difflib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import cache, partial
from zoneinfo import ZoneInfo, available_timezones

from yaml.nodes import Node, ScalarNode

from wardline.canonical import Digest
from wardline.errors import InvalidInput
from wardline.gates.calendars import HORIZON, LONGEST_WINDOW, Calendar, Calendars, Length, Strength, Window, WindowKind
from wardline.gates.recurrences import Recurrence, parse_rule
from wardline.identity.principals import Role
from wardline.pipelines.documents import Kind, decoded, read_document
from wardline.pipelines.keys import LABEL
from wardline.pipelines.reading import TEXT, Reader, line_of
from wardline.pipelines.sections import Key, Section
from wardline.pipelines.shapes import MAX_ITEMS, Choice, Items, Places, Schema, Text, Whole

_TIMESTAMP = "tag:yaml.org,2002:timestamp"
_ZONE = re.compile(r"UTC|[A-Z][A-Za-z0-9_+-]*(?:/[A-Z][A-Za-z0-9_+-]*){1,2}", re.ASCII)  # no folders, no right/…
_LENGTH = re.compile(r"(?:([0-9]{1,3})d)?(?:([0-9]{1,4})h)?(?:([0-9]{1,5})m)?", re.ASCII)
_YEARS = range(2000, 2200)  # in which every sum of a start, a horizon and a length is a date


def parse_calendar(content: bytes, *, file: str) -> Calendar:
    """Return the calendar that the bytes of `file` declare.

    Raises:
        InvalidInput: They declare none; `problems` lists all that is wrong, each as
            `file:line: key: what was expected and what stands there`.
    """
    windows = read_document(decoded(content, _KIND, filename=file), _KIND, filename=file)
    if not isinstance(windows, tuple):
        raise InvalidInput(f"{file} declares no windows")
    return Calendar(file=file, digest=Digest.of(content), windows=windows)


def read_calendars(declared: Sequence[str], read: Callable[[str], bytes | None]) -> Calendars:
    """Return the calendars at the paths `declared`; what is none is among its problems.

    `read` returns the content at a path, or None where there is no file.
    """
    found: list[Calendar] = []
    problems: list[str] = []
    for file in declared:
        content = read(file)
        if content is None:
            problems.append(f"{file}: there is no such file beside wardline.yaml")
            continue
        try:
            found.append(parse_calendar(content, file=file))
        except InvalidInput as error:
            problems += error.problems or (error.what,)
    return Calendars(declared=tuple(declared), read=tuple(found), problems=tuple(problems))


def refuse_unread(calendars: Calendars) -> Calendars:
    """Return `calendars` if all of them could be read.

    Raises:
        InvalidInput: One could not; `problems` has everything that is wrong with any of them.
    """
    if calendars.complete:
        return calendars
    count = len(calendars.declared) - len(calendars.read)
    raise InvalidInput(
        f"{count} of {len(calendars.declared)} calendars cannot be read: {', '.join(calendars.declared)}",
        remedy="Every key of a calendar is in docs/reference/calendars.md.",
        problems=calendars.problems,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Written:
    """One scalar, taken as the text that stands in the file, dates included."""

    wanted: str
    make: Callable[[str], object | None]

    def read(self, node: Node, key: str, reader: Reader) -> object | None:
        if isinstance(node, ScalarNode) and node.tag in {TEXT, _TIMESTAMP}:
            value = self.make(node.value)
            if value is not None:
                return value
        reader.expected(node, key, self.wanted)
        return None

    def schema(self) -> Schema:
        return {"type": "string"}


@dataclass(frozen=True, slots=True)
class _Rule:
    """The text of an RRULE; each of its problems is told apart."""

    wanted: str = "a recurrence rule of RFC 5545 that ends, such as FREQ=WEEKLY;BYDAY=SA,SU;COUNT=20"

    def read(self, node: Node, key: str, reader: Reader) -> object | None:
        if not isinstance(node, ScalarNode) or node.tag != TEXT:
            reader.expected(node, key, self.wanted)
            return None
        try:
            return parse_rule(node.value)
        except InvalidInput as error:
            for problem in error.problems:
                reader.report(line_of(node), key, problem)
            return None

    def schema(self) -> Schema:
        return {"type": "string"}


@dataclass(frozen=True, slots=True)
class _Zone:
    """A time zone of the IANA database, by its name."""

    wanted: str = "a time zone by its IANA name, such as America/New_York or UTC"

    def read(self, node: Node, key: str, reader: Reader) -> object | None:
        name = node.value if isinstance(node, ScalarNode) and node.tag == TEXT else ""
        if _ZONE.fullmatch(name) and name in _zones():
            return ZoneInfo(name)
        near = difflib.get_close_matches(name[:60], _zones(), n=1)
        reader.expected(node, key, self.wanted + (f" (nearest: {near[0]})" if near else ""))
        return None

    def schema(self) -> Schema:
        return {"type": "string"}


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def _local_time(text: str) -> datetime | None:
    try:
        found = datetime.strptime(text, "%Y-%m-%dT%H:%M")  # noqa: DTZ007  # local on purpose: the zone has its own key
    except ValueError:
        return None
    return found if found.year in _YEARS and f"{found:%Y-%m-%dT%H:%M}" == text else None


def _day(text: str) -> date | None:
    found = _local_time(f"{text}T00:00")
    return None if found is None else found.date()


def _length(text: str) -> Length | None:
    match = _LENGTH.fullmatch(text)
    if match is None:
        return None
    days, hours, minutes = (int(part or 0) for part in match.groups())
    found = Length(days=days, exact=timedelta(hours=hours, minutes=minutes))
    return found if timedelta() < found.longest <= LONGEST_WINDOW else None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Draft:
    """A window whose zone may be that of its file."""

    zone: ZoneInfo | None = None
    others: Mapping[str, object] = field(default_factory=dict)

    def window(self, default: ZoneInfo) -> Window:
        make: Callable[..., Window] = partial(Window, zone=self.zone or default)
        return make(**self.others)


def _draft(*, zone: ZoneInfo | None = None, excepted: tuple[date, ...] = (), **others: object) -> _Draft:
    return _Draft(zone=zone, others=others | {"excepted": frozenset(excepted)})


def _windows(*, zone: ZoneInfo, drafts: tuple[_Draft, ...], calendar: int = 1) -> tuple[Window, ...]:  # noqa: ARG001  # the only version there is
    return tuple(draft.window(zone) for draft in drafts)


def _judge_window(declared: Mapping[str, object], places: Places) -> None:
    strength, role = declared.get("strength"), "approval" in places.names()
    if strength is Strength.SOFT and not role:
        places.report("approval", "required where strength is soft: the role that may let a release pass")
    if strength in {Strength.HARD, Strength.EMERGENCY_ONLY} and role:
        places.report("approval", f"nobody lets a release pass a window that is {strength}; remove it or say soft")
    if "except" in places.names() and "repeats" not in places.names():
        places.report("except", "says on which days it does not begin, and it does not repeat")
    match declared:
        case {"repeats": Recurrence() as rule, "starts": datetime() as starts} if not rule.is_first(starts.date()):
            places.report(
                "starts",
                f"the rule in repeats does not happen on {starts.date()}; expected a first day on which it does "
                "(RFC 5545 §3.8.5.3)",
            )


def _judge_file(_declared: Mapping[str, object], places: Places) -> None:
    seen: dict[object, int] = {}
    for number in range(MAX_ITEMS):
        at = f"windows[{number}]"
        name = places.value(f"{at}.id")
        if name is not None and seen.setdefault(name, number) != number:
            places.report(f"{at}.id", f"{name} is already the id of windows[{seen[name]}]; each needs its own")
        _judge_times(at, places)


def _judge_times(at: str, places: Places) -> None:
    """Look at every occurrence of one window, as far as what says when it happens could be read."""
    read = {name: places.value(f"{at}.{name}") for name in ("starts", "lasts", "repeats", "except", "timezone")}
    if any(read[name] is None for name in places.names(at) if name in read):
        return
    zone = read["timezone"] or places.value("timezone")
    starts, lasts, rule, excepted = read["starts"], read["lasts"], read["repeats"], read["except"]
    if isinstance(starts, datetime) and isinstance(lasts, Length) and isinstance(zone, ZoneInfo):
        window = Window(
            id=at,
            kind=WindowKind.FREEZE,
            strength=Strength.HARD,
            starts=starts,
            lasts=lasts,
            zone=zone,
            repeats=rule if isinstance(rule, Recurrence) else None,
            reason=at,
        )
        _judge_occurrences(window, excepted if isinstance(excepted, tuple) else (), at, places)


def _judge_occurrences(window: Window, excepted: tuple[date, ...], at: str, places: Places) -> None:
    rule, first = window.repeats, window.starts.date()
    if rule is None or not rule.is_first(first):
        return  # what does not begin on its first day was told, and may search for a second one for ever
    days = list(window.days())
    strangers = sorted(set(excepted) - set(days))
    if strangers:
        places.report(f"{at}.except", f"it does not begin on {', '.join(map(str, strangers[:5]))}")
    if not set(days) - set(excepted):
        why = "every day on which it begins is excepted" if days else "UNTIL is before its first time"
        places.report(f"{at}.repeats", f"it never happens: {why}")
    if _goes_on(rule, days, first):
        places.report(f"{at}.repeats", f"it goes on for more than {HORIZON.days} days; expected an earlier end")
    _judge_overlap(replace(window, excepted=frozenset(excepted)), at, places)


def _goes_on(rule: Recurrence, days: Sequence[date], first: date) -> bool:
    if rule.count is not None:
        return len(days) < rule.count
    return rule.until is not None and rule.until.date() - first > HORIZON


def _judge_overlap(window: Window, at: str, places: Places) -> None:
    before = None
    for day in window.days():
        found = window.occurrence(day)
        if before is not None and found.began < before.ends:
            places.report(
                f"{at}.lasts",
                f"it overlaps itself: it begins again on {day} while it is still in effect; "
                "expected it to be shorter (a day in which clocks change has 23 or 25 hours: write 1d, not 24h)",
            )
            return
        before = found


_REASON = Text(wanted="one line of text", pattern=r"[^\x00-\x20\x7f][^\x00-\x1f\x7f]*", longest=400)

# fmt: off
_WINDOW = Section(make=_draft, check=_judge_window, keys=(
    Key(name="id", shape=LABEL, required=True, doc="its name, in decisions and in what people are shown"),
    Key(name="kind", shape=Choice(words=tuple(WindowKind), make=WindowKind), required=True,
        doc="why changes are kept out"),
    Key(name="strength", shape=Choice(words=tuple(Strength), make=Strength), required=True,
        doc="who may pass: nobody, a release that the role in approval has approved, or an emergency"),
    Key(name="starts", shape=_Written(wanted="a local time such as 2026-12-21T22:00", make=_local_time), required=True,
        doc="when it begins for the first time, as the clock on the wall shows it"),
    Key(name="lasts", shape=_Written(wanted="a length from 1m to 92d such as 8h, 2d or 1d12h", make=_length),
        required=True, doc="how long it is in effect: days are days of the calendar, hours and minutes are exact"),
    Key(name="repeats", shape=_Rule(), doc="when it begins again; left out: it happens once"),
    Key(name="except", field="excepted", shape=Items(each=_Written(wanted="a day such as 2026-12-25", make=_day)),
        default=[], doc="days on which it would begin and does not"),
    Key(name="timezone", field="zone", shape=_Zone(), doc="where its clock hangs; left out: that of the file"),
    Key(name="approval", shape=Choice(words=tuple(Role), make=Role),
        doc="with soft alone, and required there: the role that may let a release pass"),
    Key(name="reason", shape=_REASON, required=True, doc="why, for those who have to wait"),
    Key(name="downtime_plan", shape=_REASON,
        doc="where it is written what to do without the system, where an outage is expected"),
))

FILE = Section(make=_windows, check=_judge_file, keys=(
    Key(name="calendar", shape=Whole(at_least=1, at_most=1), required=True, doc="the version of this format: 1"),
    Key(name="timezone", field="zone", shape=_Zone(), required=True,
        doc="where the clocks of its windows hang, as an IANA name"),
    Key(name="windows", field="drafts", shape=Items(each=_WINDOW, at_least=1), required=True,
        doc="when changes are kept out"),
))
# fmt: on

_KIND = Kind(shape=FILE, wrong="is no calendar", remedy="Every key of a calendar is in docs/reference/calendars.md.")

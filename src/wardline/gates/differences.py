"""Differences: what of a shown document is not so any more, piece by piece, and by which leaf."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from wardline.canonical import JSON, JSONObject
from wardline.clock import from_rfc3339
from wardline.evidence.log import Evidence
from wardline.gates.consent import Document
from wardline.gates.predicates import Matter
from wardline.gates.readings import SCAN, findings_of
from wardline.ids import RunId
from wardline.outcomes import Outcome

UNSEEN = "document"  # it is another one, and what it said is not kept


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """One thing by which a word fell, or for which it never counted.

    Attributes:
        code: The part of the document that changed, or the objection to the word.
        told: What happened, in ids, digests and codes.
        log: The leaf that made it so; None: no leaf did.
        at: When time alone did it; None: it did not.
        worse: Whether it speaks against what was approved, also after that was released.
    """

    code: str
    told: str
    log: int | None = None
    at: datetime | None = None
    worse: bool = True


def differences(
    shown: JSONObject | None, matter: Matter, now: Document, *, evidence: Sequence[Evidence], at: datetime
) -> tuple[Cause, ...]:
    """Return what makes `now` another document than the one `shown`, over which `matter` was signed; at least one.

    `shown` None: it is not kept any more, and only the matter tells.
    """
    found = [*_of_matter(matter, now.matter)]
    if shown is not None:
        found += _of_sections(shown, now.content, evidence=evidence, run=now.door.run, at=at)
    else:
        found += _of_indices(matter, now.matter)
    unseen = Cause(code=UNSEEN, told="what was shown is not what would be shown now; it is not kept any more")
    return tuple(found) or (unseen,)


def _of_matter(then: Matter, now: Matter) -> Iterator[Cause]:
    if then.run != now.run:
        yield Cause(code="run", told=f"it was said in run {then.run[:40]}, not in {now.run}")
    if then.artifact != now.artifact:
        yield Cause(code="artifact", told=f"another artifact: {then.artifact.short}, now {now.artifact.short}")
    if then.commit != now.commit:
        yield Cause(code="commit", told=f"another commit: {_short(then.commit)}, now {_short(now.commit)}")
    if then.release_configuration != now.release_configuration:
        was, is_now = then.release_configuration.short, now.release_configuration.short
        yield Cause(code="configuration", told=f"another configuration: {was}, now {is_now}")


def _of_indices(then: Matter, now: Matter) -> Iterator[Cause]:
    """Compare what the matter holds of the sections, where the sections themselves are gone."""
    if then.findings != now.findings:
        told = f"other findings: {then.findings.count} were shown, {now.findings.count} are known now"
        yield Cause(code="findings", told=told)
    for index in sorted(set(now.waivers) - set(then.waivers)):
        yield Cause(code="waivers", told="a waiver was added", log=index, worse=False)
    for index in sorted(set(then.waivers) - set(now.waivers)):
        yield Cause(code="waivers", told=f"the waiver at log index {index} does not count any more")
    for code, was, is_now in (("rehearsal", then.rehearsal, now.rehearsal), ("tests", then.tests, now.tests)):
        if was != is_now:
            yield Cause(code=code, told=f"another {code} than at log index {_text(was)}", log=is_now)


def _of_sections(
    then: JSONObject, now: JSONObject, *, evidence: Sequence[Evidence], run: RunId, at: datetime
) -> Iterator[Cause]:
    for name in sorted({*then, *now} - {"subject"}):
        was, is_now = then.get(name), now.get(name)
        if was == is_now:
            continue
        match name:
            case "findings":
                yield from _of_findings(was, is_now, evidence=evidence, run=run)
            case "waivers":
                yield from _of_waivers(was, is_now, at=at)
            case "rechecks":
                yield from _of_rechecks(was, is_now)
            case "rehearsal":
                yield _of_rehearsal(is_now)
            case "way_back":
                release = _member(is_now, "release") or "nothing"
                told = f"something else would be gone back to: {_text(release)}"
                yield Cause(code="way-back", told=told, log=_log(is_now), worse=False)
            case _:
                told = "other calendars of windows" if name == "calendars" else f"another {name}"
                yield Cause(code=name.replace("_", "-"), told=told, log=_log(is_now))


def _of_findings(was: JSON, is_now: JSON, *, evidence: Sequence[Evidence], run: RunId) -> Iterator[Cause]:
    then, now = _by(was, "id"), _by(is_now, "id")
    scans = [e for e in evidence if e.statement.predicate_type == SCAN and e.statement.context.run == run]
    for name in sorted(now.keys() - then.keys()):
        log = next((e.index for e in reversed(scans) if any(f.get("id") == name for f in findings_of(e))), None)
        yield Cause(code="findings", told=f"+{name} ({_text(_member(now[name], 'severity'))})", log=log)
    last = scans[-1].index if scans else None
    for name in sorted(then.keys() - now.keys()):
        yield Cause(code="findings", told=f"-{name}: not found any more", log=last, worse=False)
    if now.keys() == then.keys():
        yield Cause(code="findings", told="the findings are told otherwise", log=last)


def _of_waivers(was: JSON, is_now: JSON, *, at: datetime) -> Iterator[Cause]:
    then, now = _by(was, "log"), _by(is_now, "log")
    for key in sorted(now.keys() - then.keys(), key=int):
        told = f"{_text(_member(now[key], 'finding'))} is waived until {_text(_member(now[key], 'expires_at'))}"
        yield Cause(code="waivers", told=told, log=int(key), worse=False)
    for key in sorted(then.keys() - now.keys(), key=int):
        finding, expires = _member(then[key], "finding"), _member(then[key], "expires_at")
        ended = from_rfc3339(expires) if isinstance(expires, str) else None
        if ended is not None and ended <= at:
            told = f"the waiver of {_text(finding)} expired on {_text(expires)}"
            yield Cause(code="waivers", told=told, log=int(key), at=ended)
        else:
            yield Cause(code="waivers", told=f"the waiver of {_text(finding)} does not count any more", log=int(key))
    if now.keys() == then.keys():
        yield Cause(code="waivers", told="the waivers are told otherwise")


def _of_rechecks(was: JSON, is_now: JSON) -> Iterator[Cause]:
    known = _list(was)
    for each in _list(is_now):
        if each in known:
            continue
        if _member(each, "kind") == "finding":
            told = f"+{_text(_member(each, 'id'))} ({_text(_member(each, 'severity'))}), seen in another run"
        else:
            told = f"tests of the same artifact {_text(_member(each, 'outcome'))} in another run"
        yield Cause(code="recheck", told=told, log=_log(each))


def _of_rehearsal(is_now: JSON) -> Cause:
    if is_now is None:
        return Cause(code="rehearsal", told="there is no rehearsal any more")
    outcome = _member(is_now, "outcome")
    told = f"rehearsed again: {_text(outcome)}"
    return Cause(code="rehearsal", told=told, log=_log(is_now), worse=outcome != Outcome.PASSED.value)


def _by(section: JSON, name: str) -> Mapping[str, JSON]:
    return {_text(_member(each, name)): each for each in _list(section)}


def _list(section: JSON) -> list[JSON]:
    return section if isinstance(section, list) else []


def _member(section: JSON, name: str) -> JSON:
    return section.get(name) if isinstance(section, dict) else None


def _log(section: JSON) -> int | None:
    found = _member(section, "log")
    return found if isinstance(found, int) else None


def _text(value: JSON) -> str:
    return "-" if value is None else str(value)[:80]


def _short(commit: str | None) -> str:
    return "none" if commit is None else commit[:12]


def worse(causes: Iterable[Cause]) -> tuple[Cause, ...]:
    """Return those that speak against what was approved, also after it was released."""
    return tuple(cause for cause in causes if cause.worse)

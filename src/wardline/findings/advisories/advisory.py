"""One advisory: a record of the Open Source Vulnerability format, OSV schema 1.x, parsed strictly.

A record that cannot be understood is an error and never one advisory less.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from wardline.canonical import JSON, JSONObject
from wardline.errors import InvalidInput
from wardline.findings.advisories.severity import stated_severity
from wardline.findings.finding import Severity

_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:+-]{1,127}", re.ASCII)
_LONGEST_VERSION: Final = 300  # characters


class RangeKind(StrEnum):
    SEMVER = "SEMVER"
    ECOSYSTEM = "ECOSYSTEM"
    GIT = "GIT"


class EventKind(StrEnum):
    """What happens at a version, in the order that counts where two happen at the same one."""

    FIXED = "fixed"
    INTRODUCED = "introduced"
    LAST_AFFECTED = "last_affected"
    LIMIT = "limit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """`version` "0" of an introduction is before every version."""

    kind: EventKind
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    kind: RangeKind
    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Affected:
    """What of one package is affected: the versions that are listed and those in a range."""

    ecosystem: str  # without what follows a colon: Debian:12 is Debian
    name: str
    ranges: tuple[Range, ...]
    versions: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Advisory:
    """`severity` is the worst that the record states; None: it states none."""

    id: str
    modified: datetime
    withdrawn: bool
    aliases: tuple[str, ...]
    affected: tuple[Affected, ...]
    severity: Severity | None


def parse_advisory(document: JSON, *, where: str) -> Advisory:
    """Return the advisory that `document` is; `where` names it in errors.

    Raises:
        InvalidInput: It is no OSV record that this version understands.
    """
    if not isinstance(document, dict):
        raise InvalidInput(f"{where}: expected an OSV record")
    match document:
        case {"id": str(id_), "modified": str(modified)} if _ID.fullmatch(id_):
            pass
        case _:
            raise InvalidInput(f"{where}: expected an OSV record with an id and modified")
    withdrawn = document.get("withdrawn")
    if withdrawn is not None:
        _moment(withdrawn, f"{where}: withdrawn")
    affected = [each for each in _objects(document.get("affected"), f"{where}: affected") if "package" in each]
    return Advisory(
        id=id_,
        modified=_moment(modified, f"{where}: modified"),
        withdrawn=withdrawn is not None,
        aliases=_texts(document.get("aliases"), f"{where}: aliases"),
        affected=tuple(_affected(each, where) for each in affected),
        severity=stated_severity(document),
    )


def _affected(document: JSONObject, where: str) -> Affected:
    match document["package"]:
        case {"ecosystem": str(ecosystem), "name": str(name)} if ecosystem and name:
            pass
        case _:
            raise InvalidInput(f"{where}: affected: expected a package with an ecosystem and a name")
    return Affected(
        ecosystem=ecosystem.partition(":")[0],
        name=name,
        ranges=tuple(_range(each, where) for each in _objects(document.get("ranges"), f"{where}: ranges")),
        versions=_texts(document.get("versions"), f"{where}: versions"),
    )


def _range(document: JSONObject, where: str) -> Range:
    kind = document.get("type")
    if not isinstance(kind, str) or kind not in set(RangeKind):
        raise InvalidInput(f"{where}: range: expected one of {', '.join(RangeKind)}, got {str(kind)[:40]!r}")
    events = tuple(_event(each, where) for each in _objects(document.get("events"), f"{where}: events"))
    if not any(event.kind is EventKind.INTRODUCED for event in events):
        raise InvalidInput(f"{where}: range: expected an event introduced, got none")
    return Range(kind=RangeKind(kind), events=events)


def _event(document: JSONObject, where: str) -> Event:
    match list(document.items()):
        case [(str(kind), str(version))] if kind in set(EventKind) and 0 < len(version) <= _LONGEST_VERSION:
            return Event(kind=EventKind(kind), version=version)
        case _:
            raise InvalidInput(f"{where}: event: expected one of {', '.join(EventKind)} with a version")


def _moment(value: JSON, where: str) -> datetime:
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError as error:
        raise InvalidInput(f"{where}: expected a moment (RFC 3339)") from error
    if moment is None or moment.tzinfo is None:
        raise InvalidInput(f"{where}: expected a moment with its zone (RFC 3339)")
    return moment


def _objects(value: JSON, where: str) -> list[JSONObject]:
    # Null is what several published databases write for an empty list.
    members = [] if value is None else value
    if not isinstance(members, list):
        raise InvalidInput(f"{where}: expected a list")
    objects = [each for each in members if isinstance(each, Mapping)]
    if len(objects) != len(members):
        raise InvalidInput(f"{where}: expected a list of objects")
    return objects


def _texts(value: JSON, where: str) -> tuple[str, ...]:
    members = [] if value is None else value
    if not isinstance(members, list):
        raise InvalidInput(f"{where}: expected a list")
    texts = tuple(each for each in members if isinstance(each, str) and 0 < len(each) <= _LONGEST_VERSION)
    if len(texts) != len(members):
        raise InvalidInput(f"{where}: expected a list of short texts")
    return texts

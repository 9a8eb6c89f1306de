"""Which versions a range holds: the order of versions is each ecosystem's own, and a library's to know.

OSV schema 1.x, "Evaluation": https://ossf.github.io/osv-schema/#evaluation
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import total_ordering
from typing import Any, Final

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from wardline.findings.advisories.advisory import Affected, Event, EventKind, Range, RangeKind

SEMANTIC: Final = frozenset({"npm", "Go", "crates.io", "Hex", "Pub"})
_ORDER: Final = tuple(EventKind)
_PARTS: Final = 3  # major, minor, patch
_SEMVER: Final = re.compile(
    r"v?(0|[1-9]\d*)(?:\.(0|[1-9]\d*))?(?:\.(0|[1-9]\d*))?(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?", re.ASCII
)


class NotComparable(Exception):
    """Nobody here can say which of two versions is the later one. Travels inside this package only."""


@dataclass(frozen=True, slots=True)
@total_ordering
class _Semantic:
    """Semantic Versioning 2.0.0 §11; parts that a version leaves out are 0, as in Go's and OSV's "1.2"."""

    release: tuple[int, ...]
    before: tuple[tuple[bool, int, str], ...]  # a number is before a word, and a pre-release before the release

    @classmethod
    def parse(cls, text: str) -> "_Semantic":
        match = _SEMVER.fullmatch(text)
        if match is None:
            raise NotComparable(text)
        words = match[4].split(".") if match[4] else []
        before = tuple((not word.isdigit(), int(word) if word.isdigit() else 0, word) for word in words)
        return cls(tuple(int(match[n + 1] or 0) for n in range(_PARTS)), before)

    def __lt__(self, other: "_Semantic") -> bool:
        return (self.release, not self.before, self.before) < (other.release, not other.before, other.before)


def _pep440(text: str) -> Version:
    try:
        return Version(text)
    except InvalidVersion as error:
        raise NotComparable(text) from error


def _univers(name: str) -> Callable[[str], Any]:
    def parse(text: str) -> Any:  # noqa: ANN401  # the library's own class, with its order
        from univers import versions
        from univers.versions import InvalidVersion as Foreign

        try:
            return getattr(versions, name)(text)
        except (Foreign, ValueError, TypeError, AttributeError) as error:
            raise NotComparable(text) from error

    return parse


_ECOSYSTEMS: Final[Mapping[str, Callable[[str], Any]]] = {
    "PyPI": _pep440,
    "Maven": _univers("MavenVersion"),
    "RubyGems": _univers("RubygemsVersion"),
    "NuGet": _univers("NugetVersion"),
    "Packagist": _univers("ComposerVersion"),
} | dict.fromkeys(SEMANTIC, _Semantic.parse)


def is_comparable(ecosystem: str) -> bool:
    """Return whether versions of `ecosystem` can be put in order here."""
    return ecosystem in _ECOSYSTEMS


def normal_name(ecosystem: str, name: str) -> str:
    """Return `name` as its ecosystem compares it."""
    if ecosystem == "PyPI":
        return canonicalize_name(name)  # PEP 503
    return name.lower() if ecosystem in {"NuGet", "Packagist"} else name


def is_affected(affected: Affected, version: str) -> bool:
    """Return whether `version` of the package is affected.

    Raises:
        NotComparable: No list names it, and a range cannot be held against it.
    """
    own = _parser(affected.ecosystem)(version.strip())
    if _listed(affected, version, own):
        return True
    comparable = [each for each in affected.ranges if each.kind is not RangeKind.GIT]
    if not comparable and not affected.versions:
        raise NotComparable(f"{affected.name}: only commits of its repository are named")
    return any(_holds(each, affected.ecosystem, version) for each in comparable)


def fixes(affected: Affected, version: str) -> tuple[str, ...]:
    """Return the first version of each range that mends `version`, earliest first.

    Raises:
        NotComparable: As `is_affected`.
    """
    found = set()
    for each in affected.ranges:
        if each.kind is not RangeKind.GIT and _holds(each, affected.ecosystem, version):
            parse = _parser_of(each, affected.ecosystem)
            own = parse(version)
            later = [e.version for e in each.events if e.kind is EventKind.FIXED and parse(e.version) > own]
            found |= {min(later, key=parse)} if later else set()
    return tuple(sorted(found, key=_parser(affected.ecosystem)))


def _listed(affected: Affected, version: str, own: object) -> bool:
    if version in affected.versions:
        return True
    parse = _parser(affected.ecosystem)
    for each in affected.versions:
        try:
            if parse(each) == own:
                return True
        except NotComparable:
            continue  # an old name of a version, such as 1.0-dev-r3: it can only be met by its spelling
    return False


def _holds(held: Range, ecosystem: str, version: str) -> bool:
    """Walk the events in order of their versions; whatever comes last up to `version` decides."""
    parse = _parser_of(held, ecosystem)
    own = parse(version)
    limits = [e.version for e in held.events if e.kind is EventKind.LIMIT and e.version != "*"]
    if limits and not any(own < parse(limit) for limit in limits):
        return False
    affected = False
    for event in _in_order(held.events, parse):
        match event.kind:
            case EventKind.INTRODUCED if event.version == "0" or own >= parse(event.version):
                affected = True
            case EventKind.FIXED if own >= parse(event.version):
                affected = False
            case EventKind.LAST_AFFECTED if own > parse(event.version):
                affected = False
            case _:
                continue
    return affected


def _in_order(events: tuple[Event, ...], parse: Callable[[str], Any]) -> list[Event]:
    first = [e for e in events if e.kind is EventKind.INTRODUCED and e.version == "0"]
    others = [e for e in events if e not in first and e.kind is not EventKind.LIMIT]
    # Twice sorted, because what a library compares need not be comparable inside a tuple.
    by_kind = sorted(others, key=lambda e: _ORDER.index(e.kind))
    return [*first, *sorted(by_kind, key=lambda e: parse(e.version))]


def _parser(ecosystem: str) -> Callable[[str], Any]:
    parse = _ECOSYSTEMS.get(ecosystem)
    if parse is None:
        raise NotComparable(f"versions of {ecosystem}")
    return _filled(parse)


def _parser_of(held: Range, ecosystem: str) -> Callable[[str], Any]:
    return _filled(_Semantic.parse) if held.kind is RangeKind.SEMVER else _parser(ecosystem)


def _filled(parse: Callable[[str], Any]) -> Callable[[str], Any]:
    def parsed(text: str) -> Any:  # noqa: ANN401  # as the library's
        if not text.strip():
            raise NotComparable("an empty version")
        return parse(text)

    return parsed

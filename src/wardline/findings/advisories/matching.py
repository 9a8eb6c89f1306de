"""Components against advisories: what is affected, by what, and in which version it is mended.

Clean means compared: a component that cannot be compared, or an ecosystem of which the mirror holds nothing, makes the
whole match say so.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from wardline.canonical import JSONObject
from wardline.findings.advisories.advisory import Advisory
from wardline.findings.advisories.components import Component, Components
from wardline.findings.advisories.mirror import Mirror
from wardline.findings.advisories.severity import worst
from wardline.findings.advisories.versions import NotComparable, fixes, is_affected, is_comparable, normal_name
from wardline.findings.advisories.vex import VEX, Said
from wardline.findings.finding import Finding, Severity

CHECK: Final = "osv"
_PREFERRED: Final = ("CVE-", "GHSA-", "PYSEC-")  # whose name for a vulnerability is taken; others after them
_MOST_NAMED: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Vulnerability:
    """One vulnerability of one component, under whichever names it has.

    Attributes:
        ids: All its names, the preferred one first.
        fixed: The versions that mend it, earliest first; empty: none is known.
        severity: None: no record states one.
        said: What a VEX document says of it; None: nothing.
    """

    component: Component
    ids: tuple[str, ...]
    fixed: tuple[str, ...]
    severity: Severity | None
    said: Said | None

    @property
    def finding(self) -> Finding:
        """The finding. Without a stated severity it counts as high: what nobody has judged is not harmless."""
        where = self.component
        more = f" ({', '.join(self.ids[1:_MOST_NAMED])})" if len(self.ids) > 1 else ""
        mended = f"fixed in {', '.join(self.fixed)}" if self.fixed else "no fixed version is known"
        unrated = "" if self.severity is not None else "; no severity is stated, taken for high"
        return Finding(
            id=_fingerprint(where, self.ids[0]),
            check=CHECK,
            rule=self.ids[0],
            severity=self.severity or Severity.HIGH,
            path=where.purl,
            line=0,
            message=f"{where.name} {where.version} is affected by {self.ids[0]}{more}; {mended}{unrated}",
        )

    def to_json(self) -> JSONObject:
        return self.finding.to_json() | {
            "ids": list(self.ids),
            "purl": self.component.purl,
            "fixed": list(self.fixed),
            "said": None if self.said is None else self.said.to_json(),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Matched:
    """What came of it. `unknown`: why components could not be judged, by purl or name; then nothing is clean."""

    compared: int
    open: tuple[Vulnerability, ...]
    not_affected: tuple[Vulnerability, ...]  # a VEX document says so, with its justification
    unknown: tuple[tuple[str, str], ...]


def match(components: Components, mirror: Mirror, vex: Sequence[VEX] = ()) -> Matched:
    """Return which of `components` are affected by what `mirror` knows."""
    mirrored = {each.name for each in mirror.snapshot.ecosystems}
    unknown = [(name, "without-purl") for name in components.nameless]
    found: list[Vulnerability] = []
    for component in components.listed:
        try:
            found += _of(component, mirror, mirrored, vex, components.product)
        except NotComparable:
            code = "version-not-comparable" if is_comparable(component.ecosystem) else "ecosystem-not-comparable"
            unknown.append((component.purl, code))
        except _NotMirrored:
            unknown.append((component.purl, "ecosystem-not-mirrored"))
    found.sort(key=lambda each: (each.component.purl, each.ids))
    return Matched(
        compared=len(components.listed) - sum(1 for _, code in unknown if code != "without-purl"),
        open=tuple(each for each in found if each.said is None or not each.said.clears),
        not_affected=tuple(each for each in found if each.said is not None and each.said.clears),
        unknown=tuple(unknown),
    )


class _NotMirrored(Exception):
    """The mirror holds nothing of an ecosystem."""


def _of(
    component: Component, mirror: Mirror, mirrored: set[str], vex: Sequence[VEX], product: str | None
) -> list[Vulnerability]:
    if not is_comparable(component.ecosystem):
        raise NotComparable(component.ecosystem)
    if component.ecosystem not in mirrored:
        raise _NotMirrored
    standing = [each for each in mirror.about(component.ecosystem, component.name) if not each.withdrawn]
    hits = [(each, fixed) for each in standing if (fixed := _fixed(each, component)) is not None]
    vulnerabilities = []
    for group in _together(hits):
        ids = _named({name for advisory, _ in group for name in (advisory.id, *advisory.aliases)})
        known = {advisory.id for advisory, _ in group}
        others = mirror.holding(name for name in ids if name not in known)
        rated = [advisory.severity for advisory, _ in group]
        vulnerabilities.append(
            Vulnerability(
                component=component,
                ids=ids,
                fixed=tuple(dict.fromkeys(fixed for _, versions in group for fixed in versions)),
                severity=worst(rated) or worst(each.severity for each in others),
                said=_said(vex, ids, component, product),
            )
        )
    return vulnerabilities


def _fixed(advisory: Advisory, component: Component) -> tuple[str, ...] | None:
    """Return the versions that mend `component`; None: it is not affected."""
    about = [
        each
        for each in advisory.affected
        if each.ecosystem == component.ecosystem and normal_name(each.ecosystem, each.name) == component.name
    ]
    hit = [each for each in about if is_affected(each, component.version)]
    return tuple(fixed for each in hit for fixed in fixes(each, component.version)) if hit else None


def _together(hits: Iterable[tuple[Advisory, tuple[str, ...]]]) -> list[list[tuple[Advisory, tuple[str, ...]]]]:
    """Return `hits` in groups that share a name: one vulnerability each."""
    groups: list[tuple[set[str], list[tuple[Advisory, tuple[str, ...]]]]] = []
    for hit in hits:
        names, members = {hit[0].id, *hit[0].aliases}, [hit]
        apart = []
        for group in groups:
            if group[0] & names:
                names |= group[0]
                members = [*group[1], *members]
            else:
                apart.append(group)
        groups = [*apart, (names, members)]
    return [members for _, members in groups]


def _named(names: set[str]) -> tuple[str, ...]:
    def rank(name: str) -> tuple[int, str]:
        return next((n for n, start in enumerate(_PREFERRED) if name.startswith(start)), len(_PREFERRED)), name

    return tuple(sorted(names, key=rank))


def _said(vex: Sequence[VEX], ids: tuple[str, ...], component: Component, product: str | None) -> Said | None:
    """Return the latest word on it; of two at the same moment the one that clears nothing."""
    words = [said for each in vex for said in each.of(frozenset(ids), component.purl, product)]
    return max(words, key=lambda said: (said.at, not said.clears), default=None)


def _fingerprint(component: Component, name: str) -> str:
    # Without the version: an update that mends nothing keeps the finding, and its waiver.
    traits = (CHECK, name, component.ecosystem, component.name)
    return "F-" + hashlib.sha256("\0".join(traits).encode(errors="replace")).hexdigest()[:12]

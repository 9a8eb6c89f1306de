"""Ids of findings: the same finding keeps its id while lines move, so that a waiver keeps naming it."""

import hashlib
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace

from wardline.findings.finding import Finding

_LITERAL = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """A finding that has no id yet, and the source line it stands on. `text` is never stored."""

    finding: Finding
    text: str


def identify(sightings: Iterable[Sighting]) -> tuple[Finding, ...]:
    """Return the findings, each with its id, ordered by path and line.

    The id hashes check, rule, path, the line without white space and literals, and which of its equals it is.
    Literals stay out: a hard-coded password must not be guessable from the id of the finding that reports it.
    """
    seen: Counter[tuple[str, ...]] = Counter()
    identified = []
    for sighting in sorted(sightings, key=lambda s: (s.finding.path, s.finding.line, s.finding.rule)):
        finding = sighting.finding
        traits = (finding.check, finding.rule, finding.path, _normalised(sighting.text))
        seen[traits] += 1
        identified.append(replace(finding, id=_id(*traits, str(seen[traits]))))
    return tuple(identified)


def _normalised(text: str) -> str:
    return "".join(_LITERAL.sub('""', text).split())


def _id(*traits: str) -> str:
    # NUL keeps two lists of traits from running into one text.
    return "F-" + hashlib.sha256("\0".join(traits).encode(errors="replace")).hexdigest()[:12]

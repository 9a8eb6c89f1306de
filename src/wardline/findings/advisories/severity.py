"""How severe an advisory says it is: the CVSS v3 base score (FIRST, CVSS v3.1 §7.1), or the word of its database.

CVSS v4 has no formula but a table of expert judgements; the word of the database is taken in its place.
"""

import math
from collections.abc import Iterable
from typing import Final

from wardline.canonical import JSON, JSONObject
from wardline.findings.finding import Severity

_WORDS: Final = {
    "CRITICAL": Severity.CRITICAL,
    "HIGH": Severity.HIGH,
    "MODERATE": Severity.MEDIUM,
    "MEDIUM": Severity.MEDIUM,
    "LOW": Severity.LOW,
}
_ORDER: Final = tuple(Severity)  # the worst first
_WEIGHTS: Final[dict[str, dict[str, float]]] = {
    "AV": {"N": 0.85, "A": 0.62, "L": 0.55, "P": 0.2},
    "AC": {"L": 0.77, "H": 0.44},
    "UI": {"N": 0.85, "R": 0.62},
    "C": {"H": 0.56, "L": 0.22, "N": 0.0},
    "I": {"H": 0.56, "L": 0.22, "N": 0.0},
    "A": {"H": 0.56, "L": 0.22, "N": 0.0},
}
_PRIVILEGES: Final = {"U": {"N": 0.85, "L": 0.62, "H": 0.27}, "C": {"N": 0.85, "L": 0.68, "H": 0.5}}


def stated_severity(record: JSONObject) -> Severity | None:
    """Return the worst severity that an OSV `record` states, for all of it or for a package; None: it states none."""
    affected = record.get("affected")
    places = (
        [record, *(each for each in affected if isinstance(each, dict))] if isinstance(affected, list) else [record]
    )
    return worst(severity for place in places for severity in _stated(place))


def worst(severities: Iterable[Severity | None]) -> Severity | None:
    """Return the worst of `severities`, leaving out None; None where there is no other."""
    return min((each for each in severities if each is not None), key=_ORDER.index, default=None)


def of_score(score: float) -> Severity:
    """Return the rating of a CVSS score (CVSS v3.1 §5)."""
    bounds = ((9.0, Severity.CRITICAL), (7.0, Severity.HIGH), (4.0, Severity.MEDIUM), (0.1, Severity.LOW))
    return next((severity for least, severity in bounds if score >= least), Severity.NOTE)


def base_score(vector: str) -> float | None:
    """Return the base score of a CVSS v3.0 or v3.1 vector; None: it is another one, or not whole."""
    name, *parts = vector.split("/")
    metrics = dict(part.split(":", 1) for part in parts if ":" in part)
    if name not in {"CVSS:3.0", "CVSS:3.1"}:
        return None
    try:
        weight = {metric: weights[metrics[metric]] for metric, weights in _WEIGHTS.items()}
        privileges = _PRIVILEGES[metrics["S"]][metrics["PR"]]
    except KeyError:
        return None
    missing = 1 - (1 - weight["C"]) * (1 - weight["I"]) * (1 - weight["A"])
    changed = metrics["S"] == "C"
    impact = 7.52 * (missing - 0.029) - 3.25 * (missing - 0.02) ** 15 if changed else 6.42 * missing
    if impact <= 0:
        return 0.0
    exploitability = 8.22 * weight["AV"] * weight["AC"] * privileges * weight["UI"]
    total = (impact + exploitability) * (1.08 if changed else 1.0)
    return _rounded_up(min(total, 10.0))


def _rounded_up(value: float) -> float:
    # CVSS v3.1 appendix A: in whole numbers, so that 4.000000001 stays 4.0.
    whole = round(value * 100_000)
    return whole / 100_000 if whole % 10_000 == 0 else (math.floor(whole / 10_000) + 1) / 10


def _stated(place: JSONObject) -> list[Severity | None]:
    scores = place.get("severity")
    vectors = [each.get("score") for each in scores if isinstance(each, dict)] if isinstance(scores, list) else []
    rated = [of_score(score) for each in vectors if isinstance(each, str) and (score := base_score(each)) is not None]
    words = [_word(place.get(name)) for name in ("database_specific", "ecosystem_specific")]
    return [*rated, *words]


def _word(specific: JSON) -> Severity | None:
    word = specific.get("severity") if isinstance(specific, dict) else None
    return _WORDS.get(word.upper()) if isinstance(word, str) else None

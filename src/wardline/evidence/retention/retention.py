"""How long what is kept must be kept: classes, periods and the law they come from. docs/reference/retention.md.

Statements are never deleted at all. What they name outside the log (reports, outputs, texts, artifacts) may be
purged once its period is over, and only then.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from wardline.canonical import Digest, JSONObject, digest_of
from wardline.errors import InvalidInput

# "Retain the documentation … for 6 years from the date of its creation or the date when it last was in effect,
# whichever is later."
LAW = "45 CFR 164.316(b)(2)(i)"
YEARS_BY_LAW = 6
MOST_YEARS = 100  # what is meant to be kept longer is meant for ever

PURGE_MANIFEST = "application/vnd.wardline.purge-manifest+json"


class Kept(StrEnum):
    """Classes of kept things."""

    STATEMENTS = "statements"
    PURGE_MANIFESTS = "purge-manifests"
    ERASURE_MANIFESTS = "erasure-manifests"
    GATE_INPUTS = "gate-inputs"
    CONSENT_DOCUMENTS = "consent-documents"
    RELEASE_DOCUMENTS = "release-documents"
    REPORTS = "reports"
    OUTPUTS = "outputs"
    PRIVATE_TEXTS = "private-texts"
    ARTIFACTS = "artifacts"
    OTHERS = "others"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What the law asks for one class. `years` None: for ever."""

    kept: Kept
    years: int | None
    law: str
    why: str


RULES: Mapping[Kept, Rule] = {
    rule.kept: rule
    for rule in (
        Rule(
            kept=Kept.STATEMENTS,
            years=None,
            law="45 CFR 164.312(c)(1)",
            why="the log is append-only: every proof needs every leaf, and a leaf holds no name and no free text",
        ),
        Rule(
            kept=Kept.PURGE_MANIFESTS,
            years=None,
            law="45 CFR 164.310(d)(2)(i)",
            why="it says what was purged, when and on which ground; without it a purged thing is a missing one",
        ),
        Rule(
            kept=Kept.ERASURE_MANIFESTS,
            years=None,
            law="GDPR Art. 5(2)",
            why="it says by digest what was made unreadable; to restore a backup is to do it again",
        ),
        Rule(
            kept=Kept.GATE_INPUTS,
            years=YEARS_BY_LAW,
            law=LAW,
            why="what a decision was made from: the record of an assessment, 45 CFR 164.316(b)(1)(ii)",
        ),
        Rule(
            kept=Kept.CONSENT_DOCUMENTS,
            years=YEARS_BY_LAW,
            law=LAW,
            why="what a person was shown and signed; kept as long as the signature's record, 21 CFR 11.10(c)",
        ),
        Rule(
            kept=Kept.RELEASE_DOCUMENTS,
            years=YEARS_BY_LAW,
            law=LAW,
            why="what ran with which configuration, and how it could be brought back, 45 CFR 164.308(a)(7)(ii)",
        ),
        Rule(
            kept=Kept.REPORTS,
            years=YEARS_BY_LAW,
            law=LAW,
            why="tests, scans and SBOM: the evaluation that a release was judged by, 45 CFR 164.308(a)(8)",
        ),
        Rule(
            kept=Kept.OUTPUTS,
            years=YEARS_BY_LAW,
            law=LAW,
            why="what commands wrote: the activity that a report sums up, 45 CFR 164.316(b)(1)(ii)",
        ),
        Rule(
            kept=Kept.PRIVATE_TEXTS,
            years=YEARS_BY_LAW,
            law=LAW,
            why="reasons of people belong to their signatures; personal data, so kept no longer, GDPR Art. 5(1)(e)",
        ),
        Rule(
            kept=Kept.ARTIFACTS,
            years=YEARS_BY_LAW,
            law=LAW,
            why="what was shipped: the thing itself that every statement is about",
        ),
        Rule(
            kept=Kept.OTHERS,
            years=YEARS_BY_LAW,
            law=LAW,
            why="of no class that is known here, so kept like the rest",
        ),
    )
}

_BY_MEDIA_TYPE = {
    PURGE_MANIFEST: Kept.PURGE_MANIFESTS,
    "application/vnd.wardline.erasure-manifest+json": Kept.ERASURE_MANIFESTS,
    "application/vnd.wardline.gate-input+json": Kept.GATE_INPUTS,
    "application/vnd.wardline.policies+json": Kept.GATE_INPUTS,
    "application/vnd.wardline.policy+yaml": Kept.GATE_INPUTS,
    "application/vnd.wardline.consent+json": Kept.CONSENT_DOCUMENTS,
    "application/vnd.wardline.release+json": Kept.RELEASE_DOCUMENTS,
    "application/vnd.wardline.salted-text+json": Kept.PRIVATE_TEXTS,
    "application/vnd.wardline.private-text+json": Kept.PRIVATE_TEXTS,
    "application/vnd.wardline.bundle+tar": Kept.ARTIFACTS,
    "application/vnd.cyclonedx+json": Kept.REPORTS,
    "application/vnd.wardline.findings+json": Kept.REPORTS,
    "application/vnd.wardline.lock+json": Kept.REPORTS,
    "application/json": Kept.REPORTS,
    "application/xml": Kept.REPORTS,
    "text/xml": Kept.REPORTS,
    "text/plain": Kept.OUTPUTS,
}


def class_of(media_type: str) -> Kept:
    """Return the class of what has this media type; its parameters do not matter."""
    return _BY_MEDIA_TYPE.get(media_type.partition(";")[0].strip().lower(), Kept.OTHERS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """The periods that count here: the law's, or longer ones of the installation. None: for ever.

    Raises:
        InvalidInput: A period is shorter than the law's.
    """

    years: Mapping[Kept, int | None] = field(default_factory=dict)  # what is not named: the law's

    def __post_init__(self) -> None:
        for kept, years in self.years.items():
            rule = RULES[kept]
            if years is not None and (rule.years is None or years < rule.years):
                raise InvalidInput(
                    f"retention of {kept}: {years} years, but {rule.law} asks for {period(rule.years)}",
                    remedy="A period may be longer than the law's, never shorter.",
                )

    def of(self, kept: Kept) -> int | None:
        """Return the period of a class in years; None: for ever."""
        return self.years.get(kept, RULES[kept].years)

    def until(self, kept: Kept, *, created: datetime, last_in_effect: datetime) -> datetime | None:
        """Return from when on a thing of this class may be purged; None: never."""
        years = self.of(kept)
        return None if years is None else retain_until(created, last_in_effect, years=years)

    def to_json(self) -> JSONObject:
        return {kept.value: self.of(kept) for kept in Kept}

    @property
    def digest(self) -> Digest:
        """What a purge names as the schedule it went by."""
        return digest_of(self.to_json())


def retain_until(created: datetime, last_in_effect: datetime, *, years: int = YEARS_BY_LAW) -> datetime:
    """Return when the period is over: so many calendar years after the later of the two.

    For what is in effect still, `last_in_effect` is now.
    """
    return add_years(max(created, last_in_effect), years)


def add_years(moment: datetime, years: int) -> datetime:
    """Return the same day of the year, `years` later; after a 29 February, where there is none, 1 March.

    1 March and not 28 February: a period in years is never shorter than the law's.
    """
    try:
        return moment.replace(year=moment.year + years)
    except ValueError:
        return moment.replace(year=moment.year + years, month=3, day=1)


def period(years: int | None) -> str:
    """Return a period as people say it."""
    return "for ever" if years is None else f"{years} years"

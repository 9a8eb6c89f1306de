"""What people said that coverage counts: attestations, decisions about addressable specifications, accepted findings.

Values only: who may say so, and whether it still stands, is settled before they come here.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from wardline.ids import EnvironmentName, PrincipalId


class Claim(StrEnum):
    """What somebody attests of a control."""

    IN_PLACE = "in-place"
    NOT_APPLICABLE = "not-applicable"


class Choice(StrEnum):
    """What was decided about an addressable specification (45 CFR 164.306(d)(3)(ii))."""

    IMPLEMENTED = "implemented"
    ALTERNATIVE = "alternative"  # an equivalent measure stands in its place
    NOT_REASONABLE = "not-reasonable-and-appropriate"  # and no alternative would be either


@dataclass(frozen=True, slots=True, kw_only=True)
class Attested:
    """Somebody answers for a control until then."""

    index: int
    control: str
    claim: Claim
    by: PrincipalId
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """It was decided what becomes of an addressable specification; somebody looks again at the end."""

    index: int
    control: str
    choice: Choice
    by: PrincipalId
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """A finding that a waiver lets pass until then. `environment` None: in all of them."""

    index: int
    finding: str
    environment: EnvironmentName | None
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """All of it that stands, in log order: of several about one control, the last counts."""

    attested: tuple[Attested, ...] = ()
    decided: tuple[Decided, ...] = ()
    accepted: tuple[Accepted, ...] = ()

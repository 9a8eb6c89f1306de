"""What people said that coverage counts: attestations, decisions about addressable specifications, accepted findings.

Values only: who may say so is settled before they come here (`standing.py`).
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeVar

from wardline.errors import InvalidInput
from wardline.ids import EnvironmentName, PrincipalId


class Claim(StrEnum):
    """What somebody attests of a control."""

    IN_PLACE = "in-place"
    NOT_APPLICABLE = "not-applicable"
    WITHDRAWN = "withdrawn"  # what was attested before does not hold any more


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


_Word = TypeVar("_Word", bound=StrEnum)


def parse_word(text: str, words: type[_Word], where: str) -> _Word:
    """Return the word that `text` spells.

    Raises:
        InvalidInput: It spells none of them.
    """
    for word in words:
        if text == word.value:
            return word
    raise InvalidInput(f"{where}: expected one of {', '.join(word.value for word in words)}, got {text[:40]!r}")

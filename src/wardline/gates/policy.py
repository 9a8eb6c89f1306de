"""Policies: one rule per file, written after Kubernetes' ValidatingAdmissionPolicy, with its cases beside it."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from wardline.canonical import JSON, Digest, JSONObject, digest_of
from wardline.errors import InvalidInput
from wardline.gates.matching import Match, Place, environments_of


class Severity(StrEnum):
    """What comes of an objection."""

    DENY = "deny"
    WARN = "warn"  # it is recorded, and changes no decision: for law that is advisory, or not in force yet


class Emergency(StrEnum):
    """What becomes of a policy under break-glass."""

    KEPT = "kept"
    SET_ASIDE = "set-aside"
    TWO_PEOPLE = "two-people"  # set aside where two people broke the glass together


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One expression that must be true, what to say if it is not, and which values to show beside it."""

    expression: str
    message: str
    shows: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Cases:
    """Inputs, and what the policy must say of each: a policy without all three kinds is not accepted."""

    allowed: tuple[JSONObject, ...]
    denied: tuple[JSONObject, ...]
    undecided: tuple[JSONObject, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """A rule. A need that is not true leaves it undecided; a validation that is false denies.

    Attributes:
        source: Where the rule comes from: a citation or an address.
    """

    id: str
    title: str
    controls: tuple[str, ...]
    match: Match
    needs: tuple[Check, ...]
    validations: tuple[Check, ...]
    cases: Cases
    severity: Severity = Severity.DENY
    source: str | None = None
    emergency: Emergency = Emergency.KEPT

    @property
    def checks(self) -> tuple[Check, ...]:
        """Every expression in the order an engine answers them: needs, then validations."""
        return self.needs + self.validations

    def applies_to(self, place: Place) -> bool:
        return self.match.fits(place)

    def to_json(self) -> JSONObject:
        """Return what decides, as JSON: the cases are left out, they change no verdict.

        A policy that says no more than policies could say at first is written as they were, so that a decision of
        then comes to the same digest.
        """
        first: JSONObject = {
            "id": self.id,
            "title": self.title,
            "controls": list(self.controls),
            "needs": [_check_to_json(check) for check in self.needs],
            "validations": [_check_to_json(check) for check in self.validations],
        }
        environments = self.match.environments
        plain = (Match(environments=environments), Severity.DENY, None, Emergency.KEPT)
        if (self.match, self.severity, self.source, self.emergency) == plain:
            return first | {"environments": self.match.environments_json}
        return first | {
            "match": self.match.to_json(),
            "severity": self.severity.value,
            "source": self.source,
            "emergency": self.emergency.value,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What one check came to. `value` is None where it could not be evaluated; `problem` then says why."""

    value: bool | None
    problem: str | None
    shown: tuple[str, ...]  # one text per expression of `shows`


class PolicyEngine(Protocol):
    """Evaluates expressions. It MUST NOT decide: what could not be evaluated has no value."""

    def evaluate(self, policies: Sequence[Policy], document: JSONObject) -> Sequence[Sequence[Answer]]:
        """Return, for each policy, one answer per check, in order; no answers where it could not look.

        MUST return within a bounded time whatever the expressions are, and MUST NOT let one policy
        change what another one gets.

        Raises:
            Unavailable: No expression can be evaluated here at all.
        """
        ...


def policy_digest(policies: Sequence[Policy]) -> Digest:
    """Return the digest of a set of policies, whatever their order."""
    return digest_of(policy_document(policies))


def policy_document(policies: Sequence[Policy]) -> JSON:
    """Return what a set of policies says, whatever their order: the document that `policy_digest` is the digest of."""
    return [policy.to_json() for policy in sorted(policies, key=lambda p: p.id)]


def policies_of(document: JSON) -> tuple[Policy, ...]:
    """Return the policies that `policy_document` wrote, without their cases, which it leaves out.

    Raises:
        InvalidInput: It wrote none of this.
    """
    if not isinstance(document, list):
        raise InvalidInput("kept policies: expected a list")
    return tuple(_policy(item) for item in document)


def _policy(document: JSON) -> Policy:
    match document:
        case {
            "id": str(name),
            "title": str(title),
            "controls": list(controls),
            "needs": list(needs),
            "validations": list(validations),
        } if isinstance(document, dict):
            where, severity, source, emergency = _rest(document)
            return Policy(
                id=name,
                title=title,
                controls=tuple(map(str, controls)),
                match=where,
                needs=tuple(map(_check, needs)),
                validations=tuple(map(_check, validations)),
                cases=Cases(allowed=(), denied=(), undecided=()),
                severity=severity,
                source=source,
                emergency=emergency,
            )
        case _:
            raise InvalidInput(_NO_POLICY)


_FIRST = ("id", "title", "controls", "needs", "validations")
_NO_POLICY = "kept policy: a member is missing, unknown or of another type"


def _rest(document: JSONObject) -> tuple[Match, Severity, str | None, Emergency]:
    match {name: value for name, value in document.items() if name not in _FIRST}:
        case {"environments": environments, **others} if not others:
            return Match(environments=environments_of(environments)), Severity.DENY, None, Emergency.KEPT
        case {
            "match": where,
            "severity": "deny" | "warn" as severity,
            "source": str() | None as source,
            "emergency": "kept" | "set-aside" | "two-people" as emergency,
            **others,
        } if not others:
            return Match.parse(where), Severity(severity), source, Emergency(emergency)
        case _:
            raise InvalidInput(_NO_POLICY)


def _check(document: JSON) -> Check:
    match document:
        case {"expression": str(expression), "message": str(message), "shows": list(shows), **rest} if not rest:
            return Check(expression=expression, message=message, shows=tuple(map(str, shows)))
        case _:
            raise InvalidInput("kept policy: a check has an expression, a message and what it shows")


def _check_to_json(check: Check) -> JSONObject:
    return {"expression": check.expression, "message": check.message, "shows": list(check.shows)}

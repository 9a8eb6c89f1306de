"""Policies: one rule per file, written after Kubernetes' ValidatingAdmissionPolicy, with its cases beside it."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from wardline.canonical import JSON, Digest, JSONObject, digest_of
from wardline.errors import InvalidInput
from wardline.ids import EnvironmentName


class Scope(StrEnum):
    """Where a policy applies, apart from environments it names."""

    ALL = "all"
    PRODUCTION = "production"


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
    """A rule. A need that is not true leaves it undecided; a validation that is false denies."""

    id: str
    title: str
    controls: tuple[str, ...]
    environments: Scope | tuple[EnvironmentName, ...]
    needs: tuple[Check, ...]
    validations: tuple[Check, ...]
    cases: Cases

    @property
    def checks(self) -> tuple[Check, ...]:
        """Every expression in the order an engine answers them: needs, then validations."""
        return self.needs + self.validations

    def applies_to(self, environment: EnvironmentName, *, production: bool) -> bool:
        if self.environments is Scope.ALL:
            return True
        return production if self.environments is Scope.PRODUCTION else environment in self.environments

    def to_json(self) -> JSONObject:
        """Return what decides, as JSON: the cases are left out, they change no verdict."""
        environments = self.environments
        return {
            "id": self.id,
            "title": self.title,
            "controls": list(self.controls),
            "environments": environments.value if isinstance(environments, Scope) else list(environments),
            "needs": [_check_to_json(check) for check in self.needs],
            "validations": [_check_to_json(check) for check in self.validations],
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
            "environments": str() | list() as environments,
            "needs": list(needs),
            "validations": list(validations),
            **rest,
        } if not rest:
            return Policy(
                id=name,
                title=title,
                controls=tuple(map(str, controls)),
                environments=_environments(environments),
                needs=tuple(map(_check, needs)),
                validations=tuple(map(_check, validations)),
                cases=Cases(allowed=(), denied=(), undecided=()),
            )
        case _:
            raise InvalidInput("kept policy: a member is missing, unknown or of another type")


def _environments(document: str | list[JSON]) -> Scope | tuple[EnvironmentName, ...]:
    if isinstance(document, list):
        return tuple(EnvironmentName(str(name)) for name in document)
    if document not in {scope.value for scope in Scope}:
        raise InvalidInput(f"kept policy: expected a scope, got {document[:40]!r}")
    return Scope(document)


def _check(document: JSON) -> Check:
    match document:
        case {"expression": str(expression), "message": str(message), "shows": list(shows), **rest} if not rest:
            return Check(expression=expression, message=message, shows=tuple(map(str, shows)))
        case _:
            raise InvalidInput("kept policy: a check has an expression, a message and what it shows")


def _check_to_json(check: Check) -> JSONObject:
    return {"expression": check.expression, "message": check.message, "shows": list(check.shows)}

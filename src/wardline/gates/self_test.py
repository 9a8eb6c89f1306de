"""Policies tested by their own cases, and by taking every known value away from the ones that pass."""

from collections.abc import Iterator
from dataclasses import replace

from wardline.canonical import JSON, Digest, JSONObject
from wardline.gates.decisions import Decision
from wardline.gates.judge import Question, judge
from wardline.gates.matching import Match
from wardline.gates.planted import spoilt
from wardline.gates.policy import Policy, PolicyEngine, Severity
from wardline.ids import EnvironmentName

_LONGEST = 400  # characters of why
_NOBODY = Digest("0" * 64)


def run_cases(policy: Policy, engine: PolicyEngine) -> list[str]:
    """Return which of the cases beside `policy` do not come out as they state, one line each."""
    groups = {"allow": policy.cases.allowed, "deny": policy.cases.denied, "undecided": policy.cases.undecided}
    return [
        f"{policy.id}: {expected} case {i}: got {got.verdict}{_why(got)}"
        for expected, inputs in groups.items()
        for i, document in enumerate(inputs)
        if (got := _judged(policy, document, engine)).verdict != expected
    ]


def leave_out(policy: Policy, engine: PolicyEngine) -> list[str]:
    """Return which members of its passing inputs `policy` does not miss, one line each.

    A policy that still allows takes a missing value for a yes, or its case holds what it never reads.
    """
    return [
        f"{policy.id}: allow case {i}: still allows without {path}"
        for i, document in enumerate(policy.cases.allowed)
        for path, less in _without_one(document, "input")
        if isinstance(less, dict) and _judged(policy, less, engine).verdict == "allow"
    ]


def faults(policy: Policy, engine: PolicyEngine) -> list[str]:
    """Return everything by which the cases of `policy` show that it does not do what it says, one line each."""
    return [*run_cases(policy, engine), *leave_out(policy, engine), *spoil(policy, engine)]


def spoil(policy: Policy, engine: PolicyEngine) -> list[str]:
    """Return which spoilt values in its passing inputs `policy` lets pass, one line each.

    A gate plants the same before it asks a policy the first time: what comes up here would leave it undecided.
    """
    return [
        f"{policy.id}: {fault.name}: still allows"
        for fault in spoilt(policy)
        if _judged(policy, fault.document, engine).verdict == "allow"
    ]


def _judged(policy: Policy, document: JSONObject, engine: PolicyEngine) -> Decision:
    # Its cases say what it makes of an input, not where it is asked or what then comes of it.
    anywhere = replace(policy, match=Match(), severity=Severity.DENY)
    question = Question(
        environment=EnvironmentName("production"), production=True, artifact=_NOBODY, document=document, evidence=()
    )
    return judge([anywhere], question, engine=engine)


def _why(decision: Decision) -> str:
    told = [reason.message for reason in decision.judgement.reasons if reason.verdict != "allow"]
    return f" ({'; '.join(told)[:_LONGEST]})" if told else ""


def _without_one(value: JSON, path: str) -> Iterator[tuple[str, JSON]]:
    """Yield `value` without one of its members, for each member at any depth."""
    match value:
        case dict():
            for name, item in value.items():
                yield f"{path}.{name}", {n: v for n, v in value.items() if n != name}
                for deeper, less in _without_one(item, f"{path}.{name}"):
                    yield deeper, value | {name: less}
        case list():
            for i, item in enumerate(value):
                for deeper, less in _without_one(item, f"{path}[{i}]"):
                    yield deeper, [*value[:i], less, *value[i + 1 :]]
        case _:
            return

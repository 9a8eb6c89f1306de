"""Faults planted before a policy: inputs that it must not let pass, made from its own cases.

They are its cases that are denied and undecided, and each of its passing cases with one known value taken away or
spoilt. Asked is the very engine that gates ask, through the judge.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from wardline.canonical import JSON, Digest, JSONObject, digest_of
from wardline.gates.judge import Question, judge
from wardline.gates.matching import Match
from wardline.gates.policy import Policy, PolicyEngine, Severity
from wardline.gates.trials import Kind, Planted, Tool, Trial
from wardline.ids import EnvironmentName
from wardline.outcomes import Outcome

_NOBODY = Digest("0" * 64)
_ANOTHER = "sha256:planted"  # digest of what nobody looked at
_NO_VALUE = "planted"  # what stands where a number or a yes is expected
_DIGEST = "sha256:"

_Change = Callable[[JSON, str], Iterator[tuple[str, JSON]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """An input that is not to pass, and what is wrong with it."""

    name: str
    document: JSONObject


def faults(policy: Policy) -> Iterator[Fault]:
    """Yield all that can be planted before `policy`."""
    for kind, inputs in (("deny", policy.cases.denied), ("undecided", policy.cases.undecided)):
        for number, document in enumerate(inputs):
            yield Fault(name=f"{kind} case {number}", document=document)
    yield from _made(policy, _without)
    yield from spoilt(policy)


def spoilt(policy: Policy) -> Iterator[Fault]:
    """Yield the passing cases of `policy`, each with one value in it spoilt."""
    yield from _made(policy, _others)


def plant(policy: Policy, engine: PolicyEngine, *, tool: Tool) -> Trial:
    """Plant every fault there is before `policy`, and say which got past it."""
    # Its cases say what it makes of an input, not where it is asked or what then comes of it.
    anywhere = replace(policy, match=Match(), severity=Severity.DENY)
    return Trial(
        kind=Kind.POLICY,
        name=policy.id,
        tool=tool,
        configuration=digest_of(policy.to_json()),
        planted=(
            *(_planted(fault, _verdict(anywhere, fault.document, engine)) for fault in faults(policy)),
            *_refused(anywhere, engine),
        ),
    )


def _planted(fault: Fault, verdict: str) -> Planted:
    outcome = Outcome.FAILED if verdict == "allow" else Outcome.PASSED
    return Planted(fault=fault.name, expected="deny or undecided", got=verdict, outcome=outcome)


def _refused(policy: Policy, engine: PolicyEngine) -> Iterator[Planted]:
    """Yield the sound inputs that do not pass: where nothing does, nothing was shown by what is caught."""
    for number, document in enumerate(policy.cases.allowed):
        verdict = _verdict(policy, document, engine)
        if verdict != "allow":
            yield Planted(fault=f"none: pass case {number}", expected="allow", got=verdict, outcome=Outcome.ERRORED)


def _verdict(policy: Policy, document: JSONObject, engine: PolicyEngine) -> str:
    question = Question(
        environment=EnvironmentName("production"),
        production=True,
        artifact=_NOBODY,
        document=document,
        evidence=(),
    )
    return judge([policy], question, engine=engine).verdict


def _made(policy: Policy, change: _Change) -> Iterator[Fault]:
    for number, document in enumerate(policy.cases.allowed):
        for what, made in _changed(document, "input", change):
            if isinstance(made, dict):
                yield Fault(name=f"pass case {number}, {what}", document=made)


def _changed(value: JSON, path: str, change: _Change) -> Iterator[tuple[str, JSON]]:
    """Yield `value` with one thing in it changed, for each thing at any depth."""
    yield from change(value, path)
    match value:
        case dict():
            for name, item in value.items():
                for what, made in _changed(item, f"{path}.{name}", change):
                    yield what, value | {name: made}
        case list():
            for i, item in enumerate(value):
                for what, made in _changed(item, f"{path}[{i}]", change):
                    yield what, [*value[:i], made, *value[i + 1 :]]
        case _:
            return


def _without(value: JSON, path: str) -> Iterator[tuple[str, JSON]]:
    """Yield `value` without each of its members."""
    if isinstance(value, dict):
        for name in value:
            yield f"without {path}.{name}", {n: v for n, v in value.items() if n != name}


def _others(value: JSON, path: str) -> Iterator[tuple[str, JSON]]:
    """Yield what must not pass where `value` does. Free text has no other: any name is as good as the next."""
    others: tuple[JSON, ...] = ()
    if value == Outcome.PASSED.value:
        others = tuple(outcome.value for outcome in Outcome if outcome is not Outcome.PASSED)
    elif isinstance(value, str):
        others = (_ANOTHER,) if value.startswith(_DIGEST) else ()
    elif value is True or (isinstance(value, int) and not isinstance(value, bool)):
        others = (_NO_VALUE,)
    yield from ((f"{path} = {other}", other) for other in others)

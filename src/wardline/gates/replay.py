"""Replay: a decision made again from what was kept of it, and the values that made it so. Pure, but for the engine."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from wardline.canonical import JSON, Digest, JSONObject, encode
from wardline.errors import InvalidInput
from wardline.gates.decisions import Decision, Judgement
from wardline.gates.judge import Question, judge
from wardline.gates.policy import Answer, Policy, PolicyEngine
from wardline.ids import EnvironmentName

# A path below the input, without the call that may follow it: input.findings in input.findings.all(f, …).
_PATH = re.compile(r"\binput((?:\.[A-Za-z_]\w*)+)(\()?", re.ASCII)
_SHOWN = 100  # characters of a value


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckExplained:
    """One check: what it asked, what that came to, and the values it asked about, by path; None: not known."""

    expression: str
    answer: Answer
    values: dict[str, str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyExplained:
    """What a policy was made of. No checks: it could not be evaluated."""

    policy: Policy
    checks: tuple[CheckExplained, ...]


def asked_again(document: JSON, *, artifact: Digest, evidence: tuple[int, ...]) -> Question:
    """Return the question whose input document was kept.

    Raises:
        InvalidInput: It is no input document.
    """
    match document.get("environment") if isinstance(document, dict) else None:
        case {"name": str(name), "production": bool(production)} if isinstance(document, dict):
            return Question(
                environment=EnvironmentName(name),
                production=production,
                artifact=artifact,
                document=document,
                evidence=evidence,
            )
        case _:
            raise InvalidInput("kept input: expected a document with environment.name and environment.production")


def decide_again(policies: Sequence[Policy], question: Question, *, engine: PolicyEngine) -> Decision:
    """Return what `policies` say of `question` now.

    Raises:
        InvalidInput: One of them was not asked then: it does not apply here.
    """
    place = question.place
    strangers = [policy.id for policy in policies if not policy.applies_to(place)]
    if strangers:
        raise InvalidInput(f"kept policies: {', '.join(strangers)} do not apply to {question.environment}")
    return judge(policies, question, engine=engine)


def differences(then: Decision, now: Decision) -> tuple[str, ...]:
    """Return how `now` is not `then`: none where a replay comes to the same."""
    found = [] if then.verdict == now.verdict else [f"verdict: {then.verdict} then, {now.verdict} now"]
    old, new = then.judgement, now.judgement
    for what in ("environment", "artifact", "policy_digest", "input_digest"):
        before, after = getattr(old, what), getattr(new, what)
        if before != after:
            found.append(f"{what}: {before} then, {after} now")
    return (*found, *_other_reasons(old, new))


def _other_reasons(old: Judgement, new: Judgement) -> list[str]:
    gone = [f"{reason.policy} then: {reason.message}" for reason in old.reasons if reason not in new.reasons]
    come = [f"{reason.policy} now: {reason.message}" for reason in new.reasons if reason not in old.reasons]
    moved = not gone and not come and old.reasons != new.reasons
    return [*gone, *come, *(["the reasons stand in another order"] if moved else [])]


def explained(policies: Sequence[Policy], document: JSONObject, *, engine: PolicyEngine) -> tuple[PolicyExplained, ...]:
    """Return what each check of `policies` came to, and from which values.

    Raises:
        Unavailable: Nothing can be evaluated here.
    """
    answered = engine.evaluate(policies, document)
    return tuple(
        PolicyExplained(
            policy=policy,
            checks=tuple(
                CheckExplained(expression=check.expression, answer=answer, values=values_in(check.expression, document))
                for check, answer in zip(policy.checks, answers, strict=False)
            ),
        )
        for policy, answers in zip(policies, answered, strict=True)
    )


def values_in(expression: str, document: JSONObject) -> dict[str, str | None]:
    """Return the values of `document` that `expression` names, short and by path; None: there is none."""
    found: dict[str, str | None] = {}
    for match in _PATH.finditer(expression):
        steps = match[1].split(".")[1:]
        if match[2]:  # the last step is a function
            steps.pop()
        if steps:
            found[".".join(steps)] = _shown(document, steps)
    return found


def _shown(document: JSON, steps: Sequence[str]) -> str | None:
    for step in steps:
        if not isinstance(document, dict) or step not in document:
            return None
        document = document[step]
    if isinstance(document, list) and document:
        return f"{len(document)} of them"
    text = encode(document).decode()
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"

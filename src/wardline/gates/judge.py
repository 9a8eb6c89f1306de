"""The judge: policies over one input document give a Decision. Pure, but for the engine it asks."""

from collections.abc import Sequence
from dataclasses import dataclass

from wardline.canonical import Digest, JSONObject, digest_of
from wardline.errors import InvalidInput, Unavailable
from wardline.gates.decisions import Allow, Decision, Deny, Judgement, Reason, Undecided
from wardline.gates.matching import Place
from wardline.gates.policy import Answer, Check, Policy, PolicyEngine, Severity, policy_digest
from wardline.gates.set_aside import SET_ASIDE, in_force
from wardline.ids import EnvironmentName


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """May this artifact pass into this environment? `document` is all that is known about it.

    Attributes:
        evidence: Indices of the leaves that `document` was folded from.
    """

    environment: EnvironmentName
    production: bool
    artifact: Digest
    document: JSONObject
    evidence: tuple[int, ...]

    @property
    def place(self) -> Place:
        return Place.of(self.environment, self.document, production=self.production)


def judge(policies: Sequence[Policy], question: Question, *, engine: PolicyEngine) -> Decision:
    """Return what the policies that apply say of `question`: any no is a no, any doubt is no yes.

    A policy that only warns is asked like the others, and changes nothing: without one that decides, nobody looked.
    While break-glass stands, objections and doubts of the policies that yield to it are told and set aside; those of
    the others count as always, and one of them at least must be asked.

    Raises:
        InvalidInput: Two policies carry one id: nobody could tell which one spoke.
    """
    if len({policy.id for policy in policies}) != len(policies):
        raise InvalidInput("two policies have the same id; expected one rule per id")
    asked = applying(policies, question)
    glass = in_force(question.document)
    reasons = [
        reason if glass is None else glass.after(policy, reason)
        for policy, answers in _ask(engine, asked, question)
        for reason in _read(policy, answers)
    ]
    if all(policy.severity is Severity.WARN for policy in asked):
        reasons.append(
            Reason(policy="none", verdict="undecided", message=_ONLY_WARNINGS if asked else _NO_POLICY, controls=())
        )
    elif glass is not None and glass.keeps_none(asked):
        reasons.append(Reason(policy="none", verdict="undecided", message=_NONE_KEPT, controls=()))
    judgement = Judgement(
        environment=question.environment,
        artifact=question.artifact,
        policy_digest=policy_digest(asked),
        input_digest=digest_of(question.document),
        evidence=question.evidence,
        reasons=tuple(reasons),
        emergency=None if glass is None or all(reason.verdict != SET_ASIDE for reason in reasons) else glass.log,
    )
    verdicts = {reason.verdict for reason in judgement.reasons} - {"warn", SET_ASIDE}
    if "deny" in verdicts:
        return Deny(judgement=judgement)
    return Allow(judgement=judgement) if verdicts == {"allow"} else Undecided(judgement=judgement)


def applying(policies: Sequence[Policy], question: Question) -> list[Policy]:
    """Return those of `policies` that are asked about `question`, by id."""
    place = question.place
    return sorted((p for p in policies if p.applies_to(place)), key=lambda policy: policy.id)


_NO_POLICY = "no policy applies to this environment: nobody looked"
_ONLY_WARNINGS = "every policy that applies to this environment only warns: nobody decided"
_NONE_KEPT = "every policy that decides here yields to break-glass: an emergency has fewer gates, never none"
_NO_ANSWER = "the policy could not be evaluated: it crashed, ran out of time or memory, or gave no answer"


def _ask(engine: PolicyEngine, policies: Sequence[Policy], question: Question) -> list[tuple[Policy, Sequence[Answer]]]:
    try:
        answers = engine.evaluate(policies, question.document)
    except Unavailable:
        # Nobody looked: each policy is then undecided, and the decision says so.
        answers = ()
    if len(answers) != len(policies):
        answers = [()] * len(policies)
    return list(zip(policies, answers, strict=True))


def _read(policy: Policy, answers: Sequence[Answer]) -> list[Reason]:
    """Return the reasons of one policy: its objections, or the one line that it is content."""
    if len(answers) != len(policy.checks):
        return [_reason(policy, "undecided", _NO_ANSWER)]
    pairs = list(zip(policy.checks, answers, strict=True))
    needs, validations = pairs[: len(policy.needs)], pairs[len(policy.needs) :]
    # A validation is only worth reading where everything it needs is there.
    doubts = [_doubt(policy, check, answer) for check, answer in needs if answer.value is not True]
    if doubts:
        return doubts
    objections = [_objection(policy, check, answer) for check, answer in validations if answer.value is not True]
    return objections or [_reason(policy, "allow", policy.title + _shown(pairs))]


def _doubt(policy: Policy, check: Check, answer: Answer) -> Reason:
    problem = f" ({answer.problem})" if answer.problem else ""
    return _reason(policy, "undecided", check.message + _shown([(check, answer)]) + problem)


def _objection(policy: Policy, check: Check, answer: Answer) -> Reason:
    if answer.value is None:
        return _reason(policy, "undecided", f"could not tell whether {check.expression!r} ({answer.problem})")
    return _reason(policy, "deny", check.message + _shown([(check, answer)]))


def _reason(policy: Policy, verdict: str, message: str) -> Reason:
    if policy.severity is Severity.WARN and verdict != "allow":
        verdict = "warn"
    return Reason(policy=policy.id, verdict=verdict, message=message, controls=policy.controls)


def _shown(pairs: Sequence[tuple[Check, Answer]]) -> str:
    values = [
        f"{expression.removeprefix('input.')} = {value}"
        for check, answer in pairs
        for expression, value in zip(check.shows, answer.shown, strict=False)
    ]
    return f" [{', '.join(dict.fromkeys(values))}]" if values else ""

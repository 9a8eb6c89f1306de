"""The review of an emergency release: was it right, and what do the rules that were set aside say of it by now?

Published as docs/predicates/emergency-review.md.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar, Self

from wardline.canonical import JSON, Digest, JSONObject
from wardline.controls.said import parse_word
from wardline.errors import InvalidInput
from wardline.identity.principals import Role
from wardline.ids import RunId
from wardline.outcomes import Outcome
from wardline.predicates import NAMESPACE, BlobRef, Subject

EMERGENCY_REVIEW = f"{NAMESPACE}/emergency-review/v1"

REVIEWED = "reviewed-emergency-release"  # what the signature means (21 CFR 11.50(a)(3))

_ROLES = {role.value: role for role in Role}


class ReviewVerdict(StrEnum):
    """Whether it was right to release without what was set aside."""

    JUSTIFIED = "justified"
    NOT_JUSTIFIED = "not-justified"


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedAgain:
    """What the set-aside policies of one decision say when they are asked again, over what is known by then.

    Attributes:
        decision: Log index of the decision.
        input: The document they were asked about now.
        policies: The kept document of those policies.
        answers: Of each policy the gravest verdict.
    """

    decision: int
    input: BlobRef
    policies: BlobRef
    answers: tuple[tuple[str, str], ...]

    def to_json(self) -> JSONObject:
        return {
            "decision": self.decision,
            "input": self.input.to_json(),
            "policies": self.policies.to_json(),
            "answers": [{"policy": policy, "verdict": verdict} for policy, verdict in self.answers],
        }

    @classmethod
    def parse(cls, document: JSON) -> Self:
        """Return what `document` says was asked again.

        Raises:
            InvalidInput: It says nothing of the kind.
        """
        match document:
            case {
                "decision": int(decision),
                "input": asked,
                "policies": policies,
                "answers": list(answers),
                **rest,
            } if not rest:
                return cls(
                    decision=decision,
                    input=BlobRef.parse(asked),
                    policies=BlobRef.parse(policies),
                    answers=tuple(map(_answer, answers)),
                )
            case _:
                raise InvalidInput("emergency-review: expected decision, input, policies and answers")


@dataclass(frozen=True, slots=True, kw_only=True)
class EmergencyReviewed:
    """A person's judgement of an emergency release, after it: whether it was right, and what the rules say now."""

    predicate_type: ClassVar[str] = EMERGENCY_REVIEW
    service: str
    role: Role
    run: RunId
    artifact: Digest
    verdict: ReviewVerdict
    asked_again: tuple[AskedAgain, ...]
    retrospective: BlobRef

    @property
    def outcome(self) -> Outcome:
        return Outcome.PASSED if self.verdict is ReviewVerdict.JUSTIFIED else Outcome.FAILED

    def subjects(self) -> tuple[Subject, ...]:
        return (Subject(name="artifact", digest=self.artifact),)

    def body(self) -> JSONObject:
        return {
            "meaning": REVIEWED,
            "service": self.service,
            "role": self.role.value,
            "subject": {"run": self.run, "artifact": {"sha256": self.artifact.hex}},
            "verdict": self.verdict.value,
            "asked_again": [each.to_json() for each in self.asked_again],
            "retrospective": self.retrospective.to_json(),
        }

    @classmethod
    def parse(cls, body: JSONObject) -> Self:
        """Return the review that `body` holds.

        Raises:
            InvalidInput: It holds none.
        """
        match body:
            case {
                "meaning": str(meaning),
                "service": str(service),
                "role": str(role),
                "subject": {"run": str(run), "artifact": {"sha256": str(artifact)}},
                "verdict": str(verdict),
                "asked_again": [_, *_] as asked_again,
                "retrospective": retrospective,
                **rest,
            } if not rest and meaning == REVIEWED and role in _ROLES:
                return cls(
                    service=service,
                    role=_ROLES[role],
                    run=RunId(run),
                    artifact=Digest(artifact),
                    verdict=parse_verdict(verdict),
                    asked_again=tuple(map(AskedAgain.parse, asked_again)),
                    retrospective=BlobRef.parse(retrospective),
                )
            case _:
                raise InvalidInput(f"expected a predicate that means {REVIEWED}")


def parse_verdict(text: str) -> ReviewVerdict:
    """Return the verdict that `text` names.

    Raises:
        InvalidInput: It names none.
    """
    return parse_word(text, ReviewVerdict, "verdict of a review")


def _answer(document: JSON) -> tuple[str, str]:
    match document:
        case {"policy": str(policy), "verdict": str(verdict), **rest} if not rest:
            return policy, verdict
        case _:
            raise InvalidInput("emergency-review: an answer has exactly policy and verdict")

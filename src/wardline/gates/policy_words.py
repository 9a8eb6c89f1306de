"""What people say of policies: asked from now on, asked no longer. Published under docs/predicates/."""

from dataclasses import dataclass
from typing import ClassVar, Self

from wardline.canonical import Digest, JSONObject
from wardline.errors import InvalidInput
from wardline.identity.principals import Role
from wardline.outcomes import Outcome
from wardline.predicates import NAMESPACE, BlobRef, Subject

POLICY_ADOPTION = f"{NAMESPACE}/policy-adoption/v1"
POLICY_RETIREMENT = f"{NAMESPACE}/policy-retirement/v1"
POLICY_FILE = "application/vnd.wardline.policy+yaml"

# The meaning of a signature is part of it (21 CFR 11.50(a)(3)); a fixed code, so that no name or text rides along.
ADOPTED = "adopted"
RETIRED = "retired"


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyAdoption:
    """A policy of the organisation is asked from now on.

    Attributes:
        document: The policy file as it was read, cases and all.
        controls: Which requirements it speaks to, so that the log tells without the file.
        reason: Why, in the adopter's own words: encrypted under their own key.
    """

    predicate_type: ClassVar[str] = POLICY_ADOPTION
    outcome: ClassVar[Outcome] = Outcome.PASSED

    policy: str
    document: BlobRef
    controls: tuple[str, ...]
    reason: BlobRef

    def subjects(self) -> tuple[Subject, ...]:
        return (policy_subject(self.policy, self.document.digest),)

    def body(self) -> JSONObject:
        return {
            "policy": self.policy,
            "document": self.document.to_json(),
            "controls": list(self.controls),
            "role": Role.COMPLIANCE.value,
            "meaning": ADOPTED,
            "reason": self.reason.to_json(),
        }

    @classmethod
    def parse(cls, body: JSONObject) -> Self:
        """Return the adoption that `body` holds.

        Raises:
            InvalidInput: It holds none.
        """
        match body:
            case {
                "policy": str(policy),
                "document": document,
                "controls": list(controls),
                "role": "compliance",
                "meaning": str(meaning),
                "reason": reason,
                **rest,
            } if not rest and meaning == ADOPTED:
                return cls(
                    policy=policy,
                    document=BlobRef.parse(document),
                    controls=tuple(map(str, controls)),
                    reason=BlobRef.parse(reason),
                )
            case _:
                raise InvalidInput(
                    "policy adoption: expected exactly policy, document, controls, role, meaning, reason"
                )


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyRetirement:
    """A policy of the organisation is asked no longer.

    Attributes:
        adoption: Log index of what adopted it.
        document: Digest of the policy file that was adopted.
        reason: Why, in their own words: encrypted under their own key.
    """

    predicate_type: ClassVar[str] = POLICY_RETIREMENT
    outcome: ClassVar[Outcome] = Outcome.PASSED

    policy: str
    adoption: int
    document: Digest
    reason: BlobRef

    def subjects(self) -> tuple[Subject, ...]:
        return (policy_subject(self.policy, self.document),)

    def body(self) -> JSONObject:
        return {
            "policy": self.policy,
            "adoption": self.adoption,
            "document_digest": {"sha256": self.document.hex},
            "role": Role.COMPLIANCE.value,
            "meaning": RETIRED,
            "reason": self.reason.to_json(),
        }

    @classmethod
    def parse(cls, body: JSONObject) -> Self:
        """Return the retirement that `body` holds.

        Raises:
            InvalidInput: It holds none.
        """
        match body:
            case {
                "policy": str(policy),
                "adoption": int(adoption),
                "document_digest": {"sha256": str(document)},
                "role": "compliance",
                "meaning": str(meaning),
                "reason": reason,
                **rest,
            } if not rest and meaning == RETIRED:
                return cls(policy=policy, adoption=adoption, document=Digest(document), reason=BlobRef.parse(reason))
            case _:
                raise InvalidInput(
                    "policy retirement: expected exactly policy, adoption, document_digest, role, meaning and reason"
                )


def policy_subject(policy: str, document: Digest) -> Subject:
    """Return what a word about a policy is about: its file, by its id and digest."""
    return Subject(name=policy, digest=document)

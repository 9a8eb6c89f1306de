"""What people say of controls: they answer for one, or decide about one. Published under docs/predicates/."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar, Self

from wardline.canonical import JSON, Digest, JSONObject, digest_of
from wardline.clock import from_rfc3339, to_rfc3339
from wardline.controls.catalogue import Catalogue, Control
from wardline.controls.said import Choice, Claim, parse_word
from wardline.errors import InvalidInput
from wardline.identity.principals import Role
from wardline.outcomes import Outcome
from wardline.predicates import NAMESPACE, BlobRef, Subject

ATTESTATION = f"{NAMESPACE}/attestation/v1"
ADDRESSABLE_DECISION = f"{NAMESPACE}/addressable-decision/v1"

# Whoever answers for something looks at it again within a year: a word older than that is a memory.
LONGEST_WORD = timedelta(days=366)

# The meaning of a signature is part of it (21 CFR 11.50(a)(3)); a fixed code, so that no name or text rides along.
ATTESTED = "attested"
DECIDED = "decided"


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """A control as it was when somebody spoke of it.

    Attributes:
        asks: Digest of what the row asked; see `Control.digest`.
        catalogue: Digest of the whole catalogue that it stood in.
    """

    id: str
    asks: Digest
    catalogue: Digest

    @classmethod
    def of(cls, control: Control, catalogue: Catalogue) -> Self:
        return cls(id=control.id, asks=control.digest, catalogue=catalogue.digest)

    def to_json(self) -> JSONObject:
        return {
            "id": self.id,
            "asks": {"sha256": self.asks.hex},
            "catalogue": {"sha256": self.catalogue.hex},
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Attestation:
    """Somebody answers for controls in one role, until then.

    Attributes:
        service: What it is said of; None: the whole organization.
        document: Digest of what it rests on outside, such as a signed contract; None: nothing is named.
        statement: What is attested, in their own words: encrypted under their own key.
    """

    predicate_type: ClassVar[str] = ATTESTATION
    outcome: ClassVar[Outcome] = Outcome.PASSED

    controls: tuple[About, ...]
    claim: Claim
    role: Role
    service: str | None
    document: Digest | None
    statement: BlobRef
    expires_at: datetime

    def subjects(self) -> tuple[Subject, ...]:
        return tuple(control_subject(control.id) for control in self.controls)

    def body(self) -> JSONObject:
        return {
            "controls": [control.to_json() for control in self.controls],
            "claim": self.claim.value,
            "role": self.role.value,
            "meaning": ATTESTED,
            "service": self.service,
            "document": None if self.document is None else {"sha256": self.document.hex},
            "statement": self.statement.to_json(),
            "expires_at": to_rfc3339(self.expires_at),
        }

    @classmethod
    def parse(cls, body: JSONObject) -> Self:
        """Return the attestation that `body` holds.

        Raises:
            InvalidInput: It holds none.
        """
        match body:
            case {
                "controls": list(controls),
                "claim": str(claim),
                "role": str(role),
                "meaning": str(meaning),
                "service": str() | None as service,
                "document": document,
                "statement": statement,
                "expires_at": str(expires_at),
                **rest,
            } if not rest and meaning == ATTESTED and controls:
                return cls(
                    controls=tuple(_about(control) for control in controls),
                    claim=parse_word(claim, Claim, "attestation: claim"),
                    role=parse_word(role, Role, "role"),
                    service=service,
                    document=parse_digest(document),
                    statement=BlobRef.parse(statement),
                    expires_at=from_rfc3339(expires_at),
                )
            case _:
                raise InvalidInput(
                    "attestation: expected exactly controls, claim, role, meaning, service, document, statement "
                    "and expires_at"
                )


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressableDecision:
    """What becomes of an addressable specification, and why (45 CFR 164.306(d)(3)(ii)).

    Attributes:
        rationale: Why, in the decider's own words: encrypted under their own key.
        alternative: The equivalent measure, likewise; there exactly if the choice is one.
        expires_at: When somebody decides again.
    """

    predicate_type: ClassVar[str] = ADDRESSABLE_DECISION
    outcome: ClassVar[Outcome] = Outcome.PASSED

    control: About
    choice: Choice
    role: Role
    service: str | None
    rationale: BlobRef
    alternative: BlobRef | None
    expires_at: datetime

    def __post_init__(self) -> None:
        if (self.alternative is not None) != (self.choice is Choice.ALTERNATIVE):
            raise InvalidInput(f"addressable decision: an alternative goes with the choice {Choice.ALTERNATIVE} only")

    def subjects(self) -> tuple[Subject, ...]:
        return (control_subject(self.control.id),)

    def body(self) -> JSONObject:
        return {
            "control": self.control.to_json(),
            "choice": self.choice.value,
            "role": self.role.value,
            "meaning": DECIDED,
            "service": self.service,
            "rationale": self.rationale.to_json(),
            "alternative": None if self.alternative is None else self.alternative.to_json(),
            "expires_at": to_rfc3339(self.expires_at),
        }

    @classmethod
    def parse(cls, body: JSONObject) -> Self:
        """Return the decision that `body` holds.

        Raises:
            InvalidInput: It holds none.
        """
        match body:
            case {
                "control": control,
                "choice": str(choice),
                "role": str(role),
                "meaning": str(meaning),
                "service": str() | None as service,
                "rationale": rationale,
                "alternative": alternative,
                "expires_at": str(expires_at),
                **rest,
            } if not rest and meaning == DECIDED:
                return cls(
                    control=_about(control),
                    choice=parse_word(choice, Choice, "addressable decision: choice"),
                    role=parse_word(role, Role, "role"),
                    service=service,
                    rationale=BlobRef.parse(rationale),
                    alternative=None if alternative is None else BlobRef.parse(alternative),
                    expires_at=from_rfc3339(expires_at),
                )
            case _:
                raise InvalidInput(
                    "addressable decision: expected exactly control, choice, role, meaning, service, rationale, "
                    "alternative and expires_at"
                )


def control_subject(control: str) -> Subject:
    return Subject(name="control", digest=digest_of({"control": control}))


def _about(document: JSON) -> About:
    match document:
        case {
            "id": str(name),
            "asks": {"sha256": str(asks), **others},
            "catalogue": {"sha256": str(catalogue), **more},
            **rest,
        } if not rest and not others and not more:
            return About(id=name, asks=Digest(asks), catalogue=Digest(catalogue))
        case _:
            raise InvalidInput("expected id, asks and catalogue of a control")


def parse_digest(document: JSON) -> Digest | None:
    """Return the digest of the document that a person's word names; None: it names none.

    Raises:
        InvalidInput: It is neither.
    """
    match document:
        case None:
            return None
        case {"sha256": str(digest), **rest} if not rest:
            return Digest(digest)
        case _:
            raise InvalidInput("expected null or one sha256 digest")

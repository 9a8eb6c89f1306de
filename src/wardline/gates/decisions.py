"""Decisions: Allow, Deny (it is bad) or Undecided (we could not look). Undecided is never a yes."""

from dataclasses import dataclass
from typing import ClassVar, TypeAlias

from wardline.canonical import Digest
from wardline.ids import EnvironmentName


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """What one policy said, and which requirements of the law it speaks to."""

    policy: str  # the policy's id
    verdict: str  # allow | deny | undecided; warn: its policy only warns; set-aside: it yielded to break-glass
    message: str
    controls: tuple[str, ...]  # e.g. "hipaa:164.312(c)(1)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What every decision records: about what, from what, by which policies, and why."""

    environment: EnvironmentName
    artifact: Digest
    policy_digest: Digest  # of the whole set of policies that were asked
    input_digest: Digest  # of the document they were asked about
    evidence: tuple[int, ...]  # log indices read for it
    reasons: tuple[Reason, ...]
    emergency: int | None = None  # log index of the break-glass that something was set aside under


@dataclass(frozen=True, slots=True, kw_only=True)
class Allow:
    """Every policy that decides said yes. Covers the plan and its way back."""

    verdict: ClassVar[str] = "allow"
    judgement: Judgement


@dataclass(frozen=True, slots=True, kw_only=True)
class Deny:
    """At least one policy looked and said no."""

    verdict: ClassVar[str] = "deny"
    judgement: Judgement


@dataclass(frozen=True, slots=True, kw_only=True)
class Undecided:
    """No policy said no, but at least one could not look."""

    verdict: ClassVar[str] = "undecided"
    judgement: Judgement


Decision: TypeAlias = Allow | Deny | Undecided

"""The mirror, as those see it who ask: advisories on disk, all from one import, without a network."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from wardline.canonical import Digest, JSONObject
from wardline.clock import to_rfc3339
from wardline.findings.advisories.advisory import Advisory


@dataclass(frozen=True, slots=True, kw_only=True)
class EcosystemCount:
    name: str
    advisories: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What was imported at once.

    Attributes:
        digest: The sha256 of the mirror's file: whoever changes an advisory in it, or leaves one out, changes this.
        advisories: How many records, withdrawn ones included.
        newest: When the youngest record was last modified: what happened later is not known here.
    """

    digest: Digest
    advisories: int
    withdrawn: int
    newest: datetime
    ecosystems: tuple[EcosystemCount, ...]

    def to_json(self) -> JSONObject:
        return {
            "digest": {"sha256": self.digest.hex},
            "advisories": self.advisories,
            "withdrawn": self.withdrawn,
            "newest": to_rfc3339(self.newest),
            "ecosystems": [{"name": each.name, "advisories": each.advisories} for each in self.ecosystems],
        }


class Mirror(Protocol):
    """Advisories by package. It MUST answer from one snapshot, whatever is imported meanwhile."""

    @property
    def snapshot(self) -> Snapshot: ...

    def about(self, ecosystem: str, name: str) -> tuple[Advisory, ...]:
        """Return the advisories on a package, by the name its ecosystem compares.

        Raises:
            IntegrityViolation: The mirror is damaged.
        """
        ...

    def holding(self, ids: Iterable[str]) -> tuple[Advisory, ...]:
        """Return those of `ids` that are here."""
        ...

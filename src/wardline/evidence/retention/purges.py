"""Purges, read back from the log: what was removed, when, and which statement says so."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from wardline import canonical
from wardline.canonical import JSON, Digest
from wardline.clock import from_rfc3339, to_rfc3339
from wardline.errors import IntegrityViolation, InvalidInput, NotFound, Unavailable
from wardline.evidence.log import Blobs, Evidence, EvidenceLog
from wardline.evidence.mentions import member
from wardline.evidence.predicates import PURGE
from wardline.evidence.retention.retention import Kept, Schedule

FORMAT = "wardline-purge/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Removal:
    """One thing a purge removes. `named_by`: the youngest statement that names it."""

    digest: Digest
    kept: Kept
    size_bytes: int
    retain_until: datetime
    named_by: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What one purge removes, by digest, and the periods it went by. It is kept for ever."""

    schedule: canonical.JSONObject
    removals: tuple[Removal, ...]

    @classmethod
    def of(cls, removals: Sequence[Removal], schedule: Schedule) -> Self:
        return cls(schedule=schedule.to_json(), removals=tuple(sorted(removals, key=lambda one: one.digest)))

    def encode(self) -> bytes:
        """Return the canonical bytes that are kept."""
        return canonical.encode(
            {
                "format": FORMAT,
                "schedule": self.schedule,
                "purged": [
                    {
                        "digest": {"sha256": one.digest.hex},
                        "class": one.kept.value,
                        "size": one.size_bytes,
                        "retain_until": to_rfc3339(one.retain_until),
                        "named_by": one.named_by,
                    }
                    for one in self.removals
                ],
            }
        )

    @classmethod
    def decode(cls, content: bytes) -> Self:
        """Return the manifest that `content` encodes.

        Raises:
            InvalidInput: It encodes none.
        """
        match canonical.decode(content):
            case {"format": str(form), "schedule": dict(schedule), "purged": list(removals), **rest} if (
                form == FORMAT and not rest
            ):
                return cls(schedule=schedule, removals=tuple(_removal(one) for one in removals))
            case _:
                raise InvalidInput(f"not a manifest of format {FORMAT}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Purge:
    """A thing was purged: which statement says so, and when."""

    index: int
    at: datetime
    kept: Kept

    def __str__(self) -> str:
        return f"purged on {self.at.date().isoformat()} under statement {self.index}, retention class {self.kept}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Purges:
    """Every purge of a log. `unread`: statements whose manifest could not be read, with the reason."""

    by_digest: Mapping[Digest, Purge]  # the latest one of each
    unread: tuple[tuple[int, str], ...] = ()


def read_purges(log: EvidenceLog, blobs: Blobs) -> Purges:
    """Return what the log says was purged. A thing may have been kept again since."""
    found: dict[Digest, Purge] = {}
    unread: list[tuple[int, str]] = []
    for item in log.every(PURGE):
        try:
            manifest = _manifest(item, blobs)
        except (NotFound, Unavailable, IntegrityViolation, InvalidInput) as error:
            unread.append((item.index, error.what))
            continue
        at = item.statement.context.recorded_at
        found |= {one.digest: Purge(index=item.index, at=at, kept=one.kept) for one in manifest.removals}
    return Purges(by_digest=found, unread=tuple(unread))


def why_gone(log: EvidenceLog, blobs: Blobs) -> Callable[[Digest], str | None]:
    """Return what tells why something is not there any more: as the log says, or None where it says nothing.

    The log is read each time it is asked: something that is not there is rare.
    """

    def why(digest: Digest) -> str | None:
        purge = read_purges(log, blobs).by_digest.get(digest)
        return None if purge is None else str(purge)

    return why


def _manifest(item: Evidence, blobs: Blobs) -> Manifest:
    digest = member(item.statement.body, "manifest", "digest", "sha256")
    if not isinstance(digest, str):
        raise InvalidInput(f"statement {item.index}: a purge that names no manifest")
    return Manifest.decode(blobs.get(Digest(digest)))


def _removal(document: JSON) -> Removal:
    match document:
        case {
            "digest": {"sha256": str(digest)},
            "class": str(kept),
            "size": int(size),
            "retain_until": str(retain_until),
            "named_by": int(named_by),
            **rest,
        } if not rest and kept in _CLASSES:
            return Removal(
                digest=Digest(digest),
                kept=_CLASSES[kept],
                size_bytes=size,
                retain_until=from_rfc3339(retain_until),
                named_by=named_by,
            )
        case _:
            raise InvalidInput("purge manifest: expected digest, class, size, retain_until and named_by")


_CLASSES = {kept.value: kept for kept in Kept}

"""Import advisories: leave on record what is known of vulnerabilities from now on."""

from wardline.canonical import Digest
from wardline.clock import from_rfc3339, to_rfc3339
from wardline.delivery.collect_evidence import Collector
from wardline.errors import Refused
from wardline.evidence.log import Evidence, EvidenceLog
from wardline.findings.advisories.mirror import Snapshot
from wardline.findings.advisories.predicates import ADVISORY_SNAPSHOT, AdvisorySnapshot

_MOST_LOST_PERCENT = 5  # of an ecosystem's records from one import to the next; published databases only grow


def import_advisories(snapshot: Snapshot, *, fewer: bool, collect: Collector) -> Evidence:
    """Record `snapshot`, unless it is the one on record already.

    Args:
        snapshot: Of the mirror that is about to take the place of the one before.
        fewer: Whether it may know less than that one did.
        collect: Where it is recorded.

    Raises:
        Refused: It knows less, and nobody said that it may: a dump that lacks a part reads like a whole one.
    """
    before = next(collect.log.youngest(ADVISORY_SNAPSHOT), None)
    if before is not None:
        if before.statement.subjects[0].digest == snapshot.digest:
            return before
        lost = _lost(before, snapshot)
        if lost and not fewer:
            raise Refused(
                f"advisories: {lost}",
                remedy="Name the dumps of every ecosystem, whole and current. If it is meant to be so: --accept-fewer.",
            )
    step = f"advisory-snapshot/{collect.log.size()}"
    return collect.once(step, None, lambda: AdvisorySnapshot(snapshot=snapshot))


def imported(log: EvidenceLog, digest: Digest) -> int | None:
    """Return the log index of the newest import that made the mirror with this `digest`; None: none did."""
    imports = (item.index for item in log.youngest(ADVISORY_SNAPSHOT) if item.statement.subjects[0].digest == digest)
    return next(imports, None)


def _lost(before: Evidence, now: Snapshot) -> str | None:
    """Return what is known no longer; None: nothing that matters."""
    counts = {each.name: each.advisories for each in now.ecosystems}
    body = before.statement.body
    ecosystems, newest = body.get("ecosystems"), body.get("newest")
    for each in ecosystems if isinstance(ecosystems, list) else []:
        match each:
            case {"name": str(name), "advisories": int(had)} if counts.get(name, 0) * 100 < had * (
                100 - _MOST_LOST_PERCENT
            ):
                return f"expected some {had} records of {name} as in the import before, got {counts.get(name, 0)}"
            case _:
                continue
    if isinstance(newest, str) and now.newest < from_rfc3339(newest):
        return f"expected records as new as those of the import before ({newest}), got {to_rfc3339(now.newest)}"
    return None

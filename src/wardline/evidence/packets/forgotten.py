"""Who was forgotten and what can no longer be read, as the erasures in a packet tell."""

from collections.abc import Mapping

from wardline.canonical import JSON
from wardline.evidence.log import Evidence
from wardline.evidence.mentions import ERASURE, member
from wardline.evidence.packets.markup import plain
from wardline.evidence.packets.told import Told, items_of


def person(told: Told, principal: JSON, *, index: int) -> JSON:
    """Return a principal whom the statement at `index` names, with the day on which what was known of them went."""
    for item in told.every(ERASURE):
        if item.index > index and principal is not None and member(item.statement.body, "principal") == principal:
            return f"{plain(principal)} ({erased_on(item)})"
    return principal


def unreadable_texts(told: Told) -> Mapping[str, Evidence]:
    """Return of each private text, by its digest in hex, the erasure that destroyed its key."""
    found: dict[str, Evidence] = {}
    for item in told.every(ERASURE):
        manifest = told.document(member(item.statement.body, "destroyed", "manifest", "digest", "sha256"))
        for text in items_of(manifest, "texts"):
            found.setdefault(plain(text).removeprefix("sha256:"), item)
    return found


def erased_on(erasure: Evidence) -> str:
    return f"erased on {erasure.statement.context.recorded_at:%Y-%m-%d}"

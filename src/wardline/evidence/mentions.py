"""What a statement names: the statements it rests on, and the blobs that belong to it."""

import re

from wardline.canonical import JSON, Digest
from wardline.evidence.log import Evidence
from wardline.predicates import NAMESPACE, BlobRef

SEAL = f"{NAMESPACE}/seal/v1"
DECISION = "https://slsa.dev/verification_summary/v1"
DEPLOYMENT = f"{NAMESPACE}/deployment/v1"
_WORDS = (f"{NAMESPACE}/approval/v1", f"{NAMESPACE}/rejection/v1")

_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)


def member(value: JSON, *names: str) -> JSON:
    """Return the member of `value` under `names`; None where there is none."""
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def rests_on(item: Evidence) -> frozenset[int]:
    """Return the log indices that `item` could not be said without.

    A deployment rests on the decision it happened under, a decision on what it was made from, a
    person's word on the waivers, tests and rehearsal that the person was shown.
    """
    body = item.statement.body
    match item.statement.predicate_type:
        case kind if kind == DEPLOYMENT:
            named = [member(body, "decision")]
        case kind if kind == DECISION:
            named = _items(member(body, "wardline_decision", "evidence"))
        case kind if kind in _WORDS:
            shown = member(body, "subject")
            named = [*_items(member(shown, "waivers")), member(shown, "tests"), member(shown, "rehearsal")]
        case _:
            named = []
    return frozenset(index for index in named if isinstance(index, int) and not isinstance(index, bool))


def blobs_of(item: Evidence) -> frozenset[BlobRef]:
    """Return every blob that `item` names, wherever in its body."""
    found: set[BlobRef] = set()
    waiting: list[JSON] = [item.statement.body]
    while waiting:
        match waiting.pop():
            case {"digest": {"sha256": str(digest)}, "mediaType": str(media_type), "size": int(size)} if (
                _SHA256.fullmatch(digest)
            ):
                found.add(BlobRef(digest=Digest(digest), media_type=media_type, size_bytes=size))
            case dict() as members:
                waiting += members.values()
            case list() as items:
                waiting += items
            case _:
                pass
    return frozenset(found)


def _items(value: JSON) -> list[JSON]:
    return value if isinstance(value, list) else []

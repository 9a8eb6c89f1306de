"""What a statement names: the statements it rests on, and the blobs that belong to it."""

import re
from collections.abc import Iterable

from wardline import canonical
from wardline.canonical import JSON, Digest
from wardline.evidence.log import Evidence
from wardline.predicates import NAMESPACE, BlobRef

SEAL = f"{NAMESPACE}/seal/v1"
DECISION = "https://slsa.dev/verification_summary/v1"
DEPLOYMENT = f"{NAMESPACE}/deployment/v1"
KEY_CHANGE = f"{NAMESPACE}/key-change/v1"
ERASURE = f"{NAMESPACE}/erasure/v1"
_WORDS = (f"{NAMESPACE}/approval/v1", f"{NAMESPACE}/rejection/v1")

# What people and policies were shown, what decided, what was made unreadable: documents made of digests, counts and
# codes. A packet has each of them or says that it is gone.
TAKEN_ALONG = frozenset(
    f"application/vnd.wardline.{name}+json"
    for name in ("consent", "gate-input", "policies", "lock", "erasure-manifest")
)

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
        value = waiting.pop()
        waiting += value.values() if isinstance(value, dict) else _items(value)
        match value:
            case {
                "digest": {"sha256": str(digest), **others},
                "mediaType": str(media_type),
                "size": int(size),
            } if not others and _SHA256.fullmatch(digest) and not isinstance(size, bool) and size >= 0:
                found.add(BlobRef(digest=Digest(digest), media_type=media_type, size_bytes=size))
            case _:
                pass
    return frozenset(found)


def catalogues_of(evidence: Iterable[Evidence]) -> list[JSON]:
    """Return the catalogues of controls that decisions among `evidence` name, each once, in canonical order."""
    named = [
        catalogue
        for item in evidence
        if item.statement.predicate_type == DECISION
        for catalogue in _items(member(item.statement.body, "wardline_decision", "catalogues"))
    ]
    by_bytes = {canonical.encode(catalogue): catalogue for catalogue in named}
    return [by_bytes[key] for key in sorted(by_bytes)]


def _items(value: JSON) -> list[JSON]:
    return value if isinstance(value, list) else []

"""What statements name is there, purged, missing, or nobody could look: four different things."""

from collections import Counter
from datetime import UTC, datetime

import pytest

from wardline.canonical import Digest
from wardline.delivery.check_things import Places, Things, check_things
from wardline.errors import IntegrityViolation, NotFound, Unavailable
from wardline.evidence.retention.completeness import Named
from wardline.evidence.retention.purges import Purge, Purges
from wardline.evidence.retention.retention import Kept
from wardline.outcomes import Outcome

THERE, GONE, DAMAGED, LOCKED = (Digest.of(name) for name in (b"there", b"gone", b"damaged", b"locked"))
WRONG = {
    GONE: NotFound("not kept here"),
    DAMAGED: IntegrityViolation("the file has another digest"),
    LOCKED: Unavailable("cannot be read"),
}


class Shelf:
    """Blobs by digest; counts how often each is read."""

    def __init__(self) -> None:
        self.read: Counter[Digest] = Counter()

    def get(self, digest: Digest) -> bytes:
        self.read[digest] += 1
        if digest in WRONG:
            raise WRONG[digest]
        return b"there"


def report(digest: Digest, *indices: int) -> list[Named]:
    return [Named(index=index, digest=digest, kept=Kept.REPORTS) for index in indices]


def purged_at(index: int | None, *, unread: bool = False) -> Purges:
    purge = (
        {} if index is None else {GONE: Purge(index=index, at=datetime(2026, 11, 25, tzinfo=UTC), kept=Kept.REPORTS)}
    )
    return Purges(by_digest=purge, unread=((7, "blob is not kept here"),) if unread else ())


def look(things: list[Named], purges: Purges | None = None, shelf: Shelf | None = None) -> Things:
    shelf = shelf or Shelf()
    return check_things(things, Places(blobs=shelf, artifact=shelf.get), lambda: purges or purged_at(None))  # type: ignore[arg-type]  # a shelf puts nothing


def test_everything_there_is_clean() -> None:
    found = look(report(THERE, 1, 2))
    assert (found.outcome, found.mentions, found.there) == (Outcome.PASSED, 2, 2)


def test_nothing_named_is_clean() -> None:
    assert look([]) == Things(mentions=0, purged=0)


@pytest.mark.parametrize(
    ("purged", "outcome", "purges"),
    [(9, Outcome.PASSED, 2), (3, Outcome.FAILED, 1), (4, Outcome.FAILED, 1), (None, Outcome.FAILED, 0)],
)
def test_only_a_later_purge_explains_what_is_not_there(purged: int | None, outcome: Outcome, purges: int) -> None:
    found = look(report(GONE, 2, 4), purged_at(purged))
    assert (found.outcome, found.purged, len(found.missing)) == (outcome, purges, 2 - purges)
    if found.missing:
        assert found.missing[-1] == f"reports {GONE}, named at log index 4: not there, and no purge says so"


def test_where_a_purge_cannot_be_read_nobody_could_look() -> None:
    found = look(report(GONE, 2), purged_at(None, unread=True))
    assert (found.outcome, found.missing) == (Outcome.ERRORED, ())
    assert "the manifest of statement 7: blob is not kept here" in found.unseen[0]


def test_damaged_is_missing_and_unreadable_is_not() -> None:
    assert look(report(DAMAGED, 1)).outcome is Outcome.FAILED
    assert look(report(LOCKED, 1)).outcome is Outcome.ERRORED
    both = look(report(DAMAGED, 1) + report(LOCKED, 2) + report(THERE, 3))
    assert (both.outcome, both.there, len(both.missing), len(both.unseen)) == (Outcome.FAILED, 1, 1, 1)
    assert f"{DAMAGED}, named at log index 1" in both.missing[0]


def test_an_artifact_is_looked_for_among_artifacts() -> None:
    blobs, artifacts = Shelf(), Shelf()
    thing = Named(index=1, digest=THERE, kept=Kept.ARTIFACTS)
    check_things([thing], Places(blobs=blobs, artifact=artifacts.get), lambda: purged_at(None))  # type: ignore[arg-type]
    assert (blobs.read[THERE], artifacts.read[THERE]) == (0, 1)


def test_a_thing_is_read_once_and_memory_is_bounded() -> None:
    shelf = Shelf()
    look(report(THERE, 1, 2, 3), shelf=shelf)
    assert shelf.read[THERE] == 1
    many = [named for number in range(20) for named in report(Digest.of(b"%d" % number), 1)]
    places = Places(blobs=shelf, artifact=shelf.get)  # type: ignore[arg-type]
    found = check_things([*many, *many], places, lambda: purged_at(None), remembered=5)
    assert (found.there, shelf.read[many[0].digest]) == (40, 2)

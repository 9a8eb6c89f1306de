"""Check things: whether what statements name outside the log is there, and is what was signed."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from wardline.canonical import Digest
from wardline.errors import IntegrityViolation, NotFound, Unavailable
from wardline.evidence.log import Blobs, Evidence
from wardline.evidence.mentions import blobs_of
from wardline.evidence.retention.completeness import Named
from wardline.evidence.retention.keeping import artifacts_of
from wardline.evidence.retention.purges import Purges
from wardline.evidence.retention.retention import Kept, class_of
from wardline.outcomes import Outcome

_REMEMBERED = 50_000  # things; some ten megabytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Things:
    """What was found of all mentions of blobs and artifacts.

    Attributes:
        mentions: How often a statement names one.
        purged: Of those, how many are gone as a later purge says.
        missing: What is not there, or is not what was signed.
        unseen: What nobody could look at, and why.
    """

    mentions: int
    purged: int
    missing: tuple[str, ...] = ()
    unseen: tuple[str, ...] = ()

    @property
    def there(self) -> int:
        return self.mentions - self.purged - len(self.missing) - len(self.unseen)

    @property
    def outcome(self) -> Outcome:
        if self.missing:
            return Outcome.FAILED
        return Outcome.ERRORED if self.unseen else Outcome.PASSED


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Where things lie. `artifact` raises where one is not kept, or is not what its digest says."""

    blobs: Blobs
    artifact: Callable[[Digest], object]

    def look(self, thing: Named) -> None:
        """Return if `thing` is there and has its digest.

        Raises:
            NotFound: It is not there.
            IntegrityViolation: It has another digest.
            Unavailable: It cannot be read.
        """
        (self.artifact if thing.kept is Kept.ARTIFACTS else self.blobs.get)(thing.digest)


def named_by(evidence: Iterable[Evidence]) -> Iterable[Named]:
    """Yield every mention of a thing, in log order."""
    for item in evidence:
        named = {(blob.digest, class_of(blob.media_type)) for blob in blobs_of(item)}
        named |= {(artifact, Kept.ARTIFACTS) for artifact in artifacts_of(item)}
        for digest, kept in sorted(named):
            yield Named(index=item.index, digest=digest, kept=kept)


def check_things(
    things: Iterable[Named], places: Places, purges: Callable[[], Purges], *, remembered: int = _REMEMBERED
) -> Things:
    """Look at every one of `things`, and tell what is purged from what is missing.

    Holds no more of them in memory than are not there, and `remembered` that were read: they are not read again.
    `purges` is asked last: what a purge removes meanwhile, it has said before.
    """
    read: dict[tuple[Digest, Kept], None] = {}
    gone: list[Named] = []
    missing: list[str] = []
    unseen: list[str] = []
    mentions = 0
    for thing in things:
        mentions += 1
        if (thing.digest, thing.kept) in read:
            continue
        try:
            places.look(thing)
        except NotFound:
            gone.append(thing)
        except IntegrityViolation as error:
            missing.append(f"{_what(thing)}: {error.what}")
        except Unavailable as error:
            unseen.append(f"{_what(thing)}: {error.what}")
        else:
            read[thing.digest, thing.kept] = None
            if len(read) > remembered:
                del read[next(iter(read))]
    purged = _settle(gone, purges(), missing=missing, unseen=unseen) if gone else 0
    return Things(mentions=mentions, purged=purged, missing=tuple(missing), unseen=tuple(unseen))


def _settle(gone: Iterable[Named], purges: Purges, *, missing: list[str], unseen: list[str]) -> int:
    """Return how many of what is not there were purged after they were named; put the others where they belong."""
    purged = 0
    for thing in gone:
        purge = purges.by_digest.get(thing.digest)
        if purge is not None and purge.index > thing.index:
            purged += 1
        elif purges.unread:
            index, why = purges.unread[0]
            unseen.append(
                f"{_what(thing)}: not there; whether it was purged is in the manifest of statement {index}: {why}"
            )
        else:
            missing.append(f"{_what(thing)}: not there, and no purge says so")
    return purged


def _what(thing: Named) -> str:
    return f"{thing.kept} {thing.digest}, named at log index {thing.index}"

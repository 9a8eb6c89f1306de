"""Back up: the log at one moment, and everything it names, under one signature."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from wardline.canonical import Digest
from wardline.errors import IntegrityViolation, NotFound, Unavailable
from wardline.evidence.backups import Kind, Manifest, Member, Why
from wardline.evidence.log import Blobs, EvidenceLog
from wardline.evidence.mentions import blobs_of
from wardline.evidence.retention.keeping import artifacts_of
from wardline.evidence.retention.purges import read_purges


class Archive(Protocol):
    """A file that is being written, one member after another."""

    def add(self, name: str, content: Iterable[bytes], *, size: int) -> Member:
        """Write a member and return what it is.

        Raises:
            Unavailable: It cannot be written, or `content` has another size.
        """
        ...


# The size of an artifact and its content in pieces; raises as `Blobs.get` does.
Artifacts = Callable[[Digest], tuple[int, Iterator[bytes]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class BackedUp:
    """What a backup became. `purged`: things that the log names and says to have removed."""

    manifest: Manifest
    purged: int

    @property
    def whole(self) -> bool:
        """Whether all that should be in it is."""
        return not self.manifest.absent


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """All that the log's statements name, as far as it could be read."""

    members: tuple[Member, ...]
    absent: Mapping[Digest, Why]
    purged: int


def gather(log: EvidenceLog, blobs: Blobs, artifacts: Artifacts, archive: Archive) -> Gathered:
    """Put every blob and artifact that `log` names into `archive`, ordered by digest.

    What lies in a store and is named by no statement stays behind: it was never evidence.

    Raises:
        Unavailable: The archive cannot be written.
    """
    named_blobs: set[Digest] = set()
    named_artifacts: set[Digest] = set()
    for item in log.every():
        named_blobs |= {reference.digest for reference in blobs_of(item)}
        named_artifacts |= artifacts_of(item)
    members: list[Member] = []
    absent: dict[Digest, Why] = {}
    for kind, digests, read in (
        (Kind.BLOBS, named_blobs - named_artifacts, _whole(blobs)),
        (Kind.ARTIFACTS, named_artifacts, artifacts),
    ):
        for digest in sorted(digests):
            try:
                size, content = read(digest)
            except (NotFound, IntegrityViolation, Unavailable) as error:
                absent[digest] = _WHY[type(error)]
                continue
            members.append(archive.add(f"{kind}/{digest.hex}", content, size=size))
    gone = {digest for digest, why in absent.items() if why is Why.MISSING} & read_purges(log, blobs).by_digest.keys()
    return Gathered(
        members=tuple(members),
        absent={digest: why for digest, why in absent.items() if digest not in gone},
        purged=len(gone),
    )


_WHY = {NotFound: Why.MISSING, IntegrityViolation: Why.DAMAGED, Unavailable: Why.UNREADABLE}


def _whole(blobs: Blobs) -> Artifacts:
    def read(digest: Digest) -> tuple[int, Iterator[bytes]]:
        content = blobs.get(digest)
        return len(content), iter((content,))

    return read

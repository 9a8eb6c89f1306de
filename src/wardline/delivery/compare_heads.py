"""Compare heads: hold a checked log against checkpoints of it that were kept elsewhere."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from wardline.delivery.restore import check_witnessed
from wardline.errors import IntegrityViolation, InvalidInput
from wardline.evidence.signatories import Signatories
from wardline.tlog.checkpoint import Checkpoint, read_checkpoint

_KEEP_BOTH = "Keep both, the database and the file; then look for a backup that has what is missing here."


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptHeads:
    """Signed checkpoints that somebody kept, and what they are called in a message: the name of their file."""

    name: str
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Grown:
    """The log begins with all that one who kept heads of it saw; `size` and `root` of the largest."""

    name: str
    size: int
    root: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A log as it was found to hold: its name, its size, who signs in it, and the root of its first leaves."""

    origin: str
    size: int
    signatories: Signatories
    root_of: Callable[[int], bytes]


def compare_heads(log: Stored, kept: Sequence[KeptHeads]) -> tuple[Grown, ...]:
    """Return how far the log is proven to be what was seen elsewhere, for each of `kept`.

    A log that is not larger than it was, or has another root at a size that was seen, was cut back, forked or made
    anew: whoever signs in it cannot make that fit. Signatures of witnesses are not looked at: a checkpoint is signed
    by the log itself.

    Raises:
        InvalidInput: One is no signed checkpoint.
        IntegrityViolation: One does not fit; the message names whose, sizes and roots.
    """
    return tuple(_compare(log, each) for each in kept)


def _compare(log: Stored, kept: KeptHeads) -> Grown:
    try:
        heads = [_fit(log, note) for note in kept.notes]
    except IntegrityViolation as error:
        raise IntegrityViolation(f"{kept.name}: {error.what}", remedy=error.remedy) from error
    except InvalidInput as error:
        raise InvalidInput(f"{kept.name}: {error.what}", remedy=error.remedy) from error
    largest = max(heads, key=lambda head: head.size)
    return Grown(name=kept.name, size=largest.size, root=largest.root)


def _fit(log: Stored, note: str) -> Checkpoint:
    claimed = read_checkpoint(note)
    if claimed.origin != log.origin:
        raise IntegrityViolation(
            f"a checkpoint of log {claimed.origin[:200]}; this one is {log.origin}",
            remedy="Is it of another installation? Otherwise this log was made anew, with another key.",
        )
    if claimed.size > log.size:
        raise IntegrityViolation(_cut_back(log, note, claimed), remedy=_KEEP_BOTH)
    check_witnessed([note], log.signatories, size=log.size, root_of=log.root_of, subject="this log")
    return claimed


def _cut_back(log: Stored, note: str, claimed: Checkpoint) -> str:
    sizes = f"a checkpoint of {claimed.size} leaves under root {claimed.root.hex()}, and this log has {log.size}"
    try:
        log.signatories.open_checkpoint(note)
    except IntegrityViolation as error:
        # The key may have been added among the leaves that are missing.
        return f"{sizes}; no key that this log knows signed it: {error.what}"
    return f"cut back: {sizes}: {claimed.size - log.size} statements were taken away"

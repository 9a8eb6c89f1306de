"""Restore: hold a backup against what is known of its log from elsewhere, before anything is made of it."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from wardline.errors import IntegrityViolation, InvalidInput
from wardline.evidence.backups import SignedManifest
from wardline.evidence.log import EvidenceLog
from wardline.evidence.register import REGISTERED
from wardline.evidence.signatories import Signatories
from wardline.tlog.note import VerifierKey

_SIGNATURE = "— "


@dataclass(frozen=True, slots=True, kw_only=True)
class Prefix:
    """How a log stands to heads of it that were seen elsewhere.

    Attributes:
        size: Leaves that the log has.
        proven: The largest witnessed size up to which the log was proven to be what was seen; None: no such head.
        seen: The largest witnessed size; None: nothing was shown.
    """

    size: int
    proven: int | None
    seen: int | None

    @property
    def lost(self) -> int:
        """How many statements somebody saw that are not in this log."""
        return max(0, (self.seen or 0) - self.size)


def check_signature(signed: SignedManifest, log: EvidenceLog, root: VerifierKey) -> Signatories:
    """Return who may sign in `log`, if a key that counts there signed the backup; `root` is the key that is trusted.

    Raises:
        IntegrityViolation: The backup is not signed so, or the log's own keys do not follow from `root`.
    """
    told = tuple(log.every(*REGISTERED))
    signatories = Signatories(root, told=told)
    for item in told:
        signatories.admit(item)
    # A key that was retired since signs no new backup, but those it signed while it counted are still good.
    signed.check(held.key for held in signatories.keyring.keys if held.revoked_since is None)
    return signatories


def check_witnessed(
    notes: Iterable[str],
    signatories: Signatories,
    *,
    size: int,
    root_of: Callable[[int], bytes],
    subject: str = "the backup",
) -> Prefix:
    """Hold the log of `size` leaves against each of `notes`, checkpoints of it that somebody outside kept.

    A checkpoint is signed by the log itself, so who kept it need not be believed: two of one log that do not go
    together prove that it has forked, whoever shows them. `root_of` returns the root of the first leaves;
    `subject` is what the log is called in a message.

    Raises:
        InvalidInput: A note is no signed checkpoint.
        IntegrityViolation: One is not by this log, or of another history.
    """
    proven: int | None = None
    seen: int | None = None
    for note in notes:
        checkpoint = signatories.open_checkpoint(note)
        seen = max(seen or 0, checkpoint.size)
        if checkpoint.size > size:
            continue
        found = root_of(checkpoint.size)
        if found != checkpoint.root:
            raise IntegrityViolation(
                f"fork: of the first {checkpoint.size} leaves the witnessed root is {checkpoint.root.hex()}, "
                f"that of {subject} {found.hex()}",
                remedy=f"Keep both, {subject} and the note: the log's key signed both, so one history was made up. "
                "Restore nothing before you know which.",
            )
        proven = max(proven or 0, checkpoint.size)
    return Prefix(size=size, proven=proven, seen=seen)


def split_notes(text: str) -> Sequence[str]:
    """Return the signed notes in `text`, one after another; a blank line may stand between them.

    Raises:
        InvalidInput: It does not consist of notes.
    """
    lines = text.splitlines(keepends=True)
    notes: list[str] = []
    note = ""
    for line, after in zip(lines, [*lines, ""][1:], strict=True):
        if not note and line == "\n":
            continue
        note += line
        if line.startswith(_SIGNATURE) and not after.startswith(_SIGNATURE):
            notes.append(note)
            note = ""
    if note or not notes:
        raise InvalidInput("not signed notes (C2SP signed-note): text, an empty line and signature lines each")
    return notes

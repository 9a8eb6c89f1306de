"""The keys of a log: which ones count, as its own statements tell, and those whose private halves are at hand."""

from collections.abc import Callable, Iterable, Sequence

from wardline.errors import Unavailable
from wardline.evidence.envelopes import Envelope, Signer
from wardline.evidence.log import Evidence
from wardline.evidence.signatories import Signatories
from wardline.identity.keyring import Keyring
from wardline.identity.predicates import Purpose
from wardline.ids import KeyId
from wardline.tlog.checkpoint import Checkpoint
from wardline.tlog.note import VerifierKey, signature_line


class LogKeys:
    """Signs checkpoints with every key that counts and is at hand, and tells who may sign statements.

    Whoever appends MUST call `follow` first, inside the transaction that appends: another process may have
    added or taken away a key.

    Args:
        root: The key the log is named after.
        signers: The private halves at hand; which of them count is for the log to say.
    """

    def __init__(self, root: VerifierKey, signers: Sequence[Signer]) -> None:
        self.root = root
        self._signers: dict[KeyId, Signer] = {signer.public_key.keyid: signer for signer in signers}
        self._signatories = Signatories(root)
        self._newest: int | None = None  # log index of the newest key change that was followed

    @property
    def keyring(self) -> Keyring:
        return self._signatories.keyring

    def hold(self, signer: Signer) -> None:
        """Take `signer` to what is at hand; from when on it counts is for the log to say."""
        self._signers[signer.public_key.keyid] = signer

    def follow(self, newest: int | None, read: Callable[[], Iterable[Evidence]]) -> None:
        """Take over every key change up to log index `newest` (None: there is none); `read` gives what is REGISTERED.

        Raises:
            IntegrityViolation: One of them is not signed by who may.
        """
        if newest == self._newest:
            return
        told = tuple(read())
        signatories = Signatories(self.root, told=told)
        for item in told:
            signatories.admit(item)
        self._signatories, self._newest = signatories, newest

    def sign(self, checkpoint: Checkpoint) -> str:
        """Return the note of `checkpoint` with a signature by each key that counts for its size and is at hand.

        Raises:
            Unavailable: None is at hand.
        """
        note = ""
        for key in self._signatories.checkpoint_keys(checkpoint.size):
            signer = next((each for each in self._signers.values() if each.public_key.raw == key.raw), None)
            if signer is not None and not note:
                note = checkpoint.sign(key, sign=signer.sign)
            elif signer is not None:
                note += signature_line(key.name, key.hash + signer.sign(checkpoint.encode().encode()))
        if not note:
            raise _none_at_hand(self.root, Purpose.CHECKPOINTS)
        return note

    def open(self, note: str) -> Checkpoint:
        """Return the checkpoint in `note`.

        Raises:
            InvalidInput: It is no signed checkpoint.
            IntegrityViolation: Not signed by a key that counts for its size, or of another log.
        """
        return self._signatories.open_checkpoint(note)

    def check_may_append(self, envelope: Envelope, index: int) -> None:
        """Return unless `envelope` is signed with a key of the installation that does not count at leaf `index`.

        Raises:
            Unavailable: It is: the key was retired or revoked after this process began to sign with it.
        """
        for signature in envelope.signatures:
            held = self.keyring.find(signature.keyid)
            if held is not None and held.added_at != index and not held.is_valid_at(index):
                raise Unavailable(
                    f"key {signature.keyid[:16]} of the installation was {held.state} meanwhile; nothing was recorded",
                    remedy="Run it again, or resume it: a new process signs with the key that counts now.",
                )

    def statement_signer(self, preferred: KeyId | None = None) -> Signer:
        """Return what signs the installation's statements: the key `preferred`, or the newest one at hand.

        Raises:
            Unavailable: No key that may sign them is at hand, or not the preferred one.
        """
        for key in reversed(self.keyring.valid(Purpose.STATEMENTS)):
            if key.keyid in self._signers and preferred in (None, key.keyid):
                return self._signers[key.keyid]
        raise _none_at_hand(self.root, Purpose.STATEMENTS)


def _none_at_hand(root: VerifierKey, purpose: Purpose) -> Unavailable:
    return Unavailable(
        f"log {root.name}: none of the keys at hand may sign its {purpose}",
        remedy="See `wardline keys list`; put the key that counts back into the home's folder of keys. "
        "What was restored without keys is for reading.",
    )

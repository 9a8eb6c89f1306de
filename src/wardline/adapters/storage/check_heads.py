"""Check what is kept of the log's heads: its own signatures, and what witnesses said beside them."""

from collections.abc import Sequence
from functools import partial

from wardline.adapters.storage.beside import Check
from wardline.errors import IntegrityViolation, InvalidInput, WardlineError
from wardline.evidence.signatories import Signatories
from wardline.identity.keyring import InstallationKey
from wardline.identity.predicates import Purpose
from wardline.tlog.checkpoint import Checkpoint
from wardline.tlog.cosignature import WitnessKey, verify_cosignature
from wardline.tlog.note import VerifierKey, open_note, read_signature, signature_line, take_apart

_HASH_BYTES = 4


def check_checkpoint(signatories: Signatories, note: object, *, size: int, root: bytes) -> None:
    """Return if `note` says `root` of the first `size` leaves, and every signature on it is by the log and holds.

    Raises:
        IntegrityViolation: It does not; the message names the size.
    """
    try:
        if not isinstance(note, str):  # a damaged SQLite file may hold anything
            raise InvalidInput("no text")
        checkpoint = signatories.open_checkpoint(note)
        _check_every_signature(signatories, note, checkpoint)
    except WardlineError as error:
        raise IntegrityViolation(f"log: the checkpoint of {size} leaves: {error.what}") from error
    if (checkpoint.size, checkpoint.root) != (size, root):
        raise IntegrityViolation(
            f"log: the checkpoint of {size} leaves: expected root {root.hex()}, "
            f"got {checkpoint.root.hex()} of {checkpoint.size}"
        )


class CosignatureChecks:
    """Checks what witnesses said, by the keys of those that are listed.

    What a witness said that is not listed cannot be verified: it is counted as that, and never as verified.
    """

    def __init__(self, witnesses: Sequence[WitnessKey]) -> None:
        self._keys = {key.name: key for key in witnesses}
        self._newest: tuple[int, object] | None = None  # the one that was looked at last
        self.counted = 0
        self.verified = 0
        self.unlisted: dict[str, int] = {}  # who is not listed, and over how many checkpoints it spoke

    def check(self, size: int, witness: object, line: object, note: object) -> list[Check]:
        """Return what is left to verify of what `witness` is kept to have said of `note`, our checkpoint of `size`.

        They MUST come ordered by size and witness.

        Raises:
            IntegrityViolation: It is no cosignature by that witness, is there twice, or there is no such checkpoint.
        """
        where = f"log: the cosignature of {size} leaves by {str(witness)[:200]!r}"
        if self._newest == (size, witness):
            raise IntegrityViolation(f"{where} is there twice")
        self._newest = (size, witness)
        if not isinstance(note, str):
            raise IntegrityViolation(f"{where}: no checkpoint of that size is kept")
        try:
            content = _content(witness, line)
        except InvalidInput as error:
            raise IntegrityViolation(f"{where}: {error.what}") from error
        self.counted += 1
        key = self._keys.get(str(witness))
        if key is not None and content[:_HASH_BYTES] == key.hash:
            self.verified += 1
            return [partial(_verify, where, note, str(line), key)]
        self._count_unlisted(where, note, str(witness), content)
        return []

    def _count_unlisted(self, where: str, note: str, witness: str, content: bytes) -> None:
        key = self._keys.get(witness)
        if key is not None and _holds(note, signature_line(witness, key.hash + content[_HASH_BYTES:]), key):
            raise IntegrityViolation(
                f"{where}: it names key {content[:_HASH_BYTES].hex()}, and was made with {key.hash.hex()}"
            )
        name = f"{witness} with key {content[:_HASH_BYTES].hex()}"
        self.unlisted[name] = self.unlisted.get(name, 0) + 1


def _check_every_signature(signatories: Signatories, note: str, checkpoint: Checkpoint) -> None:
    """One that holds makes a checkpoint good; but whoever trusts another key of the log needs that one's to hold."""
    _, signatures = take_apart(note)
    if len(signatures) == 1:
        return
    if len(set(signatures)) != len(signatures):
        raise IntegrityViolation("it has a signature twice")
    held = (key for key in signatories.keyring.keys if _may_have_signed(key, checkpoint.size))
    known = {key.hash: key for key in (VerifierKey(name=checkpoint.origin, raw=each.key.raw) for each in held)}
    for name, content in signatures:
        key = known.get(content[:_HASH_BYTES])
        if key is None or name != checkpoint.origin:
            raise IntegrityViolation(
                f"a signature by {name[:200]!r} with key {content[:_HASH_BYTES].hex()}, "
                f"which is none that signed this log's checkpoints then"
            )
        open_note(note, key)


def _may_have_signed(key: InstallationKey, size: int) -> bool:
    # A revocation holds backwards: what such a key signed beside a good one counts no more, and is there still.
    return Purpose.CHECKPOINTS in key.purposes and (key.revoked_since is not None or key.is_valid_at(size - 1))


def _content(witness: object, line: object) -> bytes:
    if not isinstance(witness, str) or not isinstance(line, str) or not line.endswith("\n"):
        raise InvalidInput("expected the name of a witness and one line of text")
    name, content = read_signature(line.removesuffix("\n"))
    if name != witness:
        raise InvalidInput(f"the line is by {name[:200]!r}")
    return content


def _verify(where: str, note: str, line: str, key: WitnessKey) -> None:
    try:
        verify_cosignature(f"{take_apart(note)[0]}\n{line}", key)
    except WardlineError as error:
        raise IntegrityViolation(f"{where}: {error.what}") from error


def _holds(note: str, line: str, key: WitnessKey) -> bool:
    try:
        verify_cosignature(f"{take_apart(note)[0]}\n{line}", key)
    except WardlineError:
        return False
    return True

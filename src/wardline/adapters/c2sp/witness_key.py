"""The key of a witness, in a file: the text form of private note keys that Go's sumdb tools write.

`PRIVATE+KEY+name+hash+base64(0x01, seed)`, see golang.org/x/mod/sumdb/note. Unencrypted, 0600: a witness starts when
nobody is there.
"""

import base64
import os
import stat
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from wardline.errors import Conflict, InvalidInput, NotFound, Refused, Unavailable
from wardline.tlog.cosignature import WitnessKey
from wardline.tlog.note import decode_base64, key_hash

_PREFIX = "PRIVATE+KEY+"
_ED25519 = b"\x01"
_SEED_BYTES = 32
_MAX_BYTES = 1_000  # it has about 130


class WitnessSigner:
    """Signs as one witness; neither its text nor its errors show the key."""

    def __init__(self, name: str, private_key: Ed25519PrivateKey) -> None:
        self.key = WitnessKey(name=name, raw=private_key.public_key().public_bytes_raw())
        self._private_key = private_key

    def sign(self, message: bytes) -> bytes:
        return self._private_key.sign(message)


def create_witness_key(file: Path, name: str) -> WitnessSigner:
    """Make a key for the witness `name` and write it to `file`.

    Raises:
        InvalidInput: The name cannot stand in a note.
        Conflict: The file exists: a key is never overwritten.
        Unavailable: The file cannot be written.
    """
    private_key = Ed25519PrivateKey.generate()
    signer = WitnessSigner(name, private_key)
    public = key_hash(name, _ED25519, signer.key.raw)
    seed = base64.b64encode(_ED25519 + private_key.private_bytes_raw()).decode()
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w") as opened:
            opened.write(f"{_PREFIX}{name}+{public.hex()}+{seed}\n")
            opened.flush()
            os.fsync(opened.fileno())
    except FileExistsError as error:
        raise Conflict(f"key {file} exists, and a key is never overwritten", remedy="Name another file.") from error
    except OSError as error:
        raise Unavailable(f"key {file}: {error.strerror}") from error
    return signer


def open_witness_key(file: Path) -> WitnessSigner:
    """Return the witness's key in `file`.

    Raises:
        NotFound: There is no such file.
        Refused: Others than the owner can read it.
        InvalidInput: It holds no private key of a witness.
        Unavailable: It cannot be read.
    """
    text = _read(file)
    try:
        name, digest, content = text.removeprefix(_PREFIX).split("+", 2)
        seed = decode_base64(content)
    except (ValueError, InvalidInput):  # never chained: a traceback must not show a part of the key
        raise InvalidInput(f"key {file}: not the private key of a witness") from None
    if not text.startswith(_PREFIX) or seed[:1] != _ED25519 or len(seed) != 1 + _SEED_BYTES:
        raise InvalidInput(f"key {file}: not an Ed25519 private key of a witness")
    signer = WitnessSigner(name, Ed25519PrivateKey.from_private_bytes(seed[1:]))
    if key_hash(name, _ED25519, signer.key.raw).hex() != digest:
        raise InvalidInput(f"key {file}: its hash is of another key or name: it was damaged")
    return signer


def _read(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            mode = stat.S_IMODE(os.fstat(opened.fileno()).st_mode)
            content = opened.read(_MAX_BYTES)
    except FileNotFoundError as error:
        raise NotFound(f"key {file}: there is no such file", remedy="Make one: wardline witness new-key.") from error
    except OSError as error:
        raise Unavailable(f"key {file}: {error.strerror}") from error
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise Refused(
            f"key {file}: its rights are {mode:04o}, so others may have read it; expected 0600",
            remedy=f"If nobody did: chmod 600 {file}. Otherwise make a new key, with a new name.",
        )
    return content.decode(errors="replace").strip()

"""Ed25519 keys in files (PKCS#8 PEM, RFC 8410), used through securesystemslib's signers.

The installation's key signs what the machine says and lies unencrypted, readable by its owner only.
A person's key signs what that person says and is encrypted with a passphrase.
"""

import os
import secrets
import stat
from contextlib import suppress
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from securesystemslib.signer import CryptoSigner  # type: ignore[attr-defined]  # re-exported without __all__

from wardline.adapters.signing.sslib import ForeignSigner
from wardline.errors import Conflict, InvalidInput, NotFound, Refused, Unavailable
from wardline.identity.principals import PublicKey

# The file is one factor; NIST SP 800-63B asks 8 of a passphrase that is the second. The file can be
# stolen and guessed at without limit, so half as much again.
MIN_PASSPHRASE_CHARACTERS = 12
_MAX_FILE_BYTES = 10_000  # an encrypted Ed25519 key has about 300


class KeySigner(ForeignSigner):
    """A Signer over a key held in memory; neither its text nor its errors show the key."""

    def __init__(self, private_key: Ed25519PrivateKey) -> None:
        super().__init__(CryptoSigner(private_key), PublicKey.of(private_key.public_key().public_bytes_raw()))


def installation_key(path: Path) -> KeySigner:
    """Return the installation's key, made at the first call; of two processes at once, both get the same.

    Raises:
        Refused: Others than the owner can read the file.
        InvalidInput: The file holds no unencrypted Ed25519 key.
        Unavailable: The file cannot be read or written.
    """
    if not path.exists():
        with suppress(Conflict):  # another process was faster: its key is the installation's
            write_new(path, _encode(Ed25519PrivateKey.generate(), NoEncryption()))
    return open_installation_key(path)


def open_installation_key(path: Path) -> KeySigner:
    """Return the key in `path`, which a machine signs with.

    Raises:
        NotFound: There is no such file.
        Refused: Others than the owner can read the file.
        InvalidInput: The file holds no unencrypted Ed25519 key.
        Unavailable: The file cannot be read.
    """
    return KeySigner(_decode(path, read_private(path), passphrase=None))


def create_installation_key(folder: Path) -> tuple[Path, KeySigner]:
    """Make another key of the installation in `folder`, named after its key id."""
    key = Ed25519PrivateKey.generate()
    signer = KeySigner(key)
    path = folder / f"{signer.public_key.keyid}.pem"
    write_new(path, _encode(key, NoEncryption()))
    return path, signer


def create_personal_key(path: Path, passphrase: str) -> KeySigner:
    """Make a key for a person, encrypted with `passphrase`, and return it.

    Raises:
        Conflict: The file exists: a key is never overwritten, because what it signed hangs on it.
        InvalidInput: The passphrase has fewer than 12 characters.
        Unavailable: The file cannot be written.
    """
    if len(passphrase) < MIN_PASSPHRASE_CHARACTERS:
        raise InvalidInput(
            f"the passphrase has {len(passphrase)} characters; expected at least {MIN_PASSPHRASE_CHARACTERS}",
            remedy="Use a few words that belong together for you only.",
        )
    key = Ed25519PrivateKey.generate()
    write_new(path, _encode(key, BestAvailableEncryption(passphrase.encode())))
    return KeySigner(key)


def check_personal_key(path: Path) -> None:
    """Raise where no passphrase could open the key in `path`, so that nobody is asked for one in vain.

    Raises:
        NotFound, Refused, InvalidInput, Unavailable: As `open_personal_key`.
    """
    if path.suffix == ".pub":
        raise InvalidInput(
            f"key {path}: a public half, which signs nothing",
            remedy=f"Name the key itself, {path.with_suffix('')}.",
        )
    if b"ENCRYPTED PRIVATE KEY" not in read_private(path):
        raise InvalidInput(
            f"key {path}: not a private key under a passphrase, in PKCS#8 PEM",
            remedy="Is this the right file? `wardline keys new FILE` makes one.",
        )


def open_personal_key(path: Path, passphrase: str) -> KeySigner:
    """Return the person's key in `path`.

    Raises:
        NotFound: There is no such file.
        Refused: The passphrase is wrong, or others than the owner can read the file.
        InvalidInput: The file holds no Ed25519 key, or one without a passphrase.
        Unavailable: The file cannot be read.
    """
    return KeySigner(_decode(path, read_private(path), passphrase=passphrase))


def _encode(key: Ed25519PrivateKey, encryption: KeySerializationEncryption) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)


def _decode(path: Path, content: bytes, *, passphrase: str | None) -> Ed25519PrivateKey:
    try:
        key = load_pem_private_key(content, password=None if passphrase is None else passphrase.encode())
    except TypeError as error:  # a passphrase where none is needed, or none where one is
        state = "is protected by a passphrase" if passphrase is None else "is not protected by a passphrase"
        raise InvalidInput(f"key {path}: it {state}", remedy="Is this the right file?") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        if passphrase is None or b"ENCRYPTED PRIVATE KEY" not in content:
            raise InvalidInput(f"key {path}: not a private key in PKCS#8 PEM, or damaged") from error
        raise Refused(
            f"key {path}: the passphrase does not open it", remedy="Try again; a lost passphrase needs a new key."
        ) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise InvalidInput(f"key {path}: not an Ed25519 key")
    return key


def read_private(path: Path) -> bytes:
    """Return the content of a file that only its owner may read.

    Raises:
        NotFound: There is no such file.
        Refused: Others than the owner can read it.
        Unavailable: It cannot be read.
    """
    try:
        with path.open("rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            content = file.read(_MAX_FILE_BYTES)
    except FileNotFoundError as error:
        raise NotFound(
            f"key {path}: there is no such file", remedy="Check the path. A new key: wardline keys new FILE."
        ) from error
    except OSError as error:
        raise _unavailable(path, error) from error
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise Refused(
            f"key {path}: its rights are {mode:04o}, so others may have read it; expected 0600",
            remedy=f"If nobody did: chmod 600 {path}. Otherwise make a new key.",
        )
    return content


def write_new(path: Path, content: bytes) -> None:
    """Write a file for its owner only, whole or not at all.

    Raises:
        Conflict: There is one.
        Unavailable: It cannot be written.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
        try:
            _write_synced(temporary, content)
            _link(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
        _sync(path.parent)
    except OSError as error:
        raise _unavailable(path, error) from error


def _write_synced(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _link(temporary: Path, path: Path) -> None:
    # A link, unlike a rename, never replaces: of two writers one wins and both see the winner's key.
    try:
        os.link(temporary, path)
    except FileExistsError as error:
        raise Conflict(
            f"key {path} exists, and a key is never overwritten", remedy="Name another file, or move that one away."
        ) from error


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _unavailable(path: Path, error: OSError) -> Unavailable:
    return Unavailable(
        f"key {path}: {error.strerror}", remedy="Check the disk and the rights of the file and its folder."
    )

"""Public halves of personal keys: what its holder gives to an administrator.

An Ed25519 key is one line of text, a C2SP vkey, which can be compared by telephone; signed-note has no such line for
P-256, so that is SPKI in PEM (RFC 5480), as tokens and KMS give it. Either may be read as PEM.
"""

from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

from wardline.adapters.signing.sslib import raw_public_key
from wardline.errors import InvalidInput, NotFound, Unavailable
from wardline.identity.principals import PublicKey, Scheme
from wardline.tlog.note import VerifierKey

_NAME = "wardline-person"  # who it is stands in the enrolment, never in the key
_MAX_BYTES = 1000  # a line has about 90


def write_public_key(file: Path, key: PublicKey) -> Path:
    """Write `key` into `file`, replacing what is there, and return where.

    Raises:
        Unavailable: It cannot be written.
    """
    try:
        file.write_text(_spelled(key))
    except OSError as error:
        raise Unavailable(f"key {file}: {error.strerror}") from error
    return file


def read_public_key(file: Path) -> PublicKey:
    """Return the public key in `file`.

    Raises:
        NotFound: There is no such file.
        InvalidInput: It holds no public key.
    """
    try:
        with file.open("rb") as opened:
            text = opened.read(_MAX_BYTES).decode("ascii").strip()
    except FileNotFoundError as error:
        raise NotFound(f"public key {file}: there is no such file") from error
    except OSError as error:
        raise Unavailable(f"public key {file}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InvalidInput(
            f"public key {file}: not text", remedy="Expected the FILE.pub of `wardline keys new`."
        ) from error
    if text.startswith("-----BEGIN PUBLIC KEY-----"):
        return _from_pem(text, file)
    return PublicKey.of(VerifierKey.parse(text).raw)


def _spelled(key: PublicKey) -> str:
    if key.scheme is Scheme.ED25519:
        return f"{VerifierKey(name=_NAME, raw=key.raw)}\n"
    point = EllipticCurvePublicKey.from_encoded_point(SECP256R1(), key.raw)
    return point.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode("ascii")


def _from_pem(text: str, file: Path) -> PublicKey:
    try:
        key = load_pem_public_key(text.encode())
    except (ValueError, UnsupportedAlgorithm) as error:
        raise InvalidInput(f"public key {file}: damaged, or of a kind nobody knows") from error
    return raw_public_key(key, where=str(file))

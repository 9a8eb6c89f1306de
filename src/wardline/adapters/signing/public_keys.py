"""Public halves of personal keys, as one line of text: what its holder gives to an administrator."""

from pathlib import Path

from wardline.errors import InvalidInput, NotFound, Unavailable
from wardline.evidence.envelopes import Signer
from wardline.identity.principals import PublicKey
from wardline.tlog.note import VerifierKey

_NAME = "wardline-person"  # who it is stands in the enrolment, never in the key
_MAX_BYTES = 1000  # a line has about 90


def write_public_key(file: Path, signer: Signer) -> Path:
    """Write the public half of the key in `file` beside it and return where.

    Raises:
        Unavailable: It cannot be written.
    """
    public = file.with_name(f"{file.name}.pub")
    try:
        public.write_text(f"{VerifierKey(name=_NAME, raw=signer.public_key.raw)}\n")
    except OSError as error:
        raise Unavailable(f"key {public}: {error.strerror}") from error
    return public


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
    return PublicKey.of(VerifierKey.parse(text).raw)

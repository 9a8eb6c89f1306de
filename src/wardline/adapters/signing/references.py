"""Where a key may be: a file, a PKCS#11 token or AWS KMS. What speaks to the last two is an optional extra."""

from collections.abc import Callable
from pathlib import Path

from wardline.adapters.signing.keys import check_personal_key, open_installation_key, open_personal_key
from wardline.adapters.signing.pkcs11_uri import PKCS11URI
from wardline.adapters.signing.pkcs11_uri import SCHEME as PKCS11
from wardline.errors import IntegrityViolation, Unavailable
from wardline.evidence.envelopes import Signer
from wardline.identity.principals import PublicKey

KMS = "awskms:"

Secret = Callable[[], str]


def is_file(reference: str) -> bool:
    """Return whether `reference` names a file and not a key that never leaves its place."""
    return not reference.startswith((PKCS11, KMS))


def open_personal(reference: str, secret: Secret) -> Signer:
    """Return a person's key; `secret` gives its passphrase or PIN, and is asked only where there is one.

    Raises:
        NotFound, Refused, InvalidInput, Unavailable: As of the place that `reference` names.
    """
    if is_file(reference):
        check_personal_key(Path(reference))
        return open_personal_key(Path(reference), secret())
    return _open_elsewhere(reference, secret)


def open_machine(reference: str, secret: Secret) -> Signer:
    """Return a key that a machine signs with: in a file without a passphrase, on a token or in KMS."""
    return open_installation_key(Path(reference)) if is_file(reference) else _open_elsewhere(reference, secret)


class DeferredSigner:
    """A Signer whose key is opened at the first signature: whoever only reads needs no token and no network."""

    def __init__(self, public_key: PublicKey, reference: str, secret: Secret) -> None:
        self._public_key, self._reference, self._secret = public_key, reference, secret
        self._opened: Signer | None = None

    @property
    def public_key(self) -> PublicKey:
        return self._public_key

    @property
    def reference(self) -> str:
        """Where the key lies."""
        return self._reference

    def sign(self, message: bytes) -> bytes:
        if self._opened is None:
            opened = open_machine(self._reference, self._secret)
            if opened.public_key != self._public_key:
                raise IntegrityViolation(
                    f"key {self._reference}: expected key {self._public_key.keyid[:16]}, "
                    f"got {opened.public_key.keyid[:16]}: it was replaced",
                    remedy="Add the new one with `wardline keys rotate`.",
                )
            self._opened = opened
        return self._opened.sign(message)


def _open_elsewhere(reference: str, secret: Secret) -> Signer:
    try:
        if reference.startswith(PKCS11):
            from wardline.adapters.signing.pkcs11 import open_token_key

            return open_token_key(PKCS11URI.parse(reference), secret)
        from wardline.adapters.signing.aws_kms import open_kms_key

        return open_kms_key(reference)
    except ModuleNotFoundError as error:
        extra = "hsm" if reference.startswith(PKCS11) else "aws"
        raise Unavailable(
            f"key {reference}: {error.name} is not installed", remedy=f"pip install 'wardline[{extra}]'"
        ) from error

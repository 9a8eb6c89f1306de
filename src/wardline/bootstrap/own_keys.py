"""The installation's own keys, as they lie in its home: the root of its log, and what it signs with."""

from wardline.adapters.signing.folder import KeyFolder
from wardline.adapters.signing.references import DeferredSigner, is_file
from wardline.errors import InvalidInput, Refused
from wardline.evidence.envelopes import Signer
from wardline.evidence.log_keys import LogKeys
from wardline.identity.principals import PublicKey
from wardline.settings import Settings


def key_folder(settings: Settings) -> KeyFolder:
    """Return the folder of the installation's keys, which is made at its first use."""

    def pin() -> str:
        if settings.pin is None:
            raise InvalidInput(
                "the installation's key lies on a token, and no PIN is said",
                remedy="Set WARDLINE_PIN, or add pin-source=/file to the key's URI.",
            )
        return settings.pin

    return KeyFolder(settings.home / "keys", pin)


class OwnSigner:
    """Signs what the machine says, with the key that counts when the first statement of the process is signed.

    One process keeps to one key: what it signs after another process retired that key is not taken by the log.
    """

    def __init__(self, settings: Settings, keys: LogKeys, signers: tuple[Signer, ...]) -> None:
        self._wanted = settings.signing_key
        self._folder = key_folder(settings)
        self._keys, self._signers = keys, signers
        self._chosen: Signer | None = None

    @property
    def public_key(self) -> PublicKey:
        return self._choose().public_key

    def sign(self, message: bytes) -> bytes:
        return self._choose().sign(message)

    def _choose(self) -> Signer:
        if self._chosen is None:
            wanted = None if self._wanted is None else self._public_half(self._wanted).keyid
            self._chosen = self._keys.statement_signer(wanted)
        return self._chosen

    def _public_half(self, reference: str) -> PublicKey:
        if is_file(reference):
            return self._folder.public_key_of(reference)
        for signer in self._signers:
            if isinstance(signer, DeferredSigner) and signer.reference == reference:
                return signer.public_key
        raise Refused(
            f"WARDLINE_SIGNING_KEY: the installation has no key {reference}",
            remedy="Unset it and add the key first: `wardline keys rotate --to REFERENCE`.",
        )

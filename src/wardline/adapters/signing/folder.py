"""The folder of the installation's keys: private halves in files, references to keys that lie elsewhere, and the root.

Everything is written once, whole, and never changed: which key counts is for the log to say, so nothing here can
disagree with it. What a killed command left behind is a key that the log does not know, and is used by the next one.
"""

import base64
import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from wardline.adapters.signing.keys import (
    create_installation_key,
    installation_key,
    open_installation_key,
    read_private,
    write_new,
)
from wardline.adapters.signing.references import DeferredSigner, open_machine
from wardline.canonical import JSON
from wardline.errors import Conflict, InvalidInput, Unavailable
from wardline.evidence.envelopes import Signer
from wardline.identity.principals import PublicKey
from wardline.tlog.note import VerifierKey

_FIRST = "installation.pem"
_ROOT = "log.vkey"
_REFERENCE = ".ref.json"


@dataclass(frozen=True, slots=True)
class KeyFolder:
    """`pin` gives the PIN of a token, and is asked at the first signature with a key that lies on one."""

    path: Path
    pin: Callable[[], str]

    def root(self) -> VerifierKey:
        """Return the key the log is named after, with the log's name; made with the first key at the first call.

        It is kept apart from the private half, which may be taken away once other keys have followed.

        Raises:
            Refused, InvalidInput, Unavailable: As `installation_key`.
        """
        file = self.path / _ROOT
        if not file.exists():
            key = installation_key(self.path / _FIRST).public_key
            # The log is known by its key: another installation's log cannot pass for this one.
            root = VerifierKey(name=f"wardline/{key.keyid[:16]}", raw=key.raw)
            with suppress(Conflict):  # another process wrote the same line
                write_new(file, f"{root}\n".encode())
        return VerifierKey.parse(read_private(file).decode(errors="replace").strip())

    def keep_root(self, root: VerifierKey) -> None:
        """Write down the root of a log none of whose private keys are here: enough to read the log, not to add to it.

        Raises:
            Conflict: There is one.
            Unavailable: It cannot be written.
        """
        write_new(self.path / _ROOT, f"{root}\n".encode())

    def signers(self) -> tuple[Signer, ...]:
        """Return every key at hand; those that lie elsewhere are reached at their first signature.

        Raises:
            Refused, InvalidInput, Unavailable: As `open_installation_key`.
        """
        files = (open_installation_key(file) for file in self._named("*.pem"))
        return (*files, *(self._deferred(file) for file in self._named(f"*{_REFERENCE}")))

    def create(self) -> Signer:
        """Make another key in a file of its own and return it."""
        _, signer = create_installation_key(self.path)
        return signer

    def take_in(self, file: Path) -> Signer:
        """Copy a machine's key file into the folder and return the key; taking it in twice changes nothing.

        Raises:
            NotFound, Refused, InvalidInput, Unavailable: As `open_installation_key`.
        """
        signer = open_installation_key(file)
        if all(known.public_key != signer.public_key for known in self.signers()):
            write_new(self.path / f"{signer.public_key.keyid}.pem", read_private(file))
        return signer

    def keep(self, reference: str) -> Signer:
        """Remember where a key lies that never leaves its place, and return it; keeping it twice changes nothing.

        Raises:
            NotFound, Refused, InvalidInput, Unavailable: As of the place that `reference` names.
        """
        signer = open_machine(reference, self.pin)
        public = base64.b64encode(signer.public_key.raw).decode()
        content = json.dumps({"reference": reference, "raw": public}, sort_keys=True).encode()
        with suppress(Conflict):
            write_new(self.path / f"{signer.public_key.keyid}{_REFERENCE}", content)
        return signer

    @staticmethod
    def public_key_of(file: str) -> PublicKey:
        """Return the public half of a machine's key file.

        Raises:
            NotFound, Refused, InvalidInput, Unavailable: As `open_installation_key`.
        """
        return open_installation_key(Path(file)).public_key

    def _named(self, pattern: str) -> list[Path]:
        try:
            return sorted(file for file in self.path.glob(pattern) if not file.name.startswith("."))
        except OSError as error:
            raise Unavailable(f"{self.path} cannot be listed: {error.strerror}") from error

    def _deferred(self, file: Path) -> Signer:
        try:
            found: JSON = json.loads(read_private(file))
            match found:
                case {"reference": str(reference), "raw": str(raw)}:
                    return DeferredSigner(PublicKey.of(base64.b64decode(raw, validate=True)), reference, self.pin)
                case _:
                    raise InvalidInput(f"key {file}: not a reference to a key; expected reference and raw")
        except ValueError as error:
            raise InvalidInput(f"key {file}: not a reference to a key, or damaged") from error

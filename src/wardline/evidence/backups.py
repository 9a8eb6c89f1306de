"""What a backup says of itself: docs/reference/backup-format.md.

Its manifest names every member by digest and size and the log by name, size and root, and is signed by the
installation. A backup is believed as far as that signature is: by a key of the log that the reader trusts.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Self

from wardline import canonical
from wardline.canonical import JSON, Digest
from wardline.clock import from_rfc3339, to_rfc3339
from wardline.errors import IntegrityViolation, InvalidInput
from wardline.evidence.envelopes import Envelope, Signer, seal, verify_signature
from wardline.identity.principals import PublicKey
from wardline.tlog.merkle import HASH_BYTES
from wardline.tlog.note import VerifierKey

FORMAT = "wardline-backup/1"
PAYLOAD_TYPE = "application/vnd.wardline.backup+json"

MANIFEST = "manifest.dsse.json"
DATABASE = "wardline.db"
ENGINE = "engine.db"
_MEMBER = re.compile(
    rf"{re.escape(DATABASE)}|{re.escape(ENGINE)}|(?:blobs|artifacts)/[0-9a-f]{{64}}"
    r"|(?:keys|settings)/[A-Za-z0-9_][A-Za-z0-9._-]{0,89}",
    re.ASCII,
)


class Kind(StrEnum):
    """Where a member belongs: the folder in its name."""

    BLOBS = "blobs"
    ARTIFACTS = "artifacts"
    KEYS = "keys"
    SETTINGS = "settings"


class Why(StrEnum):
    """Why something that a statement names is not in the backup."""

    MISSING = "missing"
    DAMAGED = "damaged"  # what lies there has another digest
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One file of a backup.

    Raises:
        InvalidInput: The name is none that a backup has: nothing in it can lead out of a home.
    """

    name: str
    digest: Digest
    size_bytes: int

    def __post_init__(self) -> None:
        if _MEMBER.fullmatch(self.name) is None:
            raise InvalidInput(f"backup: no member is named {self.name[:80]!r}")
        kind, _, rest = self.name.partition("/")
        if kind in {Kind.BLOBS, Kind.ARTIFACTS} and rest != self.digest.hex:
            raise InvalidInput(f"backup: member {self.name} has digest {self.digest}")
        if self.size_bytes < 0:
            raise InvalidInput(f"backup: member {self.name} of {self.size_bytes} bytes")


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """All that a backup holds, and what it should hold and does not.

    Attributes:
        key: The key that the log is known by here, named after its origin.
        checkpoint: The signed note of all `size` leaves; None: the log is empty.
        absent: What a statement names and could not be read, with the reason.
        with_keys: Whether the installation's key and those of private texts are in it.
    """

    version: str
    made_at: datetime
    key: VerifierKey
    size: int
    root: bytes
    checkpoint: str | None
    with_keys: bool
    members: tuple[Member, ...]
    absent: Mapping[Digest, Why]

    def __post_init__(self) -> None:
        names = [member.name for member in self.members]
        if len(set(names)) != len(names) or DATABASE not in names:
            raise InvalidInput(f"backup: expected each member once, {DATABASE} among them")
        if not self.with_keys and any(name.startswith(f"{Kind.KEYS}/") for name in names):
            raise InvalidInput("backup: it says that it is without keys, and names one")
        if self.size < 0 or (self.size == 0) != (self.checkpoint is None) or len(self.root) != HASH_BYTES:
            raise InvalidInput("backup: expected the log's size, root and checkpoint")

    def sealed(self, signer: Signer) -> bytes:
        """Return the bytes of the signed manifest."""
        return seal(canonical.encode(self._to_json()), payload_type=PAYLOAD_TYPE, signer=signer).encode()

    def _to_json(self) -> JSON:
        return {
            "format": FORMAT,
            "wardline": self.version,
            "made_at": to_rfc3339(self.made_at),
            "key": str(self.key),
            "log": {"origin": self.key.name, "size": self.size, "root": self.root.hex(), "checkpoint": self.checkpoint},
            "with_keys": self.with_keys,
            "members": [
                {"name": member.name, "sha256": member.digest.hex, "size": member.size_bytes} for member in self.members
            ],
            "absent": [{"sha256": digest.hex, "why": self.absent[digest].value} for digest in sorted(self.absent)],
        }

    @classmethod
    def parse(cls, payload: bytes) -> Self:
        """Return the manifest that `payload` encodes.

        Raises:
            InvalidInput: It encodes none, or one of a format that is not known here.
        """
        match canonical.decode(payload):
            case {"format": str(form)} if form != FORMAT:
                raise InvalidInput(
                    f"backup: format {form[:40]!r}, and this Wardline knows {FORMAT}",
                    remedy="Use the Wardline that made it, or a newer one.",
                )
            case {
                "format": str(),
                "wardline": str(version),
                "made_at": str(made_at),
                "key": str(key),
                "log": {"origin": str(origin), "size": int(size), "root": str(root), "checkpoint": checkpoint, **more},
                "with_keys": bool(with_keys),
                "members": list(members),
                "absent": list(absent),
                **rest,
            } if not rest and not more and (checkpoint is None or isinstance(checkpoint, str)):
                found = VerifierKey.parse(key)
                if found.name != origin:
                    raise InvalidInput(f"backup: a key of {found.name}, a log of {origin[:80]}")
                return cls(
                    version=version,
                    made_at=from_rfc3339(made_at),
                    key=found,
                    size=size,
                    root=_root(root),
                    checkpoint=checkpoint,
                    with_keys=with_keys,
                    members=tuple(_member(each) for each in members),
                    absent=dict(_absent(each) for each in absent),
                )
            case _:
                raise InvalidInput(f"backup: its manifest is none of {FORMAT}")


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedManifest:
    """A manifest as it was read: believed only after `check`."""

    envelope: Envelope
    manifest: Manifest

    @classmethod
    def decode(cls, content: bytes) -> Self:
        """Return what `content` encodes.

        Raises:
            InvalidInput: It is no signed manifest.
        """
        envelope = Envelope.decode(content)
        if envelope.payload_type != PAYLOAD_TYPE or len(envelope.signatures) != 1:
            raise InvalidInput(f"backup: expected one signature over {PAYLOAD_TYPE}")
        return cls(envelope=envelope, manifest=Manifest.parse(envelope.payload))

    def check(self, keys: Iterable[PublicKey]) -> None:
        """Return if one of `keys` signed it.

        Raises:
            IntegrityViolation: None of them did, or the signature does not hold.
        """
        signed_by = self.envelope.signatures[0].keyid
        key = next((key for key in keys if key.keyid == signed_by), None)
        if key is None:
            raise IntegrityViolation(
                f"backup: its manifest is signed by key {signed_by[:12]}, which does not count for this log"
            )
        try:
            verify_signature(self.envelope, key)
        except IntegrityViolation as error:
            raise IntegrityViolation(f"backup: its manifest: {error.what}") from error


def _member(document: JSON) -> Member:
    match document:
        case {"name": str(name), "sha256": str(digest), "size": int(size), **rest} if not rest:
            return Member(name=name, digest=Digest(digest), size_bytes=size)
        case _:
            raise InvalidInput("backup: a member has name, sha256 and size")


_REASONS = {why.value: why for why in Why}


def _absent(document: JSON) -> tuple[Digest, Why]:
    match document:
        case {"sha256": str(digest), "why": str(why), **rest} if not rest and why in _REASONS:
            return Digest(digest), _REASONS[why]
        case _:
            raise InvalidInput("backup: what is absent has sha256 and why")


def _root(text: str) -> bytes:
    return bytes.fromhex(Digest(text).hex)  # 64 lower-case digits, one way to write it

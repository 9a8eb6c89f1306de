"""The installation's own keys: a pure fold over key changes, in log order."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Self

from wardline.identity.predicates import Change, KeyChange, Purpose
from wardline.identity.principals import PublicKey
from wardline.identity.separation import Objection
from wardline.ids import KeyId


class KeyState(StrEnum):
    """What a key is good for now."""

    VALID = "valid"
    RETIRED = "retired"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True, kw_only=True)
class InstallationKey:
    """A key that signs for the installation, and for which leaves.

    Attributes:
        added_at: The log index of its addition; None: the first key, which the log is named after.
        retired_at: The log index of its retirement; what it signed before still counts.
        revoked_since: Nothing it signed at or after this log index counts.
    """

    key: PublicKey
    purposes: frozenset[Purpose]
    added_at: int | None = None
    retired_at: int | None = None
    revoked_since: int | None = None

    @property
    def state(self) -> KeyState:
        if self.revoked_since is not None:
            return KeyState.REVOKED
        return KeyState.VALID if self.retired_at is None else KeyState.RETIRED

    def is_valid_at(self, index: int) -> bool:
        """Return whether what it signs at leaf `index`, or over the tree that ends with it, counts."""
        return (
            (self.added_at is None or self.added_at <= index)
            and (self.retired_at is None or index <= self.retired_at)
            and (self.revoked_since is None or index < self.revoked_since)
        )


@dataclass(frozen=True, slots=True)
class Keyring:
    """Every key the installation ever had, in the order they were added."""

    keys: tuple[InstallationKey, ...]

    @classmethod
    def founded(cls, first: PublicKey) -> Self:
        return cls((InstallationKey(key=first, purposes=frozenset(Purpose)),))

    def find(self, keyid: KeyId) -> InstallationKey | None:
        return next((held for held in self.keys if held.key.keyid == keyid), None)

    def valid_at(self, index: int, purpose: Purpose) -> tuple[PublicKey, ...]:
        """Return the keys whose signature for `purpose` counts at leaf `index`, oldest first."""
        return tuple(held.key for held in self.keys if purpose in held.purposes and held.is_valid_at(index))

    def valid(self, purpose: Purpose) -> tuple[PublicKey, ...]:
        """Return the keys that may sign for `purpose` from now on, oldest first."""
        return tuple(held.key for held in self.keys if purpose in held.purposes and held.state is KeyState.VALID)

    def objection(self, change: KeyChange, *, index: int, by: KeyId) -> Objection | None:
        """Return why `change`, signed at leaf `index` with the key `by`, has no effect; None: it has.

        Who may revoke is for the directory to say.
        """
        found = self.find(change.key.keyid)
        if change.change is Change.ADDED:
            return self._objection_to_add(change, index=index, by=by)
        # A key may be revoked from before its retirement on: that stays in order, and ends what has ended.
        if found is None or (change.change is Change.RETIRED and found.retired_at is not None):
            return Objection.KEY_UNKNOWN
        if found.is_valid_at(index) and not self._others_valid(found, index):
            return Objection.LAST_KEY
        if change.change is Change.RETIRED:
            signer = self.find(by)
            may = signer is not None and signer is not found and Purpose.STATEMENTS in signer.purposes
            return None if may and signer is not None and signer.is_valid_at(index) else Objection.WRONG_KEY
        return None

    def after(self, change: KeyChange, *, index: int) -> Self:
        """Return the keyring once `change` stands at leaf `index`; there MUST be no objection to it."""
        if change.change is Change.ADDED:
            return type(self)((*self.keys, InstallationKey(key=change.key, purposes=change.purposes, added_at=index)))
        return type(self)(tuple(_changed(h, change, index) if h.key == change.key else h for h in self.keys))

    def revoked_before(self, since: Mapping[KeyId, int]) -> Self:
        """Return the keyring that knows already from where on keys are revoked, by key id."""
        return type(self)(
            tuple(
                replace(held, revoked_since=since[held.key.keyid]) if held.key.keyid in since else held
                for held in self.keys
            )
        )

    def _objection_to_add(self, change: KeyChange, *, index: int, by: KeyId) -> Objection | None:
        if self.find(change.key.keyid) is not None:
            return Objection.KEY_TAKEN
        vouching = self.find(by)
        # Whoever vouches gives no more than they have.
        may = vouching is not None and vouching.is_valid_at(index) and change.purposes <= vouching.purposes
        return None if may and change.by is not None and change.by.keyid == by else Objection.WRONG_KEY

    def _others_valid(self, leaving: InstallationKey, index: int) -> bool:
        return all(any(key != leaving.key for key in self.valid_at(index, each)) for each in leaving.purposes)


def _changed(held: InstallationKey, change: KeyChange, index: int) -> InstallationKey:
    if change.since is None:
        return replace(held, retired_at=index)
    earlier = change.since if held.revoked_since is None else min(change.since, held.revoked_since)
    return replace(held, revoked_since=earlier)

"""Change keys: add one to the installation, retire one, or revoke anybody's, as statements in the log."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from wardline.delivery.collect_evidence import Collector
from wardline.delivery.refuse import Attempt, refuse, refused
from wardline.delivery.sign import Signatory
from wardline.errors import Conflict, InvalidInput
from wardline.evidence.envelopes import Signer
from wardline.evidence.log import Evidence
from wardline.evidence.register import REGISTERED, objection_to_revocation
from wardline.evidence.signatories import Signatories
from wardline.identity.predicates import Change, KeyChange, Purpose, RevocationReason, key_subject
from wardline.identity.principals import PublicKey, Scheme
from wardline.identity.separation import Objection
from wardline.ids import KeyId, PrincipalId
from wardline.tlog.note import VerifierKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Revocation:
    """What an administrator asks for. `since` None: from the statement itself on."""

    key: PublicKey
    since: int | None
    reason: RevocationReason


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyDesk:
    """Where keys are changed. `root` is the key the log is named after."""

    collect: Collector
    root: VerifierKey

    def signatories(self) -> Signatories:
        """Return who may sign what now.

        Raises:
            IntegrityViolation: An enrolment or key change in the log is not signed by who may.
        """
        told = tuple(self.collect.log.every(*REGISTERED))
        return _followed(self.root, told)

    def add(self, new: Signer, purposes: frozenset[Purpose], *, beside: Signer) -> Evidence:
        """Record that `new` may sign for `purposes`, signed by it and by `beside`, which may sign for them now.

        From this leaf on both count, until one is retired.

        Raises:
            InvalidInput: A key for checkpoints that is not Ed25519 (C2SP signed-note).
            Refused: The key was somebody's before, or `beside` does not count for all the purposes.
        """
        if Purpose.CHECKPOINTS in purposes and new.public_key.scheme is not Scheme.ED25519:
            raise InvalidInput(
                f"key {new.public_key.keyid[:16]} is {new.public_key.scheme}; checkpoints are signed with ed25519 only",
                remedy="Add it for statements only: --for statements.",
            )
        change = KeyChange(
            change=Change.ADDED,
            origin=self.root.name,
            key=new.public_key,
            purposes=purposes,
            by=beside.public_key,
        )

        def objection(known: Signatories, index: int) -> Objection | None:
            if known.directory.holder(new.public_key.keyid) is not None:
                return Objection.KEY_TAKEN
            return known.keyring.objection(change, index=index, by=beside.public_key.keyid)

        return self._machine(change, (beside, new), objection)

    def retire(self, key: PublicKey, *, by: Signer) -> Evidence:
        """Record that `key` of the installation signs nothing after this leaf, signed by another one.

        Raises:
            Refused: It is none that counts now, or no other would be left for one of its purposes.
        """
        change = KeyChange(change=Change.RETIRED, origin=self.root.name, key=key)

        def objection(known: Signatories, index: int) -> Objection | None:
            return known.keyring.objection(change, index=index, by=by.public_key.keyid)

        return self._machine(change, (by,), objection)

    def revoke(self, asked: Revocation, *, by: Signatory) -> Evidence:
        """Record that nothing the key signed at or after `asked.since` counts, signed by an administrator.

        Raises:
            Refused: `by` may not, nobody holds the key, or nobody else would be left. The refusal is recorded.
            InvalidInput: `since` is not in the log yet.
        """
        while True:
            index, known = self.collect.log.size(), self.signatories()
            if asked.since is not None and asked.since > index:
                raise InvalidInput(f"--since {asked.since}: the log has {index} leaves", remedy="Name an earlier one.")
            change = KeyChange(
                change=Change.REVOKED,
                origin=self.root.name,
                key=asked.key,
                holder=known.directory.holder(asked.key.keyid),
                since=index if asked.since is None else asked.since,
                reason=asked.reason,
            )
            objection = _objection_to_revoking(
                change, known, index=index, by=(by.principal, by.signer.public_key.keyid)
            )
            if objection is not None:
                attempt = Attempt(action="revoke-key", run=None, about=key_subject(asked.key), by=by)
                raise refuse(attempt, objection, people=known.directory, collect=self.collect)
            try:
                return self.collect.cosigned(
                    change, step=_step(change), signers=(by.signer,), actor=by.principal, at=index
                )
            except Conflict:
                continue  # somebody else appended, perhaps another key change: look again

    def _machine(
        self,
        change: KeyChange,
        signers: tuple[Signer, ...],
        objection: Callable[[Signatories, int], Objection | None],
    ) -> Evidence:
        while True:
            index = self.collect.log.size()
            found = objection(self.signatories(), index)
            if found is not None:
                raise refused(f"key {change.key.keyid[:16]} cannot be {change.change}", found)
            try:
                return self.collect.cosigned(
                    change, step=_step(change), signers=signers, actor=self.collect.machine, at=index
                )
            except Conflict:
                continue  # as above


def _objection_to_revoking(
    change: KeyChange, known: Signatories, *, index: int, by: tuple[PrincipalId, KeyId]
) -> Objection | None:
    held = known.keyring.find(change.key.keyid)
    if held is None and change.holder is None:
        return Objection.KEY_UNKNOWN
    objection = None if held is None else known.keyring.objection(change, index=index, by=by[1])
    return objection or objection_to_revocation(change, directory=known.directory, index=index, by=by)


def _followed(root: VerifierKey, told: Iterable[Evidence]) -> Signatories:
    told = tuple(told)
    signatories = Signatories(root, told=told)
    for item in told:
        signatories.admit(item)
    return signatories


def _step(change: KeyChange) -> str:
    since = "" if change.since is None else f"/{change.since}"
    return f"key-change/{change.change}/{change.key.keyid}{since}"

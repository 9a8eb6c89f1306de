"""Who is who by the log: enrolments and revocations of people's keys, each held against its signature."""

from collections.abc import Callable, Iterable
from typing import Self

from wardline.errors import IntegrityViolation
from wardline.evidence.envelopes import Envelope, verify_signature
from wardline.evidence.log import Evidence
from wardline.identity.directory import Directory, Recorded, Revoked
from wardline.identity.predicates import Change, Enrolment, KeyChange
from wardline.identity.principals import PublicKey
from wardline.identity.separation import Objection
from wardline.ids import KeyId, PrincipalId

# What the register is made of: whoever reads part of a log needs every statement of these types before it.
REGISTERED = (Enrolment.predicate_type, KeyChange.predicate_type)

Verify = Callable[[Envelope, PublicKey], None]


class Register:
    """Follows a log from its first enrolment on. Evidence MUST be admitted in log order.

    A revocation holds backwards, so a log is read twice: `again` begins anew with what the first reading found
    revoked. A revocation that was once in order stands, even if the key it was signed with is revoked later:
    it only takes away, and else two people could revoke each other for ever.
    """

    def __init__(self, verify: Verify = verify_signature) -> None:
        self._verify = verify
        self._keys: dict[tuple[PrincipalId, KeyId], PublicKey] = {}
        self.directory = Directory()

    def again(self) -> Self:
        """Return a register at its beginning that knows what this one found revoked."""
        anew = type(self)(self._verify)
        anew._keys = dict(self._keys)  # noqa: SLF001  # the same class
        anew.directory = Directory(revoked=self.directory.revoked)
        return anew

    def admit_enrolment(self, evidence: Evidence, *, objection: Objection | None = None) -> Objection | None:
        """Return if the signature holds: None, or why the enrolment has no effect. `objection`: what others have.

        Raises:
            InvalidInput: It is no enrolment.
            IntegrityViolation: The signature does not hold, or is by nobody.
        """
        enrolment = Enrolment.parse(evidence.statement.body)
        actor, keyid = signatory(evidence)
        # Only the founder vouches for himself: his is the first enrolment, and there is nobody else.
        own = enrolment.principal.key if enrolment.founding and enrolment.principal.id == actor else None
        self._verify(evidence.envelope, own if own is not None and own.keyid == keyid else self.key_of(actor, keyid))
        recorded = Recorded(index=evidence.index, actor=actor, keyid=keyid, enrolment=enrolment)
        objection = objection or self.directory.objection(recorded)
        if objection is None:
            self.directory = self.directory.with_enrolment(recorded)
            if enrolment.principal.key is not None:
                self._keys[enrolment.principal.id, enrolment.principal.key.keyid] = enrolment.principal.key
        return objection

    def admit_revocation(
        self, evidence: Evidence, change: KeyChange, *, objection: Objection | None = None
    ) -> Objection | None:
        """Return if the signature holds: None, or why the revocation has no effect. `objection`: what others have.

        Raises:
            IntegrityViolation: The signature does not hold, or is by nobody.
        """
        actor, keyid = signatory(evidence)
        self._verify(evidence.envelope, self.key_of(actor, keyid))
        revoked = Revoked(keyid=change.key.keyid, since=change.since or 0)
        if revoked in self.directory.revoked:  # known from the first reading: it was in order then
            return None
        objection = objection or objection_to_revocation(
            change, directory=self.directory.as_of(evidence.index), index=evidence.index, by=(actor, keyid)
        )
        if objection is None:
            self.directory = self.directory.with_revoked(revoked)
        return objection

    def key_of(self, principal: PrincipalId, keyid: KeyId) -> PublicKey:
        """Return the key under which `principal` was enrolled once, whatever became of it.

        Raises:
            IntegrityViolation: There is none.
        """
        found = self._keys.get((principal, keyid))
        if found is None:
            raise IntegrityViolation(f"no key {keyid[:12]} was ever enrolled for {principal[:64]}")
        return found


def objection_to_revocation(
    change: KeyChange, *, directory: Directory, index: int, by: tuple[PrincipalId, KeyId]
) -> Objection | None:
    """Return why `change`, said at leaf `index` by somebody with that key, revokes nothing; None: it does."""
    actor, keyid = by
    if change.since is None or change.since > index:
        return Objection.MALFORMED
    revoked = Revoked(keyid=change.key.keyid, since=change.since)
    objection = directory.objection_to_revoking(revoked, actor=actor, keyid=keyid)
    if objection is None and directory.holder(change.key.keyid) != change.holder:
        return Objection.KEY_UNKNOWN
    return objection


def revocation_in(evidence: Evidence) -> KeyChange | None:
    """Return the revocation that `evidence` is; None: something else.

    Raises:
        InvalidInput: It is a key change that cannot be read.
    """
    if evidence.statement.predicate_type != KeyChange.predicate_type:
        return None
    change = KeyChange.parse(evidence.statement.body)
    return change if change.change is Change.REVOKED else None


def registered(evidence: Iterable[Evidence]) -> tuple[Evidence, ...]:
    """Return what of `evidence` a register is made of."""
    return tuple(item for item in evidence if item.statement.predicate_type in REGISTERED)


def signatory(evidence: Evidence) -> tuple[PrincipalId, KeyId]:
    """Return in whose name `evidence` is signed, and with which key."""
    return evidence.statement.context.actor, evidence.envelope.signatures[0].keyid

"""Who signed what: machine statements a key of the installation, a person's words that person's own enrolled key.

Whoever reads a log trusts one key of it, the root, named after the log's origin. From there the log itself says which
other keys count: a key of the installation is added by a statement that a key already valid and the new one both sign.
So the new key vouches for the old one too, and whoever was only given the new one can follow the log from its start.
"""

from collections.abc import Iterable

from wardline.errors import IntegrityViolation, InvalidInput
from wardline.evidence.envelopes import verify_signature, verify_threshold
from wardline.evidence.log import Evidence
from wardline.evidence.register import REGISTERED, Register, Verify, registered, signatory
from wardline.identity.directory import Directory
from wardline.identity.keyring import Keyring
from wardline.identity.predicates import Change, Enrolment, KeyChange, Purpose
from wardline.identity.principals import PublicKey, Role
from wardline.identity.separation import Objection, to_act, to_act_as
from wardline.ids import KeyId
from wardline.predicates import NAMESPACE
from wardline.tlog.checkpoint import Checkpoint, open_checkpoint
from wardline.tlog.note import VerifierKey

__all__ = ["PERSONAL", "REGISTERED", "Signatories"]

# Their meaning is that a person stands behind them (21 CFR 11.50, 11.70); a machine's signature would not do.
_WORDS = (
    "approval",
    "rejection",
    "waiver",
    "break-glass",
    "emergency-review",
    "attestation",
    "addressable-decision",
    "training",
    "policy-adoption",
    "policy-retirement",
    "legal-hold",
    "legal-hold-release",
    "erasure",
)
PERSONAL = frozenset(f"{NAMESPACE}/{name}/v1" for name in _WORDS)

_ROLES = {role.value: role for role in Role}


class Signatories:
    """Follows a log from its start on and checks every signature by what the log said before it.

    Evidence MUST be admitted in log order, every enrolment and key change included.

    Args:
        root: The key that is trusted, named after the log.
        told: The evidence to come, or what of it is REGISTERED. A revocation holds backwards, so it has to be known
            before what it takes away is read; and a root that was added later is followed back to the first key.
        verify: What checks a signature; for those who check many at once.

    Raises:
        IntegrityViolation: An enrolment or key change among `told` is not signed by who may.
    """

    def __init__(self, root: VerifierKey, *, told: Iterable[Evidence] = (), verify: Verify = verify_signature) -> None:
        told = registered(told)
        self._origin = root.name
        self._verify = verify
        self._register = Register()
        self._keyring = Keyring.founded(_first_key(root, told))
        self._revoked: dict[KeyId, int] = {}  # installation keys, as found by the first reading
        if told:
            for item in told:
                self.admit(item)
            self._read_again(root)

    @property
    def directory(self) -> Directory:
        """Who is who after all that was admitted."""
        return self._register.directory

    @property
    def keyring(self) -> Keyring:
        """The installation's keys after all that was admitted."""
        return self._keyring

    def admit(self, evidence: Evidence) -> Objection | None:
        """Return if the signature holds: None, or why the person was not entitled to it at that moment.

        A statement without entitlement is genuine but has no effect: somebody may lose a role
        between being asked and signing, and a revocation holds backwards.

        Raises:
            IntegrityViolation: The signature does not hold, or is by nobody who may speak here at all.
        """
        statement = evidence.statement
        try:
            match statement.predicate_type:
                case Enrolment.predicate_type:
                    return self._admit_enrolment(evidence)
                case KeyChange.predicate_type:
                    return self._admit_change(evidence)
                case kind if kind in PERSONAL:
                    return self._admit_word(evidence)
                case _:
                    self._admit_machine(evidence)
        except (IntegrityViolation, InvalidInput) as error:
            kind = statement.predicate_type.removeprefix(f"{NAMESPACE}/")
            raise IntegrityViolation(f"statement {evidence.index} ({kind}): {error.what}") from error
        return None

    def statement_keys(self) -> tuple[PublicKey, ...]:
        """Return the keys that may sign for the installation after all that was admitted: packets, for one."""
        return self._keyring.valid(Purpose.STATEMENTS)

    def checkpoint_keys(self, size: int | None = None) -> tuple[VerifierKey, ...]:
        """Return the keys that may sign the checkpoint of `size` leaves; None: that of a log which ends here."""
        keys = (
            self._keyring.valid(Purpose.CHECKPOINTS)
            if size is None
            else self._keyring.valid_at(size - 1, Purpose.CHECKPOINTS)
        )
        return tuple(VerifierKey(name=self._origin, raw=key.raw) for key in keys)

    def open_checkpoint(self, note: str) -> Checkpoint:
        """Return the checkpoint in `note` if a key signed it that counts for its size.

        All that is REGISTERED among its leaves MUST have been admitted.

        Raises:
            InvalidInput: It is no signed checkpoint.
            IntegrityViolation: No such key signed it, or it is of another log.
        """
        keys = self.checkpoint_keys(Checkpoint.parse(_text_of(note)).size)
        for key in keys[:-1]:
            try:
                return open_checkpoint(note, key)
            except IntegrityViolation:
                continue  # not by this one: perhaps by another
        if not keys:
            raise IntegrityViolation("no key counts for a checkpoint of this size")
        return open_checkpoint(note, keys[-1])

    def _admit_machine(self, evidence: Evidence) -> None:
        _check_signatures(evidence, 1)
        _, keyid = signatory(evidence)
        held = self._keyring.find(keyid)
        if held is None or Purpose.STATEMENTS not in held.purposes:
            raise IntegrityViolation(f"signed by key {keyid[:12]}, which is none of the installation's for statements")
        if not held.is_valid_at(evidence.index):
            raise IntegrityViolation(f"signed by key {keyid[:12]} of the installation when it did not count any more")
        self._verify(evidence.envelope, held.key)

    def _admit_enrolment(self, evidence: Evidence) -> Objection | None:
        _check_signatures(evidence, 1)
        key = Enrolment.parse(evidence.statement.body).principal.key
        # A machine's signature would pass for a person's.
        taken = key is not None and self._keyring.find(key.keyid) is not None
        objection = self._register.admit_enrolment(evidence, objection=Objection.KEY_TAKEN if taken else None)
        if objection is Objection.NOT_FOUNDING:
            raise IntegrityViolation("the first enrolment is not an administrator's own")
        return objection

    def _admit_word(self, evidence: Evidence) -> Objection | None:
        _check_signatures(evidence, 1)
        actor, keyid = signatory(evidence)
        self._verify(evidence.envelope, self._register.key_of(actor, keyid))
        then = self.directory.as_of(evidence.index)
        if then.is_revoked(keyid):
            return Objection.KEY_REVOKED
        role = evidence.statement.body.get("role")
        if isinstance(role, str) and role in _ROLES:
            return to_act_as(then.find(actor), _ROLES[role], keyid=keyid)
        return to_act(then.find(actor), keyid=keyid)

    def _admit_change(self, evidence: Evidence) -> Objection | None:
        change = KeyChange.parse(evidence.statement.body)
        if change.origin != self._origin:
            raise IntegrityViolation(f"it is about log {change.origin[:80]}, not {self._origin}")
        match change.change:
            case Change.REVOKED:
                return self._admit_revocation(evidence, change)
            case Change.ADDED if change.by is not None:
                if self.directory.holder(change.key.keyid) is not None:
                    raise IntegrityViolation(f"key {change.key.keyid[:12]} is a person's")
                _check_signatures(evidence, 2)
                verify_threshold(evidence.envelope, (change.by, change.key), 2)
                self._take(change, evidence, by=change.by)
            case _:
                _check_signatures(evidence, 1)
                held = self._keyring.find(signatory(evidence)[1])
                if held is None:
                    raise IntegrityViolation("not signed by a key of the installation")
                verify_signature(evidence.envelope, held.key)
                self._take(change, evidence, by=held.key)
        return None

    def _take(self, change: KeyChange, evidence: Evidence, *, by: PublicKey) -> None:
        objection = self._keyring.objection(change, index=evidence.index, by=by.keyid)
        if objection is not None:
            raise IntegrityViolation(f"key {change.key.keyid[:12]} cannot be {change.change} so: {objection}")
        self._keyring = self._keyring.after(change, index=evidence.index).revoked_before(self._revoked)

    def _admit_revocation(self, evidence: Evidence, change: KeyChange) -> Objection | None:
        _check_signatures(evidence, 1)
        _, keyid = signatory(evidence)
        held = self._keyring.find(change.key.keyid)
        objection = None if held is None else self._keyring.objection(change, index=evidence.index, by=keyid)
        if held is None and change.holder is None:
            objection = Objection.KEY_UNKNOWN
        objection = self._register.admit_revocation(evidence, change, objection=objection)
        if objection is None and held is not None:
            self._keyring = self._keyring.after(change, index=evidence.index)
        return objection

    def _read_again(self, root: VerifierKey) -> None:
        if self._keyring.find(PublicKey.of(root.raw).keyid) is None:
            raise IntegrityViolation(f"key {root.hash.hex()} of {root.name} is not one that the log knows")
        self._revoked = {
            held.key.keyid: held.revoked_since for held in self._keyring.keys if held.revoked_since is not None
        }
        self._keyring = Keyring.founded(self._keyring.keys[0].key).revoked_before(self._revoked)
        self._register = self._register.again()


def _text_of(note: str) -> str:
    """Return the text of a note that is not verified yet."""
    text, separator, _ = note.rpartition("\n\n")
    if not separator:
        raise InvalidInput("not a signed note: expected text, an empty line and signature lines")
    return f"{text}\n"


def _first_key(root: VerifierKey, told: Iterable[Evidence]) -> PublicKey:
    """Follow `root` back to the key that the log began with, from each key to the one that vouched for it.

    What is found so is only where reading begins: every step is checked on the way forward again.
    """
    first = PublicKey.of(root.raw)
    for item in reversed(tuple(told)):
        if item.statement.predicate_type == KeyChange.predicate_type:
            change = KeyChange.parse(item.statement.body)
            if change.by is not None and change.key == first:
                first = change.by
    return first


def _check_signatures(evidence: Evidence, expected: int) -> None:
    # What nobody checks has no place in a leaf.
    found = len(evidence.envelope.signatures)
    if found != expected:
        raise IntegrityViolation(f"{found} signatures; expected {'one' if expected == 1 else 'two'}")

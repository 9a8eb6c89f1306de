"""Who signed what: machine statements the installation, a person's words that person's own enrolled key."""

from wardline.errors import IntegrityViolation, InvalidInput
from wardline.evidence.envelopes import verify_signature
from wardline.evidence.log import Evidence
from wardline.identity.directory import Directory, Recorded
from wardline.identity.predicates import Enrolment
from wardline.identity.principals import PublicKey, Role
from wardline.identity.separation import Objection, to_act, to_act_as
from wardline.ids import KeyId, PrincipalId
from wardline.predicates import NAMESPACE

# Their meaning is that a person stands behind them (21 CFR 11.50, 11.70); a machine's signature would not do.
_WORDS = ("approval", "rejection", "waiver", "legal-hold", "legal-hold-release")
PERSONAL = frozenset(f"{NAMESPACE}/{name}/v1" for name in _WORDS)

_ROLES = {role.value: role for role in Role}


class Signatories:
    """Follows a log from its first enrolment on and checks every signature by what was enrolled before it.

    `machine` is the installation's key. Evidence MUST be admitted in log order, every enrolment included.
    """

    def __init__(self, machine: PublicKey) -> None:
        self._machine = machine
        self._directory = Directory()

    def admit(self, evidence: Evidence) -> Objection | None:
        """Return if the signature holds: None, or why the person was not entitled to it at that moment.

        A statement without entitlement is genuine but has no effect: somebody may lose a role
        between being asked and signing.

        Raises:
            IntegrityViolation: The signature does not hold, or is by nobody who may speak here at all.
        """
        statement = evidence.statement
        try:
            _check_single(evidence)
            if statement.predicate_type == Enrolment.predicate_type:
                return self._admit_enrolment(evidence)
            if statement.predicate_type in PERSONAL:
                return self._admit_word(evidence)
            verify_signature(evidence.envelope, self._machine)
        except (IntegrityViolation, InvalidInput) as error:
            kind = statement.predicate_type.removeprefix(f"{NAMESPACE}/")
            raise IntegrityViolation(f"statement {evidence.index} ({kind}): {error.what}") from error
        return None

    def _admit_enrolment(self, evidence: Evidence) -> Objection | None:
        enrolment = Enrolment.parse(evidence.statement.body)
        actor, keyid = _signatory(evidence)
        # Only the founder vouches for himself: his is the first enrolment, and there is nobody else.
        own = enrolment.principal.key if enrolment.founding and enrolment.principal.id == actor else None
        key = own if own is not None and own.keyid == keyid else self._enrolled_key(actor, keyid)
        verify_signature(evidence.envelope, key)
        recorded = Recorded(index=evidence.index, actor=actor, keyid=keyid, enrolment=enrolment)
        objection = self._directory.objection(recorded)
        if objection is None:
            self._directory = Directory((*self._directory.admitted, recorded))
        return objection

    def _admit_word(self, evidence: Evidence) -> Objection | None:
        actor, keyid = _signatory(evidence)
        verify_signature(evidence.envelope, self._enrolled_key(actor, keyid))
        person = self._directory.find(actor)
        role = evidence.statement.body.get("role")
        if isinstance(role, str) and role in _ROLES:
            return to_act_as(person, _ROLES[role], keyid=keyid)
        return to_act(person, keyid=keyid)

    def _enrolled_key(self, principal: PrincipalId, keyid: KeyId) -> PublicKey:
        for entry in self._directory.admitted:
            key = entry.enrolment.principal.key
            if entry.enrolment.principal.id == principal and key is not None and key.keyid == keyid:
                return key
        raise IntegrityViolation(f"no key {keyid[:12]} was ever enrolled for {principal[:64]}")


def _check_single(evidence: Evidence) -> None:
    # What nobody checks has no place in a leaf.
    if len(evidence.envelope.signatures) != 1:
        raise IntegrityViolation(f"{len(evidence.envelope.signatures)} signatures; expected one")


def _signatory(evidence: Evidence) -> tuple[PrincipalId, KeyId]:
    return evidence.statement.context.actor, evidence.envelope.signatures[0].keyid

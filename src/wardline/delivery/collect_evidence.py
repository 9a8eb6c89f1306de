"""Collect evidence: the only place where what rooms say becomes signed statements in the log."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from wardline.clock import Clock, to_rfc3339
from wardline.errors import Conflict, Unavailable
from wardline.evidence.envelopes import Signer
from wardline.evidence.log import SALTED_TEXT, Blobs, Evidence, EvidenceLog, salted
from wardline.evidence.private_texts import NONCE_BYTES, PRIVATE_TEXT, lock
from wardline.evidence.redaction import RedactorFactory
from wardline.evidence.retention.completeness import TOLERATED_STEP_BACK
from wardline.evidence.schemas import check_predicate
from wardline.evidence.signed import SignedStatement, sign_statement
from wardline.evidence.statements import Context, Statement, evidence_key
from wardline.identity.subject_keys import SubjectKeys
from wardline.ids import IdFactory, PrincipalId, RunId, SubjectId
from wardline.predicates import BlobRef, Predicate


@dataclass(frozen=True, slots=True, kw_only=True)
class Collector:
    """Wraps predicates into statements, signs them and appends them. `machine` is who this installation is."""

    log: EvidenceLog
    blobs: Blobs
    signer: Signer
    machine: PrincipalId
    clock: Clock
    ids: IdFactory
    redactor: RedactorFactory
    subjects: SubjectKeys

    def once(self, step: str, run: RunId | None, produce: Callable[[], Predicate]) -> Evidence:
        """Return the evidence of `step`; `produce` runs only if there is none yet.

        A step that was killed after its statement became durable finds it here and does nothing twice.

        Raises:
            Conflict: The run is sealed: nothing more is done in its name.
            Unavailable: The clock went backwards, or the log cannot be written. Nothing was recorded.
        """
        found = self.log.find(evidence_key(run, step))
        if found is not None:
            return found
        self._check_open(run)
        self._check_clock()
        return self._append(produce(), step, run, signer=self.signer, actor=self.machine)

    def signed(
        self, predicate: Predicate, *, step: str, run: RunId | None, signer: Signer, actor: PrincipalId
    ) -> Evidence:
        """Append what a person signs with their own key.

        Raises:
            Conflict: The run is sealed: nothing more can be said in it.
        """
        self._check_clock()
        while True:
            size = self.log.size()
            self._check_open(run)
            try:
                return self._append(predicate, step, run, signer=signer, actor=actor, at=size)
            except Conflict:
                continue  # somebody else appended, perhaps the seal: look again

    def last(self, step: str, run: RunId, produce: Callable[[int], Predicate]) -> Evidence:
        """Return the evidence of `step`, which says something of all before it; `produce` is given its index."""
        while True:
            found = self.log.find(evidence_key(run, step))
            if found is not None:
                return found
            self._check_clock()
            index = self.log.size()
            try:
                return self._append(produce(index), step, run, signer=self.signer, actor=self.machine, at=index)
            except Conflict:
                continue  # somebody else appended between the look and the leaf: look again

    def following(self, size: int, predicate: Predicate, *, step: str) -> Evidence:
        """Append what follows from the first `size` leaves of the log, as the very next one.

        Raises:
            Conflict: Somebody else appended meanwhile.
        """
        self._check_clock()
        return self._append(predicate, step, None, signer=self.signer, actor=self.machine, at=size)

    def cosigned(
        self, predicate: Predicate, *, step: str, signers: Sequence[Signer], actor: PrincipalId, at: int
    ) -> Evidence:
        """Append what several keys sign together, as leaf `at`.

        Raises:
            Conflict: Somebody else appended meanwhile.
        """
        self._check_clock()
        context = Context(
            run=None, step=step, attempt=1, recorded_at=self.clock.now(), actor=actor, outcome=predicate.outcome
        )
        return self.log.append(_signed(Statement.of(predicate, context), *signers), at=at)

    def private(self, text: str, *, about: SubjectId) -> BlobRef:
        """Keep what a person wrote outside the log: redacted, then encrypted under the key of whom it is by or about.

        It is readable until that key is destroyed (GDPR Art. 17); no proof needs it.
        """
        nonce = bytes.fromhex(self.ids.salt())[-NONCE_BYTES:]
        return self.blobs.put(lock(self._masked(text), key=self.subjects.of(about), nonce=nonce), PRIVATE_TEXT)

    def machine_words(self, text: str) -> BlobRef:
        """Keep what a program said outside the log: redacted, salted, known by a digest that gives nothing away."""
        return self.blobs.put(salted(self._masked(text), salt=self.ids.salt()), SALTED_TEXT)

    def _masked(self, text: str) -> str:
        redactor = self.redactor()
        return (redactor.feed(text.encode()) + redactor.finish()).decode(errors="replace")

    def _append(  # noqa: PLR0913  # all that a statement's context is made of
        self,
        predicate: Predicate,
        step: str,
        run: RunId | None,
        *,
        signer: Signer,
        actor: PrincipalId,
        at: int | None = None,
    ) -> Evidence:
        context = Context(
            run=run,
            step=step,
            attempt=1,
            recorded_at=self.clock.now(),
            actor=actor,
            outcome=predicate.outcome,
        )
        return self.log.append(_signed(Statement.of(predicate, context), signer), at=at)

    def _check_open(self, run: RunId | None) -> None:
        if run is not None and self.log.find(evidence_key(run, "seal")) is not None:
            raise Conflict(f"run {run} is sealed: nothing more can be said in it")

    def _check_clock(self) -> None:
        size = self.log.size()
        if size == 0:
            return
        newest = self.log.read(size - 1).statement.context.recorded_at
        now = self.clock.now()
        if now < newest - TOLERATED_STEP_BACK:
            raise Unavailable(
                f"the clock went backwards: it says {to_rfc3339(now)}, the newest statement {to_rfc3339(newest)}",
                remedy="Set the machine's clock right, then resume.",
            )


def _signed(statement: Statement, *signers: Signer) -> SignedStatement:
    check_predicate(statement)  # what its own schema does not allow is never signed
    return sign_statement(statement, *signers)

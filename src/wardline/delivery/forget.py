"""Forget: destroy a person's key and name, record that it was done, leave every proof as it is (GDPR Art. 17).

What was signed stays under its pseudonym: the law asks for it (GDPR Art. 17(3)(b), 45 CFR 164.316(b)(2)(i)).
"""

from collections.abc import Iterator
from dataclasses import dataclass

from wardline import canonical
from wardline.canonical import JSON, Digest
from wardline.delivery.collect_evidence import Collector
from wardline.delivery.enrol import enrolled
from wardline.delivery.refuse import Attempt, refuse
from wardline.delivery.sign import Signatory, sign
from wardline.errors import Conflict, IntegrityViolation, InvalidInput, NotFound
from wardline.evidence.erasures import Erasures
from wardline.evidence.log import Evidence
from wardline.evidence.mentions import blobs_of, member
from wardline.evidence.predicates import LEGAL_HOLD, LEGAL_HOLD_RELEASE
from wardline.evidence.private_texts import PRIVATE_TEXT, key_id_of
from wardline.evidence.retention.legal_holds import PlacedHold, standing_holds
from wardline.evidence.retention.retention import LAW, retain_until
from wardline.identity.directory import Directory
from wardline.identity.erasure import ERASURE, Destroyed, Erasure, Remaining
from wardline.identity.people import People
from wardline.identity.principals import Principal, Role
from wardline.identity.separation import Objection, to_act_as
from wardline.identity.subject_keys import SubjectKey
from wardline.ids import PrincipalId, RunId, SubjectId
from wardline.predicates import BlobRef

ERASURE_MANIFEST = "application/vnd.wardline.erasure-manifest+json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Doomed:
    """What would be destroyed, and what would stay.

    Attributes:
        roles: What the person still answers for; forgetting takes none of it away.
        unreadable: Private texts whose blob is damaged: whose they are cannot be told. The key's end is theirs too.
        blocked_by: Log indices of legal holds that forbid it meanwhile.
        signed_at: Log index of the erasure that was signed for all this already; destroying is all that is left.
    """

    principal: PrincipalId | None
    roles: frozenset[Role]
    name: str | None
    addresses: tuple[str, ...]
    keys: tuple[SubjectKey, ...]
    texts: tuple[Digest, ...]
    unreadable: int
    kept: Remaining
    blocked_by: tuple[int, ...]
    signed_at: int | None

    @property
    def nothing_left(self) -> bool:
        return self.name is None and not self.addresses and not self.keys


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgetting:
    """The desk where people are forgotten."""

    collect: Collector
    people: People

    def look(self, subject: SubjectId | None, *, emails: tuple[str, ...] = ()) -> Doomed:
        """Return what would be destroyed of `subject` and of whoever wrote under `emails`. Changes nothing.

        Raises:
            InvalidInput: Neither is given.
            Conflict: The addresses belong to somebody else than `subject`.
            NotFound: Nobody of that name or address left anything here.
        """
        if subject is None and not emails:
            raise InvalidInput("nobody is named", remedy="Say the person's id, or --email with each address they used.")
        principal = self._principal(subject, emails)
        directory, erasures = enrolled(self.collect), self._erasures()
        keys = self._keys(subject, principal, emails)
        survey = _Survey(self.collect, principal=principal, keys=frozenset(key.id for key in keys))
        earlier = erasures.of_principal(principal)
        signed = [each for key in keys if (each := erasures.of_key(key.id)) is not None]
        person = None if principal is None else directory.find(principal)
        doomed = Doomed(
            principal=principal,
            roles=frozenset() if person is None else person.roles,
            name=None if principal is None else self.people.name_of(principal),
            addresses=() if principal is None else self.people.addresses_of(principal),
            keys=keys,
            texts=tuple(sorted(survey.texts)),
            unreadable=survey.unreadable,
            kept=survey.remaining(),
            blocked_by=survey.blocked_by(directory),
            signed_at=max((each.index for each in (*signed, earlier) if each is not None), default=None)
            if len(signed) == len(keys) and (principal is None or earlier is not None)
            else None,
        )
        if doomed.nothing_left and doomed.signed_at is None and person is None:
            raise NotFound(
                "nothing is kept here of anybody by that id or address",
                remedy="`wardline people list` shows who is known; authors are known by their commit addresses.",
            )
        return doomed

    def forget(self, doomed: Doomed, *, by: Signatory) -> Evidence | None:
        """Sign for it, then destroy what `look` found. What was signed for already is only destroyed.

        Returns the statement; None: nothing was kept, so nothing is said.

        Raises:
            Refused: The signatory may not, or a legal hold forbids it. The refusal is recorded.
            Unavailable: It is signed for, but not everything is destroyed yet: call again.
        """
        people = enrolled(self.collect)
        objection = _objection(doomed, by, people)
        if objection is not None:
            attempt = Attempt(
                action="forget", run=None, about=self._erasure(doomed, None).subjects()[0], by=by, takes=_MAY_FORGET
            )
            raise refuse(attempt, objection, people=people, collect=self.collect)
        if doomed.signed_at is not None:
            evidence = self.collect.log.read(doomed.signed_at)
            self.complete()
            return evidence
        if doomed.nothing_left:
            return None
        manifest = self.collect.blobs.put(
            canonical.encode({"texts": [str(digest) for digest in doomed.texts]}), ERASURE_MANIFEST
        )
        erasure = self._erasure(doomed, manifest)
        said = sum(1 for _ in self.collect.log.every(ERASURE))
        evidence = sign(erasure, step=f"erasure/{by.principal}/{said + 1}", run=None, by=by, collect=self.collect)
        # It is signed for and durable: killed from here on, `complete` destroys what is left.
        self._destroy(erasure)
        return evidence

    def complete(self) -> int:
        """Destroy whatever the log says was erased and is here still; return for how many erasures there was any.

        After a kill between statement and destruction, and after a backup older than an erasure was restored.
        """
        held = {key.id for key in self.collect.subjects.held()}
        done = 0
        for each in self._erasures().recorded:
            who, keys = each.erasure.principal, set(each.erasure.destroyed.keys)
            named = who is not None and (self.people.name_of(who) is not None or bool(self.people.addresses_of(who)))
            done += named or bool(keys & held)
            self._destroy(each.erasure)
        return done

    def _destroy(self, erasure: Erasure) -> None:
        # The keys first: they open the most. Each is done again from the start when one was interrupted.
        self.collect.subjects.destroy(frozenset(erasure.destroyed.keys))
        if erasure.principal is not None:
            self.people.erase(erasure.principal)

    def _principal(self, subject: SubjectId | None, emails: tuple[str, ...]) -> PrincipalId | None:
        given = None if subject is None or ":" in subject else PrincipalId(subject)
        owners = {owner for email in emails if (owner := self.people.principal_of(email)) is not None}
        if subject is not None and owners - {given}:
            raise Conflict(
                f"one of the addresses belongs to {', '.join(sorted(owners - {given}))}, not to {subject}",
                remedy="Make sure who is asking, and name one person at a time.",
            )
        if len(owners) > 1:
            raise Conflict(
                f"the addresses belong to several: {', '.join(sorted(owners))}", remedy="Name one at a time."
            )
        return given or next(iter(owners), None)

    def _keys(
        self, subject: SubjectId | None, principal: PrincipalId | None, emails: tuple[str, ...]
    ) -> tuple[SubjectKey, ...]:
        subjects = {subject, None if principal is None else SubjectId(principal)}
        known = () if principal is None else self.people.addresses_of(principal)
        # Under their addresses they may have written before anybody enrolled them.
        subjects |= {self.collect.subjects.of_address(email) for email in (*emails, *known)}
        return tuple(key for key in self.collect.subjects.held() if key.subject in subjects)

    def _erasures(self) -> Erasures:
        return Erasures.of(self.collect.log.every(ERASURE), people=enrolled(self.collect))

    def _erasure(self, doomed: Doomed, manifest: BlobRef | None) -> Erasure:
        destroyed = Destroyed(
            name=doomed.name is not None,
            addresses=len(doomed.addresses),
            keys=tuple(sorted(key.id for key in doomed.keys)),
            texts=len(doomed.texts),
            manifest=manifest,
        )
        return Erasure(principal=doomed.principal, destroyed=destroyed, kept=doomed.kept)


_MAY_FORGET = frozenset({Role.DATA_PROTECTION})


def _objection(doomed: Doomed, by: Signatory, people: Directory) -> Objection | None:
    objection = to_act_as(people.find(by.principal), Role.DATA_PROTECTION, keyid=by.signer.public_key.keyid)
    if objection is not None:
        return objection
    # Nobody judges their own request while somebody else can; alone, they must: the right is theirs too.
    others = (person for person in people.principals() if person.id != by.principal)
    if by.principal == doomed.principal and any(map(_could_sign, others)):
        return Objection.OWN_ERASURE
    return Objection.LEGAL_HOLD if doomed.blocked_by and doomed.signed_at is None else None


def _could_sign(person: Principal) -> bool:
    return person.key is not None and to_act_as(person, Role.DATA_PROTECTION, keyid=person.key.keyid) is None


class _Survey:
    """One walk over the log: which texts are under these keys, and what else speaks of the principal."""

    def __init__(self, collect: Collector, *, principal: PrincipalId | None, keys: frozenset[str]) -> None:
        self._collect, self._principal, self._keys = collect, principal, keys
        self.texts: set[Digest] = set()
        self.unreadable = 0
        self._about: list[Evidence] = []
        self._services: dict[RunId, str] = {}
        for item in collect.log.every():
            self._take(item)

    def remaining(self) -> Remaining:
        times = [item.statement.context.recorded_at for item in self._about]
        return Remaining(
            statements=len(self._about),
            signed=sum(item.statement.context.actor == self._principal for item in self._about),
            law=LAW,
            until=retain_until(max(times), max(times)) if times else None,
        )

    def blocked_by(self, people: Directory) -> tuple[int, ...]:
        log = self._collect.log
        placed = standing_holds(log.every(LEGAL_HOLD, LEGAL_HOLD_RELEASE), people=people)
        return tuple(one.index for one in placed if one.hold.blocks_erasure and self._is_in(one))

    def _is_in(self, placed: PlacedHold) -> bool:
        return any(
            placed.hold.scope.covers(
                run=item.statement.context.run,
                service=self._service(item),
                recorded_at=item.statement.context.recorded_at,
            )
            for item in self._about
        )

    def _take(self, item: Evidence) -> None:
        run, service = item.statement.context.run, member(item.statement.body, "service")
        if run is not None and isinstance(service, str):
            self._services.setdefault(run, service)
        written = {ref.digest for ref in blobs_of(item) if ref.media_type == PRIVATE_TEXT and self._is_theirs(ref)}
        self.texts |= written
        names_them = self._principal is not None and (
            item.statement.context.actor == self._principal or self._principal in _strings(item.statement.body)
        )
        if written or names_them:
            self._about.append(item)

    def _is_theirs(self, ref: BlobRef) -> bool:
        try:
            return key_id_of(self._collect.blobs.get(ref.digest)) in self._keys
        except NotFound:  # purged, or lost: there is nothing left to erase in it
            return False
        except IntegrityViolation:
            self.unreadable += 1
            return False

    def _service(self, item: Evidence) -> str | None:
        run, service = item.statement.context.run, member(item.statement.body, "service")
        return service if isinstance(service, str) else None if run is None else self._services.get(run)


def _strings(value: JSON) -> Iterator[str]:
    match value:
        case str():
            yield value
        case dict():
            for each in value.values():
                yield from _strings(each)
        case list():
            for each in value:
                yield from _strings(each)
        case _:
            return

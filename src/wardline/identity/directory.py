"""Who is who: a pure fold over enrolments and revoked keys, in log order."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Self

from wardline.identity.predicates import Enrolment
from wardline.identity.principals import Kind, Principal, Role
from wardline.identity.separation import Objection, to_act_as
from wardline.ids import KeyId, PrincipalId


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """An enrolment at its place in the log. Whoever makes one MUST have checked that `keyid` signed it."""

    index: int
    actor: PrincipalId  # who enrolled
    keyid: KeyId  # with which key
    enrolment: Enrolment


@dataclass(frozen=True, slots=True, kw_only=True)
class Revoked:
    """Nothing that the key signed at or after the log index `since` counts."""

    keyid: KeyId
    since: int


@dataclass(frozen=True, slots=True)
class Directory:
    """The enrolments that count. The latest one of a principal is what they are; a revoked key is nobody's.

    Attributes:
        admitted: In log order.
        revoked: The keys that were revoked, whenever that was said: it holds backwards to its `since`.
        before: What is asked is how it stood at this log index; None: now.
    """

    admitted: tuple[Recorded, ...] = ()
    revoked: tuple[Revoked, ...] = ()
    before: int | None = None

    @classmethod
    def of(cls, recorded: Iterable[Recorded]) -> Self:
        """Return the fold of `recorded`, in log order; what nobody was entitled to enrol has no effect."""
        directory = cls()
        for entry in recorded:
            if directory.objection(entry) is None:
                directory = directory.with_enrolment(entry)
        return directory

    def with_enrolment(self, entry: Recorded) -> Self:
        """Return the directory with `entry`, to which there MUST be no objection."""
        return replace(self, admitted=(*self.admitted, entry))

    def with_revoked(self, revoked: Revoked) -> Self:
        """Return the directory in which `revoked` holds: whom the key enrolled since then is not in it any more."""
        directory = replace(self, admitted=(), revoked=(*self.revoked, revoked))
        for entry in self.admitted:
            if directory.objection(entry) is None:
                directory = directory.with_enrolment(entry)
        return directory

    def objection(self, entry: Recorded) -> Objection | None:
        """Return why `entry` may not be added to what is here; None: it may."""
        return self.as_of(entry.index)._objection(entry)  # noqa: SLF001  # the same class

    def objection_to_revoking(self, revoked: Revoked, *, actor: PrincipalId, keyid: KeyId) -> Objection | None:
        """Return why `actor` may not say `revoked`, signing with the key `keyid`; None: they may."""
        objection = to_act_as(self.find(actor), Role.ADMINISTRATOR, keyid=keyid)
        if objection is None and not any(map(_administers, self.with_revoked(revoked).principals())):
            return Objection.LAST_ADMINISTRATOR
        return objection

    def is_revoked(self, keyid: KeyId) -> bool:
        """Return whether the key counts no longer."""
        return any(each.keyid == keyid and (self.before is None or each.since <= self.before) for each in self.revoked)

    def _objection(self, entry: Recorded) -> Objection | None:
        new = entry.enrolment.principal
        if new.key is not None and self.holder(new.key.keyid) not in (None, new.id):
            return Objection.KEY_TAKEN
        if not self.admitted:
            return _founding_objection(entry)
        if entry.enrolment.founding:
            return Objection.ALREADY_FOUNDED
        objection = to_act_as(self.find(entry.actor), Role.ADMINISTRATOR, keyid=entry.keyid)
        if objection is None and not any(map(_administers, (new, *self._others(new.id)))):
            return Objection.LAST_ADMINISTRATOR
        return objection

    def find(self, principal: PrincipalId) -> Principal | None:
        """Return what they are, without a key where theirs was revoked; None: nobody of this id is enrolled."""
        latest = (e.enrolment.principal for e in reversed(self.admitted) if e.enrolment.principal.id == principal)
        found = next(latest, None)
        return None if found is None else self._without_revoked(found)

    def principals(self) -> tuple[Principal, ...]:
        """Return everyone ever enrolled as they are now, the departed included, by id."""
        latest = {entry.enrolment.principal.id: entry.enrolment.principal for entry in self.admitted}
        return tuple(self._without_revoked(latest[name]) for name in sorted(latest))

    def holder(self, keyid: KeyId) -> PrincipalId | None:
        """Return who has or ever had this key: a key never changes hands."""
        for entry in self.admitted:
            key = entry.enrolment.principal.key
            if key is not None and key.keyid == keyid:
                return entry.enrolment.principal.id
        return None

    def as_of(self, index: int) -> Self:
        """Return the directory as it stood when the leaf `index` was written."""
        return replace(self, admitted=tuple(entry for entry in self.admitted if entry.index < index), before=index)

    def _without_revoked(self, principal: Principal) -> Principal:
        if principal.key is None or not self.is_revoked(principal.key.keyid):
            return principal
        return replace(principal, key=None)

    def _others(self, principal: PrincipalId) -> tuple[Principal, ...]:
        return tuple(other for other in self.principals() if other.id != principal)


def _founding_objection(entry: Recorded) -> Objection | None:
    principal = entry.enrolment.principal
    if not entry.enrolment.founding or entry.actor != principal.id or not _administers(principal):
        return Objection.NOT_FOUNDING
    return None if principal.key is not None and principal.key.keyid == entry.keyid else Objection.WRONG_KEY


def _administers(principal: Principal) -> bool:
    able = principal.kind is Kind.PERSON and principal.key is not None
    return able and Role.ADMINISTRATOR in principal.roles

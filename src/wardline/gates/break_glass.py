"""Break-glass: which words count, who said them together, and what stands at a door now. A pure fold."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from wardline.canonical import JSONObject
from wardline.clock import to_rfc3339
from wardline.errors import InvalidInput
from wardline.evidence.log import Evidence
from wardline.gates.break_glass_predicates import BREAK_GLASS, LONGEST_GLASS, DoorNamed, GlassBroken
from wardline.gates.door import Door
from wardline.gates.enrolled import signed_by
from wardline.identity.directory import Directory
from wardline.identity.principals import Role
from wardline.identity.separation import to_act_as
from wardline.ids import KeyId, PrincipalId, RunId

# Those who answer for running it, or for its risk. Whoever only writes the software does not release it alone.
MAY_BREAK = frozenset({Role.OPERATOR, Role.CLINICAL_SAFETY, Role.COMPLIANCE})
JOIN_WITHIN = timedelta(minutes=15)
TOGETHER = 2  # people


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A word of break-glass that its signer was entitled to when it was said."""

    index: int
    at: datetime
    by: PrincipalId
    keyid: KeyId
    word: GlassBroken


@dataclass(frozen=True, slots=True, kw_only=True)
class Glass:
    """One breaking of the glass: who began, and who joined within JOIN_WITHIN."""

    first: Said
    joined: tuple[Said, ...] = ()

    @property
    def index(self) -> int:
        return self.first.index

    @property
    def people(self) -> tuple[PrincipalId, ...]:
        """Those who said it, each once, whoever began first."""
        return tuple(dict.fromkeys(said.by for said in (self.first, *self.joined)))

    @property
    def join_until(self) -> datetime:
        return self.first.at + JOIN_WITHIN

    @property
    def together(self) -> bool:
        """Whether two people said it within minutes."""
        return len(self.people) >= TOGETHER

    def covers(self, door: Door) -> bool:
        """Return whether it was broken for exactly what wants to pass `door`."""
        release = self.first.word.release
        named = DoorNamed(environment=door.environment.name, configuration=door.configuration)
        return (release.run, release.artifact) == (door.run, door.artifact) and named in release.doors

    def suffices(self, door: Door, *, author: PrincipalId | None) -> bool:
        """Return whether enough people said it for `door`.

        In production the author does not suffice alone, and neither does one person where nobody knows the author:
        that would be one pair of eyes on the change and on its release.
        """
        return not door.production or self.together or (author is not None and self.people != (author,))

    def to_json(self) -> JSONObject:
        """Return it as policies read it."""
        return {
            "log": self.index,
            "code": self.first.word.code.value,
            "principal": self.first.by,
            "joined": [{"log": said.index, "principal": said.by} for said in self.joined],
            "people": len(self.people),
            "expires_at": to_rfc3339(self.first.word.expires_at),
        }


def glasses(evidence: Iterable[Evidence], *, people: Directory, run: RunId | None = None) -> tuple[Glass, ...]:
    """Return every breaking of the glass among `evidence` that counted when it was said, in log order.

    `people` is everybody as enrolled now; what counts is what they were then. `run` None: of all runs.
    """
    said = [word for item in evidence if item.statement.predicate_type == BREAK_GLASS and (word := _read(item, people))]
    found: dict[int, Glass] = {}
    for word in sorted(said, key=lambda each: each.index):
        if run is not None and word.word.release.run != run:
            continue
        joins = word.word.joins
        if joins is None:
            found[word.index] = Glass(first=word)
        elif joins in found and _joins(word, found[joins]):
            found[joins] = Glass(first=found[joins].first, joined=(*found[joins].joined, word))
    return tuple(found[index] for index in sorted(found))


def glass_at(door: Door, broken: Sequence[Glass], *, people: Directory, now: datetime) -> Glass | None:
    """Return the glass that is broken for `door` at `now`; None: there is none.

    Whoever said it must be entitled to it still: a leaver's word, or that of a key retired since, counts no more.
    Of several the one by most people counts, of these the latest.
    """
    here = [
        still
        for glass in broken
        if glass.covers(door)
        and now < glass.first.word.expires_at
        and (still := _still_entitled(glass, people)) is not None
    ]
    return max(here, key=lambda glass: (len(glass.people), glass.index), default=None)


def _read(item: Evidence, people: Directory) -> Said | None:
    """Return the word in `item`; None: it counts for nothing, and never did."""
    context, keyid = item.statement.context, item.envelope.signatures[0].keyid
    try:
        word = GlassBroken.parse(item.statement.body)
    except InvalidInput:
        return None
    then = people.as_of(item.index).find(context.actor)
    if then is None or to_act_as(then, word.role, keyid=keyid) is not None or not signed_by(item, then.key):
        return None
    if word.role not in MAY_BREAK or context.run not in (None, word.release.run):
        return None
    # A word that joins expires with what it joins, which is looked at there.
    if not context.recorded_at < word.expires_at <= context.recorded_at + LONGEST_GLASS:
        return None
    return Said(index=item.index, at=context.recorded_at, by=context.actor, keyid=keyid, word=word)


def _joins(said: Said, glass: Glass) -> bool:
    first = glass.first
    same = (said.word.service, said.word.release, said.word.code, said.word.expires_at)
    return (
        same == (first.word.service, first.word.release, first.word.code, first.word.expires_at)
        and said.by not in glass.people
        and said.at <= glass.join_until
    )


def _still_entitled(glass: Glass, people: Directory) -> Glass | None:
    """Return `glass` with those alone who may still say it; None: whoever began may not."""
    if not _may(glass.first, people):
        return None
    return Glass(first=glass.first, joined=tuple(said for said in glass.joined if _may(said, people)))


def _may(said: Said, people: Directory) -> bool:
    return to_act_as(people.find(said.by), said.word.role, keyid=said.keyid) is None

"""What becomes of each kept thing: how long it has to stay, and whether a legal hold is on it.

A thing may be named by many statements; it stays as long as any of them wants it. A statement wants its things
for the period of their class, counted from when it was recorded or from when it last was in effect, whichever is
later. What a run in effect rests on is in effect with it, and what a held run rests on is held: the packet of such a
run stays whole. That goes one step and no further: each release rests on the one before it, and all would stay
for ever.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from wardline.canonical import JSON, Digest
from wardline.clock import from_rfc3339
from wardline.evidence.log import Evidence
from wardline.evidence.mentions import DEPLOYMENT, SEAL, blobs_of, member, rests_on
from wardline.evidence.retention.legal_holds import PlacedHold
from wardline.evidence.retention.retention import Kept, Schedule, class_of
from wardline.ids import RunId
from wardline.predicates import NAMESPACE

_PROVENANCE = "https://slsa.dev/provenance/v1"
_EXPIRING = frozenset(
    f"{NAMESPACE}/{name}/v1" for name in ("waiver", "attestation", "addressable-decision", "training")
)

_ADOPTION, _RETIREMENT = (f"{NAMESPACE}/{name}/v1" for name in ("policy-adoption", "policy-retirement"))


class State(StrEnum):
    """What may be done with a thing that lies here."""

    DUE = "due"  # past its period, held by nobody: may be purged
    HELD = "held"  # past its period, but a legal hold is on it
    WITHIN = "within"  # its period is not over
    FOR_EVER = "for-ever"
    RECENT = "recent"  # past its period, but kept again a short while ago: somebody may be about to name it
    UNNAMED = "unnamed"  # no statement names it: left by what was killed before it could say so


@dataclass(frozen=True, slots=True, kw_only=True)
class Lying:
    """Something that lies in a store. `put_at`: when it was last put there."""

    digest: Digest
    size_bytes: int
    put_at: datetime


class Store(Protocol):
    """A place where things lie by digest, and from which they may be purged."""

    def lying(self) -> Iterable[Lying]:
        """Return what lies here, without reading it.

        Raises:
            Unavailable: It cannot be listed.
        """
        ...

    def remove(self, digest: Digest, *, put_before: datetime) -> bool:
        """Remove a thing durably, unless it was put again after `put_before`; return whether it is gone.

        Putting and removing at the same moment MUST leave the thing there. Removing twice changes nothing.

        Raises:
            Unavailable: It cannot be removed.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """What becomes of a thing. `until` None: for ever, or nothing names it."""

    thing: Lying
    kept: Kept
    state: State
    until: datetime | None
    named_by: int | None  # the youngest statement
    holds: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Mention:
    """One statement names a thing, and wants it for so long."""

    index: int
    kept: Kept
    created: datetime
    last_in_effect: datetime
    holds: frozenset[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Leaf:
    index: int
    run: RunId | None
    at: datetime
    until: datetime  # in effect by itself
    service: str | None
    things: frozenset[tuple[Digest, Kept]]
    rests_on: frozenset[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class InEffect:
    """What later rooms know of runs. `until`: the last moment at which what a run shipped was in effect; now, where
    it is in effect still. A run that is not named was never in effect beyond its own statements.
    """

    now: datetime
    until: Mapping[RunId, datetime] = field(default_factory=dict)


def mentions(
    evidence: Iterable[Evidence], *, in_effect: InEffect, holds: Sequence[PlacedHold]
) -> Mapping[Digest, tuple[Mention, ...]]:
    """Return who names what. `evidence` MUST be the whole log, in order; `holds` every legal hold, ended or not."""
    placed = {hold.index: hold for hold in holds}
    leaves: list[_Leaf] = []
    services: dict[RunId, str] = {}
    open_runs: set[RunId] = set()
    adopted: dict[int, datetime] = {}  # policies, until they are retired
    for item in evidence:
        if item.statement.predicate_type == _ADOPTION:
            adopted[item.index] = in_effect.now
        elif item.statement.predicate_type == _RETIREMENT:
            ended: JSON = member(item.statement.body, "adoption")
            if isinstance(ended, int) and ended in adopted:
                adopted[ended] = item.statement.context.recorded_at
        leaf = _leaf(item, placed, in_effect.now)
        leaves.append(leaf)
        if leaf.run is not None and leaf.service is not None:
            services.setdefault(leaf.run, leaf.service)
        if leaf.run is not None:
            (open_runs.discard if item.statement.predicate_type == SEAL else open_runs.add)(leaf.run)
    # More may be said of a run that is not sealed: it is in effect.
    until = {**in_effect.until, **dict.fromkeys(open_runs, in_effect.now)}
    standing = [hold for hold in holds if hold.stands]
    leaves = [replace(leaf, until=adopted.get(leaf.index, leaf.until)) for leaf in leaves]
    return _judged(leaves, until=until, services=services, holds=standing)


def fate(thing: Lying, named: Sequence[Mention], *, schedule: Schedule, before: datetime, put_before: datetime) -> Fate:
    """Return what becomes of `thing`, which `named` name.

    Past its period is what was so at `before`; what was put again after `put_before` is left alone.
    """
    if not named:
        return Fate(thing=thing, kept=Kept.OTHERS, state=State.UNNAMED, until=None, named_by=None)
    ends = [schedule.until(m.kept, created=m.created, last_in_effect=m.last_in_effect) for m in named]
    youngest = max(named, key=lambda m: m.index)
    holds = frozenset[int]().union(*(m.holds for m in named))
    over = [end for end in ends if end is not None]
    until = max(over) if len(over) == len(ends) else None
    # The class that wants it longest is the one it is purged under.
    kept = named[ends.index(until)].kept
    return Fate(
        thing=thing,
        kept=kept,
        state=_state(thing, until, holds=holds, before=before, put_before=put_before),
        until=until,
        named_by=youngest.index,
        holds=holds,
    )


def artifacts_of(item: Evidence) -> frozenset[Digest]:
    """Return the artifacts that `item` says were built, deployed or taken away."""
    body = item.statement.body
    if item.statement.predicate_type == _PROVENANCE:
        return frozenset(subject.digest for subject in item.statement.subjects)
    if item.statement.predicate_type != DEPLOYMENT:
        return frozenset()
    named = (member(body, which, "artifact", "sha256") for which in ("release", "previous"))
    return frozenset(Digest(digest) for digest in named if isinstance(digest, str))


def _state(
    thing: Lying, until: datetime | None, *, holds: frozenset[int], before: datetime, put_before: datetime
) -> State:
    if until is None:
        return State.FOR_EVER
    if before < until:
        return State.WITHIN
    if holds:
        return State.HELD
    return State.DUE if thing.put_at <= put_before else State.RECENT


def _leaf(item: Evidence, placed: Mapping[int, PlacedHold], now: datetime) -> _Leaf:
    context, body = item.statement.context, item.statement.body
    service = member(body, "service")
    things = {(blob.digest, class_of(blob.media_type)) for blob in blobs_of(item)}
    things |= {(digest, Kept.ARTIFACTS) for digest in artifacts_of(item)}
    return _Leaf(
        index=item.index,
        run=context.run,
        at=context.recorded_at,
        until=_until(item, placed, now),
        service=service if isinstance(service, str) else None,
        things=frozenset(things),
        rests_on=rests_on(item),
    )


def _until(item: Evidence, placed: Mapping[int, PlacedHold], now: datetime) -> datetime:
    """Return how long a statement is in effect by itself: waivers and the like to their day, holds to their end."""
    recorded_at = item.statement.context.recorded_at
    if item.index in placed:
        ended = placed[item.index].ended
        return now if ended is None else ended.at
    expires: JSON = member(item.statement.body, "expires_at")
    if item.statement.predicate_type in _EXPIRING and isinstance(expires, str):
        return max(recorded_at, from_rfc3339(expires))
    return recorded_at


def _judged(
    leaves: Sequence[_Leaf],
    *,
    until: Mapping[RunId, datetime],
    services: Mapping[RunId, str],
    holds: Sequence[PlacedHold],
) -> Mapping[Digest, tuple[Mention, ...]]:
    found: dict[Digest, list[Mention]] = {}
    effect: dict[int, datetime] = {}  # handed down by what rests on a leaf
    held: dict[int, frozenset[int]] = {}
    # From the youngest on: a statement rests on older ones only, so whatever rests on a leaf is done before it.
    for leaf in reversed(leaves):
        own = leaf.until if leaf.run is None else max(leaf.until, until.get(leaf.run, leaf.until))
        last = max(own, effect.pop(leaf.index, own))
        service = leaf.service if leaf.run is None else services.get(leaf.run)
        own_holds = frozenset(
            placed.index
            for placed in holds
            if placed.hold.scope.covers(run=leaf.run, service=service, recorded_at=leaf.at)
        )
        on_it = own_holds | held.pop(leaf.index, frozenset())
        for below in leaf.rests_on:
            if below < leaf.index:
                effect[below] = max(own, effect.get(below, own))
                held[below] = own_holds | held.get(below, frozenset())
        for digest, kept in leaf.things:
            mention = Mention(index=leaf.index, kept=kept, created=leaf.at, last_in_effect=last, holds=on_it)
            found.setdefault(digest, []).append(mention)
    return {digest: tuple(named) for digest, named in found.items()}

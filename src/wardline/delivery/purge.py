"""Purge: say first what is past its period and held by nobody, then remove it."""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from wardline.canonical import Digest, JSONObject
from wardline.clock import to_rfc3339
from wardline.delivery.collect_evidence import Collector
from wardline.delivery.hold import holds
from wardline.deployments import history
from wardline.deployments.effect import runs_in_effect
from wardline.errors import Conflict, InvalidInput
from wardline.evidence.log import Evidence
from wardline.evidence.mentions import DEPLOYMENT, blobs_of, rests_on
from wardline.evidence.predicates import LEGAL_HOLD, LEGAL_HOLD_RELEASE, Purged
from wardline.evidence.retention.keeping import Fate, InEffect, State, Store, artifacts_of, fate, mentions
from wardline.evidence.retention.purges import Manifest, Purge, Removal, read_purges
from wardline.evidence.retention.retention import PURGE_MANIFEST, Kept, Schedule

# Between keeping a blob and naming it lies a step; the longest one is an afternoon. A day is more than that.
_ABOUT_TO_BE_NAMED = timedelta(hours=24)
_MOST_ATTEMPTS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What becomes of everything that lies here, judged by the first `size` statements of the log.

    `begun`: those of what is due that an earlier purge said and did not get to remove.
    """

    size: int
    before: datetime
    put_before: datetime
    fates: tuple[tuple[Fate, Store], ...]
    begun: frozenset[Digest]

    @property
    def due(self) -> tuple[tuple[Fate, Store], ...]:
        return tuple((one, store) for one, store in self.fates if one.state is State.DUE)

    @property
    def fresh(self) -> tuple[Fate, ...]:
        """What is due and no statement says so yet."""
        return tuple(one for one, _ in self.due if one.thing.digest not in self.begun)

    def by_class(self) -> Mapping[Kept, Mapping[State, tuple[int, int]]]:
        """Return for each class and state how many things, and how many bytes."""
        counts: dict[Kept, dict[State, tuple[int, int]]] = {}
        for one, _ in self.fates:
            states = counts.setdefault(one.kept, {})
            count, size = states.get(one.state, (0, 0))
            states[one.state] = (count + 1, size + one.thing.size_bytes)
        return counts

    def rows(self) -> list[tuple[str, ...]]:
        """Return what people read of it in a table."""
        return [
            (kept.value, state.value, str(count), str(size))
            for kept, states in sorted(self.by_class().items())
            for state, (count, size) in sorted(states.items())
        ]

    def to_json(self) -> JSONObject:
        return {
            "before": to_rfc3339(self.before),
            "log_size": self.size,
            "classes": [
                {"class": kept.value, "state": state.value, "count": count, "bytes": size}
                for kept, states in sorted(self.by_class().items())
                for state, (count, size) in sorted(states.items())
            ],
            "due": [
                {
                    "digest": {"sha256": one.thing.digest.hex},
                    "class": one.kept.value,
                    "bytes": one.thing.size_bytes,
                    "retain_until": None if one.until is None else to_rfc3339(one.until),
                    "named_by": one.named_by,
                }
                for one, _ in self.due
            ],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Removed:
    """What a purge did. `statement` None: nothing new was due. `left`: put again since, so it stays."""

    statement: Evidence | None
    plan: Plan
    gone: int
    gone_bytes: int
    left: int

    def to_json(self) -> JSONObject:
        return {
            "log": None if self.statement is None else self.statement.index,
            "removed": self.gone,
            "removed_bytes": self.gone_bytes,
            "left": self.left,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Purging:
    """What a purge works with. `stores` are all places where things lie; their digests do not overlap."""

    collect: Collector
    stores: Sequence[Store]
    schedule: Schedule

    def look(self, *, before: datetime | None) -> Plan:
        """Judge everything that lies here; change nothing. Past its period is what was so at `before`, or is now.

        Raises:
            InvalidInput: `before` has not come yet.
            Unavailable: A store cannot be listed.
        """
        now = self.collect.clock.now()
        if before is not None and before > now:
            raise InvalidInput(
                f"purge before {to_rfc3339(before)}: that is not over; it is {to_rfc3339(now)} now",
                remedy="Name a moment that is over, or leave --before out: now is meant then.",
            )
        log = self.collect.log
        # What lies here first, the log after it: a thing that is put in between is not judged at all.
        lying = [(thing, store) for store in self.stores for thing in store.lying()]
        size = log.size()
        moves = history.read(log.every(DEPLOYMENT))
        named = mentions(
            itertools.takewhile(lambda item: item.index < size, log.every()),
            in_effect=InEffect(now=now, until=runs_in_effect(moves, now=now)),
            holds=holds(self.collect),
        )
        cut, put_before = before or now, now - _ABOUT_TO_BE_NAMED
        fates = tuple(
            (fate(thing, named.get(thing.digest, ()), schedule=self.schedule, before=cut, put_before=put_before), store)
            for thing, store in lying
        )
        said = read_purges(log, self.collect.blobs).by_digest
        return Plan(
            size=size,
            before=cut,
            put_before=put_before,
            fates=fates,
            begun=frozenset(one.thing.digest for one, _ in fates if _is_begun(one, said)),
        )

    def purge(self, *, before: datetime | None) -> Removed:
        """Record what is due, then remove it; where nothing is due, nothing is said.

        Killed anywhere, the next purge goes on.

        Raises:
            InvalidInput: `before` has not come yet.
            Unavailable: A store cannot be listed or changed.
            Conflict: Others appended to the log at every attempt.
        """
        plan, statement = self._said(before)
        gone, gone_bytes, left = 0, 0, 0
        # The statement is durable: from here a crash leaves things that the next purge removes under it.
        for one, store in plan.due:
            if store.remove(one.thing.digest, put_before=plan.put_before):
                gone, gone_bytes = gone + 1, gone_bytes + one.thing.size_bytes
            else:
                left += 1
        return Removed(statement=statement, plan=plan, gone=gone, gone_bytes=gone_bytes, left=left)

    def _said(self, before: datetime | None) -> tuple[Plan, Evidence | None]:
        plan = self.look(before=before)
        for _ in range(_MOST_ATTEMPTS):
            if not plan.fresh:
                return plan, None
            size = self.collect.log.size()
            if any(_bears_on(plan, self.collect.log.read(index)) for index in range(plan.size, size)):
                plan = self.look(before=before)
                continue
            predicate = self._predicate(plan, at_size=size)
            try:
                evidence = self.collect.following(size, predicate, step=f"purge/{size}")
            except Conflict:
                continue  # somebody else appended between the look and the leaf: does it bear on this?
            if evidence.statement.body == predicate.body():
                return plan, evidence
            plan = self.look(before=before)  # another purge said it at the same moment
        raise Conflict("purge: others wrote at every attempt", remedy="Try again when less is going on.")

    def _predicate(self, plan: Plan, *, at_size: int) -> Purged:
        removals = [
            Removal(
                digest=one.thing.digest,
                kept=one.kept,
                size_bytes=one.thing.size_bytes,
                retain_until=one.until,
                named_by=one.named_by,
            )
            for one in plan.fresh
            if one.until is not None and one.named_by is not None
        ]
        manifest = Manifest.of(removals, self.schedule).encode()
        return Purged(
            manifest=self.collect.blobs.put(manifest, PURGE_MANIFEST),
            at_size=at_size,
            before=plan.before,
            schedule=self.schedule.digest,
            classes=_totals(removals),
        )


def _is_begun(one: Fate, said: Mapping[Digest, Purge]) -> bool:
    """Return whether a purge said that `one` is removed, and nothing named it since."""
    purge = said.get(one.thing.digest)
    return purge is not None and one.named_by is not None and one.named_by < purge.index


def _bears_on(plan: Plan, item: Evidence) -> bool:
    """Return whether a later statement could change what is due: it names it, rests on older ones, holds or deploys."""
    if item.statement.predicate_type in (LEGAL_HOLD, LEGAL_HOLD_RELEASE, DEPLOYMENT) or rests_on(item):
        return True
    named = {blob.digest for blob in blobs_of(item)} | artifacts_of(item)
    return any(one.thing.digest in named for one, _ in plan.due)


def _totals(removals: Iterable[Removal]) -> Mapping[str, tuple[int, int]]:
    totals: dict[str, tuple[int, int]] = {}
    for one in removals:
        count, size = totals.get(one.kept.value, (0, 0))
        totals[one.kept.value] = (count + 1, size + one.size_bytes)
    return totals

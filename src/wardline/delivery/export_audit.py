"""Export statements for others to keep: as a file, or to an audit repository, at least once and without a gap.

An export is itself evidence, because data leaves: DICOM calls that event Export (110106).
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeAlias

from wardline.canonical import Digest
from wardline.delivery.collect_evidence import Collector
from wardline.errors import IntegrityViolation, InvalidInput, Refused, Unavailable
from wardline.evidence.audit.audit_codes import EXPORT_TYPE
from wardline.evidence.audit.exports import (
    AuditFormat,
    Cursor,
    Cursors,
    Draft,
    Exported,
    Extent,
    Outbound,
    Receiver,
    Wanted,
    receiver_digest,
)
from wardline.evidence.log import Evidence, EvidenceLog
from wardline.evidence.mentions import member
from wardline.ids import RunId
from wardline.outcomes import Outcome
from wardline.tlog.merkle import leaf_hash

# One connection's worth, and so what is sent twice after a failure: a second's work beside a handshake of milliseconds.
MOST_MESSAGES = 1000
MOST_BYTES = 4 << 20

# Statements stand in the order of appending: one may have waited so long for its turn after it was recorded.
_WAITED = timedelta(minutes=1)

_Batch: TypeAlias = list[tuple[Evidence, Outbound]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What an export came to: so many statements, from `first` to `last`, all None where there was none.

    `record`: the export's own log index; None: nothing left, and nothing was recorded.
    """

    count: int = 0
    first: int | None = None
    last: int | None = None
    record: int | None = None

    def and_(self, evidence: Evidence) -> "Sent":
        first = evidence.index if self.first is None else self.first
        return replace(self, count=self.count + 1, first=first, last=evidence.index)


def extent_of(log: EvidenceLog, wanted: Wanted) -> Extent:
    """Return which part of `log`, as it is now, is wanted."""
    size = log.size()
    first = 0 if wanted.since is None else _place(log, wanted.since, size)
    end = size if wanted.until is None else _place(log, wanted.until, size)
    return Extent(size=size, first=min(first, end), end=end, service=wanted.service)


def export_to_file(collect: Collector, extent: Extent, form: AuditFormat, draft: Draft) -> Sent:
    """Write `extent` into `draft`, record that, then put the file in place.

    Raises:
        Unavailable: It could not be written or recorded; there is no file.
    """
    sent = Sent()
    digest = hashlib.sha256()

    def counted() -> Iterator[Evidence]:
        nonlocal sent
        for evidence in _selected(collect.log, extent):
            sent = sent.and_(evidence)
            yield evidence

    for piece in form.document(extent, counted()):
        digest.update(piece)
        draft.write(piece)
    said = Exported(
        format=form.name,
        first=sent.first,
        last=sent.last,
        count=sent.count,
        service=extent.service,
        size=extent.size,
        content=Digest(digest.hexdigest()),
    )
    record = collect.once(f"export/{collect.ids.new('x')}", None, lambda: said)
    # On record. Killed here, evidence says more than happened, never less.
    draft.keep()
    return replace(sent, record=record.index)


@dataclass(frozen=True, slots=True, kw_only=True)
class Handover:
    """Serves one receiver with one stream of statements, in batches, each on a connection of its own.

    A syslog receiver acknowledges nothing (RFC 5425 §4.3). What it does say is that it read to the
    end of a connection; the cursor moves then, and not before.

    Attributes:
        origin: Of the log.
        name: Of the cursor.
        most: So many messages at most in one batch.
    """

    collect: Collector
    origin: str
    form: AuditFormat
    receiver: Receiver
    cursors: Cursors
    name: str
    most: int = MOST_MESSAGES

    def send(self, extent: Extent, *, resume: bool) -> Sent:
        """Hand over `extent`; with `resume`, from where the cursor stands.

        The first export says where a receiver's stream begins. Later ones move the cursor only where
        they leave no gap behind it, so that resuming never skips.

        Raises:
            Refused: The receiver cannot prove to be the one that was named.
            Unavailable: It broke off; the message names the last statement that was handed over for certain.
            Conflict: Another process serves this receiver.
            InvalidInput: The cursor is of another stream.
            IntegrityViolation: The log is not the one that was handed over so far.
        """
        with self.cursors.held(self.name):
            cursor = self._cursor(extent)
            if cursor is None:
                cursor = self._new(extent)
            else:
                # An earlier process was killed before it could record what it sent.
                cursor, _ = self._record(cursor, complete=False)
            if resume:
                extent = replace(extent, first=min(cursor.next, extent.end))
            if resume and not self._anything_new(extent):
                return Sent()
            return self._send(extent, cursor)

    def _send(self, extent: Extent, cursor: Cursor) -> Sent:
        sent = Sent()
        moves = extent.first <= cursor.next
        try:
            for batch in _batches(_selected(self.collect.log, extent), self.form, most=self.most):
                cursor = self._deliver(batch, cursor)
                for evidence, _ in batch:
                    sent = sent.and_(evidence)
                cursor = self._move(cursor, batch[-1][0].index + 1, sent=len(batch), moves=moves)
        except (Unavailable, Refused) as error:
            self._record(self.cursors.load(self.name) or cursor, complete=False)
            raise _broken_off(error, sent) from error
        cursor = self._move(cursor, extent.end, sent=0, moves=moves)
        _, record = self._record(cursor, complete=True)
        return replace(sent, record=record)

    def _deliver(self, batch: _Batch, cursor: Cursor) -> Cursor:
        with self.receiver.connect() as line:
            if cursor.first is None:
                cursor = replace(cursor, first=batch[0][0].index)
                self.cursors.save(self.name, cursor)
            # Marked: killed from here on, the next export records that something may have left.
            line.deliver([outbound for _, outbound in batch])
        return cursor

    def _move(self, cursor: Cursor, end: int, *, sent: int, moves: bool) -> Cursor:
        if sent:
            cursor = replace(cursor, last=end - 1, count=cursor.count + sent)
        if moves and end > cursor.next:
            cursor = replace(cursor, next=end, leaf=self._leaf(end - 1))
        self.cursors.save(self.name, cursor)
        return cursor

    def _record(self, cursor: Cursor, *, complete: bool) -> tuple[Cursor, int | None]:
        """Put what left on record, once, and return the cursor for what comes."""
        if cursor.first is None:
            return cursor, None
        said = Exported(
            format=self.form.name,
            first=cursor.first,
            last=cursor.last,
            count=cursor.count,
            service=cursor.service,
            size=self.collect.log.size(),
            receiver=receiver_digest(self.receiver.address),
            complete=complete,
        )
        record = self.collect.once(f"export/{cursor.statement}", None, lambda: said)
        # On record under the cursor's own id: killed here, the next export finds it and records nothing twice.
        cursor = replace(cursor, statement=self.collect.ids.new("x"), first=None, last=None, count=0)
        self.cursors.save(self.name, cursor)
        return cursor, record.index

    def _cursor(self, extent: Extent) -> Cursor | None:
        cursor = self.cursors.load(self.name)
        if cursor is None:
            return None
        kept = _stream(cursor.origin, cursor.format, cursor.service)
        asked = _stream(self.origin, self.form.name, extent.service)
        if kept != asked:
            raise InvalidInput(
                f"cursor {self.name}: it is of {kept}; expected {asked}",
                remedy="Give this stream a name of its own with --name.",
            )
        if cursor.next > extent.size or (cursor.next and self._leaf(cursor.next - 1) != cursor.leaf):
            raise IntegrityViolation(
                f"cursor {self.name}: {cursor.next} statements were handed over, and the log of {extent.size} "
                "does not hold the last of them",
                remedy="Was it restored from an older backup? Compare it with what the receiver has; investigate.",
            )
        return cursor

    def _new(self, extent: Extent) -> Cursor:
        before = self._leaf(extent.first - 1) if extent.first else None
        return Cursor(
            origin=self.origin,
            format=self.form.name,
            service=extent.service,
            next=extent.first,
            leaf=before,
            statement=self.collect.ids.new("x"),
        )

    def _anything_new(self, extent: Extent) -> bool:
        # Else every look for something new would itself be something new.
        return any(each.statement.predicate_type != EXPORT_TYPE for each in _selected(self.collect.log, extent))

    def _leaf(self, index: int) -> str:
        return leaf_hash(self.collect.log.read(index).envelope.encode()).hex()


def _stream(origin: str, form: str, service: str | None) -> str:
    return f"log {origin} as {form}, {'all services' if service is None else f'service {service}'}"


def _broken_off(error: Unavailable | Refused, sent: Sent) -> Unavailable | Refused:
    until = f"the last statement handed over for certain is {sent.last}" if sent.count else "nothing was handed over"
    return type(error)(f"{error.what}; {until}", remedy=error.remedy or "Mend it, then export again with --resume.")


def _batches(evidence: Iterator[Evidence], form: AuditFormat, *, most: int) -> Iterator[_Batch]:
    batch: _Batch = []
    size = 0
    for item in evidence:
        context = item.statement.context
        message = form.message(item)
        outbound = Outbound(
            message=message, recorded_at=context.recorded_at, grave=context.outcome is not Outcome.PASSED
        )
        batch.append((item, outbound))
        size += len(message)
        if len(batch) >= most or size >= MOST_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _selected(log: EvidenceLog, extent: Extent) -> Iterator[Evidence]:
    services: dict[RunId, str | None] = {}
    for index in range(extent.first, extent.end):
        evidence = log.read(index)
        if extent.service is None or _service_of(evidence, log, services) == extent.service:
            yield evidence


def _service_of(evidence: Evidence, log: EvidenceLog, known: dict[RunId, str | None]) -> str | None:
    """Return which service `evidence` is about; None: none, or all of them. `known` is kept between calls."""
    said = _service_said(evidence)
    run = evidence.statement.context.run
    if said is not None or run is None:
        return said
    if run not in known:
        # Some say only which run they are of, and in some runs nobody has said yet of which service they are.
        known[run] = next((name for other in log.of_run(run) if (name := _service_said(other)) is not None), None)
    return known[run]


def _service_said(evidence: Evidence) -> str | None:
    service = evidence.statement.body.get("service")
    if isinstance(service, str):
        return service
    resource = member(evidence.statement.body, "resourceUri")
    if isinstance(resource, str) and resource.startswith("wardline:"):
        return resource.removeprefix("wardline:").rpartition("/")[0]
    return None


def _place(log: EvidenceLog, bound: int | datetime, size: int) -> int:
    """Return the index that `bound` stands for, at most `size`."""
    if isinstance(bound, int):
        return min(bound, size)
    low, high = 0, size
    while low < high:
        middle = (low + high) // 2
        if _recorded_at(log, middle) < bound - _WAITED:
            low = middle + 1
        else:
            high = middle
    return next((index for index in range(low, size) if _recorded_at(log, index) >= bound), size)


def _recorded_at(log: EvidenceLog, index: int) -> datetime:
    return log.read(index).statement.context.recorded_at

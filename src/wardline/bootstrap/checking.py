"""Requests that hold an installation's log against its own proofs, what it names, and what others kept of it."""

from collections.abc import Sequence
from dataclasses import dataclass

from wardline.adapters.storage.check_log import CheckedLog, check_log
from wardline.adapters.storage.published import SQLPublishedLog
from wardline.bootstrap.home import Home
from wardline.bootstrap.witnessing import witnesses_of
from wardline.delivery.check_things import Places, Things, check_things, named_by
from wardline.delivery.compare_heads import Grown, KeptHeads, Stored, compare_heads
from wardline.evidence.retention.purges import read_purges
from wardline.evidence.schemas import check_predicate


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What holds. `checkpoint` None: the log is empty; `things` None: nobody asked for them."""

    log: CheckedLog
    checkpoint: str | None
    grown: tuple[Grown, ...]
    things: Things | None


def checked_log(home: Home) -> CheckedLog:
    """Derive the whole log again, and verify what the listed witnesses said of it.

    Raises:
        IntegrityViolation: Something does not hold.
        InvalidInput: A statement is not what its predicate says, or a line of the file of witnesses is none.
    """
    keys = [witness.key for witness in witnesses_of(home)]
    return check_log(home.database, home.log.key, check_statement=check_predicate, witnesses=keys)


def check(home: Home, *, against: Sequence[KeptHeads], things: bool) -> Checked:
    """Check the log, hold it against what was kept elsewhere before this is called, then look at what it names.

    Raises:
        IntegrityViolation: The log does not hold, or is not the one that others saw.
        InvalidInput: A kept head is none; or as `checked_log`.
    """
    log = checked_log(home)
    stored = Stored(
        origin=home.log.key.name,
        size=log.size,
        signatories=log.signatories,
        root_of=SQLPublishedLog(home.database).root,
    )
    grown = compare_heads(stored, against)
    places = Places(blobs=home.collect.blobs, artifact=home.bundles.path_of)
    found = (
        check_things(named_by(home.log.every()), places, lambda: read_purges(home.log, home.collect.blobs))
        if things
        else None
    )
    return Checked(log=log, checkpoint=home.log.checkpoint(log.size) if log.size else None, grown=grown, things=found)

"""Requests about people's words: which were said, who said them, and what has become of them."""

from collections.abc import Mapping

from wardline.bootstrap.forgetting import erased
from wardline.bootstrap.home import Home
from wardline.canonical import Digest
from wardline.delivery.accepted import Accepted, accepted, accepted_in
from wardline.delivery.doors import door_of
from wardline.delivery.reconsider import environment_awaited, wake
from wardline.delivery.show_status import Status
from wardline.delivery.standing import WordsAtDoor, words_at
from wardline.delivery.take_source import declared
from wardline.errors import Conflict, NotFound
from wardline.gates.consent import Document
from wardline.ids import PrincipalId, RunId

_ALL = 2**31 - 1


def consent(home: Home, run: RunId, environment: str | None, *, digest: Digest | None) -> Document:
    """Return what a person is shown, and signs, before `run` may enter `environment`.

    Raises:
        Conflict: It is not what has this digest.
    """
    document = home.consent(run, environment)
    if digest not in (None, document.digest):
        raise Conflict(
            f"run {run} before {document.door.environment.name}: expected what has the digest {digest}, "
            f"what would be released now is {document.digest}; nothing was signed",
            remedy=f"Look at what is shown now. What changed: `wardline approvals {run}`.",
        )
    return document


def words(home: Home, run: RunId, environment: str | None) -> tuple[WordsAtDoor, ...]:
    """Return what people said in `run` at `environment`; None: everywhere it asks them.

    Raises:
        NotFound: There is no such run or environment, or nothing was built yet.
    """
    found = home.runs.load(run)
    _, pipeline, _ = declared(found, home.workshop)
    asking = [each.name for each in pipeline.environments if each.approvals or each.windows]
    if environment is None and not asking:
        raise NotFound(f"run {run}: no environment of it asks people", remedy="Name one: --environment.")
    named = asking if environment is None else [environment]
    doors = [door_of(found, home.log, home.workshop, environment=name) for name in named]
    return tuple(words_at(door, home.collect) for door in doors)


def waivers(home: Home, *, run: RunId | None = None) -> tuple[Accepted, ...]:
    """Return every waiver; of findings that `run` has, if one is named."""
    return accepted(home.collect) if run is None else accepted_in(run, home.collect)


def waivers_where(home: Home, status: Status) -> tuple[Accepted, ...]:
    """Return the waivers in force of what serves in an environment."""
    run = None if status.allowed_by is None else home.log.read(status.allowed_by).statement.context.run
    if run is None:
        return ()
    return tuple(each for each in accepted_in(run, home.collect, environment=status.environment.name) if each.stands)


def look_again(home: Home) -> tuple[RunId, ...]:
    """Wake the runs that wait for people, and return which: something was recorded that approvals may fall by."""
    waiting = tuple(run for run in home.runs.newest(_ALL) if environment_awaited(run) is not None)
    return wake(waiting, home.messenger, log_size=home.log.size()) if waiting else ()


def printed_names(home: Home) -> Mapping[PrincipalId, str]:
    """Return the name to print for everybody who was ever enrolled; of the forgotten, that and when they were.

    21 CFR 11.50(a)(1). Names are in no evidence: they are looked up where a signature is shown, as long as they may be.
    """
    gone = erased(home)
    found = {}
    for each in home.directory().principals():
        name = f"erased on {gone[each.id]:%Y-%m-%d}" if each.id in gone else home.people.name_of(each.id)
        found[each.id] = f"{name} ({each.id})" if name else f"no name on record ({each.id})"
    return found

"""Standing: every word that was said at a door, and what has become of it, by the log of now."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from wardline import canonical
from wardline.canonical import JSON, Digest, JSONObject
from wardline.clock import from_rfc3339, to_rfc3339
from wardline.delivery.collect_evidence import Collector
from wardline.delivery.decide import decision_of, gate_step
from wardline.errors import InvalidInput, NotFound
from wardline.evidence.log import Blobs, Evidence
from wardline.evidence.statements import evidence_key
from wardline.gates.approvals import is_word
from wardline.gates.differences import Cause
from wardline.gates.door import Door
from wardline.gates.facts import READ, gather
from wardline.gates.revocation import Account, State, accounts, since
from wardline.ids import EnvironmentName, RunId


@dataclass(frozen=True, slots=True, kw_only=True)
class WordNow:
    """A word, and what has become of it.

    Attributes:
        account: How it stood: when the gate decided, or now where it has not yet.
        fallen_by: What spoke against it after the gate had decided; it was released nevertheless, and cannot be unsaid.
    """

    account: Account
    fallen_by: tuple[Cause, ...] = ()

    @property
    def state(self) -> State:
        """Return how it stands by the log of now."""
        return State.FALLEN if self.fallen_by else self.account.state

    def to_json(self) -> JSONObject:
        account = self.account
        return {
            "log": account.index,
            "by": account.by,
            "role": None if account.role is None else account.role.value,
            "meaning": account.meaning,
            "at": to_rfc3339(account.at),
            "at_the_gate": account.state.value,
            "state": self.state.value,
            "causes": [_cause(cause) for cause in (*account.causes, *self.fallen_by)],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class WordsAtDoor:
    """All words at one door. `decided`: the log index and verdict of its gate; None: it has not decided."""

    run: RunId
    environment: EnvironmentName
    log_size: int
    decided: tuple[int, str] | None
    words: tuple[WordNow, ...]

    def to_json(self) -> JSONObject:
        decided: JSON = None if self.decided is None else {"log": self.decided[0], "verdict": self.decided[1]}
        return {
            "run": self.run,
            "environment": self.environment,
            "log_size": self.log_size,
            "decided": decided,
            "words": [each.to_json() for each in self.words],
        }


def words_at(door: Door, collect: Collector) -> WordsAtDoor:
    """Return every word at `door`. Once its gate has decided, what has come since is told apart."""
    evidence, now = tuple(collect.log.every(*READ)), collect.clock.now()
    today = gather(door, evidence, now=now, deadline=None).ground
    shown = _shown(evidence, door, collect.blobs)
    decision = _decision(door, collect)
    if decision is None:
        found = tuple(WordNow(account=account) for account in accounts(evidence, today, shown=shown))
        return _at(door, collect, found, decided=None)
    before = tuple(item for item in evidence if item.index < decision.index)
    decided_at = decision.statement.context.recorded_at
    deadline = _deadline(decision, collect.blobs)
    then = gather(door, before, now=decided_at, deadline=deadline).ground
    found = tuple(
        WordNow(
            account=account,
            fallen_by=since(account, then, today, evidence=evidence) if account.state is State.STANDS else (),
        )
        for account in accounts(before, then, shown=shown)
    )
    return _at(door, collect, found, decided=(decision.index, decision_of(decision).verdict))


def _at(door: Door, collect: Collector, words: tuple[WordNow, ...], *, decided: tuple[int, str] | None) -> WordsAtDoor:
    return WordsAtDoor(
        run=door.run, environment=door.environment.name, log_size=collect.log.size(), decided=decided, words=words
    )


def _decision(door: Door, collect: Collector) -> Evidence | None:
    """Return the last decision at `door`: it is asked anew where a run stood still."""
    step = gate_step(door.environment.name)
    found = (collect.log.find(evidence_key(door.run, name)) for name in (f"{step}-again", step))
    return next((item for item in found if item is not None), None)


def _shown(evidence: Sequence[Evidence], door: Door, blobs: Blobs) -> dict[Digest, JSONObject]:
    """Return the documents that people were shown in this run: as they were kept, or else as the log gives them."""
    found: dict[Digest, JSONObject] = {}
    for item in evidence:
        digest = _digest(item.statement.body.get("shown_digest")) if is_word(item) else None
        if item.statement.context.run != door.run or digest is None or digest in found:
            continue
        content = _kept(digest, blobs)
        if content is None:  # purged: folded again from what the log held when the word was said
            before = tuple(each for each in evidence if each.index < item.index)
            then = gather(door, before, now=item.statement.context.recorded_at, deadline=None).document
            content = then.content if then.digest == digest else None
        if content is not None:
            found[digest] = content
    return found


def _kept(digest: Digest, blobs: Blobs) -> JSONObject | None:
    try:
        content = canonical.decode(blobs.get(digest))
    except (NotFound, InvalidInput):
        return None
    return content if isinstance(content, dict) else None


def _deadline(decision: Evidence, blobs: Blobs) -> datetime | None:
    """Return until when people were asked, as the gate was told; None: it was not, or nobody keeps it any more."""
    match decision.statement.body.get("wardline_decision"):
        case {"input_digest": {"sha256": str(digest)}}:
            match _kept(Digest(digest), blobs):
                case {"approvals": {"deadline": str(deadline)}}:
                    return from_rfc3339(deadline)
                case _:
                    return None
        case _:
            return None


def _digest(document: JSON) -> Digest | None:
    match document:
        case {"sha256": str(digest)}:
            return Digest(digest)
        case _:
            return None


def _cause(cause: Cause) -> JSONObject:
    at = None if cause.at is None else to_rfc3339(cause.at)
    return {"code": cause.code, "told": cause.told, "log": cause.log, "at": at}

"""Trials: faults planted on purpose before a policy or a check, and whether each was caught. Published under
docs/predicates/.

A gate is worth what it refuses. A trial says of one policy document, or of one check with its tool and settings, how
many faults were planted before it and how many it caught.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from wardline.canonical import Digest, JSONObject, digest_of, encode
from wardline.evidence.log import Evidence
from wardline.outcomes import Outcome, worst
from wardline.predicates import NAMESPACE, Subject

SELF_TEST = f"{NAMESPACE}/self-test/v1"

MOST_TOLD = 5  # faults of one trial that a statement tells; the count is of all
_LONGEST = 160  # characters of a text in a statement
# A leaf holds at most 65,535 bytes (C2SP tlog-tiles), and an envelope is a third larger than what it carries.
_MOST_BYTES = 32 * 1024


class Kind(StrEnum):
    """What faults are planted before."""

    POLICY = "policy"
    CHECK = "check"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """Which program looked: of a policy the engine. The version is `unknown` where it did not start."""

    name: str
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Planted:
    """What became of one fault. Nothing in it is of a person: faults are made up.

    Attributes:
        fault: What was planted, and where.
        outcome: `passed`: it was caught. `failed`: it got past. Anything else: nobody could tell.
    """

    fault: str
    expected: str
    got: str
    outcome: Outcome

    def to_json(self) -> JSONObject:
        return {
            "fault": _short(self.fault),
            "expected": _short(self.expected),
            "got": _short(self.got),
            "outcome": self.outcome.value,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """All faults that were planted before one thing.

    Attributes:
        configuration: What exactly was tried: of a policy the digest of its document, of a check that of its settings.
    """

    kind: Kind
    name: str
    tool: Tool
    configuration: Digest
    planted: tuple[Planted, ...]

    @property
    def caught(self) -> int:
        return sum(1 for each in self.planted if each.outcome is Outcome.PASSED)

    @property
    def outcome(self) -> Outcome:
        """`errored` where nothing was planted: nobody looked."""
        return worst(each.outcome for each in self.planted)

    @property
    def not_caught(self) -> tuple[Planted, ...]:
        return tuple(each for each in self.planted if each.outcome is not Outcome.PASSED)

    def to_json(self) -> JSONObject:
        return {
            "kind": self.kind.value,
            "name": self.name,
            "tool": {"name": self.tool.name, "version": self.tool.version},
            "configuration": {"sha256": self.configuration.hex},
            "planted": len(self.planted),
            "caught": self.caught,
            "outcome": self.outcome.value,
            "not_caught": [each.to_json() for each in self.not_caught[:MOST_TOLD]],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class SelfTested:
    """One part of what came of a self-test; `number` counts from 1."""

    predicate_type: ClassVar[str] = SELF_TEST
    trials: tuple[Trial, ...]
    wardline: str  # version
    number: int = 1
    of: int = 1

    @property
    def outcome(self) -> Outcome:
        return worst(trial.outcome for trial in self.trials)

    def subjects(self) -> tuple[Subject, ...]:
        # One for all: whoever takes statements for audit events tells every subject, and cuts what grows too long.
        return (Subject(name="trials", digest=digest_of([trial.to_json() for trial in self.trials])),)

    def body(self) -> JSONObject:
        outcomes = Counter(trial.outcome for trial in self.trials)
        return {
            "version": self.wardline,
            "part": {"number": self.number, "of": self.of},
            "counts": {outcome.value: outcomes[outcome] for outcome in Outcome},
            "not_passed": [trial.name for trial in self.trials if trial.outcome is not Outcome.PASSED],
            "trials": [trial.to_json() for trial in self.trials],
        }


def parts(trials: Sequence[Trial], *, wardline: str) -> tuple[SelfTested, ...]:
    """Return `trials` in order, in as many statements as it takes for each to fit into a leaf."""
    pieces: list[list[Trial]] = []
    room = 0
    for trial in trials:
        size = len(encode(trial.to_json())) + 1  # and the comma
        if size > room:
            pieces.append([])
            room = _MOST_BYTES
        pieces[-1].append(trial)
        room -= size
    return tuple(
        SelfTested(trials=tuple(piece), wardline=wardline, number=number, of=len(pieces))
        for number, piece in enumerate(pieces, start=1)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """A trial as the log at `index` has it."""

    kind: Kind
    name: str
    version: str
    configuration: Digest
    planted: int
    caught: int
    outcome: Outcome
    index: int
    at: datetime


class Trials:
    """The trials in the log, the newest of each thing counting: a mended check is trusted again by its next one."""

    def __init__(self, evidence: Iterable[Evidence]) -> None:
        self._all = [tried for item in evidence for tried in _tried(item)]

    def of_policy(self, digest: Digest) -> Tried | None:
        """Return the newest trial of exactly this policy document."""
        return self._newest(t for t in self._all if t.kind is Kind.POLICY and t.configuration == digest)

    def of_check(self, name: str, version: str | None = None) -> Tried | None:
        """Return the newest trial of a check, with that version of its tool where one is named."""
        return self._newest(
            t for t in self._all if t.kind is Kind.CHECK and t.name == name and version in (None, t.version)
        )

    def of(self, kind: Kind, name: str, configuration: Digest) -> Tried | None:
        """Return the newest trial of one thing, set as it was."""
        return self._newest(t for t in self._all if (t.kind, t.name, t.configuration) == (kind, name, configuration))

    def standing(self) -> tuple[Tried, ...]:
        """Return the newest trial of each policy and check by name, whatever it was set to."""
        return tuple({(tried.kind, tried.name): tried for tried in sorted(self._all, key=_by_index)}.values())

    @staticmethod
    def _newest(found: Iterable[Tried]) -> Tried | None:
        return max(found, key=_by_index, default=None)


def newest_trials(
    youngest_first: Iterable[Evidence], *, policies: Iterable[Digest], checks: Iterable[tuple[str, str | None]] = ()
) -> Trials:
    """Return the trials in `youngest_first`, read until the newest of each of these is found, and no further."""
    found: list[Evidence] = []
    lacking_policies, lacking_checks = set(policies), set(checks)
    for item in youngest_first if lacking_policies or lacking_checks else ():
        found.append(item)
        here = Trials([item])
        lacking_policies -= {digest for digest in lacking_policies if here.of_policy(digest) is not None}
        lacking_checks -= {check for check in lacking_checks if here.of_check(*check) is not None}
        if not lacking_policies and not lacking_checks:
            break
    return Trials(found)


def _by_index(tried: Tried) -> int:
    return tried.index


def _tried(item: Evidence) -> Iterator[Tried]:
    if item.statement.predicate_type != SELF_TEST:
        return
    trials = item.statement.body.get("trials")
    for trial in trials if isinstance(trials, list) else ():
        match trial:
            case {
                "kind": "policy" | "check" as kind,
                "name": str(name),
                "tool": {"version": str(version)},
                "configuration": {"sha256": str(configuration)},
                "planted": int(planted),
                "caught": int(caught),
                "outcome": str(outcome),
            }:
                yield Tried(
                    kind=Kind(kind),
                    name=name,
                    version=version,
                    configuration=Digest(configuration),
                    planted=planted,
                    caught=caught,
                    outcome=Outcome(outcome),
                    index=item.index,
                    at=item.statement.context.recorded_at,
                )
            case _:
                continue  # the schema, held when it was written, lets none of these in


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"

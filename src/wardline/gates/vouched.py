"""What stands behind a decision: how the newest trial of each policy asked and of each check read came out."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from wardline.canonical import JSONObject, digest_of
from wardline.evidence.log import Evidence
from wardline.gates.judge import Question
from wardline.gates.policy import Policy
from wardline.gates.readings import REHEARSAL, SBOM, SCAN, TEST_RESULT
from wardline.gates.trials import SELF_TEST, Kind, Trials, Tried, newest_trials
from wardline.outcomes import Outcome, worst

# Names of checks; those of tools go on with the name that the tool has in what it leaves.
SCANS: Final = "scan/"
COMPONENTS: Final = "sbom/"
TESTS: Final = "tests"
RELEASES: Final = "releases/local"
_FAMILIES: Final = {SCAN: SCANS, SBOM: COMPONENTS}

UNTRIED: Final = "untried"  # no trial is on record: nobody knows, which is not the same as a fault that got past


def with_trials(
    question: Question,
    asked: Sequence[Policy],
    tests: Iterable[Evidence],
    *,
    run: Iterable[Evidence],
    now: datetime,
) -> Question:
    """Return `question` with what is known of the policies that are `asked` and of the checks whose results it reads.

    `tests` are the self-tests in the log, the youngest first; `run` is what its run left, in log order.
    """
    policies = {policy.id: digest_of(policy.to_json()) for policy in asked}
    checks = checks_read(run, question.document)
    trials = newest_trials(tests, policies=policies.values(), checks=checks.items())
    sections = [
        *(_section(Kind.POLICY, name, trials.of_policy(digest), now) for name, digest in policies.items()),
        *(_section(Kind.CHECK, name, trials.of_check(name, version), now) for name, version in checks.items()),
    ]
    leaves = {log for section in sections if isinstance(log := section.get("log"), int)}
    return replace(
        question,
        document=question.document | {"self_tests": [*sections]},
        evidence=tuple(sorted({*question.evidence, *leaves})),
    )


def checks_read(run: Iterable[Evidence], document: JSONObject) -> dict[str, str | None]:
    """Return the checks whose results count in `document`, with the version of each one's tool where that is known."""
    found = {name: version for item in run for name, version in [check_of(item)] if name is not None}
    return found | ({RELEASES: None} if "rehearsal" in document else {})


def doubted(items: Iterable[Evidence], trials: Trials) -> dict[int, Outcome]:
    """Return of which `items` that passed this cannot be believed, by log index, and what they are taken for.

    The check that left it did not catch its planted faults; or it is a self-test, and not all that was tried holds.
    """
    overall = worst(tried.outcome for tried in trials.standing())
    found: dict[int, Outcome] = {}
    for item in items:
        if item.statement.context.outcome is not Outcome.PASSED:
            continue
        name, version = check_of(item)
        tried = None if name is None else trials.of_check(name, version)
        if tried is not None and tried.outcome is not Outcome.PASSED:
            found[item.index] = Outcome.INCONCLUSIVE
        elif item.statement.predicate_type == SELF_TEST and overall is not Outcome.PASSED:
            found[item.index] = overall
    return found


def check_of(item: Evidence) -> tuple[str | None, str | None]:
    """Return which check left `item`, and the version of its tool; None where none did, or it is not known."""
    kind = item.statement.predicate_type
    if kind == TEST_RESULT:
        return TESTS, None
    if kind == REHEARSAL:
        return RELEASES, None
    match item.statement.body.get("scanner"):
        case {"name": str(name), **more} if kind in _FAMILIES:
            version = more.get("version")
            return f"{_FAMILIES[kind]}{name}", version if isinstance(version, str) else None
        case _:
            return None, None


def _section(kind: Kind, name: str, tried: Tried | None, now: datetime) -> JSONObject:
    if tried is None:
        return {"kind": kind.value, "name": name, "outcome": UNTRIED}
    return {
        "kind": kind.value,
        "name": name,
        "outcome": tried.outcome.value,
        "planted": tried.planted,
        "caught": tried.caught,
        "age_s": (now - tried.at) // timedelta(seconds=1),
        "log": tried.index,
    }

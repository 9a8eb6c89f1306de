"""What stands behind a decision: how the newest trial of each policy asked and of each check read came out."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from wardline.canonical import JSON, JSONObject, digest_of
from wardline.gates.judge import Question
from wardline.gates.policy import Policy
from wardline.gates.trials import Kind, Trials, Tried

# Names of checks, by what they leave: what a gate reads of them says whose it is.
SCAN: Final = "scan/"
COMPONENTS: Final = "sbom/"
TESTS: Final = "tests"
RELEASES: Final = "releases/local"

UNTRIED: Final = "untried"  # no trial is on record: nobody knows, which is not the same as a fault that got past


def with_trials(question: Question, asked: Sequence[Policy], trials: Trials, *, now: datetime) -> Question:
    """Return `question` with what is known of the policies that are `asked` and of the checks it reads."""
    sections = [
        *(_section(Kind.POLICY, policy.id, trials.of_policy(digest_of(policy.to_json())), now) for policy in asked),
        *(
            _section(Kind.CHECK, name, trials.of_check(name, version), now)
            for name, version in checks_read(question.document)
        ),
    ]
    leaves = {log for section in sections if isinstance(log := section.get("log"), int)}
    return replace(
        question,
        document=question.document | {"self_tests": [*sections]},
        evidence=tuple(sorted({*question.evidence, *leaves})),
    )


def checks_read(document: JSONObject) -> tuple[tuple[str, str | None], ...]:
    """Return the checks whose results are in `document`, with the version of the tool where it is known."""
    return tuple(dict.fromkeys(_read(document)))


def _read(document: JSONObject) -> Iterator[tuple[str, str | None]]:
    scans = document.get("scans")
    for scan in scans if isinstance(scans, list) else ():
        yield from _named(scan, SCAN)
    yield from _named(document.get("sbom"), COMPONENTS)
    if "tests" in document:
        yield TESTS, None
    if "rehearsal" in document:
        yield RELEASES, None


def _named(section: JSON, family: str) -> Iterator[tuple[str, str | None]]:
    match section:
        case {"scanner": str(name), "scanner_version": str(version)}:
            yield f"{family}{name}", version
        case {"scanner": str(name)}:
            yield f"{family}{name}", None
        case _:
            return


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

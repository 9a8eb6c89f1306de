"""Re-checks: what was seen of the same artifact after this run had looked at it, in whichever run, and is bad.

A run looks once. If another run of the same artifact finds a serious weakness later, or its tests fail there, then
what people approved here is not what they thought it was.
"""

from collections.abc import Iterator, Sequence

from wardline.canonical import JSON, JSONObject
from wardline.evidence.log import Evidence
from wardline.findings.finding import Severity
from wardline.gates.door import Door
from wardline.gates.readings import SCAN, TEST_RESULT, findings_of
from wardline.outcomes import Outcome

SERIOUS = frozenset({Severity.CRITICAL.value, Severity.HIGH.value})


def rechecks(door: Door, evidence: Sequence[Evidence]) -> list[JSON]:
    """Return what other runs saw of the artifact at `door` since its own run looked, in log order.

    It is a serious finding that the run itself did not have, or tests that failed. A later check that sees nothing
    takes none of it back: somebody has to look at why.
    """
    own = [item for item in evidence if item.statement.context.run == door.run]
    others = [item for item in evidence if item.statement.context.run != door.run and _is_about(item, door)]
    return [*_findings(own, others), *_tests(own, others)]


def _findings(own: Sequence[Evidence], others: Sequence[Evidence]) -> Iterator[JSON]:
    looked = _last(own, SCAN)
    if looked is None:
        return
    known = {finding.get("id") for item in own if _is(item, SCAN) for finding in findings_of(item)}
    for item in others:
        if not _is(item, SCAN) or item.index < looked:
            continue
        for finding in findings_of(item):
            if finding.get("severity") in SERIOUS and finding.get("id") not in known:
                known.add(finding.get("id"))
                seen: JSONObject = {"id": finding.get("id"), "severity": finding.get("severity")}
                yield {"log": item.index, "kind": "finding", **seen}


def _tests(own: Sequence[Evidence], others: Sequence[Evidence]) -> Iterator[JSON]:
    looked = _last(own, TEST_RESULT)
    if looked is None:
        return
    for item in others:
        if _is(item, TEST_RESULT) and item.index > looked and item.statement.context.outcome is Outcome.FAILED:
            yield {"log": item.index, "kind": "tests", "outcome": Outcome.FAILED.value}


def _last(evidence: Sequence[Evidence], predicate_type: str) -> int | None:
    return max((item.index for item in evidence if _is(item, predicate_type)), default=None)


def _is(item: Evidence, predicate_type: str) -> bool:
    return item.statement.predicate_type == predicate_type


def _is_about(item: Evidence, door: Door) -> bool:
    return any(subject.digest == door.artifact for subject in item.statement.subjects)

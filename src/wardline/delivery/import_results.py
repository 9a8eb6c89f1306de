"""Import results: take what a policy tool outside wrote about a commit, and keep it as evidence."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from wardline.canonical import Digest, encode
from wardline.delivery.collect_evidence import Collector
from wardline.errors import InvalidInput
from wardline.evidence.log import Evidence
from wardline.findings.policy_reports import MAX_REPORT, PolicyTool, read_report
from wardline.findings.policy_results import PolicyResults
from wardline.predicates import BlobRef

_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}", re.ASCII)
_VERSION = re.compile(r"v?[0-9][0-9A-Za-z.+-]{0,39}", re.ASCII)
_REPORT = "application/json"
_MOST_FILES = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class HandedIn:
    """The files that one run of a tool wrote about a commit. `decision`: of `opa exec`; see `read_report`."""

    service: str
    commit: str
    tool: PolicyTool
    version: str | None
    contents: tuple[bytes, ...]
    decision: str | None = None


def import_results(handed: HandedIn, *, collect: Collector) -> Evidence:
    """Record what the report says; where it says nothing that can be believed, that it is errored.

    Raises:
        InvalidInput: No full commit id, a version that is none, or too many files.
    """
    if _COMMIT.fullmatch(handed.commit) is None:
        raise InvalidInput(f"expected a full commit id of 40 or 64 hex digits, got {handed.commit[:80]!r}")
    if handed.version is not None and _VERSION.fullmatch(handed.version) is None:
        raise InvalidInput(f"expected a version such as 0.56.0, got {handed.version[:80]!r}")
    if len(handed.contents) > _MOST_FILES:
        raise InvalidInput(f"expected at most {_MOST_FILES} files of one report, got {len(handed.contents)}")
    results = PolicyResults(
        service=handed.service,
        commit=handed.commit,
        tool=handed.tool,
        version=handed.version,
        report=read_report(handed.tool, handed.contents, decision=handed.decision),
        kept=tuple(_kept(content, collect) for content in handed.contents if len(content) <= MAX_REPORT),
    )
    told = Digest.of(encode([Digest.of(content).hex for content in handed.contents])).short
    step = f"policy-results/{handed.tool}/{handed.commit[:12]}/{told}/{collect.log.size()}"
    return collect.once(step, None, lambda: results)


def _kept(content: bytes, collect: Collector) -> BlobRef:
    redactor = collect.redactor()
    return collect.blobs.put(redactor.feed(content) + redactor.finish(), _REPORT)


def problems_in(results: Evidence) -> Sequence[str]:
    """Return what the recorded results say against the commit, one line each; empty: all passed."""
    body = results.statement.body
    reason, failed, errored = body.get("reason"), body.get("failed"), body.get("errored")
    return [
        *([f"nothing could be read from it: {reason}"] if reason is not None else []),
        *([f"{failed} failed"] if failed else []),
        *([f"{errored} could not be looked at"] if errored else []),
    ]

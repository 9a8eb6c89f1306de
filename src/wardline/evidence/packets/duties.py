"""What still needs a person, as far as the statements of a run tell: duties that no machine can do.

Part of the page of a packet. It lists what was let pass, what nobody could look at, and what is not there; that the
list is short does not mean that nothing is left to do.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from wardline.canonical import JSON
from wardline.evidence.log import Evidence
from wardline.evidence.mentions import DECISION, DEPLOYMENT, member
from wardline.evidence.packets.markup import plain
from wardline.evidence.packets.told import Told, first_body, items_of
from wardline.outcomes import Outcome
from wardline.predicates import NAMESPACE

SOURCE = f"{NAMESPACE}/source/v1"
PROVENANCE = "https://slsa.dev/provenance/v1"
TEST_RESULT = "https://in-toto.io/attestation/test-result/v0.1"
SBOM = f"{NAMESPACE}/sbom/v1"
SCAN = f"{NAMESPACE}/scan/v1"
STAGE_STOPPED = f"{NAMESPACE}/stage-stopped/v1"
APPROVAL = f"{NAMESPACE}/approval/v1"
REJECTION = f"{NAMESPACE}/rejection/v1"
WAIVER = f"{NAMESPACE}/waiver/v1"
BREAK_GLASS = f"{NAMESPACE}/break-glass/v1"
ANALYSIS = f"{NAMESPACE}/analysis/v1"
REHEARSAL = f"{NAMESPACE}/rollback-rehearsal/v1"
SEAL = f"{NAMESPACE}/seal/v1"

_SERIOUS = ("critical", "high")


@dataclass(frozen=True, slots=True, kw_only=True)
class Duty:
    """One thing to do. `by`: a date, or None; `rests_on`: the statements that show it."""

    what: str
    why: str
    by: str | None = None
    rests_on: tuple[int, ...] = ()


def duties(told: Told) -> list[Duty]:
    """Return the duties that remain, most pressing first."""
    return [
        *_emergencies(told),
        *_unfinished(told),
        *_awaited(told),
        *_undecided(told),
        *_waived(told),
        *_let_pass(told),
        *_not_seen(told),
        *_not_there(told),
        *_people(told),
    ]


def emergencies(told: Told) -> list[Evidence]:
    """Return the decisions of the run that set something aside under break-glass."""
    return [item for item in told.of(DECISION) if member(item.statement.body, "wardline_decision", "emergency")]


def _emergencies(told: Told) -> Iterator[Duty]:
    for item in emergencies(told):
        decision = member(item.statement.body, "wardline_decision")
        glass = member(decision, "emergency", "log")
        aside = sum(member(each, "verdict") == "set-aside" for each in items_of(decision, "reasons"))
        yield Duty(
            what=f"Review the emergency release to {plain(member(decision, 'environment'))}, "
            "as compliance and as clinical-safety",
            why=f"EMERGENCY: {aside} set aside under break-glass. A review is said after the run, so it is not here",
            rests_on=(item.index, glass) if isinstance(glass, int) else (item.index,),
        )


def _unfinished(told: Told) -> Iterator[Duty]:
    if not told.of(SEAL):
        yield Duty(
            what="Ask for the packet again when the run has ended", why="it is under way: more may be said of it"
        )
    for item in told.of(DEPLOYMENT):
        body = item.statement.body
        if item.statement.context.outcome is not Outcome.PASSED:
            yield Duty(
                what=f"Find out what went wrong in {plain(member(body, 'environment'))}",
                why=f"the deployment ended {plain(member(body, 'phase'))}: {plain(member(body, 'reason'))}",
                rests_on=(item.index,),
            )


def _undecided(told: Told) -> Iterator[Duty]:
    """Yield what policies objected to or could not look at, where that was the last word at a gate."""
    for environment, item in _last_decisions(told).items():
        for reason in items_of(item.statement.body, "wardline_decision", "reasons"):
            verdict = plain(member(reason, "verdict"))
            if verdict != "allow":
                # What a policy shows beside its message stands with the gates.
                message = plain(member(reason, "message")).partition(" [")[0]
                yield Duty(
                    what=f"Settle “{plain(member(reason, 'policy'))}” before {environment}",
                    why=f"{verdict}: {message}",
                    rests_on=(item.index,),
                )


def _awaited(told: Told) -> Iterator[Duty]:
    """Yield the approvals that the last decision at a gate asked for and did not have."""
    for environment, item in _last_decisions(told).items():
        asked = _asked(told, item)
        given = [plain(member(each, "role")) for each in items_of(asked, "approvals", "standing")]
        for required in items_of(asked, "approvals", "required"):
            role, count = plain(member(required, "role")), member(required, "count")
            if isinstance(count, int) and given.count(role) < count:
                yield Duty(
                    what=f"Approve or reject as {role}, before {environment}",
                    why=f"{given.count(role)} of {count} given",
                    rests_on=(item.index,),
                )


def _waived(told: Told) -> Iterator[Duty]:
    found = {plain(member(each, "id")): each for each in _findings(told)}
    for item in told.every(WAIVER):
        body = item.statement.body
        name, place = plain(member(body, "finding")), plain(member(body, "environment") or "every environment")
        finding = found.get(name)
        seen = "" if finding is None else f": {_described(finding)}"
        yield Duty(
            what=f"Mend {name}, or accept its risk again",
            why=f"{item.statement.context.actor} let it pass in {place}{seen}",
            by=plain(member(body, "expires_at")),
            rests_on=(item.index,),
        )


def _let_pass(told: Told) -> Iterator[Duty]:
    waived = {plain(member(item.statement.body, "finding")) for item in told.every(WAIVER)}
    open_findings = [each for each in _findings(told) if plain(member(each, "id")) not in waived]
    serious = [each for each in open_findings if plain(member(each, "severity")) in _SERIOUS]
    for each in serious[:20]:  # the rest is in the table of findings
        yield Duty(what=f"Judge finding {plain(member(each, 'id'))}", why=f"nobody waived it: {_described(each)}")
    others = len(open_findings) - len(serious)
    if others:
        why = f"{others} below high that no waiver names: the policies let them pass"
        yield Duty(what="Accept or mend the lesser findings", why=why)


def _not_seen(told: Told) -> Iterator[Duty]:
    """Yield the checks that ran and could not tell. `errored` and `inconclusive` are never a yes."""
    for item in told.of(TEST_RESULT, SBOM, SCAN, ANALYSIS, REHEARSAL, STAGE_STOPPED):
        outcome, body = item.statement.context.outcome, item.statement.body
        if outcome in {Outcome.ERRORED, Outcome.INCONCLUSIVE}:
            codes = [member(body, "reason"), member(body, "code"), *items_of(body, "reasons")]
            why = ", ".join(plain(code) for code in codes if code is not None) or outcome.value
            yield Duty(
                what=f"Have looked at what {item.statement.context.step} could not tell",
                why=f"{outcome.value}: {why}",
                rests_on=(item.index,),
            )
        skipped = member(body, "wardline_tests", "skipped")
        if isinstance(skipped, int) and skipped > 0:
            yield Duty(what="Know why tests were skipped", why=f"{skipped} skipped", rests_on=(item.index,))


def _not_there(told: Told) -> Iterator[Duty]:
    """Yield the checks that nobody ran on something that was deployed."""
    if told.of(DEPLOYMENT) and told.of(SOURCE):  # else what went anywhere was judged in the run that built it
        looked = {"tests": TEST_RESULT, "list of components (SBOM)": SBOM, "code scan": SCAN}
        if _reached_production(told):
            looked |= {"rehearsal of the way back": REHEARSAL, "approval by a person": APPROVAL}
        for name, kind in looked.items():
            if not told.of(kind):
                yield Duty(what=f"Decide whether it may go without: {name}", why="the run holds none")
    if any(gone.why == "missing" for gone in told.absent):
        yield Duty(what="Ask where documents went", why="some are kept no more, and the log does not say why")


def _people(told: Told) -> Iterator[Duty]:
    source = told.of(SOURCE)
    if source and member(first_body(source), "author") is None:
        yield Duty(
            what="Tell who wrote the change",
            why="its author maps to nobody enrolled, so whether somebody judged their own work is not known",
            rests_on=(source[0].index,),
        )
    by_person: dict[str, set[str]] = {}
    for item in told.of(APPROVAL):
        by_person.setdefault(item.statement.context.actor, set()).add(plain(member(item.statement.body, "role")))
    for person, roles in sorted(by_person.items()):
        if len(roles) > 1:
            why = f"{person} approved as {', '.join(sorted(roles))}"
            yield Duty(what="Judge whether one person may stand for several roles", why=why)
    if told.of(PROVENANCE):
        yield Duty(
            what="Trust the machine that built it, or look at it",
            why="it was built beside the key that signs this record (SLSA Build L1)",
        )
    yield Duty(
        what="Know the people behind the pseudonyms",
        why="the record names principals and keys; the organisation knows whose they are",
    )
    yield Duty(
        what="Judge whether this satisfies the law",
        why="controls are listed where a policy speaks to them; what else they ask for is not in this record",
    )


def _last_decisions(told: Told) -> dict[str, Evidence]:
    last: dict[str, Evidence] = {}
    for item in told.of(DECISION):
        last[plain(member(item.statement.body, "wardline_decision", "environment"))] = item
    return last


def _asked(told: Told, decision: Evidence) -> JSON:
    """Return the document that the policies were asked about; None: it did not come along."""
    return told.document(member(decision.statement.body, "wardline_decision", "input_digest", "sha256"))


def _reached_production(told: Told) -> bool:
    reached = {plain(member(item.statement.body, "environment")) for item in told.of(DEPLOYMENT)}
    return any(
        environment in reached and member(_asked(told, item), "environment", "production") is True
        for environment, item in _last_decisions(told).items()
    )


def _findings(told: Told) -> list[JSON]:
    return [finding for item in told.of(SCAN) for finding in items_of(item.statement.body, "findings")]


def _described(finding: JSON) -> str:
    place = f"{plain(member(finding, 'path'))}:{plain(member(finding, 'line'))}"
    rule = f"{plain(member(finding, 'check'))} {plain(member(finding, 'rule'))}"
    return f"{plain(member(finding, 'severity'))}, {rule} at {place}, {plain(member(finding, 'message'))}"

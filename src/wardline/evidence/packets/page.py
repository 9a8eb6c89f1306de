"""The page of a packet: what its statements say, for a person who reads it in a browser or on paper.

A pure function of the statements and of which blobs came along, and part of packet format 2: any change to what it
returns is a new format, because a verifier renders the page again and compares.
"""

import re
from collections.abc import Callable

from wardline.canonical import JSON
from wardline.clock import to_rfc3339
from wardline.evidence.log import Evidence
from wardline.evidence.mentions import DECISION, DEPLOYMENT, ERASURE, KEY_CHANGE, blobs_of, member
from wardline.evidence.packets.controls_named import controls_named, law_of
from wardline.evidence.packets.duties import (
    ANALYSIS,
    APPROVAL,
    BREAK_GLASS,
    PROVENANCE,
    REHEARSAL,
    REJECTION,
    SBOM,
    SCAN,
    SEAL,
    SOURCE,
    STAGE_STOPPED,
    TEST_RESULT,
    WAIVER,
    duties,
    emergencies,
)
from wardline.evidence.packets.forgotten import erased_on, person, unreadable_texts
from wardline.evidence.packets.markup import NOTHING, Mark, Row, coloured, escape, facts, listed, plain, table
from wardline.evidence.packets.told import Told, first_body, items_of
from wardline.outcomes import Outcome
from wardline.predicates import NAMESPACE

_ENROLMENT = f"{NAMESPACE}/enrolment/v1"
_MOMENT = re.compile(r"(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2}:\d{2})\.\d{3}Z", re.ASCII)

# Phases that end a deployment; those before are steps on its way.
_ENDINGS = frozenset({"succeeded", "rolled-back", "failed", "stopped", "fenced"})


def render(told: Told) -> str:
    """Return the HTML that stands between the frame's parts."""
    parts = [_heading(told), _notice(told)]
    parts += [f"<h2>{title}</h2>\n{section(told)}" for title, section in _SECTIONS]
    return "\n".join(parts) + "\n"


def _heading(told: Told) -> str:
    service, version = _service(told), _version(told)
    return (
        f"<h1>Release record: {escape(service)} {escape(version)}</h1>\n"
        f"<p>Run <code>{escape(told.run)}</code> of log <code>{escape(told.origin)}</code></p>"
    )


def _notice(told: Told) -> str:
    notice = (
        '<p class="notice">This page proves nothing until <code>wardline verify</code> says so, with a key that did '
        "not come with this file. It records evidence; whether that meets a requirement of the law is for people to "
        "judge. It is not legal advice.</p>"
    )
    if emergencies(told):
        said = "EMERGENCY: rules were set aside under break-glass. They stand with the gates, marked set-aside."
        notice += f'\n<p class="warning">{said}</p>'
    if told.of(SEAL):
        return notice
    return f'{notice}\n<p class="warning">This run is not sealed: its record is not complete.</p>'


def _summary(told: Told) -> str:
    own, source = told.own(), first_body(told.of(SOURCE))
    return facts(
        [
            ("How it ended", Mark(member(first_body(told.of(SEAL)), "status") or "not sealed")),
            ("Service", _service(told)),
            ("Version", _version(told)),
            ("Artifact", _artifact(told)),
            ("Commit", member(source, "commit", "sha")),
            ("Author", _author(told) or ("unmapped" if source else None)),
            ("Criticality", member(source, "criticality")),
            ("Data", listed(member(source, "data"))),
            ("Regulations named", listed(member(source, "regulations"))),
            ("Began", _when(own[0]) if own else None),
            ("Ended", _when(own[-1]) if told.of(SEAL) else None),
            ("Statements", f"{len(own)} of this run, {len(told.evidence) - len(own)} that they rest on"),
        ]
    )


def _duties(told: Told) -> str:
    rows: list[Row] = [(duty.what, duty.why, _moment(duty.by), listed([*duty.rests_on])) for duty in duties(told)]
    return (
        '<p class="small">What was let pass, what nobody could look at, what is not there, and what no machine can '
        "judge. As far as the statements tell; it is not a list of everything.</p>\n"
        + table(("To do", "Why", "By", "Statement"), rows)
    )


def _controls(told: Told) -> str:
    said = (
        '<p class="small">Of each requirement that a policy speaks to: what the last decision at each gate said. A '
        "verdict supports a judgement of the requirement; it is not that judgement.</p>"
    )
    parts = [said]
    by_law: dict[str, list[Row]] = {}
    for named in controls_named(told):
        where = ", ".join(named.environments)
        row: Row = (named.control, Mark(named.verdict), ", ".join(named.policies), where, listed([*named.decisions]))
        by_law.setdefault(law_of(named.control), []).append(row)
    for law, rows in by_law.items():
        parts.append(f"<h3>{escape(law)}</h3>\n")
        parts.append(table(("Requirement", "Verdict", "Policies", "Environments", "Statement"), rows))
    return "\n".join(parts) if by_law else NOTHING


def _who(told: Told) -> str:
    rows: list[Row] = [
        (_author(told) or "nobody enrolled", "wrote the change", _when(item), item.index) for item in told.of(SOURCE)
    ]
    for item in told.of(BREAK_GLASS):
        joins = member(item.statement.body, "joins") is not None
        did = (
            f"{'joined those who broke' if joins else 'broke'} the glass: {plain(member(item.statement.body, 'code'))}"
        )
        rows.append((_actor(told, item), did, _when(item), item.index))
    for item in told.of(APPROVAL, REJECTION):
        body = item.statement.body
        answer = "approved" if item.statement.predicate_type == APPROVAL else "rejected"
        did = f"{answer} for {plain(member(body, 'environment'))} as {plain(member(body, 'role'))}"
        rows.append((_actor(told, item), did, _when(item), item.index))
    for item in told.every(WAIVER):
        did = f"let {plain(member(item.statement.body, 'finding'))} pass for a while"
        rows.append((_actor(told, item), did, _when(item), item.index))
    return table(("Principal", "Did", "When", "Statement"), rows)


def _environments(told: Told) -> str:
    rows: list[Row] = []
    for item in told.of(DEPLOYMENT):
        body = item.statement.body
        if plain(member(body, "phase")) in _ENDINGS:
            release = f"{plain(member(body, 'release', 'version'))} ({plain(member(body, 'release', 'id'))})"
            serving = member(body, "serving") or "nothing"
            head = (member(body, "environment"), _when(item), _ended(item), release)
            rows.append((*head, member(body, "strategy"), member(body, "reason"), serving, member(body, "decision")))
    headings = ("Environment", "When", "How it ended", "Release", "Strategy", "Reason", "Serving after", "Allowed by")
    return table(headings, rows)


def _gates(told: Told) -> str:
    parts = []
    for item in told.of(DECISION):
        decision = member(item.statement.body, "wardline_decision")
        rows: list[Row] = [
            (member(r, "policy"), Mark(member(r, "verdict")), member(r, "message"), listed(member(r, "controls")))
            for r in items_of(decision, "reasons")
        ]
        parts.append(
            f"<h3>{escape(member(decision, 'environment'))}: {coloured(plain(member(decision, 'verdict')))}"
            f"{', EMERGENCY' if member(decision, 'emergency') else ''}</h3>\n"
            f'<p class="small">Statement {item.index}, {escape(_when(item))}. '
            f"Policies <code>{escape(member(decision, 'policy_digest', 'sha256'))}</code>, "
            f"asked about <code>{escape(member(decision, 'input_digest', 'sha256'))}</code>.</p>\n"
            + table(("Policy", "Verdict", "Why", "Requirements it speaks to"), rows)
        )
    return "\n".join(parts) or NOTHING


def _approvals(told: Told) -> str:
    rows: list[Row] = []
    for item in told.of(APPROVAL, REJECTION):
        body = item.statement.body
        answer = "approved" if item.statement.predicate_type == APPROVAL else "rejected"
        who, keyid = _actor(told, item), item.envelope.signatures[0].keyid
        rows.append(
            (member(body, "environment"), member(body, "role"), Mark(answer), who, _when(item), keyid, item.index)
        )
    return table(("Environment", "Role", "Answer", "By", "When", "Signed with key", "Statement"), rows)


def _tests(told: Told) -> str:
    rows: list[Row] = []
    for item in told.of(TEST_RESULT):
        tests = member(item.statement.body, "wardline_tests")
        counts = tuple(member(tests, name) for name in ("executed", "passed", "failed", "errored", "skipped"))
        coverage = (_percent(member(tests, "coverage_bp")), _percent(member(tests, "min_coverage_bp")))
        rows.append((_outcome(item), *counts, *coverage, item.index))
    headings = ("Outcome", "Executed", "Passed", "Failed", "Errored", "Skipped", "Coverage", "Required", "Statement")
    return table(headings, rows)


def _scans(told: Told) -> str:
    rows: list[Row] = []
    for item in told.of(SCAN, SBOM):
        body = item.statement.body
        scanner = f"{plain(member(body, 'scanner', 'name'))} {plain(member(body, 'scanner', 'version'))}"
        if item.statement.predicate_type == SBOM:
            saw, part = f"{plain(member(body, 'components'))} components", "1 of 1"
        else:
            saw = (
                f"{plain(member(body, 'looked_at', 'files'))} files, {plain(member(body, 'looked_at', 'lines'))} lines"
            )
            part = f"{plain(member(body, 'part', 'number'))} of {plain(member(body, 'part', 'of'))}"
        rows.append((scanner, _outcome(item), saw, member(body, "reason"), part, item.index))
    return table(("Scanner", "Outcome", "Looked at", "Reason", "Part", "Statement"), rows)


def _findings(told: Told) -> str:
    waived = {plain(member(item.statement.body, "finding")) for item in told.every(WAIVER)}
    rows: list[Row] = []
    for item in told.of(SCAN):
        for found in items_of(item.statement.body, "findings"):
            place = f"{plain(member(found, 'path'))}:{plain(member(found, 'line'))}"
            names = (member(found, "id"), Mark(member(found, "severity")), member(found, "rule"))
            waiver = "a waiver names it" if plain(member(found, "id")) in waived else None
            rows.append((*names, place, member(found, "message"), waiver))
    return table(("Finding", "Severity", "Rule", "Place", "What the rule says", "Waiver"), rows)


def _waivers(told: Told) -> str:
    rows: list[Row] = []
    for item in told.every(WAIVER):
        body, who = item.statement.body, _actor(told, item)
        place = member(body, "environment") or "all"
        rows.append((member(body, "finding"), place, _moment(member(body, "expires_at")), who, _when(item), item.index))
    return table(("Finding", "Environment", "Expires", "Signed by", "When", "Statement"), rows)


def _analyses(told: Told) -> str:
    rows: list[Row] = []
    for item in told.of(ANALYSIS):
        body = item.statement.body
        seen = tuple(member(body, name) for name in ("requests", "errors", "p95_ms", "restarts"))
        head = (member(body, "environment"), member(body, "percent"), _outcome(item))
        rows.append((*head, *seen, listed(member(body, "reasons")), item.index))
    headings = ("Environment", "Traffic %", "Outcome", "Requests", "Errors", "p95 ms", "Restarts", "Why", "Statement")
    return table(headings, rows)


def _rehearsals(told: Told) -> str:
    rows: list[Row] = []
    for item in told.of(REHEARSAL):
        body = item.statement.body
        back = member(body, "from", "release") or "nothing: a first release"
        same = "yes" if member(body, "same_digests") is True else "no"
        head = (member(body, "environment"), _when(item), _outcome(item))
        rows.append((*head, back, member(body, "to", "release"), member(body, "rollback_ms"), same, item.index))
    headings = ("Environment", "When", "Outcome", "Back to", "And to", "Back after ms", "Same digests", "Statement")
    return table(headings, rows)


def _stopped(told: Told) -> str:
    rows: list[Row] = []
    for item in told.of(STAGE_STOPPED):
        body = item.statement.body
        rows.append((member(body, "stage"), _outcome(item), member(body, "code"), item.index))
    return table(("Stage", "Outcome", "Why", "Statement"), rows)


def _documents(told: Told) -> str:
    here = dict.fromkeys((blob.reference for blob in told.enclosed), "in this packet")
    gone = {each.reference: each for each in told.absent}
    unreadable = unreadable_texts(told)
    rows: list[Row] = []
    for item in told.evidence:
        for reference in sorted(blobs_of(item), key=lambda each: (each.digest, each.media_type, each.size_bytes)):
            where = here.get(reference, "stayed behind")
            if reference in gone:
                purged = gone[reference].statement
                where = gone[reference].why if purged is None else f"purged under statement {purged}"
            elif erasure := unreadable.get(reference.digest.hex):
                where = f"{erased_on(erasure)} under statement {erasure.index}"
            step = item.statement.context.step
            rows.append(
                (step, reference.media_type, reference.size_bytes, reference.digest.hex, Mark(where), item.index)
            )
    return table(("Step", "Kind", "Bytes", "SHA-256", "Where", "Statement"), rows)


def _people(told: Told) -> str:
    rows: list[Row] = []
    for item in told.every(_ENROLMENT):
        body, by = item.statement.body, item.statement.context.actor
        roles = listed(member(body, "roles"))
        who = person(told, member(body, "principal"), index=item.index)
        rows.append((who, roles, member(body, "key", "keyid"), by, _when(item), item.index))
    return table(("Principal", "Roles", "Key", "Enrolled by", "When", "Statement"), rows)


def _erasures(told: Told) -> str:
    rows: list[Row] = []
    for item in told.every(ERASURE):
        body, by = item.statement.body, item.statement.context.actor
        who = member(body, "principal") or "nobody enrolled"
        texts, stays = member(body, "destroyed", "texts"), member(body, "kept", "statements")
        rows.append((_when(item), who, texts, stays, member(body, "kept", "law"), by, item.index))
    headings = ("When", "Principal", "Texts made unreadable", "Statements that stay", "By which law", "By", "Statement")
    return table(headings, rows)


def _keys(told: Told) -> str:
    rows: list[Row] = []
    for item in told.every(KEY_CHANGE):
        body, by = item.statement.body, item.statement.context.actor
        rows.append((member(body, "change"), member(body, "key", "keyid"), by, _when(item), item.index))
    return table(("Change", "Key", "By", "When", "Statement"), rows)


def _everything(told: Told) -> str:
    rows: list[Row] = []
    for item in told.evidence:
        statement, context = item.statement, item.statement.context
        kind = statement.predicate_type.removeprefix(f"{NAMESPACE}/")
        head = (item.index, _when(item), context.run or "outside", context.step, kind)
        rows.append((*head, _outcome(item), context.actor))
    return table(("Index", "When", "Run", "Step", "Says", "Outcome", "By"), rows)


_SECTIONS: tuple[tuple[str, Callable[[Told], str]], ...] = (
    ("What was shipped, and how it ended", _summary),
    ("What still needs a person", _duties),
    ("Who", _who),
    ("Where it went", _environments),
    ("Requirements of the law that policies speak to", _controls),
    ("Gates", _gates),
    ("Approvals", _approvals),
    ("Tests", _tests),
    ("Scans", _scans),
    ("Findings", _findings),
    ("Waivers", _waivers),
    ("Analyses", _analyses),
    ("Rollback rehearsal", _rehearsals),
    ("Stages that came to nothing", _stopped),
    ("Documents that statements name", _documents),
    ("People and their keys", _people),
    ("People who were forgotten", _erasures),
    ("Keys of the installation", _keys),
    ("Every statement in this packet", _everything),
)


def _service(told: Told) -> JSON:
    return member(first_body(told.of(SOURCE)), "service") or member(first_body(told.of(SEAL)), "service")


def _version(told: Told) -> JSON:
    built = member(first_body(told.of(PROVENANCE)), "wardline_bundle", "version")
    return built or member(first_body(told.of(DEPLOYMENT)), "release", "version")


def _author(told: Told) -> JSON:
    source = told.of(SOURCE)
    return person(told, member(first_body(source), "author"), index=source[0].index) if source else None


def _actor(told: Told, item: Evidence) -> JSON:
    return person(told, item.statement.context.actor, index=item.index)


def _artifact(told: Told) -> JSON:
    built = told.of(PROVENANCE) or told.of(DEPLOYMENT)
    return str(built[0].statement.subjects[0].digest) if built else None


def _outcome(item: Evidence) -> Mark:
    return Mark(item.statement.context.outcome.value)


def _ended(item: Evidence) -> JSON | Mark:
    """Return how a deployment ended: taking it back is no failure where somebody asked for it, or rehearsed it."""
    phase = member(item.statement.body, "phase")
    asked = plain(phase) == "rolled-back" and item.statement.context.outcome is Outcome.PASSED
    return "rolled-back, as intended" if asked else Mark(phase)


def _when(item: Evidence) -> str:
    return plain(_moment(to_rfc3339(item.statement.context.recorded_at)))


def _moment(value: JSON) -> JSON:
    """Return a moment as people write it, to the second; anything else as it is."""
    found = _MOMENT.fullmatch(value) if isinstance(value, str) else None
    return value if found is None else f"{found[1]} {found[2]} UTC"


def _percent(value: JSON) -> str | None:
    return f"{value // 100}.{value % 100:02} %" if isinstance(value, int) and value >= 0 else None

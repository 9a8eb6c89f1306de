"""Refuse: what a rule forbids is not done, and that somebody tried is evidence too."""

from dataclasses import dataclass

from wardline.delivery.collect_evidence import Collector
from wardline.delivery.sign import Signatory
from wardline.errors import Conflict, Refused
from wardline.identity.directory import Directory
from wardline.identity.predicates import Refusal
from wardline.identity.principals import Role
from wardline.identity.separation import Objection
from wardline.ids import RunId
from wardline.predicates import Subject


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """What somebody tried: a verb, in which run if any, on what. `takes`: any one of these roles may."""

    action: str
    run: RunId | None
    about: Subject
    by: Signatory
    takes: frozenset[Role] = frozenset()


def refuse(attempt: Attempt, objection: Objection, *, people: Directory, collect: Collector) -> Refused:
    """Record that `attempt` was refused and return the error to raise.

    Somebody who is not enrolled is not named: whatever they call themselves might be a name.
    """
    by = attempt.by.principal
    refusal = Refusal(
        action=attempt.action,
        code=objection.value,
        principal=by if people.find(by) is not None else None,
        about=attempt.about,
    )
    try:
        _record(refusal, attempt.run, collect)
    except Conflict:
        # The run is sealed and counted: what is tried on it afterwards stands outside of it.
        _record(refusal, None, collect)
    what, remedy = _WORDS[objection]
    if objection is Objection.WITHOUT_ROLE and attempt.takes:
        roles = " or ".join(sorted(role.value for role in attempt.takes))
        remedy = f"It takes the role {roles}: somebody who has it has to do it."
    return Refused(f"{attempt.action} refused: {what} ({objection.value})", remedy=remedy)


def refused(what: str, objection: Objection) -> Refused:
    """Return the error for what the installation itself was asked to do and may not; nobody is on record for it."""
    why, remedy = _WORDS[objection]
    return Refused(f"{what}: {why} ({objection.value})", remedy=remedy)


def _record(refusal: Refusal, run: RunId | None, collect: Collector) -> None:
    # Every attempt counts: the size of the log makes the next one another step.
    step = f"refusal/{refusal.action}/{collect.log.size()}"
    collect.signed(refusal, step=step, run=run, signer=collect.signer, actor=collect.machine)


_WORDS: dict[Objection, tuple[str, str]] = {
    Objection.NOT_ENROLLED: (
        "this principal is not enrolled",
        "An administrator enrols people: `wardline people enrol`.",
    ),
    Objection.DEPARTED: ("this principal has left", "An administrator can enrol them again."),
    Objection.NOT_A_PERSON: ("a machine answers for nothing", "Sign as a person."),
    Objection.WITHOUT_ROLE: ("this principal does not have the role", "Somebody with the role has to do it."),
    Objection.WRONG_KEY: ("this is not the key that is enrolled for the principal", "Use the enrolled key."),
    Objection.BAD_SIGNATURE: ("the signature does not hold", "Sign again with the enrolled key."),
    Objection.MALFORMED: ("what was signed cannot be read", "Sign what `wardline approve` shows."),
    Objection.IS_AUTHOR: ("author and approver must be two people", "Somebody else with the role has to do it."),
    Objection.AUTHOR_UNKNOWN: (
        "the author of the change is not enrolled, so nobody can tell author and approver apart",
        "Enrol the author with their e-mail address, then ship again.",
    ),
    Objection.SECOND_ROLE: ("one person answers for one role", "Somebody else with this role has to do it."),
    Objection.ANOTHER_MATTER: ("what was signed is not what would be released", "Look again and sign what is shown."),
    Objection.NOT_FOUNDING: (
        "the first enrolment is an administrator's own, signed with the key it names",
        "Enrol yourself as administrator first.",
    ),
    Objection.ALREADY_FOUNDED: ("there are administrators already", "Ask one of them to enrol you."),
    Objection.KEY_TAKEN: ("the key belongs or belonged to somebody else", "Make a new key: `wardline keys new`."),
    Objection.OWN_ERASURE: (
        "nobody judges their own request while somebody else can",
        "Another person with the role data-protection has to sign it.",
    ),
    Objection.LEGAL_HOLD: (
        "a legal hold forbids it until it is released (GDPR Art. 17(3)(e))",
        "`wardline log holds` lists it; tell the person that their request waits, and why.",
    ),
    Objection.ERASED: (
        "this principal was forgotten: its id gets no name again",
        "Enrol a person who comes back under a new id; without --name and --email this one may be enrolled.",
    ),
    Objection.LAST_ADMINISTRATOR: (
        "nobody would be left who can enrol people",
        "Enrol another administrator with a key first.",
    ),
    Objection.KEY_REVOKED: ("the key was revoked", "Make a new key and have it enrolled."),
    Objection.KEY_UNKNOWN: ("nobody holds this key", "See `wardline keys list`."),
    Objection.TOO_LATE: ("the time to answer is over", "Ship again, and answer in time (approvals_within)."),
    Objection.TRAINING_MISSING: (
        "no training in date is on record for this principal, and this release asks for it (45 CFR 164.308(a)(5)(i))",
        "Compliance or an administrator records it: `wardline people train ID --until DATE`.",
    ),
    Objection.TRAINING_LAPSED: (
        "the training of this principal has run out or was withdrawn (45 CFR 164.308(a)(5)(i))",
        "After a refresher, compliance or an administrator records it: `wardline people train ID --until DATE`.",
    ),
    Objection.OWN_TRAINING: (
        "nobody answers for their own training",
        "Somebody else with the role compliance or administrator has to sign it.",
    ),
    Objection.SAME_PERSON: (
        "it takes two people, and this one has said it already",
        "Somebody else with one of the roles has to do it.",
    ),
    Objection.TOOK_PART: (
        "nobody reviews an emergency they broke the glass for, or a change of their own",
        "Somebody who had no part in it has to review it.",
    ),
    Objection.LAST_KEY: (
        "the installation would have no other key for this",
        "Add another one first: `wardline keys rotate`.",
    ),
}

"""How people's words are told: printed name, moment and meaning beside each signature (21 CFR 11.50(a))."""

from collections.abc import Iterable, Mapping

from wardline.canonical import JSONObject
from wardline.delivery.accepted import Accepted
from wardline.delivery.standing import WordNow, WordsAtDoor
from wardline.evidence.log import Evidence
from wardline.gates.differences import Cause
from wardline.gates.predicates import APPROVAL, REJECTION
from wardline.gates.revocation import State
from wardline.ids import PrincipalId

_SAID = {
    State.STANDS: "stands",
    State.FALLEN: "FALLEN",
    State.NEVER_COUNTED: "never counted",
    State.SET_ASIDE: "set aside",
    State.SUPERSEDED: "superseded",
}


def words_to_lines(found: WordsAtDoor, names: Mapping[PrincipalId, str]) -> list[str]:
    decided = (
        "the gate has not decided" if found.decided is None else f"{found.decided[1]} at log index {found.decided[0]}"
    )
    lines = [f"run {found.run} before {found.environment}: {decided}; log of {found.log_size} statements"]
    for word in found.words:
        lines += _word_to_lines(word, names, decided=found.decided is not None)
    return lines if found.words else [*lines, "  nobody has said anything"]


def words_to_json(found: WordsAtDoor, names: Mapping[PrincipalId, str]) -> JSONObject:
    document = found.to_json()
    return document | {"words": [each.to_json() | {"printed": name_of(each.account.by, names)} for each in found.words]}


def name_of(principal: PrincipalId, names: Mapping[PrincipalId, str]) -> str:
    """Return the printed name of a signer, and the pseudonym that the evidence has."""
    return _printable(names.get(principal, f"nobody enrolled ({principal})"))


def signature_to_line(item: Evidence, names: Mapping[PrincipalId, str]) -> str | None:
    """Return who signed the word in `item`, when and meaning what; None: it is no word about a release."""
    if item.statement.predicate_type not in (APPROVAL, REJECTION):
        return None
    context, body = item.statement.context, item.statement.body
    said = f"{_printable(str(body.get('meaning')))} as {_printable(str(body.get('role')))}"
    who = name_of(context.actor, names)
    return f"{item.index} signed by {who} at {context.recorded_at:%Y-%m-%d %H:%M:%S} UTC: {said}"


def waiver_to_line(accepted: Accepted, names: Mapping[PrincipalId, str]) -> str:
    """Return what is let pass, where, until when, and who owns the risk."""
    waiver = accepted.waiver.waiver
    where = "everywhere" if waiver.environment is None else f"in {waiver.environment}"
    until = f"{'until' if accepted.stands else 'EXPIRED on'} {waiver.expires_at:%Y-%m-%d %H:%M:%S} UTC"
    owner = name_of(accepted.waiver.by, names)
    return f"{accepted.waiver.index} waiver: {_printable(waiver.finding)} is accepted {where} {until}, owner {owner}"


def people_to_lines(
    left: Iterable[Evidence], accepted: Iterable[Accepted], names: Mapping[PrincipalId, str]
) -> list[str]:
    """Return what people signed in a run, and which of its findings they let pass."""
    signed = [line for item in left if (line := signature_to_line(item, names)) is not None]
    return [*signed, *(waiver_to_line(waiver, names) for waiver in accepted)]


def _word_to_lines(word: WordNow, names: Mapping[PrincipalId, str], *, decided: bool) -> list[str]:
    account = word.account
    role = "a role nobody can read" if account.role is None else account.role.value
    who, when = name_of(account.by, names), f"{account.at:%Y-%m-%d %H:%M:%S} UTC"
    state = _SAID[account.state]
    if decided:
        state = f"at the gate: {state}; now: {_SAID[word.state]}"
    return [
        f"  {account.index}  {account.meaning} as {role}, by {who}, {when}: {state}",
        *(f"       {_cause_to_text(cause)}" for cause in (*account.causes, *word.fallen_by)),
    ]


def _cause_to_text(cause: Cause) -> str:
    where = "" if cause.log is None else f" by log index {cause.log}"
    when = "" if cause.at is None else f" on {cause.at:%Y-%m-%d %H:%M:%S} UTC"
    return f"{cause.code}{where}{when}: {_printable(cause.told)}"


def _printable(text: str) -> str:
    # Names and codes may be written by anybody: nothing in them may steer the terminal.
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)

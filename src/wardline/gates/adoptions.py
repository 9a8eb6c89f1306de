"""Which policies of the organisation stand: adopted by somebody entitled to, and retired by nobody who is."""

from collections.abc import Iterable
from dataclasses import dataclass

from wardline.errors import InvalidInput
from wardline.evidence.log import Evidence
from wardline.gates.enrolled import signed_by
from wardline.gates.policy_words import POLICY_ADOPTION, POLICY_RETIREMENT, PolicyAdoption, PolicyRetirement
from wardline.identity.directory import Directory
from wardline.identity.principals import Role
from wardline.identity.separation import to_act_as
from wardline.ids import PrincipalId

WORDS = (POLICY_ADOPTION, POLICY_RETIREMENT)
MAY_ADOPT = frozenset({Role.COMPLIANCE})


@dataclass(frozen=True, slots=True, kw_only=True)
class StandingAdoption:
    index: int
    by: PrincipalId
    adoption: PolicyAdoption


def standing_adoptions(evidence: Iterable[Evidence], *, people: Directory) -> tuple[StandingAdoption, ...]:
    """Return the adoptions that nobody has retired, in log order; `evidence` MUST be in that order.

    A word counts if somebody signed it who had the role compliance then. What their adoption began stays when
    they leave: a rule of the organisation is not theirs.
    """
    found: dict[int, StandingAdoption] = {}
    for item in evidence:
        word = _read(item, people) if item.statement.predicate_type in WORDS else None
        match word:
            case PolicyAdoption():
                by = item.statement.context.actor
                found[item.index] = StandingAdoption(index=item.index, by=by, adoption=word)
            case PolicyRetirement() if _is_of(word, found.get(word.adoption)):
                del found[word.adoption]
            case _:
                continue
    return tuple(found.values())


def _is_of(word: PolicyRetirement, standing: StandingAdoption | None) -> bool:
    if standing is None:
        return False
    adopted = standing.adoption
    return (word.policy, word.document) == (adopted.policy, adopted.document.digest)


def _read(item: Evidence, people: Directory) -> PolicyAdoption | PolicyRetirement | None:
    signer = people.as_of(item.index).find(item.statement.context.actor)
    if signer is None or signer.key is None or not signed_by(item, signer.key):
        return None
    if to_act_as(signer, Role.COMPLIANCE, keyid=signer.key.keyid) is not None:
        return None
    body = item.statement.body
    try:
        if item.statement.predicate_type == POLICY_ADOPTION:
            return PolicyAdoption.parse(body)
        return PolicyRetirement.parse(body)
    except InvalidInput:
        return None  # it was never accepted here

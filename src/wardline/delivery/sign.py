"""Sign: a person's own statement, in their own name, with their own key."""

from dataclasses import dataclass

from wardline.delivery.collect_evidence import Collector
from wardline.errors import Conflict
from wardline.evidence.envelopes import Signer
from wardline.evidence.log import Evidence
from wardline.ids import PrincipalId, RunId
from wardline.predicates import Predicate


@dataclass(frozen=True, slots=True, kw_only=True)
class Signatory:
    """Who acts, and the key they act with."""

    principal: PrincipalId
    signer: Signer


def sign(predicate: Predicate, *, step: str, run: RunId | None, by: Signatory, collect: Collector) -> Evidence:
    """Record `predicate`, signed by `by`.

    Raises:
        Conflict: Another statement took this place in the log at the same moment.
    """
    evidence = collect.signed(predicate, step=step, run=run, signer=by.signer, actor=by.principal)
    # The log keeps one statement per step: the other one is there, this one is not.
    if evidence.statement.body != predicate.body():
        raise Conflict(f"{step}: something else was recorded meanwhile", remedy="Look again, then repeat it.")
    return evidence

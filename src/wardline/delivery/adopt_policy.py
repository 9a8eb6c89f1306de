"""Adopt a policy of the organisation, or retire it: both signed by somebody who answers for compliance."""

from collections.abc import Sequence
from dataclasses import dataclass

from wardline.canonical import digest_of
from wardline.controls.library import Library
from wardline.delivery.collect_evidence import Collector
from wardline.delivery.enrol import enrolled
from wardline.delivery.refuse import Attempt, refuse
from wardline.delivery.sign import Signatory, sign
from wardline.errors import InvalidInput, NotFound
from wardline.evidence.log import Evidence
from wardline.gates.adoptions import MAY_ADOPT, WORDS, StandingAdoption, standing_adoptions
from wardline.gates.overlays import shadowing_problem
from wardline.gates.policy import Policy, PolicyEngine
from wardline.gates.policy_files import parse
from wardline.gates.policy_words import POLICY_FILE, PolicyAdoption, PolicyRetirement
from wardline.gates.self_test import faults
from wardline.identity.principals import Role
from wardline.identity.separation import to_act_as
from wardline.identity.subject_keys import principal_subject_id
from wardline.predicates import Subject


@dataclass(frozen=True, slots=True, kw_only=True)
class Adopting:
    """What adopting a policy needs.

    Attributes:
        shipped: The policies that come with Wardline.
    """

    collect: Collector
    library: Library
    shipped: Sequence[Policy]
    engine: PolicyEngine

    def check(self, content: bytes, *, where: str) -> Policy:
        """Return the policy in the file `where` if it can be adopted, before anybody is asked to sign.

        Raises:
            InvalidInput: It cannot be; `problems` has everything that is wrong with it.
            Unavailable: Its cases cannot be evaluated here.
        """
        policy = parse(content, where=where)
        taken = {each.id for each in self.shipped} | {each.adoption.policy for each in standing(self.collect)}
        problems = [
            *([shadowing_problem(where, policy.id)] if policy.id in taken else []),
            *unknown_controls(policy, self.library, where=where),
            *(f"{where}: cases: {fault}" for fault in faults(policy, self.engine)),
        ]
        if problems:
            raise InvalidInput(
                f"{where} cannot be adopted: {len(problems)} problems",
                remedy="Every key of a policy is in docs/reference/policies.md. What is adopted already is retired "
                "first: `wardline gate retire`. A known finding is let pass with `wardline waive`.",
                problems=problems,
            )
        return policy

    def adopt(self, content: bytes, *, where: str, reason: str, by: Signatory) -> Evidence:
        """Record that the policy in `content` is asked from now on, signed by `by`.

        Raises:
            InvalidInput, Unavailable: As `check`; or there is no reason.
            Refused: The signatory may not; the refusal is recorded.
            Conflict: Something else was recorded meanwhile.
        """
        policy = self.check(content, where=where)
        _check_reason(reason)
        collect = self.collect
        _check_entitled("adopt", by, policy.id, collect)
        adoption = PolicyAdoption(
            policy=policy.id,
            document=collect.blobs.put(content, POLICY_FILE),
            controls=policy.controls,
            reason=collect.private(reason, about=principal_subject_id(by.principal)),
        )
        return sign(adoption, step=f"policy-adoption/{collect.log.size()}", run=None, by=by, collect=collect)


def retire(policy: str, *, reason: str, by: Signatory, collect: Collector) -> Evidence:
    """Record that an adopted policy is asked no longer, signed by `by`.

    Where several stand under one id, the youngest is retired.

    Raises:
        NotFound: None is adopted under this id.
        InvalidInput: There is no reason.
        Refused: The signatory may not; the refusal is recorded.
        Conflict: Something else was recorded meanwhile.
    """
    found = adopted_as(policy, collect)
    _check_reason(reason)
    _check_entitled("retire", by, policy, collect)
    retirement = PolicyRetirement(
        policy=policy,
        adoption=found.index,
        document=found.adoption.document.digest,
        reason=collect.private(reason, about=principal_subject_id(by.principal)),
    )
    return sign(retirement, step=f"policy-retirement/{found.index}", run=None, by=by, collect=collect)


def adopted_as(policy: str, collect: Collector) -> StandingAdoption:
    """Return the youngest adoption that stands under the id `policy`.

    Raises:
        NotFound: There is none.
    """
    every = standing(collect)
    found = [each for each in every if each.adoption.policy == policy]
    if not found:
        known = ", ".join(sorted({each.adoption.policy for each in every})) or "none"
        raise NotFound(
            f"no policy {policy[:80]!r} is adopted; adopted: {known}",
            remedy="What comes with Wardline cannot be retired: a known finding is let pass with `wardline waive`.",
        )
    return found[-1]


def standing(collect: Collector) -> tuple[StandingAdoption, ...]:
    """Return the adoptions that stand now."""
    return standing_adoptions(collect.log.every(*WORDS), people=enrolled(collect))


def unknown_controls(policy: Policy, library: Library, *, where: str) -> list[str]:
    """Return which control ids of `policy` no catalogue has, one line each."""
    found = []
    for i, control in enumerate(policy.controls):
        try:
            library.control(control)
        except NotFound as error:
            found.append(f"{where}: controls[{i}]: {error.what}")
    return found


def _check_entitled(action: str, by: Signatory, policy: str, collect: Collector) -> None:
    people = enrolled(collect)
    objection = to_act_as(people.find(by.principal), Role.COMPLIANCE, keyid=by.signer.public_key.keyid)
    if objection is not None:
        about = Subject(name="policy", digest=digest_of({"policy": policy}))
        attempt = Attempt(action=action, run=None, about=about, by=by, takes=MAY_ADOPT)
        raise refuse(attempt, objection, people=people, collect=collect)


def _check_reason(reason: str) -> None:
    if not reason.strip():
        raise InvalidInput("a reason is expected, got none", remedy="Say why: --reason.")

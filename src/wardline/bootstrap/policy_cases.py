"""Policies held against their own cases, and policy files. No installation is needed."""

from collections.abc import Sequence
from pathlib import Path

from wardline.adapters.blobs.plain_files import read_file
from wardline.adapters.policy.cel import CEL
from wardline.bootstrap.laws import laws
from wardline.controls.library import Library
from wardline.delivery.adopt_policy import unknown_controls
from wardline.errors import InvalidInput, NotFound
from wardline.gates.overlays import Added
from wardline.gates.policy import Policy, PolicyEngine
from wardline.gates.policy_files import load_policies
from wardline.gates.self_test import faults


def test_policies(adopted: Sequence[Policy]) -> tuple[tuple[str, int, tuple[str, ...]], ...]:
    """Hold every policy against its own cases: its id, how many cases, and which came out otherwise."""
    with CEL() as engine:
        return tuple(_tested(policy, engine) for policy in (*load_policies(), *adopted))


def hold_against_cases(declared: Sequence[Added], folder: Path) -> None:
    """Hold the policies that a service declares against their cases, and their controls against the laws.

    Raises:
        InvalidInput: One does not do what it says, or names a control that no catalogue has; `problems` has all.
        Unavailable: Nothing can be evaluated here.
    """
    if not declared:
        return
    library = laws(folder)
    with CEL() as engine:
        problems = [
            problem
            for each in declared
            if each.policy is not None
            for problem in _problems(each.policy, library, engine, where=each.source)
        ]
    if problems:
        raise InvalidInput(
            f"policies that wardline.yaml declares do not do what they say: {len(problems)} problems",
            remedy="Mend the policy or its cases; see docs/reference/policies.md.",
            problems=problems,
        )


def policy_file(path: Path) -> bytes:
    """Return the content of a policy file.

    Raises:
        NotFound: There is none.
        InvalidInput: It is no UTF-8 text, or far too large.
        Unavailable: It cannot be read.
    """
    text = read_file(path)
    if text is None:
        raise NotFound(f"there is no {path}")
    return text.encode()


def _tested(policy: Policy, engine: PolicyEngine) -> tuple[str, int, tuple[str, ...]]:
    cases = policy.cases
    return policy.id, len(cases.allowed) + len(cases.denied) + len(cases.undecided), tuple(faults(policy, engine))


def _problems(policy: Policy, library: Library, engine: PolicyEngine, *, where: str) -> list[str]:
    unknown = unknown_controls(policy, library, where=where)
    return [*unknown, *(f"{where}: cases: {fault}" for fault in faults(policy, engine))]

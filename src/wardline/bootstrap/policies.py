"""The policies, held against their own cases."""

from wardline.adapters.policy.cel import CEL
from wardline.gates.policy_files import load_policies
from wardline.gates.self_test import leave_out, run_cases


def test_policies() -> tuple[tuple[str, int, tuple[str, ...]], ...]:
    """Hold every policy against its own cases: its id, how many cases, and which came out otherwise."""
    engine = CEL()
    return tuple(
        (
            policy.id,
            len(policy.cases.allowed) + len(policy.cases.denied) + len(policy.cases.undecided),
            (*run_cases(policy, engine), *leave_out(policy, engine)),
        )
        for policy in load_policies()
    )

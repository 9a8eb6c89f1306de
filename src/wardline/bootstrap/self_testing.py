"""Requests about self-tests: faults planted before this installation's policies and checks."""

import tempfile
from collections.abc import Callable
from pathlib import Path

import wardline
from wardline.adapters.policy.cel import CEL
from wardline.bootstrap.home import Home
from wardline.bootstrap.plants.table import checks
from wardline.bootstrap.policies import adopted
from wardline.bootstrap.proving import engine_tool
from wardline.delivery.self_test import Asked, Bench, Tested, self_test
from wardline.gates.policy import Policy
from wardline.gates.policy_files import load_policies
from wardline.gates.trials import Trial


def run_self_test(home: Home, asked: Asked, *, say: Callable[[Trial], None]) -> Tested:
    """Plant what is asked for in a folder of its own, which is gone afterwards; raises as `self_test`."""
    with CEL() as engine, tempfile.TemporaryDirectory(prefix="wardline-self-test-") as scratch:

        def folder(name: str) -> Path:
            made = Path(scratch).resolve() / name.replace("/", "-")
            made.mkdir()
            return made

        bench = Bench(
            collect=home.collect,
            policies=_policies(home),
            engine=engine,
            tool=engine_tool(),
            checks=checks(home),
            folder=folder,
            wardline=wardline.__version__,
        )
        return self_test(asked, bench, say=say)


def _policies(home: Home) -> tuple[Policy, ...]:
    """Return the policies that come along, and those that stand adopted; what cannot be read, its own gate tells."""
    shipped = load_policies()
    ids = {policy.id for policy in shipped}
    found = (each.added.policy for each in adopted(home))
    return (*shipped, *(policy for policy in found if policy is not None and policy.id not in ids))

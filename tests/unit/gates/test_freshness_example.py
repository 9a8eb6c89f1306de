"""The policy that the how-to offers does what it says."""

import re
from pathlib import Path

from wardline.adapters.policy.cel import CEL
from wardline.gates.policy_files import parse
from wardline.gates.self_test import run_cases

PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "know-your-dependencies.md"


def test_the_policy_of_the_how_to_holds_against_its_own_cases():
    (text,) = (block for block in re.findall(r"```yaml\n(.*?)```", PAGE.read_text(), re.DOTALL) if "id: " in block)
    policy = parse(text, where=PAGE.name)
    with CEL() as engine:
        assert run_cases(policy, engine) == []

"""What the fuzzer starts from is read, and written again the same: so each target tests what it is named after."""

import pytest
from tests.fuzz.seeds import seeds
from tests.fuzz.targets import TARGETS

from wardline.errors import WardlineError


@pytest.mark.parametrize("name", TARGETS)
def test_every_seed_is_read(name: str) -> None:
    found = seeds(name)
    assert found
    for seed in found:
        TARGETS[name](seed)


@pytest.mark.parametrize(
    "name", sorted(set(TARGETS) - {"sensitive", "retention", "witness-list", "pipeline", "calendar"})
)
def test_a_seed_cut_in_the_middle_is_refused(name: str) -> None:
    seed = seeds(name)[-1]
    with pytest.raises(WardlineError):
        TARGETS[name](seed[: len(seed) // 2])

"""Twenty slots say who answers: the shares are exact and spread, and moving them can be repeated."""

from collections import Counter
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from wardline.adapters.targets.local.supervisor.slots import SLOTS, lay_out, point, read

SHARES = st.lists(st.integers(0, SLOTS), min_size=0, max_size=3).map(
    lambda cuts: [b - a for a, b in zip([0, *sorted(cuts)], [*sorted(cuts), SLOTS], strict=True)]
)


@given(SHARES, st.lists(st.integers(1, 4), min_size=4, max_size=4))
def test_each_release_gets_its_share_and_each_instance_its_turn(shares: list[int], instances: list[int]) -> None:
    weights = {f"r{n}": share * 5 for n, share in enumerate(shares)}
    addresses = {f"r{n}": [f"r{n}:{i}" for i in range(instances[n])] for n in range(len(shares))}
    slots = lay_out(weights, addresses)
    assert Counter(slot.partition(":")[0] for slot in slots) == {r: w // 5 for r, w in weights.items() if w}
    for release, weight in weights.items():
        turns = Counter(slot for slot in slots if slot.startswith(f"{release}:"))
        if weight:
            assert max(turns.values()) - min(turns.get(a, 0) for a in addresses[release]) <= 1


@given(st.integers(1, SLOTS - 1))
def test_a_canary_is_spread_and_not_in_a_row(share: int) -> None:
    slots = lay_out({"old": (SLOTS - share) * 5, "new": share * 5}, {"old": ["o"], "new": ["n"]})
    places = [n for n, slot in enumerate(slots) if slot == "n"]
    gaps = [(later - n) % SLOTS or SLOTS for n, later in zip(places, [*places[1:], places[0]], strict=True)]
    assert max(gaps) - min(gaps) <= 1


def test_nobody_is_served_without_weights() -> None:
    assert lay_out({}, {}) == ()
    assert lay_out({"old": 0}, {"old": ["o"]}) == ()


def test_what_was_pointed_is_read_back(tmp_path: Path) -> None:
    assert read(tmp_path) == ()
    slots = lay_out({"old": 90, "new": 10}, {"old": ["127.0.0.1:1", "127.0.0.1:2"], "new": ["127.0.0.1:3"]})
    point(tmp_path, slots)
    point(tmp_path, slots)
    assert read(tmp_path) == slots
    point(tmp_path, ())
    assert read(tmp_path) == ()
    point(tmp_path, slots)
    assert read(tmp_path) == slots

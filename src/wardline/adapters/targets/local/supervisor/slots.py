"""The twenty slots through which the proxy finds an instance: one file each, read by it for every request."""

from collections.abc import Mapping, Sequence
from itertools import count
from pathlib import Path

SLOTS = 20  # steps of 5 %
SERVING = "serving"  # the file that says whether anybody is served at all: yes or no


def lay_out(weights: Mapping[str, int], addresses: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """Return the address for each slot, a release's slots spread evenly; empty where nobody is to be served.

    weights: percent per release, multiples of 5, together 100, or empty.
    addresses: of each release with a weight, at least one.
    """
    sharing = {release: weight for release, weight in sorted(weights.items()) if weight}
    if not sharing:
        return ()
    turns = {release: count() for release in sharing}
    credit = dict.fromkeys(sharing, 0)
    slots = []
    for _ in range(SLOTS):
        # Smooth weighted round robin: all gain by weight, the richest takes the slot and pays for it.
        credit = {release: credit[release] + weight for release, weight in sharing.items()}
        chosen = max(credit, key=lambda release: credit[release])
        credit[chosen] -= sum(sharing.values())
        slots.append(addresses[chosen][next(turns[chosen]) % len(addresses[chosen])])
    return tuple(slots)


def point(folder: Path, slots: Sequence[str]) -> None:
    """Let requests from now on follow `slots`. Killed half-way, repeating it finishes the move."""
    if not slots:
        _put(folder / SERVING, "no")
        return
    for number, address in enumerate(slots):
        _put(folder / f"{number:02d}", address)
    _put(folder / SERVING, "yes")


def read(folder: Path) -> tuple[str, ...]:
    """Return the addresses that are served from now; empty where nobody is."""
    try:
        if (folder / SERVING).read_text() != "yes":
            return ()
        return tuple((folder / f"{number:02d}").read_text() for number in range(SLOTS))
    except FileNotFoundError:
        return ()


def _put(path: Path, content: str) -> None:
    try:
        if path.read_text() == content:
            return
    except FileNotFoundError:
        pass
    temporary = path.with_suffix(".new")  # only the supervisor writes here
    temporary.write_text(content)
    temporary.replace(path)

"""Waiting until nobody is inside a release any more."""

from collections.abc import Set as AbstractSet
from datetime import timedelta

from wardline.adapters.targets.local.caddy import requests_inside
from wardline.adapters.targets.local.folder import EnvironmentFolder
from wardline.clock import Clock
from wardline.errors import Unavailable

DRAIN_LIMIT = timedelta(seconds=30)  # longer than any answer a person waits for; then SIGTERM, which many finish on
_READINGS = 3  # in a row without a request: one that has just chosen its slot is not counted yet
_POLL = timedelta(milliseconds=50)


def drain(place: EnvironmentFolder, addresses: AbstractSet[str], clock: Clock) -> bool:
    """Return once no request is inside `addresses`: True, or False when the limit has passed."""
    deadline = clock.elapsed() + DRAIN_LIMIT
    quiet = 0
    while quiet < _READINGS:
        if clock.elapsed() >= deadline:
            return False
        try:
            inside = requests_inside(place.path)
        except Unavailable:
            inside = {}  # without a proxy nobody is inside; what it had died with it
        quiet = 0 if addresses & inside.keys() else quiet + 1
        clock.wait(_POLL)
    return True

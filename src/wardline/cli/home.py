"""Open the state that most commands work on."""

from collections.abc import Iterator
from contextlib import contextmanager

from wardline.bootstrap.home import Home, open_existing_home, open_home
from wardline.settings import read_settings


@contextmanager
def home() -> Iterator[Home]:
    """Yield everything a command may ask for, opened from the settings of this process."""
    with open_home(read_settings()) as opened:
        yield opened


@contextmanager
def existing_home() -> Iterator[Home]:
    """Yield the installation that is there; commands that only look begin none."""
    with open_existing_home(read_settings()) as opened:
        yield opened

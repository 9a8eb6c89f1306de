"""Settings: the only reader of the environment."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from wardline.errors import InvalidInput


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Where Wardline keeps its state, and what it was started with.

    home: $WARDLINE_HOME; default `wardline` in the XDG data folder, so that nothing is written into
        the user's repository.
    database: $WARDLINE_DATABASE, the postgresql:// address of the database that several machines share; None: a
        SQLite file in the home, so that one machine needs nothing beside Wardline.
    passphrase: $WARDLINE_PASSPHRASE, for keys used by scripts; None: asked on the terminal.
    pin: $WARDLINE_PIN, of the token that the installation's own key lies on; None: its reference says where it is.
    signing_key: $WARDLINE_SIGNING_KEY, which of its keys the installation signs statements with: a file or a
        reference; None: the newest one that the log knows and that is at hand.
    environ: everything else the process was given; builds and instances get only what their
        adapters let through.
    """

    home: Path
    database: str | None
    passphrase: str | None
    environ: Mapping[str, str]
    pin: str | None = None
    signing_key: str | None = None


def read_settings() -> Settings:
    """Read the environment once.

    Raises:
        InvalidInput: WARDLINE_HOME is not an absolute path.
    """
    environ = dict(os.environ)
    home = environ.pop("WARDLINE_HOME", "")
    database = environ.pop("WARDLINE_DATABASE", "") or None  # it may hold a password: builds never see it
    passphrase = environ.pop("WARDLINE_PASSPHRASE", None)
    pin = environ.pop("WARDLINE_PIN", None)
    signing_key = environ.pop("WARDLINE_SIGNING_KEY", "") or None
    if home and not Path(home).is_absolute():
        raise InvalidInput(f"WARDLINE_HOME={home!r} is relative; expected an absolute path")
    return Settings(
        home=Path(home) if home else _data_folder(environ),
        database=database,
        passphrase=passphrase,
        environ=environ,
        pin=pin,
        signing_key=signing_key,
    )


def _data_folder(environ: Mapping[str, str]) -> Path:
    data = environ.get("XDG_DATA_HOME", "")
    # The XDG Base Directory Specification says to ignore relative values.
    return (Path(data) if data.startswith("/") else Path.home() / ".local" / "share") / "wardline"

"""What may differ from one environment to the next; the artifact never does."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Read once, at start.

    Attributes:
        database: ELIGIBILITY_DB; by default eligibility.sqlite in WARDLINE_DATA_DIR, or in the current folder.
        usage: ELIGIBILITY_USAGE, T or P: the interchanges taken here (ISA15). A test must not be answered as if it
            were a patient, nor a patient as if it were a test. None, the default, takes both.
        log_key: ELIGIBILITY_LOG_KEY, a secret: with it the same trace number has the same reference in every log.
            Without it references cannot be followed from one process to another.
        threads: ELIGIBILITY_THREADS; 8, because an answer takes about a millisecond and half of it waits for disk.
        drain_seconds: ELIGIBILITY_DRAIN_SECONDS; how long answers under way may take after SIGTERM. 10: ten times
            the slowest answer a practice waits for.
    """

    database: Path
    usage: str | None = None
    log_key: bytes | None = None
    threads: int = 8
    drain_seconds: float = 10.0


class WrongSettingError(ValueError):
    """A variable has a value that cannot be used; the message names it and says what was expected."""


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Read the settings; an empty variable is as good as none.

    Raises:
        WrongSettingError: A value has the wrong form.
    """
    given = {key: value for key, value in environment.items() if value}
    folder = Path(given.get("WARDLINE_DATA_DIR", "."))
    usage = given.get("ELIGIBILITY_USAGE")
    if usage not in (None, "T", "P"):
        raise WrongSettingError("ELIGIBILITY_USAGE: expected T or P")
    key = given.get("ELIGIBILITY_LOG_KEY")
    return Settings(
        database=Path(given.get("ELIGIBILITY_DB", folder / "eligibility.sqlite")),
        usage=usage,
        log_key=key.encode() if key else None,
        threads=int(_number(given, "ELIGIBILITY_THREADS", default=8, least=1)),
        drain_seconds=_number(given, "ELIGIBILITY_DRAIN_SECONDS", default=10, least=0),
    )


def _number(given: Mapping[str, str], key: str, *, default: int, least: int) -> float:
    value = given.get(key, str(default))
    if not value.isdecimal() or int(value) < least:
        raise WrongSettingError(f"{key}: expected a whole number, at least {least}")
    return int(value)

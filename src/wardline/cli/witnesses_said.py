"""What witnesses said, shown; also after a run, whose result it never changes."""

import sys
from collections.abc import Sequence

from wardline.bootstrap.home import Home
from wardline.bootstrap.witnessing import cosign, witnesses_of
from wardline.cli.shell import say
from wardline.delivery.cosign import Asked, Standing
from wardline.errors import WardlineError

_ALARM = """\
!! ALARM: witness {witness} has seen another history of this log: {detail}.
!! Statements were removed or rewritten here, or the log was restored from a backup older than what the witness saw,
!! or somebody else signs with this log's key. Keep everything as it is and find out which: see
!! docs/how-to/witness-a-log.md, "When there is an alarm"."""


def any_conflict(asked: Sequence[Asked]) -> bool:
    return any(each.standing is Standing.CONFLICT for each in asked)


def any_failure(asked: Sequence[Asked]) -> bool:
    return any(each.standing is not Standing.COSIGNED for each in asked)


def asked_to_json(asked: Asked) -> dict[str, object]:
    return {
        "witness": asked.witness,
        "size": asked.size,
        "standing": asked.standing.value,
        "detail": asked.detail or None,
        "at": None if asked.at is None else asked.at.isoformat(),
    }


def say_asked(asked: Sequence[Asked]) -> None:
    """Print what each witness said; alarms on standard error as well, and loudly."""
    for each in asked:
        match each.standing:
            case Standing.COSIGNED:
                at = "" if each.at is None else f" at {each.at:%Y-%m-%d %H:%M:%S} UTC"
                say(f"witness {each.witness} cosigned the checkpoint of {each.size} statements{at}")
            case Standing.CONFLICT:
                _alarm(each)
            case _:
                say(f"witness {each.witness} did not cosign ({each.standing}): {each.detail}")


def ask_after_run(wardline: Home) -> list[Asked]:
    """Ask the listed witnesses, say on standard error what came of it, and return it. Nothing is raised."""
    try:
        if not any(each.url for each in witnesses_of(wardline)):
            return []
        asked = cosign(wardline)
    except WardlineError as error:
        print(f"note: no witness was asked: {error.what}", file=sys.stderr)  # noqa: T201
        return []
    for each in asked:
        if each.standing is Standing.CONFLICT:
            _alarm(each)
        elif each.standing is not Standing.COSIGNED:
            print(  # noqa: T201
                f"note: witness {each.witness} did not cosign ({each.standing}): {each.detail}. "
                "Ask again: wardline log cosign",
                file=sys.stderr,
            )
    return list(asked)


def _alarm(asked: Asked) -> None:
    print(_ALARM.format(witness=asked.witness, detail=asked.detail), file=sys.stderr)  # noqa: T201

"""Reconsider: wake the runs that wait for people, because what was approved may not be what it was any more.

An approval falls by what the log says, whoever said it. A run that waits looks again only when it is woken.
"""

import re

from wardline.delivery.approve import approvals_topic
from wardline.ids import EnvironmentName, RunId
from wardline.pipelines.engine import Messenger
from wardline.pipelines.run import Run, RunStatus

# As `await_door` calls its looks; a run that waits for anything else is not woken by a message here.
_LOOKS = re.compile(r"(?P<environment>.+)/(?:approvals|waiting)/look-\d+")


def environment_awaited(run: Run) -> EnvironmentName | None:
    """Return at which environment `run` waits for people or windows; None: it does not."""
    looks = _LOOKS.fullmatch(run.stage)
    return EnvironmentName(looks["environment"]) if run.status is RunStatus.WAITING and looks else None


def wake(waiting: tuple[Run, ...], messenger: Messenger, *, log_size: int) -> tuple[RunId, ...]:
    """Wake those of `waiting` that wait at a door, and return which: they look again, whatever it was."""
    woken = []
    for run in waiting:
        environment = environment_awaited(run)
        if environment is not None:
            messenger.send(run.id, approvals_topic(environment), {"log_size": log_size})
            woken.append(run.id)
    return tuple(woken)

"""Drive a run from a terminal: show it, leave it to be resumed on Ctrl-C, turn its end into an exit code."""

import os
import signal
import sys
import traceback
from contextlib import ExitStack
from types import FrameType

from wardline.bootstrap.approvals import look_again
from wardline.bootstrap.home import Home
from wardline.cli.progress import showing
from wardline.cli.render import run_to_json
from wardline.cli.shell import DENIED, ERROR, INTERRUPTED, OK, UNDECIDED, Output, leave, report, say, say_json
from wardline.cli.witnesses_said import ask_after_run, asked_to_json
from wardline.errors import WardlineError
from wardline.pipelines.run import Run, RunStatus

_EXIT_CODES = {
    RunStatus.SUCCEEDED: OK,
    RunStatus.DENIED: DENIED,
    RunStatus.UNDECIDED: UNDECIDED,
    RunStatus.ROLLED_BACK: ERROR,
    RunStatus.FAILED: ERROR,
    RunStatus.CANCELLED: ERROR,
}
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def drive(wardline: Home, run: Run, *, output: Output) -> None:
    """Take `run` to its end and leave with its exit code."""
    shown = ExitStack()

    def interrupted(_number: int, _frame: FrameType | None) -> None:
        # The step's own processes end; nothing else is waited for: the engine knows where the run stands.
        wardline.interrupt()
        shown.close()
        _say_resumable(run)
        _leave_now(INTERRUPTED)

    for number in _SIGNALS:
        signal.signal(number, interrupted)
    try:
        with shown:
            wardline.drive(run, shown.enter_context(showing(quiet=output is Output.JSON)))
    except WardlineError as error:
        code = report(error)
        if not wardline.runs.load(run.id).ended:
            _say_resumable(run)
        # The thread that drove the run is parked inside its step, so that the step is not recorded as done.
        _leave_now(code)
    except Exception:  # noqa: BLE001  # a defect is shown whole; raised further, Python would wait for the parked thread
        traceback.print_exc()
        _say_resumable(run)
        _leave_now(ERROR)
    ended = _ended(wardline, run)
    asked = ask_after_run(wardline)
    if output is Output.JSON:
        said = {"why": list(wardline.explain(ended)), "witnesses": [asked_to_json(each) for each in asked]}
        say_json(run_to_json(ended, driven=False) | said)
    else:
        say(f"run {ended.id} {ended.status}")
        for reason in wardline.explain(ended):
            say(f"  {reason}")
    leave(_EXIT_CODES[ended.status])


def _ended(wardline: Home, run: Run) -> Run:
    look_again(wardline)  # what this run found of an artifact may make approvals of another one fall
    return wardline.runs.load(run.id)


def _say_resumable(run: Run) -> None:
    print(f"run {run.id} is left where it stands: wardline runs resume {run.id}", file=sys.stderr)  # noqa: T201


def _leave_now(code: int) -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)

"""Requests that hand in results of policy tools outside."""

from pathlib import Path

from wardline.bootstrap.home import Home
from wardline.delivery.import_results import HandedIn, import_results
from wardline.errors import InvalidInput, NotFound, Unavailable
from wardline.evidence.log import Evidence
from wardline.findings.policy_reports import MAX_REPORT, PolicyTool
from wardline.ids import RunId


def report_file(path: Path) -> bytes:
    """Return the content of one file of a report; of one that is too large, one byte more than is read.

    Raises:
        NotFound: There is none.
        Unavailable: It cannot be read.
    """
    try:
        with path.open("rb") as file:
            return file.read(MAX_REPORT + 1)
    except FileNotFoundError as error:
        raise NotFound(f"there is no {path}") from error
    except OSError as error:
        raise Unavailable(f"{path} cannot be read: {error.strerror}", remedy="Check its owner and rights.") from error


def hand_in(
    home: Home,
    tool: PolicyTool,
    contents: tuple[bytes, ...],
    *,
    of: tuple[str | None, str | None, str | None],
    said: tuple[str | None, str | None],
) -> Evidence:
    """Record a report.

    `of`: a run, or a service and a commit. `said`: the version of the tool, and the decision that OPA was asked.

    Raises:
        InvalidInput: Neither a run nor a service and a commit, or both; or as `import_results`.
        NotFound: There is no such run.
    """
    service, commit = _about(home, *of)
    version, decision = said
    handed = HandedIn(service=service, commit=commit, tool=tool, version=version, contents=contents, decision=decision)
    return import_results(handed, collect=home.collect)


def _about(home: Home, run: str | None, service: str | None, commit: str | None) -> tuple[str, str]:
    match run, service, commit:
        case str(), None, None:
            found = home.runs.load(RunId(run))
            if not found.commit_sha:
                raise InvalidInput(f"run {run} ships no commit", remedy="Say --service and --commit.")
            return found.service, found.commit_sha
        case None, str(), str():
            return service, commit
        case _:
            raise InvalidInput("expected --run, or --service and --commit", remedy="Say of what commit the report is.")

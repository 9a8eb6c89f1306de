"""What a folder declares, as it stands there: wardline.yaml, its calendars and policies, committed or not."""

from pathlib import Path

from wardline.errors import InvalidInput, NotFound, Unavailable
from wardline.gates.calendar_files import read_calendars, refuse_unread
from wardline.gates.calendars import Calendars
from wardline.gates.declared_policies import read_declared, refuse_wrong
from wardline.gates.overlays import Added
from wardline.gates.policy_files import load_policies
from wardline.pipelines.documents import MAX_BYTES
from wardline.pipelines.keys import FILENAME
from wardline.pipelines.parse import parse_bytes
from wardline.pipelines.spec import EnvironmentSpec, Pipeline


def pipeline_file(path: Path) -> Path:
    """Return the wardline.yaml that `path`, a file or the folder it lies in, names.

    Raises:
        NotFound: There is none.
        InvalidInput: It is a folder.
    """
    file = path / FILENAME if path.is_dir() else path
    if file.is_dir():
        raise InvalidInput(f"{file} is a folder; expected a file")
    if not file.exists():
        raise NotFound(f"there is no {file}", remedy="`wardline init` writes a first one")
    return file


def read_pipeline(file: Path) -> Pipeline:
    """Return what `file` declares, once its calendars and policies were read too.

    Raises:
        InvalidInput: It or one of them is wrong; `problems` has all that is wrong with it, or with any of them.
        Unavailable: One cannot be read.
    """
    pipeline = parse_bytes(_read(file), filename=str(file))
    every = tuple(dict.fromkeys(name for environment in pipeline.environments for name in environment.windows))
    refuse_unread(_calendars(file, every))
    refuse_wrong(policies_of(file, pipeline), [policy.id for policy in load_policies()])
    return pipeline


def calendars_of(file: Path, environment: EnvironmentSpec) -> Calendars:
    """Return the calendars of an environment that `file` declares."""
    return refuse_unread(_calendars(file, environment.windows))


def declared_at(path: Path) -> tuple[Pipeline, tuple[Added, ...]]:
    """Return what the wardline.yaml at `path` declares, and the policies it names; raises as `read_pipeline`."""
    file = pipeline_file(path)
    pipeline = read_pipeline(file)
    return pipeline, policies_of(file, pipeline)


def policies_of(file: Path, pipeline: Pipeline) -> tuple[Added, ...]:
    """Return the policies that `file` declares; what is none has a problem."""
    return read_declared(pipeline, lambda name: _beside(file, name))


def _calendars(file: Path, names: tuple[str, ...]) -> Calendars:
    return read_calendars(names, lambda name: _beside(file, name))


def _beside(file: Path, name: str) -> bytes | None:
    beside = file.parent / name
    return _read(beside) if beside.exists() else None


def _read(file: Path) -> bytes:
    try:
        with file.open("rb") as source:
            return source.read(MAX_BYTES + 1)  # one more than the parser takes: it says so
    except OSError as error:
        raise Unavailable(f"cannot read {file}: {error.strerror}", remedy="check its permissions") from error

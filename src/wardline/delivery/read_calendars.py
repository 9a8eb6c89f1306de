"""Read the calendars of an environment from the commit, as wardline.yaml itself is read."""

from pathlib import Path

from wardline.changes.commits import Commit
from wardline.delivery.workshop import Workshop
from wardline.gates.calendar_files import read_calendars, refuse_unread
from wardline.gates.calendars import Calendars
from wardline.pipelines.spec import EnvironmentSpec, Pipeline


def calendars_at(workshop: Workshop, path: Path, commit: Commit, environment: EnvironmentSpec) -> Calendars:
    """Return the calendars that `environment` declares; what cannot be read is among their problems."""
    return read_calendars(environment.windows, lambda file: workshop.repository.file_at(path, commit, file))


def refuse_unread_calendars(workshop: Workshop, path: Path, commit: Commit, pipeline: Pipeline) -> None:
    """Refuse a pipeline whose gates could not tell which windows are in effect.

    Raises:
        InvalidInput: A calendar is missing or wrong; `problems` has all that is wrong with any of them.
    """
    declared = tuple(dict.fromkeys(file for environment in pipeline.environments for file in environment.windows))
    refuse_unread(read_calendars(declared, lambda file: workshop.repository.file_at(path, commit, file)))

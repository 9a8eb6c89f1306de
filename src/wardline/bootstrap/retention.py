"""Requests about how long evidence is kept: legal holds, purges, completeness."""

from datetime import datetime
from pathlib import Path

from wardline.adapters.blobs.files import FileBlobs
from wardline.adapters.blobs.plain_files import read_file
from wardline.bootstrap.checking import checked_log
from wardline.bootstrap.home import Home
from wardline.delivery.prove_complete import Sources, prove_complete
from wardline.delivery.purge import Plan, Purging, Removed
from wardline.errors import NotFound
from wardline.evidence.retention.completeness import Completeness, Window
from wardline.evidence.retention.retention import Schedule
from wardline.evidence.retention.retention_file import FILE, parse_schedule
from wardline.ids import RunId

_ALL_RUNS = 2**31 - 1


def schedule(home: Home) -> Schedule:
    """Return the periods that count in this installation.

    Raises:
        InvalidInput: Its retention.yaml is wrong, or asks for less than the law does.
        Unavailable: The file cannot be read. Nobody guesses then.
    """
    path: Path = home.settings.home / FILE
    text = read_file(path)
    return Schedule() if text is None else parse_schedule(text, where=str(path))


def look(home: Home, *, before: datetime | None) -> Plan:
    """Say what a purge would do."""
    return _purging(home).look(before=before)


def purge(home: Home, *, before: datetime | None) -> Removed:
    return _purging(home).purge(before=before)


def completeness(home: Home, window: Window) -> Completeness:
    """Return what is missing of `window`."""

    def under_way(run: RunId) -> bool:
        try:
            return not home.runs.load(run).ended
        except NotFound:  # the table was lost: what nobody can go on with is a gap
            return False

    sources = Sources(
        log=home.log,
        blobs=home.collect.blobs,
        check=lambda: checked_log(home).size,
        artifact=home.bundles.path_of,
        runs=home.runs.newest(_ALL_RUNS),
        under_way=under_way,
    )
    return prove_complete(window, sources)


def _purging(home: Home) -> Purging:
    blobs = FileBlobs(home.settings.home / "blobs")
    return Purging(collect=home.collect, stores=(blobs, home.bundles), schedule=schedule(home))

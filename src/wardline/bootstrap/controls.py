"""Requests about controls: the catalogues and mappings of an installation, and how far they are answered."""

from pathlib import Path

from wardline.adapters.blobs.plain_files import read_file
from wardline.bootstrap.home import Home
from wardline.controls.library import CATALOGUES, MAPPINGS, Library, Written, load_library
from wardline.delivery.show_controls import Question, Shown, show_controls

FOLDER = "controls"  # in the home: an organisation's own catalogues and mappings


def library(home: Home) -> Library:
    """Return what comes with Wardline and what lies in the installation's own folder, held together.

    Raises:
        InvalidInput: Everything that is wrong with any of it, at once.
        Unavailable: A file cannot be read.
    """
    folder = home.settings.home / FOLDER
    return load_library(_written(folder / CATALOGUES), _written(folder / MAPPINGS))


def show(home: Home, question: Question) -> Shown:
    """Answer `question`; raises as `library` and `show_controls`."""
    return show_controls(question, library=library(home), runs=home.runs, collect=home.collect)


def _written(folder: Path) -> list[Written]:
    read = ((path, read_file(path)) for path in sorted(folder.glob("*.yaml")))
    return [Written(where=str(path), text=text) for path, text in read if text is not None]

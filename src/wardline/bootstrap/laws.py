"""The laws that an installation knows: what comes with Wardline, and what lies in its own folder."""

from pathlib import Path

from wardline.adapters.blobs.plain_files import read_file
from wardline.controls.library import CATALOGUES, MAPPINGS, Library, Written, load_library
from wardline.settings import Settings


def laws(folder: Path) -> Library:
    """Return the packaged catalogues and mappings and those in `folder`, held together.

    Raises:
        InvalidInput: Everything that is wrong with any of it, at once.
        Unavailable: A file cannot be read.
    """
    return load_library(_written(folder / CATALOGUES), _written(folder / MAPPINGS))


def laws_folder(settings: Settings) -> Path:
    """Return where an organisation's own catalogues and mappings lie."""
    return settings.home / "controls"


def _written(folder: Path) -> list[Written]:
    read = ((path, read_file(path)) for path in sorted(folder.glob("*.yaml")))
    return [Written(where=str(path), text=text) for path, text in read if text is not None]

"""Requests to export coverage as OSCAL documents."""

from dataclasses import dataclass
from pathlib import Path

import wardline
from wardline.adapters.interop.oscal.documents import files
from wardline.adapters.interop.oscal.folder import write_folder
from wardline.adapters.interop.oscal.observed import EVIDENCE
from wardline.bootstrap.controls import library
from wardline.bootstrap.home import Home
from wardline.delivery.export_oscal import Maker, assess
from wardline.delivery.show_controls import Question
from wardline.ids import RunId


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """What was written: the documents by name, and how many leaves of the log beside them."""

    run: RunId
    documents: tuple[str, ...]
    leaves: int


def export_oscal(home: Home, question: Question, folder: Path) -> Exported:
    """Write the OSCAL documents about `question` into the new folder `folder`.

    Raises:
        NotFound, InvalidInput: As `show_controls`; a catalogue has ids that OSCAL cannot tell apart.
        Conflict: `folder` is there already.
        Unavailable: Trestle is not installed, or the folder cannot be written.
    """
    assessed = assess(
        question,
        library=library(home),
        runs=home.runs,
        collect=home.collect,
        maker=Maker(origin=home.log.key.name, version=wardline.__version__),
    )
    made = files(assessed)
    write_folder(folder, made)
    documents = tuple(name for name in made if not name.startswith(f"{EVIDENCE}/"))
    return Exported(run=assessed.run, documents=documents, leaves=len(made) - len(documents))

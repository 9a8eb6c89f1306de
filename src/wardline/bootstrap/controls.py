"""Requests about controls: the catalogues and mappings of an installation, and how far they are answered."""

from pathlib import Path

from wardline.adapters.blobs.plain_files import read_file
from wardline.bootstrap.home import Home
from wardline.controls.library import CATALOGUES, MAPPINGS, Library, Written, load_library
from wardline.controls.records import Record
from wardline.controls.records import records as every_record
from wardline.controls.standing import WORDS
from wardline.delivery.attest import AttestationRequest
from wardline.delivery.attest import attest as delivery_attest
from wardline.delivery.decide_addressable import DecisionRequest, decide_addressable
from wardline.delivery.show_controls import Question, Shown, show_controls
from wardline.delivery.sign import Signatory
from wardline.evidence.log import Evidence

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


def attest(home: Home, request: AttestationRequest, *, by: Signatory) -> Evidence:
    return delivery_attest(request, by=by, library=library(home), collect=home.collect)


def decide(home: Home, request: DecisionRequest, *, by: Signatory) -> Evidence:
    return decide_addressable(request, by=by, library=library(home), collect=home.collect)


def records(home: Home) -> tuple[Record, ...]:
    """Return every attestation and decision ever given."""
    words = home.log.every(*WORDS)
    return every_record(words, people=home.directory(), library=library(home), now=home.clock.now())


def _written(folder: Path) -> list[Written]:
    read = ((path, read_file(path)) for path in sorted(folder.glob("*.yaml")))
    return [Written(where=str(path), text=text) for path, text in read if text is not None]

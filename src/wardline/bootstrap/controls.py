"""Requests about controls: the catalogues and mappings of an installation, and how far they are answered."""

from wardline.bootstrap.home import Home
from wardline.bootstrap.laws import laws
from wardline.controls.library import Library
from wardline.controls.records import Record
from wardline.controls.records import records as every_record
from wardline.controls.standing import WORDS
from wardline.delivery.attest import AttestationRequest
from wardline.delivery.attest import attest as delivery_attest
from wardline.delivery.decide_addressable import DecisionRequest, decide_addressable
from wardline.delivery.show_controls import Question, Shown, show_controls
from wardline.delivery.sign import Signatory
from wardline.evidence.log import Evidence


def library(home: Home) -> Library:
    """Return the laws this installation knows; raises as `laws`."""
    return laws(home.laws_folder)


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

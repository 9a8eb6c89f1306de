"""Requests about people's training."""

from wardline.bootstrap.approvals import look_again
from wardline.bootstrap.home import Home
from wardline.delivery.sign import Signatory
from wardline.delivery.train import TrainingRequest, check_training
from wardline.delivery.train import train as delivery_train
from wardline.evidence.log import Evidence
from wardline.gates.training import TRAINING, Trainings


def check(home: Home, request: TrainingRequest) -> None:
    """Return if `request` can be signed; raises as `check_training`."""
    check_training(request, collect=home.collect)


def train(home: Home, request: TrainingRequest, *, by: Signatory) -> Evidence:
    evidence = delivery_train(request, by=by, collect=home.collect)
    look_again(home)
    return evidence


def trainings(home: Home) -> Trainings:
    """Return the records of training that count."""
    return Trainings.of(home.log.every(TRAINING), people=home.directory())

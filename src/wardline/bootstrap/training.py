"""Requests about people's training."""

from wardline.bootstrap.home import Home
from wardline.delivery.sign import Signatory
from wardline.delivery.train import TrainingRequest, check_training
from wardline.delivery.train import train as delivery_train
from wardline.evidence.log import Evidence
from wardline.gates.training import TRAINING, Trainings
from wardline.ids import PrincipalId


def check(home: Home, request: TrainingRequest) -> None:
    """Return if `request` can be signed; raises as `check_training`."""
    check_training(request, collect=home.collect)


def train(home: Home, request: TrainingRequest, *, by: Signatory) -> Evidence:
    return delivery_train(request, by=by, collect=home.collect)


def trainings(home: Home) -> Trainings:
    """Return the records of training that count."""
    return Trainings.of(home.log.every(TRAINING), people=home.directory())


def trained(home: Home) -> frozenset[PrincipalId]:
    """Return whose training is in date now."""
    records, now = trainings(home), home.clock.now()
    return frozenset(each.id for each in home.directory().principals() if records.covering(each.id, now) is not None)

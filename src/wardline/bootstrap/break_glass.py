"""Requests about emergency releases: the glass, and the reviews that are owed for it."""

from wardline.bootstrap.home import Home
from wardline.canonical import JSON, decode
from wardline.delivery.break_glass import GlassDesk, Warned
from wardline.delivery.decide import gate_step
from wardline.delivery.doors import door_of
from wardline.delivery.owed import owed
from wardline.delivery.review_emergency import ReviewDesk
from wardline.evidence.statements import evidence_key
from wardline.gates.break_glass import Glass
from wardline.gates.door import Door
from wardline.gates.review_debts import Debt
from wardline.ids import EnvironmentName, RunId


def glass_desk(home: Home) -> GlassDesk:
    return GlassDesk(collect=home.collect, messenger=home.messenger, gate=home.gate)


def warned(home: Home, run: RunId, environment: str) -> Warned:
    """Return what somebody is shown who would break the glass for `run` on its road to `environment`.

    Raises:
        NotFound: There is no such run or environment, or nothing was built yet.
        Conflict: There is nothing to break it for.
    """
    return glass_desk(home).warn(_doors_to(home, run, environment))


def shown_then(home: Home, glass: Glass) -> JSON:
    """Return the document that was shown to whoever broke `glass`; raises as the blobs."""
    return decode(home.collect.blobs.get(glass.first.word.shown.digest))


def review_desk(home: Home) -> ReviewDesk:
    return ReviewDesk(
        collect=home.collect,
        engine=home.gate.engine,
        door_at=lambda run, environment: _door(home, run, environment),
    )


def debts(home: Home, *, service: str | None) -> tuple[Debt, ...]:
    """Return every review that was ever owed."""
    return tuple(debt for debt in owed(home.collect) if service in (None, debt.service))


def _doors_to(home: Home, run: RunId, environment: str) -> tuple[Door, ...]:
    """Return the doors from the first that has not decided up to the one at `environment`."""
    last = _door(home, run, EnvironmentName(environment))
    road = [each.name for each in last.pipeline.environments]
    names = [
        name
        for name in road[: road.index(last.environment.name) + 1]
        if home.log.find(evidence_key(run, gate_step(name))) is None
    ]
    return tuple(last if name == last.environment.name else _door(home, run, name) for name in names)


def _door(home: Home, run: RunId, environment: EnvironmentName) -> Door:
    return door_of(home.runs.load(run), home.log, home.workshop, environment=environment)

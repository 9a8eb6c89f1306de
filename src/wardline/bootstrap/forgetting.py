"""Requests about forgetting people, and about reading what they wrote."""

from collections.abc import Mapping
from datetime import datetime

from wardline.bootstrap.home import Home
from wardline.delivery.forget import Doomed, Forgetting
from wardline.delivery.read_texts import Texts
from wardline.delivery.sign import Signatory
from wardline.evidence.erasures import Erasures
from wardline.evidence.log import Evidence
from wardline.identity.erasure import ERASURE
from wardline.ids import PrincipalId, SubjectId


def look(home: Home, subject: SubjectId | None, *, emails: tuple[str, ...]) -> Doomed:
    """Return what forgetting would destroy and what would stay; see `Forgetting.look`."""
    return _desk(home).look(subject, emails=emails)


def forget(home: Home, doomed: Doomed, *, by: Signatory) -> Evidence | None:
    """Sign for it and destroy it; see `Forgetting.forget`."""
    return _desk(home).forget(doomed, by=by)


def reapply_erasures(home: Home) -> int:
    """Destroy again whatever the log says was erased; return for how many erasures something was here.

    A restored backup brings back keys and names of people who were forgotten after it was made, if the log it
    is followed by (or holds) says so. Doing it twice changes nothing.

    Raises:
        Unavailable: Not everything could be wiped; call again.
    """
    return _desk(home).complete()


def erased(home: Home) -> Mapping[PrincipalId, datetime]:
    """Return who was forgotten, and when."""
    found = Erasures.of(home.log.every(ERASURE), people=home.directory()).recorded
    return {each.erasure.principal: each.at for each in found if each.erasure.principal is not None}


def texts(home: Home) -> Texts:
    """Return what opens private texts."""
    return Texts.of(home.collect)


def _desk(home: Home) -> Forgetting:
    return Forgetting(collect=home.collect, people=home.people)

"""Requests about the policies of an organisation: which stand adopted, adopting and retiring them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from wardline.adapters.policy.cel import CEL
from wardline.bootstrap.home import Home, is_there, open_existing_home
from wardline.bootstrap.laws import laws
from wardline.delivery.adopt_policy import Adopting, adopted_as, standing
from wardline.delivery.adopt_policy import retire as delivery_retire
from wardline.delivery.read_policies import adopted_in
from wardline.delivery.sign import Signatory
from wardline.evidence.log import Evidence
from wardline.gates.adoptions import WORDS, StandingAdoption
from wardline.gates.overlays import Added
from wardline.gates.policy_files import load_policies
from wardline.ids import PrincipalId
from wardline.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Adopted:
    """A policy that stands adopted. `by`: who signed it."""

    added: Added
    by: PrincipalId


def adopted(home: Home) -> tuple[Adopted, ...]:
    """Return the policies that stand adopted, in log order."""
    by = {each.index: each.by for each in standing(home.collect)}
    words = home.log.every(*WORDS)
    found = adopted_in(words, home.collect.blobs, people=home.directory())
    return tuple(Adopted(added=added, by=by[added.log]) for added in found if added.log in by)


def adopted_here(settings: Settings) -> tuple[Adopted, ...] | None:
    """Return the policies that stand adopted in the installation there; None: there is none.

    Raises:
        Refused, Unavailable: As `open_home`.
    """
    if not is_there(settings):
        return None
    with open_existing_home(settings) as home:
        return adopted(home)


@contextmanager
def adopting(home: Home) -> Iterator[Adopting]:
    """Yield what adopting a policy needs."""
    with CEL() as engine:
        yield Adopting(collect=home.collect, library=laws(home.laws_folder), shipped=load_policies(), engine=engine)


def to_retire(home: Home, policy: str) -> StandingAdoption:
    """Return the adoption that retiring `policy` would end; raises as `adopted_as`."""
    return adopted_as(policy, home.collect)


def retire(home: Home, policy: str, *, reason: str, by: Signatory) -> Evidence:
    return delivery_retire(policy, reason=reason, by=by, collect=home.collect)

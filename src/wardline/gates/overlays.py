"""Overlays: policies added to those that come with Wardline, by the organisation or by a service.

Every policy must hold, so one more only makes a gate stricter. One that carries the id of another would take its
place: it is not asked, and the gate says no.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from wardline.canonical import Digest, JSONObject
from wardline.gates.policy import Policy


@dataclass(frozen=True, slots=True, kw_only=True)
class Added:
    """One policy that was added.

    Attributes:
        log: The leaf that adopted it; None: a file of the service's commit declares it.
        file: The path of that file; None: it was adopted.
        id: As it was adopted, or as its file says; None: nobody could read it.
        digest: Of its file; None: there is none.
        policy: None: it could not be read, and `problem` says why.
    """

    log: int | None = None
    file: str | None = None
    id: str | None = None
    digest: Digest | None = None
    policy: Policy | None = None
    problem: str | None = None

    @property
    def source(self) -> str:
        return f"adopted at log index {self.log}" if self.file is None else self.file

    def to_json(self, *, shadows: bool) -> JSONObject:
        about: JSONObject = {
            "log": self.log,
            "file": self.file,
            "id": self.id,
            "digest": None if self.digest is None else str(self.digest),
        }
        known: JSONObject = {name: value for name, value in about.items() if value is not None}
        return known | {"read": self.policy is not None, "shadows": shadows}


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlays:
    """What was added at one door, adopted before declared, in their own order.

    Attributes:
        base: The ids that were there before: what none of `added` may carry.
    """

    base: frozenset[str] = frozenset()
    added: tuple[Added, ...] = ()

    @property
    def policies(self) -> tuple[Policy, ...]:
        """Return those that are asked: what could be read and stands in nobody's place."""
        return tuple(each.policy for each in self.added if each.policy is not None and each not in self.shadowing)

    @property
    def shadowing(self) -> tuple[Added, ...]:
        """Return those that carry the id of one before them."""
        taken, found = set(self.base), list[Added]()
        for each in self.added:
            if each.id in taken:
                found.append(each)
            elif each.id is not None:
                taken.add(each.id)
        return tuple(found)

    def to_json(self) -> JSONObject:
        """Return what a decision records of them, and the policy `overlays-asked` reads."""
        shadowing = self.shadowing
        told = [(each.log is not None, each.to_json(shadows=each in shadowing)) for each in self.added]
        return {
            "adopted": [section for adopted, section in told if adopted],
            "declared": [section for adopted, section in told if not adopted],
        }


NO_OVERLAYS = Overlays()


def problems_of(added: Iterable[Added], base: Sequence[str]) -> tuple[str, ...]:
    """Return what is wrong with what a service declares, beside the policies with the ids `base`."""
    overlays = Overlays(base=frozenset(base), added=tuple(added))
    unread = [each.problem for each in overlays.added if each.problem is not None]
    return (*unread, *(shadowing_problem(each.source, each.id or "") for each in overlays.shadowing))


def shadowing_problem(where: str, policy: str) -> str:
    return (
        f"{where}: id: {policy} is the id of another policy here; expected one of its own: what is added is asked "
        "beside the others and never in their place"
    )

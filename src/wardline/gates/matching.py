"""At which doors a policy is asked."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Self, TypeVar

from wardline.canonical import JSON, JSONObject
from wardline.errors import InvalidInput
from wardline.ids import EnvironmentName
from wardline.pipelines.spec import Criticality, DataClass

_Word = TypeVar("_Word", bound=StrEnum)


class Scope(StrEnum):
    """Environments that a policy need not name."""

    ALL = "all"
    PRODUCTION = "production"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A door as far as it decides who is asked. None: not known, and then nobody is left out for it."""

    environment: EnvironmentName
    production: bool
    service: str | None = None
    criticality: Criticality | None = None
    data: frozenset[DataClass] | None = None

    @classmethod
    def of(cls, environment: EnvironmentName, document: JSONObject, *, production: bool) -> Self:
        """Return the door that the input `document` of a decision is about."""
        match document.get("service"):
            case dict() as service:
                return cls(
                    environment=environment,
                    production=production,
                    service=name if isinstance(name := service.get("name"), str) else None,
                    criticality=_word(service.get("criticality"), Criticality),
                    data=_words(service.get("data")),
                )
            case _:
                return cls(environment=environment, production=production)


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """Every member must fit. An empty one fits everything."""

    environments: Scope | tuple[EnvironmentName, ...] = Scope.ALL
    services: tuple[str, ...] = ()
    criticality: tuple[Criticality, ...] = ()
    data: tuple[DataClass, ...] = ()  # one of them is enough

    def fits(self, place: Place) -> bool:
        return (
            self._fits_environment(place)
            and (not self.services or place.service is None or place.service in self.services)
            and (not self.criticality or place.criticality is None or place.criticality in self.criticality)
            and (not self.data or place.data is None or not place.data.isdisjoint(self.data))
        )

    def _fits_environment(self, place: Place) -> bool:
        if self.environments is Scope.ALL:
            return True
        return place.production if self.environments is Scope.PRODUCTION else place.environment in self.environments

    @property
    def environments_json(self) -> JSON:
        return self.environments.value if isinstance(self.environments, Scope) else list(self.environments)

    def to_json(self) -> JSONObject:
        return {
            "environments": self.environments_json,
            "services": list(self.services),
            "criticality": [word.value for word in self.criticality],
            "data": [word.value for word in self.data],
        }

    @classmethod
    def parse(cls, document: JSON) -> Self:
        """Return what `to_json` wrote.

        Raises:
            InvalidInput: It wrote none of this.
        """
        match document:
            case {
                "environments": environments,
                "services": list(services),
                "criticality": list(criticality),
                "data": list(data),
                **rest,
            } if not rest:
                return cls(
                    environments=environments_of(environments),
                    services=tuple(map(str, services)),
                    criticality=tuple(_kept(word, Criticality) for word in criticality),
                    data=tuple(_kept(word, DataClass) for word in data),
                )
            case _:
                raise InvalidInput("kept policy: match has exactly environments, services, criticality and data")


def environments_of(document: JSON) -> Scope | tuple[EnvironmentName, ...]:
    """Return the environments that a kept policy names.

    Raises:
        InvalidInput: It names none.
    """
    if isinstance(document, list):
        return tuple(EnvironmentName(str(name)) for name in document)
    return _kept(document, Scope)


def _kept(word: JSON, kind: type[_Word]) -> _Word:
    found = _word(word, kind)
    if found is None:
        raise InvalidInput(f"kept policy: expected one of {', '.join(kind)}, got {str(word)[:40]!r}")
    return found


def _word(word: JSON, kind: type[_Word]) -> _Word | None:
    return next((each for each in kind if each.value == word), None)


def _words(words: JSON) -> frozenset[DataClass] | None:
    """Return the classes of data; None: there is one among them that we do not know."""
    found = [_word(word, DataClass) for word in words] if isinstance(words, list) else [None]
    known = frozenset(word for word in found if word is not None)
    return known if len(found) == len([word for word in found if word is not None]) else None

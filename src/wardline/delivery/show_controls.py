"""Show controls: how far the evidence behind one release answers the laws that its service names."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from wardline.canonical import JSONObject
from wardline.changes.predicates import SOURCE
from wardline.controls.catalogue import Catalogue, Status, called_for
from wardline.controls.cover import Seen, cover, installation_types
from wardline.controls.coverage import Coverage
from wardline.controls.library import Library
from wardline.controls.said import Accepted, Said
from wardline.controls.standing import WORDS
from wardline.controls.standing import standing as standing_words
from wardline.delivery.collect_evidence import Collector
from wardline.delivery.enrol import enrolled
from wardline.delivery.find_release import Releases
from wardline.errors import NotFound
from wardline.evidence.log import Evidence
from wardline.gates.predicates import WAIVER
from wardline.gates.trials import SELF_TEST, Trials
from wardline.gates.vouched import doubted
from wardline.gates.waivers import standing_waivers
from wardline.ids import EnvironmentName, PrincipalId, RunId
from wardline.pipelines.run import RunStore

_BEFORE_ANY_ENDED = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Which release is asked about, and which laws.

    Attributes:
        run: Its run; None: the run behind what serves in `environment`, or the last that succeeded.
        service: None: the only one there is.
        environment: Only what was said of this environment, and of none.
        catalogues: None named: those in force that the service's `regulations` call for; all, where it names none.
        proposed: Proposals of law too.
    """

    run: RunId | None = None
    service: str | None = None
    environment: EnvironmentName | None = None
    catalogues: tuple[str, ...] = ()
    proposed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """The answer, and what it is about.

    Attributes:
        log_size: How many leaves the log had.
        without_catalogue: Laws that the service names and no catalogue is kept of.
        began_at: When the run left its first statement.
        changed_at: When anything that was looked at last changed; a word that ended has changed at its end.
    """

    run: RunId
    service: str
    environment: EnvironmentName | None
    log_size: int
    without_catalogue: tuple[str, ...]
    began_at: datetime
    changed_at: datetime
    coverage: Coverage

    def to_json(self) -> JSONObject:
        return {
            "run": self.run,
            "service": self.service,
            "environment": self.environment,
            "log_size": self.log_size,
            "without_catalogue": list(self.without_catalogue),
            **self.coverage.to_json(),
        }


def show_controls(question: Question, *, library: Library, runs: RunStore, collect: Collector) -> Shown:
    """Answer `question` from the log. Read is what the run left and what is asked of the whole log, not all of it.

    Raises:
        NotFound: No such run, service, environment or catalogue.
        InvalidInput: Several services are there, and none is named.
    """
    log, now = collect.log, collect.clock.now()
    run = question.run or Releases(runs, log).run_behind(question.service, question.environment)
    left = log.of_run(run)
    if not left:
        raise NotFound(f"the log has nothing of run {run[:40]}", remedy="List runs with `wardline runs list`.")
    _check_environment(left, run, question.environment)
    regulations = _regulations(left)
    catalogues = _asked(question, library, regulations)
    types = installation_types(library, catalogues)
    everywhere = tuple(log.every(*types)) if types else ()
    words = tuple(log.every(*WORDS, WAIVER))
    said = _said(left, words, question.environment, library=library, collect=collect)
    coverage = cover(
        catalogues,
        library,
        seen=Seen(
            run=left,
            installation=everywhere,
            environment=question.environment,
            doubted=doubted((*left, *everywhere), Trials(log.every(SELF_TEST))),
        ),
        said=said,
        now=now,
    )
    untils: list[datetime] = [each.until for each in said.attested]
    untils += [each.until for each in said.decided]
    untils += [each.until for each in said.accepted]
    kept = {word for catalogue in library.catalogues for word in catalogue.regulations}
    return Shown(
        run=run,
        service=_service(left),
        environment=question.environment,
        log_size=log.size(),
        without_catalogue=tuple(word for word in regulations if word not in kept),
        began_at=left[0].statement.context.recorded_at,
        changed_at=max(
            *(until for until in untils if until <= now),
            *(each.statement.context.recorded_at for each in (*left, *everywhere, *words)),
        ),
        coverage=coverage,
    )


def _asked(question: Question, library: Library, regulations: Sequence[str]) -> tuple[Catalogue, ...]:
    if question.catalogues:
        return tuple(library.catalogue(name) for name in dict.fromkeys(question.catalogues))
    in_force = [each for each in library.catalogues if each.status is Status.IN_FORCE]
    asked = called_for(in_force, regulations) if regulations else tuple(in_force)
    if not question.proposed:
        return asked
    words = {word for catalogue in asked for word in catalogue.regulations}
    proposals = [each for each in library.catalogues if each.status is Status.PROPOSED]
    return (*asked, *(each for each in proposals if words & set(each.regulations)))


def _said(
    left: Iterable[Evidence],
    spoken: Sequence[Evidence],
    environment: EnvironmentName | None,
    *,
    library: Library,
    collect: Collector,
) -> Said:
    """Return what people said of the service and this change; where no environment is asked about, waivers of any.

    Waivers that have ended are among them: what a gate let pass by one is let pass no longer.
    """
    places = {environment} if environment is not None else {*_environments(left), EnvironmentName("")}
    people = enrolled(collect)
    standing = {
        each.index: each
        for place in places
        for each in standing_waivers(
            spoken, people=people, environment=place, author=_author(left), now=_BEFORE_ANY_ENDED
        )
    }
    words = standing_words(spoken, people=people, library=library, service=_service(left) or None)
    return replace(
        words,
        accepted=tuple(
            Accepted(
                index=index,
                finding=standing[index].waiver.finding,
                environment=standing[index].waiver.environment,
                until=standing[index].waiver.expires_at,
            )
            for index in sorted(standing)
        ),
    )


def _check_environment(left: Iterable[Evidence], run: RunId, environment: EnvironmentName | None) -> None:
    known = _environments(left)
    if environment is not None and environment not in known:
        raise NotFound(f"run {run} said nothing of {environment}; it knows {', '.join(sorted(known)) or 'none'}")


def _environments(left: Iterable[Evidence]) -> set[EnvironmentName]:
    found = set()
    for item in left:
        body = item.statement.body
        decision = body.get("wardline_decision")
        named = decision.get("environment") if isinstance(decision, dict) else body.get("environment")
        if isinstance(named, str):
            found.add(EnvironmentName(named))
    return found


def _source(left: Iterable[Evidence]) -> JSONObject:
    return next((item.statement.body for item in left if item.statement.predicate_type == SOURCE), {})


def _regulations(left: Iterable[Evidence]) -> tuple[str, ...]:
    named = _source(left).get("regulations")
    return tuple(word for word in named if isinstance(word, str)) if isinstance(named, list) else ()


def _author(left: Iterable[Evidence]) -> PrincipalId | None:
    author = _source(left).get("author")
    return PrincipalId(author) if isinstance(author, str) else None


def _service(left: Iterable[Evidence]) -> str:
    return next((name for item in left if isinstance(name := item.statement.body.get("service"), str)), "")

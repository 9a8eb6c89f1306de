"""The policies that a service declares in wardline.yaml, read from its commit."""

from collections.abc import Callable, Sequence

from wardline.canonical import Digest
from wardline.errors import InvalidInput
from wardline.gates.matching import Match, Place, Scope
from wardline.gates.overlays import Added, problems_of
from wardline.gates.policy import Policy
from wardline.gates.policy_files import parse
from wardline.pipelines.spec import Pipeline


def read_declared(pipeline: Pipeline, read: Callable[[str], bytes | None]) -> tuple[Added, ...]:
    """Return the policies that `pipeline` declares, in its order; what is none has a problem.

    `read` returns the content at a path, or None where there is no file.
    """
    return tuple(_read(file, pipeline, read(file)) for file in pipeline.policies)


def refuse_wrong(added: Sequence[Added], base: Sequence[str]) -> None:
    """Return if everything that is declared can be asked beside the policies with the ids `base`.

    Raises:
        InvalidInput: It cannot; `problems` has everything that is wrong with any of it.
    """
    problems = problems_of(added, base)
    if problems:
        raise InvalidInput(
            f"policies that wardline.yaml declares cannot be asked: {len(problems)} problems",
            remedy="Every key of a policy is in docs/reference/policies.md. No policy loosens another one; a known "
            "finding is let pass with `wardline waive`.",
            problems=problems,
        )


def _read(file: str, pipeline: Pipeline, content: bytes | None) -> Added:
    if content is None:
        return Added(file=file, problem=f"{file}: there is no such file beside wardline.yaml")
    digest = Digest.of(content)
    try:
        policy = parse(content, where=file)
    except InvalidInput as error:
        told = "; ".join(f"{file}: {each}" for each in error.problems) or error.what
        return Added(file=file, digest=digest, problem=told)
    nowhere = _asked_nowhere(policy, pipeline)
    if nowhere is not None:
        return Added(file=file, digest=digest, id=policy.id, problem=f"{file}: match: {nowhere}")
    return Added(file=file, digest=digest, id=policy.id, policy=policy)


def _asked_nowhere(policy: Policy, pipeline: Pipeline) -> str | None:
    """Return why a policy would not be asked where its file says; None: it will be."""
    known = [environment.name for environment in pipeline.environments]
    named = () if isinstance(policy.match.environments, Scope) else policy.match.environments
    strangers = [name for name in named if name not in known]
    if strangers:
        return f"environments: no environment of wardline.yaml is {', '.join(strangers)}; known: {', '.join(known)}"
    if not any(policy.match.fits(place) for place in places_of(pipeline)):
        return f"it fits no environment of {pipeline.service.name}, so it would never be asked"
    return None


def places_of(pipeline: Pipeline) -> tuple[Place, ...]:
    """Return the doors that `pipeline` has."""
    service = pipeline.service
    return tuple(
        Place(
            environment=environment.name,
            production=environment.name == pipeline.production.name,
            service=service.name,
            criticality=service.criticality,
            data=frozenset(service.data),
        )
        for environment in pipeline.environments
    )


def where_asked(match: Match, pipeline: Pipeline) -> tuple[str, ...]:
    """Return the environments of `pipeline` at whose doors a policy with `match` is asked."""
    return tuple(place.environment for place in places_of(pipeline) if match.fits(place))

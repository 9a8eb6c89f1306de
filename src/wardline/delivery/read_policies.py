"""Read the policies that were added: adopted ones from what is kept, a service's own from its commit."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from wardline.canonical import Digest
from wardline.changes.commits import Commit
from wardline.delivery.workshop import Workshop
from wardline.errors import IntegrityViolation, InvalidInput, NotFound
from wardline.evidence.log import Blobs, Evidence
from wardline.gates.adoptions import StandingAdoption, standing_adoptions
from wardline.gates.declared_policies import read_declared, refuse_wrong
from wardline.gates.overlays import Added
from wardline.gates.policy_files import parse
from wardline.identity.directory import Directory
from wardline.pipelines.spec import Pipeline


def adopted_in(evidence: Iterable[Evidence], blobs: Blobs, *, people: Directory) -> tuple[Added, ...]:
    """Return the policies that stand adopted, in log order; what cannot be read has a problem, and stays."""
    return tuple(_read(standing, blobs) for standing in standing_adoptions(evidence, people=people))


def declared_at(workshop: Workshop, path: Path, commit: Commit, pipeline: Pipeline) -> tuple[Added, ...]:
    """Return the policies that `pipeline` declares; what cannot be read has a problem."""
    return read_declared(pipeline, lambda file: workshop.repository.file_at(path, commit, file))


def refuse_wrong_policies(
    workshop: Workshop, path: Path, commit: Commit, pipeline: Pipeline, *, base: Sequence[str]
) -> None:
    """Refuse a pipeline whose own policies could not be asked beside those with the ids `base`.

    Raises:
        InvalidInput: One is missing or wrong, or carries the id of another; `problems` has all that is wrong.
    """
    refuse_wrong(declared_at(workshop, path, commit, pipeline), base)


def _read(standing: StandingAdoption, blobs: Blobs) -> Added:
    adoption = standing.adoption
    digest = adoption.document.digest
    added = Added(log=standing.index, id=adoption.policy, digest=digest)
    try:
        content = blobs.get(digest)
        policy = parse(content, where=added.source)
    except (NotFound, InvalidInput, IntegrityViolation) as error:
        return replace(added, problem=error.what)
    if Digest.of(content) != digest or policy.id != adoption.policy:
        return replace(added, problem=f"{added.source}: what is kept is not what was adopted as {adoption.policy}")
    return replace(added, policy=policy)

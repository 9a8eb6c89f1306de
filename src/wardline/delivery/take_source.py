"""Take the source: a clean export of the commit, never the working tree."""

from pathlib import Path

from wardline import canonical
from wardline.canonical import Digest
from wardline.changes.commits import Commit
from wardline.changes.predicates import SourceTaken
from wardline.delivery.travel import Travel
from wardline.delivery.workshop import Workshop
from wardline.errors import NotFound
from wardline.identity.subject_keys import principal_subject_id
from wardline.pipelines.keys import FILENAME
from wardline.pipelines.parse import parse_bytes
from wardline.pipelines.run import Run
from wardline.pipelines.spec import Pipeline
from wardline.predicates import Predicate


def declared(run: Run, workshop: Workshop) -> tuple[Commit, Pipeline, Digest]:
    """Return the commit of `run`, what its own wardline.yaml declares, and that file's digest.

    Raises:
        NotFound: The commit has no wardline.yaml.
        InvalidInput: It does not declare a pipeline; `problems` lists everything.
    """
    repository = Path(run.repository)
    commit = workshop.repository.resolve(repository, run.commit_sha)
    content = workshop.repository.file_at(repository, commit, FILENAME)
    if content is None:
        raise NotFound(
            f"commit {commit.sha[:12]} has no {FILENAME}",
            remedy="Make one with `wardline init`, commit it, and ship again.",
        )
    return commit, parse_bytes(content), Digest.of(content)


def take_source(travel: Travel, workshop: Workshop) -> Predicate:
    """Export the commit into the run's own room and say whose it is."""
    run, collect = travel.run, travel.collect
    commit, pipeline, digest = declared(run, workshop)
    workshop.repository.export(Path(run.repository), commit, workshop.rooms.fresh(travel.id, "source"))
    author = workshop.people.principal_of(commit.author_email)
    about = collect.subjects.of_address(commit.author_email) if author is None else principal_subject_id(author)
    words = canonical.encode({"author": commit.author_email, "message": commit.message}).decode()
    return SourceTaken(
        service=pipeline.service.name,
        commit=commit,
        author=author,
        private=collect.private(words, about=about),
        pipeline=digest,
        regulations=pipeline.regulations,
        criticality=pipeline.service.criticality.value,
        data=tuple(each.value for each in pipeline.service.data),
    )

"""Build: the service and its dependencies as one closed bundle, and the provenance that says how."""

from wardline.canonical import encode
from wardline.changes.predicates import LOCK, Provenance, commit_subject, lock_document
from wardline.delivery.take_source import declared
from wardline.delivery.travel import Travel
from wardline.delivery.workshop import Workshop
from wardline.evidence.log import OUTPUT
from wardline.pipelines.building import Stopped
from wardline.pipelines.predicates import StageStopped
from wardline.predicates import Predicate, Subject


def build(travel: Travel, workshop: Workshop) -> Predicate:
    """Build the exported source; the bundle is kept by its digest, from here on the only thing that travels."""
    commit, pipeline, _ = declared(travel.run, workshop)
    built = workshop.builder.build(
        workshop.rooms.of(travel.id, "source"),
        pipeline.build,
        work=workshop.rooms.fresh(travel.id, "build"),
        say=travel.progress.says,
    )
    if isinstance(built, Stopped):
        return stopped(travel, "build", built, about=commit_subject(commit))
    workshop.bundles.keep(built.bundle)
    return Provenance(
        run=travel.id,
        commit=commit,
        artifact=built.artifact,
        build_command=pipeline.build.run,
        locked=built.locked,
        builder=f"wardline {workshop.version}",
        started_at=built.started_at,
        finished_at=built.finished_at,
        lock=travel.collect.blobs.put(encode(lock_document(built.artifact)), LOCK),
        output=travel.collect.blobs.put(built.output, OUTPUT),
    )


def stopped(travel: Travel, stage: str, why: Stopped, *, about: Subject) -> Predicate:
    """Return what is said of a stage that came to nothing; its words are kept outside the log."""
    travel.progress.says(why.words)
    return StageStopped(
        about=about,
        stage=stage,
        code=why.code,
        exit_code=why.exit_code,
        errored=why.errored,
        output=travel.collect.blobs.put(why.output, OUTPUT) if why.output else None,
        private=travel.collect.machine_words(why.words),
    )

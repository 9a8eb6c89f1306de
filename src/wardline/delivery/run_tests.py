"""Run the tests against the bundle itself, and hold their reports against the stated standards."""

from wardline.delivery.build import stopped
from wardline.delivery.take_source import declared
from wardline.delivery.travel import Travel
from wardline.delivery.workshop import Workshop
from wardline.evidence.log import OUTPUT, Evidence
from wardline.pipelines.building import Stopped
from wardline.pipelines.predicates import TestResult
from wardline.predicates import Predicate

_BASIS_POINTS_PER_PERCENT = 100


def run_tests(travel: Travel, workshop: Workshop, built: Evidence) -> Predicate:
    """Test what was built. Failed tests do not stop the run here: the first gate does, with every reason at once."""
    _, pipeline, digest = declared(travel.run, workshop)
    artifact = built.statement.subjects[0]
    tested = workshop.tester.test(
        workshop.rooms.of(travel.id, "source"),
        workshop.bundles.path_of(artifact.digest),
        pipeline.test,
        work=workshop.rooms.fresh(travel.id, "test"),
        say=travel.progress.says,
    )
    if isinstance(tested, Stopped):
        return stopped(travel, "test", tested, about=artifact)
    blobs = travel.collect.blobs
    return TestResult(
        artifact=artifact,
        tested=tested,
        pipeline=digest,
        min_coverage_bp=pipeline.test.min_coverage * _BASIS_POINTS_PER_PERCENT,
        reports=tuple(blobs.put(report.content, report.media_type) for report in tested.reports),
        output=blobs.put(tested.output, OUTPUT),
    )

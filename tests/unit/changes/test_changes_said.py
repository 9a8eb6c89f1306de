"""What is said of a change: canonical, without a person in it, and no more claimed than is true."""

from dataclasses import replace
from datetime import UTC, datetime

from wardline import canonical
from wardline.canonical import Digest
from wardline.changes.artifacts import Artifact, Package
from wardline.changes.commits import Commit
from wardline.changes.predicates import (
    LOCK,
    Provenance,
    SBOMListed,
    SourceTaken,
    artifact_subject,
    commit_subject,
    lock_document,
)
from wardline.ids import PrincipalId, RunId
from wardline.outcomes import Outcome
from wardline.predicates import BlobRef

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
BLOB = BlobRef(digest=Digest("b" * 64), media_type="text/plain", size_bytes=3)
COMMIT = Commit(sha="1" * 40, tree="2" * 40, committed_at=NOON, author_email="ada@example.org", message="secret plan")
ARTIFACT = Artifact(
    digest=Digest("a" * 64),
    size_bytes=10,
    name="svc",
    version="1.0",
    packages=(
        Package(name="lib", version="2.0", filename="lib-2.0-py3-none-any.whl", digest=Digest("c" * 64)),
        Package(name="svc", version="1.0", filename="svc-1.0-py3-none-any.whl", digest=Digest("d" * 64)),
    ),
)


def provenance(*, packages=None):
    one = ARTIFACT.packages[0]
    many = tuple(replace(one, name=f"lib-{number}") for number in range(packages or 0))
    return Provenance(
        run=RunId("r-1"), commit=COMMIT, artifact=replace(ARTIFACT, packages=many) if many else ARTIFACT,
        build_command="make", locked=True, builder="wardline 1", started_at=NOON, finished_at=NOON,
        lock=BLOB, output=BLOB,
    )  # fmt: skip


def test_a_commit_is_known_by_hash_and_tree():
    assert commit_subject(COMMIT).digest == canonical.digest_of({"commit": "1" * 40, "tree": "2" * 40})
    other = Commit(sha=COMMIT.sha, tree="3" * 40, committed_at=NOON, author_email="", message="")
    assert commit_subject(other) != commit_subject(COMMIT)


def test_what_is_said_of_a_source_names_nobody():
    said = SourceTaken(
        service="svc", commit=COMMIT, author=PrincipalId("p-1"), private=BLOB, pipeline=Digest("e" * 64),
        regulations=("hipaa",), criticality="clinical", data=("phi",),
    )  # fmt: skip
    content = canonical.encode(said.body())
    assert b"ada" not in content
    assert b"secret plan" not in content
    assert said.body()["author"] == "p-1"
    assert said.outcome is Outcome.PASSED


def test_provenance_is_about_the_bundle_and_lists_what_went_into_it():
    said = provenance()
    assert said.subjects() == (artifact_subject(ARTIFACT),)
    assert said.subjects()[0].name == "svc-1.0.bundle"
    commit, lock = said.body()["buildDefinition"]["resolvedDependencies"]
    assert commit["uri"] == f"git:commit/{'1' * 40}"
    assert lock == {"name": "lock", "mediaType": LOCK, "digest": {"sha256": BLOB.digest.hex}}
    assert said.body()["wardline_bundle"]["packages"] == 2
    assert said.body()["wardline_bundle"]["lock"] == BLOB.to_json()
    assert canonical.decode(canonical.encode(said.body())) == said.body()


def test_a_lock_pins_every_package_by_the_digest_of_its_wheel():
    lib, svc = lock_document(ARTIFACT)["packages"]
    assert (lib["name"], lib["version"], lib["digest"]) == ("lib", "2.0", {"sha256": "c" * 64})
    assert svc["filename"] == "svc-1.0-py3-none-any.whl"


def test_provenance_does_not_grow_with_the_number_of_packages():
    few, many = provenance(), provenance(packages=500)
    assert many.body()["wardline_bundle"]["packages"] == 500
    assert len(canonical.encode(many.body())) - len(canonical.encode(few.body())) < 10


def test_an_sbom_that_could_not_be_made_is_errored():
    common = {"artifact": artifact_subject(ARTIFACT), "scanner": ("syft", "1"), "spec_version": "1.6", "report": None}
    looked = SBOMListed(**common, components=2, names_artifact=True, reason=None)
    did_not = SBOMListed(**common, components=0, names_artifact=False, reason="timed-out")
    assert (looked.outcome, did_not.outcome) == (Outcome.PASSED, Outcome.ERRORED)
    assert canonical.decode(canonical.encode(did_not.body()))["reason"] == "timed-out"

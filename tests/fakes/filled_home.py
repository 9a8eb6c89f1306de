"""An installation with a log, blobs, an artifact, a name and a private text; all its parts are real."""

import io
from datetime import UTC, datetime
from pathlib import Path

from wardline.bootstrap.home import Home
from wardline.canonical import Digest, encode
from wardline.changes.artifacts import Artifact, Package
from wardline.changes.commits import Commit
from wardline.changes.predicates import LOCK, Provenance, SBOMListed, SourceTaken, lock_document
from wardline.evidence.log import OUTPUT, Evidence
from wardline.ids import PrincipalId, RunId, SubjectId
from wardline.predicates import Subject
from wardline.settings import Settings

NAME, ADDRESS, MESSAGE = "Adaline Plantedname", "planted@example.org", "plantedmessage of a commit"
THEN = datetime(2026, 1, 2, tzinfo=UTC)
COMMIT = Commit(sha="a" * 40, tree="b" * 40, committed_at=THEN, author_email=ADDRESS, message=MESSAGE)


def settings(home: Path, database: str | None = None) -> Settings:
    return Settings(home=home, database=database, passphrase=None, environ={})


def fill(home: Home, folder: Path, *, reports: int = 3) -> Digest:
    """Let the installation say a few things; return the digest of its one artifact."""
    home.people.remember(PrincipalId("p-ada"), name=NAME, emails=[ADDRESS])
    private = home.collect.private(MESSAGE, about=SubjectId("p-ada"))
    source = SourceTaken(
        service="tiny",
        commit=COMMIT,
        author=PrincipalId("p-ada"),
        private=private,
        pipeline=Digest.of(b"pipeline"),
        regulations=("hipaa",),
        criticality="clinical-support",
        data=("phi",),
    )
    home.collect.once("source", RunId("r-1"), lambda: source)
    bundle = folder / "a.bundle"
    bundle.write_bytes(b"wheels" * 50_000)
    digest = home.bundles.keep(bundle).digest
    package = Package(name="tiny", version="1", filename="tiny-1.whl", digest=Digest.of(b"wheel"))
    artifact = Artifact(digest=digest, size_bytes=300_000, name="tiny", version="1", packages=(package,))
    blobs = home.collect.blobs
    provenance = Provenance(
        run=RunId("r-1"),
        commit=COMMIT,
        artifact=artifact,
        build_command="make",
        locked=True,
        builder="wardline 0",
        started_at=THEN,
        finished_at=THEN,
        lock=blobs.put(encode(lock_document(artifact)), LOCK),
        output=blobs.put(b"built", OUTPUT),
    )
    home.collect.once("build", RunId("r-1"), lambda: provenance)
    for number in range(reports):
        say(home, number)
    return digest


def say(home: Home, number: int) -> Evidence:
    """Append one statement with a report of its own."""

    def listed() -> SBOMListed:
        report = home.collect.blobs.put(b"report %d" % number, "application/vnd.cyclonedx+json")
        return SBOMListed(
            artifact=Subject(name="tiny-1.bundle", digest=Digest.of(b"x")),
            scanner=("syft", "1"),
            spec_version="1.6",
            components=number,
            names_artifact=True,
            reason=None,
            report=report,
        )

    return home.collect.once(f"sbom-{number}", None, listed)


def every_byte_below(folder: Path) -> bytes:
    """Return all that lies in the files of a folder, one after another."""
    content = io.BytesIO()
    for file in sorted(folder.rglob("*")):
        if file.is_file():
            content.write(file.read_bytes())
    return content.getvalue()

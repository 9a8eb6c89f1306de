import multiprocessing
import os
import resource
import signal
import stat
import threading
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wardline.adapters.blobs.files import FileBlobs
from wardline.canonical import Digest
from wardline.errors import IntegrityViolation, NotFound, Unavailable

BLOBS = {"files": FileBlobs}


@pytest.fixture(params=BLOBS)
def blobs(request: pytest.FixtureRequest, tmp_path: Path) -> FileBlobs:
    return BLOBS[request.param](tmp_path / "blobs")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=25)
@given(content=st.binary(max_size=5000))
def test_what_was_put_is_got(blobs: FileBlobs, content: bytes) -> None:
    reference = blobs.put(content, "text/plain")
    assert (reference.digest, reference.size_bytes) == (Digest.of(content), len(content))
    assert reference.media_type == "text/plain"
    assert blobs.get(reference.digest) == content
    assert blobs.put(content, "text/plain") == reference


def test_what_was_never_put_is_not_found(blobs: FileBlobs) -> None:
    with pytest.raises(NotFound, match="not kept here"):
        blobs.get(Digest.of(b"never"))


NEVER, ALWAYS = datetime(1990, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)


def test_what_lies_there_is_listed_with_its_size(blobs: FileBlobs, tmp_path: Path) -> None:
    assert list(blobs.lying()) == []
    put = {blobs.put(content, "text/plain").digest: len(content) for content in (b"", b"one", b"another")}
    (tmp_path / "blobs" / "ab").mkdir(exist_ok=True)
    (tmp_path / "blobs" / "ab" / ".new-half").write_bytes(b"half")
    assert {thing.digest: thing.size_bytes for thing in blobs.lying()} == put


def test_what_is_removed_is_gone_and_removing_twice_changes_nothing(blobs: FileBlobs) -> None:
    digest = blobs.put(b"output", "text/plain").digest
    assert blobs.remove(digest, put_before=ALWAYS)
    assert blobs.remove(digest, put_before=ALWAYS)
    assert list(blobs.lying()) == []
    with pytest.raises(NotFound):
        blobs.get(digest)


def test_what_was_put_again_is_not_removed(blobs: FileBlobs, tmp_path: Path) -> None:
    digest = blobs.put(b"output", "text/plain").digest
    os.utime(only_file(tmp_path / "blobs"), (0, 0))
    (before,) = blobs.lying()
    assert before.put_at < NEVER
    blobs.put(b"output", "text/plain")
    assert not blobs.remove(digest, put_before=NEVER)
    assert blobs.get(digest) == b"output"


def test_what_is_gone_says_why(tmp_path: Path) -> None:
    blobs = FileBlobs(tmp_path / "blobs", gone=lambda _: "purged on 2032-01-01 under statement 7")
    with pytest.raises(NotFound, match="was purged on 2032-01-01 under statement 7"):
        blobs.get(Digest.of(b"gone"))


def test_a_store_that_cannot_be_listed_is_not_an_empty_one(tmp_path: Path) -> None:
    (tmp_path / "blobs").write_text("")
    with pytest.raises(Unavailable, match="cannot be listed"):
        list(FileBlobs(tmp_path / "blobs").lying())


def test_putting_and_removing_at_once_leaves_what_was_put(tmp_path: Path) -> None:
    """Whoever puts finds it there afterwards, however often somebody removes what is old."""
    blobs, done = FileBlobs(tmp_path / "blobs"), threading.Event()
    digest = Digest.of(b"output")

    def remove_what_is_old() -> None:
        while not done.is_set():
            blobs.remove(digest, put_before=NEVER)

    blobs.put(b"output", "text/plain")
    removing = threading.Thread(target=remove_what_is_old)
    removing.start()
    try:
        for _ in range(200):
            with suppress(FileNotFoundError):
                os.utime(tmp_path / "blobs" / digest.hex[:2] / digest.hex, (0, 0))
            blobs.put(b"output", "text/plain")
            assert blobs.get(digest) == b"output"
    finally:
        done.set()
        removing.join()


def only_file(folder: Path) -> Path:
    (file,) = (path for path in folder.rglob("*") if path.is_file())
    return file


def test_a_blob_is_readable_by_its_owner_only_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    FileBlobs(tmp_path / "blobs").put(b"output", "text/plain")
    file = only_file(tmp_path / "blobs")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_a_damaged_blob_is_never_given_out_and_is_mended_by_putting_it_again(tmp_path: Path) -> None:
    blobs = FileBlobs(tmp_path / "blobs")
    digest = blobs.put(b"output", "text/plain").digest
    only_file(tmp_path / "blobs").write_bytes(b"outpus")
    with pytest.raises(IntegrityViolation, match=digest.hex):
        blobs.get(digest)
    blobs.put(b"output", "text/plain")
    assert blobs.get(digest) == b"output"


def _fill(folder: Path) -> None:
    # A limit on file size ends a write as a full disk does: half of it is done.
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
    blobs = FileBlobs(folder)
    blobs.put(b"small", "text/plain")
    try:
        blobs.put(b"x" * 100_000, "text/plain")
    except Unavailable as error:
        os._exit(7 if "cannot be kept" in error.what and error.remedy else 8)


def test_a_full_disk_is_unavailable_and_leaves_no_half_blob(tmp_path: Path) -> None:
    process = multiprocessing.get_context("spawn").Process(target=_fill, args=(tmp_path / "blobs",))
    process.start()
    process.join(60)
    assert process.exitcode == 7
    assert only_file(tmp_path / "blobs").read_bytes() == b"small"


def test_a_folder_that_is_a_file_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "blobs").write_text("")
    blobs = FileBlobs(tmp_path / "blobs")
    with pytest.raises(Unavailable, match="cannot be kept"):
        blobs.put(b"output", "text/plain")
    with pytest.raises(Unavailable, match="cannot be read"):
        blobs.get(Digest.of(b"output"))

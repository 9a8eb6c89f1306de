import multiprocessing
import os
import resource
import signal
import stat
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

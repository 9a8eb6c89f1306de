"""Files that people name: only a plain file is replaced. Root could replace a device, and everybody a link."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from wardline.adapters.blobs.plain_files import write_file
from wardline.adapters.interop.export_files import draft_of
from wardline.errors import InvalidInput


def exported(path: Path, content: bytes) -> None:
    with draft_of(path) as draft:
        draft.write(content)
        draft.keep()


WRITERS: tuple[Callable[[Path, bytes], object], ...] = (write_file, exported)


@pytest.mark.parametrize("write", WRITERS)
def test_what_is_no_plain_file_is_not_replaced(write: Callable[[Path, bytes], object], tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "target").write_bytes(b"kept")
    (tmp_path / "link").symlink_to("target")
    os.mkfifo(tmp_path / "device")  # a device itself takes root to make
    before = sorted(tmp_path.iterdir())
    for name in ("folder", "link", "device"):
        with pytest.raises(InvalidInput, match=f"{name} is no plain file"):
            write(tmp_path / name, b"new")
    assert sorted(tmp_path.iterdir()) == before
    assert (tmp_path / "device").is_fifo()
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "target").read_bytes() == b"kept"


@pytest.mark.parametrize("write", WRITERS)
def test_a_plain_file_is_replaced_and_nothing_left_beside_it(
    write: Callable[[Path, bytes], object], tmp_path: Path
) -> None:
    for content in (b"first", b"second"):
        write(tmp_path / "file", content)
    assert [file.name for file in tmp_path.iterdir()] == ["file"]
    assert (tmp_path / "file").read_bytes() == b"second"

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fakes.growing_log import GrowingLog

from wardline.errors import IntegrityViolation, InvalidInput, NotFound
from wardline.tlog import tree
from wardline.tlog.checkpoint import open_checkpoint
from wardline.tlog.merkle import leaf_hash, root_hash
from wardline.tlog.note import VerifierKey
from wardline.tlog.proof_file import ProofFile
from wardline.tlog.tiles import Tile, TiledNodes, decode_bundle, encode_bundle, encode_tile, tiles_of

OTHERS = Path(__file__).resolve().parents[4] / "shared" / "data" / "tlog"
OTHERS_KEY = "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx"
LOG = GrowingLog(70_000)


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        (Tile(level=0, index=0), "tile/0/000"),
        (Tile(level=0, index=1234067), "tile/0/x001/x234/067"),  # the example of tlog-tiles
        (Tile(level=2, index=0, width=1), "tile/2/000.p/1"),
        (Tile(level=None, index=1000, width=255), "tile/entries/x001/000.p/255"),
        (Tile(level=63, index=999), "tile/63/999"),
    ],
)
def test_a_tile_has_the_path_that_the_standard_gives_it(tile: Tile, path: str) -> None:
    assert tile.path == path
    assert Tile.parse(path) == tile


@given(level=st.none() | st.integers(0, 63), index=st.integers(0, 10**9), width=st.integers(1, 256))
def test_every_path_is_read_back(level: int | None, index: int, width: int) -> None:
    tile = Tile(level=level, index=index, width=width)
    assert Tile.parse(tile.path) == tile


@pytest.mark.parametrize(
    "path",
    [
        "",
        "tile/0/0",
        "tile/00/000",
        "tile/64/000",
        "tile/-1/000",
        "tile/0/x000/001",
        "tile/0/x001",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/01",
        "tile/0/000/",
        "/tile/0/000",
        "tile/0/000\n",
        "tile/0/\u0660\u0660\u0660",
        "tile/data/000",
        "tile/0/" + "x001/" * 6 + "000",  # more tiles than there can be leaves
        "tile/0/" + "x001/" * 1500 + "000",  # found by fuzzing: int() takes no text of that length
        "tile/entries/../0/000",
    ],
)
def test_a_path_that_is_not_written_so_is_no_tile(path: str) -> None:
    with pytest.raises(InvalidInput):
        Tile.parse(path)


@given(st.text(max_size=60))
def test_any_text_at_all_is_a_tile_or_refused(text: str) -> None:
    with suppress(InvalidInput):
        assert Tile.parse(text).path == text


def test_the_tiles_of_the_standards_example_are_listed() -> None:
    # tlog-tiles: "a tree of size 70,000 will be represented by 273 full level 0 tiles, one partial level 0 tile of
    # width 112, one full level 1 tile, one partial level 1 tile of width 17, and one partial level 2 tile of width 1"
    tiles = list(tiles_of(70_000, entries=False))
    full = [tile.level for tile in tiles if tile.width == 256]
    assert (full.count(0), full.count(1), len(full)) == (273, 1, 274)
    assert [(tile.level, tile.width) for tile in tiles if tile.width < 256] == [(0, 112), (1, 17), (2, 1)]
    assert [tile.path for tile in tiles_of(256, entries=False)] == ["tile/0/000", "tile/1/000.p/1"]
    assert list(tiles_of(0, entries=True)) == []


@given(after=st.integers(0, 70_000), more=st.integers(0, 70_000))
@settings(max_examples=30, deadline=None)
def test_what_is_added_is_all_that_was_not_there(after: int, more: int) -> None:
    size = min(after + more, 70_000)
    before = set(tiles_of(after, entries=True))
    assert set(tiles_of(size, entries=True)) - before == set(tiles_of(size, after=after, entries=True)) - before
    added = set(tiles_of(size, after=after, entries=True))
    assert all(tile.is_in(size) for tile in added)
    assert not {tile for tile in added if tile.is_in(after)} & before


@given(index=st.integers(0, 69_999), data=st.data())
@settings(max_examples=40, deadline=None)
def test_proofs_out_of_tiles_are_those_of_the_log(index: int, data: st.DataObject) -> None:
    size = data.draw(st.integers(index + 1, 70_000))
    nodes = TiledNodes(size, LOG.tile)
    assert tree.root(nodes, size) == tree.root(LOG, size)
    assert tree.inclusion_proof(nodes, index, size) == tree.inclusion_proof(LOG, index, size)
    if index:
        assert tree.consistency_proof(nodes, index, size) == tree.consistency_proof(LOG, index, size)


def test_a_proof_fetches_a_handful_of_tiles() -> None:
    LOG.asked.clear()
    tree.consistency_proof(TiledNodes(70_000, LOG.tile), 12_345, 70_000)
    assert len(LOG.asked) <= 6


def test_a_tile_of_another_length_is_refused() -> None:
    for wrong in (b"", bytes(31), bytes(32 * 2)):
        with pytest.raises(IntegrityViolation, match="expected 1 hashes"):
            TiledNodes(1, lambda _tile, wrong=wrong: wrong).node(0, 0)


def test_a_tile_that_the_log_does_not_have_yet_is_not_given() -> None:
    with pytest.raises(NotFound):
        encode_tile(LOG, Tile(level=0, index=273))
    with pytest.raises(InvalidInput):
        TiledNodes(10, LOG.tile).node(0, 10)
    with pytest.raises(InvalidInput):
        TiledNodes(10, LOG.tile).node(4, 0)


@given(st.lists(st.binary(max_size=70), max_size=256))
def test_a_bundle_is_read_back(entries: list[bytes]) -> None:
    assert decode_bundle(encode_bundle(entries)) == tuple(entries)


@given(st.binary(max_size=100))
def test_any_bytes_at_all_are_a_bundle_or_refused(content: bytes) -> None:
    with suppress(InvalidInput):
        assert encode_bundle(decode_bundle(content)) == content


def test_a_bundle_of_more_entries_than_a_tile_is_wide_is_refused() -> None:
    assert len(decode_bundle(bytes(2 * 256))) == 256
    with pytest.raises(InvalidInput, match="more than 256"):
        decode_bundle(bytes(2 * 257))


def test_an_entry_that_no_bundle_takes_is_refused() -> None:
    assert len(encode_bundle([bytes(65_535)])) == 65_537
    with pytest.raises(InvalidInput, match="at most 65535"):
        encode_bundle([bytes(65_536)])


@pytest.mark.parametrize("size", range(1, 16))
def test_the_tiles_of_another_implementation_are_ours_byte_for_byte(size: int) -> None:
    if not OTHERS.is_dir():
        pytest.skip("the log of transparency-dev/tessera's tests is not beside this repository")
    entries = decode_bundle((OTHERS / Tile(level=None, index=0, width=size).path).read_bytes())
    rebuilt = GrowingLog(0)
    rebuilt.size, rebuilt._entries = size, list(entries)
    for number, entry in enumerate(entries):
        rebuilt._nodes |= {(n.level, n.index): n.hash for n in tree.completed_by(leaf_hash(entry), rebuilt, number)}
    for tile in tiles_of(size, entries=True):
        assert encode_tile(rebuilt, tile) == (OTHERS / tile.path).read_bytes()
    note, key = (OTHERS / f"checkpoint.{size}").read_text(), VerifierKey.parse(OTHERS_KEY)
    checkpoint = open_checkpoint(note, key)
    for index, entry in enumerate(entries):
        proof = ProofFile(index=index, hashes=tree.inclusion_proof(rebuilt, index, size), checkpoint=note)
        assert ProofFile.parse(proof.encode()).verify(entry, key) == checkpoint
    nodes = TiledNodes(size, lambda tile: (OTHERS / tile.path).read_bytes())
    assert tree.root(nodes, size) == checkpoint.root == root_hash([leaf_hash(entry) for entry in entries])

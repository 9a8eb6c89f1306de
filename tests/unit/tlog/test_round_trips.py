"""Each codec of the log: what is written is read back, and a changed text is refused or another value's only text."""

from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fakes.growing_log import KEY, GrowingLog, line_of, witness

from wardline.errors import IntegrityViolation, InvalidInput
from wardline.tlog import tree
from wardline.tlog.add_checkpoint import AddCheckpoint
from wardline.tlog.checkpoint import Checkpoint
from wardline.tlog.cosignature import WitnessKey, with_cosignatures
from wardline.tlog.note import VerifierKey, read_signature, signature_line, take_apart
from wardline.tlog.proof_file import ProofFile
from wardline.tlog.tiles import Tile, TiledNodes, decode_bundle, encode_bundle, encode_tile, tiles_of

LOG = GrowingLog(300)
NOTE = LOG.note(300)
HASHES = st.binary(min_size=32, max_size=32)
NAMES = st.from_regex(r"[a-z0-9./ü-]{1,40}", fullmatch=True)
LINES = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1, max_size=30)

WRITTEN: dict[str, tuple[str, Callable[[str], str]]] = {
    "vkey": (str(KEY), lambda text: str(VerifierKey.parse(text))),
    "witness key": (str(witness(1)), lambda text: str(WitnessKey.parse(text))),
    "checkpoint": (f"{LOG.head(300).encode()}more\n", lambda text: Checkpoint.parse(text).encode()),
    "signature line": (line_of(1, "x\n")[:-1], lambda text: signature_line(*read_signature(text))[:-1]),
    "note": (NOTE, lambda text: "\n".join([take_apart(text)[0], *map(_line, take_apart(text)[1])]) + "\n"),
    "request": (LOG.request(7).encode(), lambda text: AddCheckpoint.parse(text).encode()),
    "proof": (
        ProofFile(index=6, hashes=tree.inclusion_proof(LOG, 6, 300), checkpoint=NOTE, extra=b"x").encode(),
        lambda text: ProofFile.parse(text).encode(),
    ),
    "tile path": ("tile/0/x001/x234/067.p/12", lambda text: Tile.parse(text).path),
}


def _line(signature: tuple[str, bytes]) -> str:
    return signature_line(*signature).removesuffix("\n")


@pytest.mark.parametrize("name", WRITTEN)
@given(data=st.data())
@settings(max_examples=150)
def test_no_two_texts_stand_for_one_value(name: str, data: st.DataObject) -> None:
    text, again = WRITTEN[name]
    assert again(text) == text
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 3)))
    changed = text[:start] + data.draw(st.text(max_size=3)) + text[end:]
    with suppress(InvalidInput):
        assert again(changed) == changed


@pytest.mark.parametrize("name", ["vkey", "witness key"])
@given(data=st.data())
def test_a_key_with_a_changed_character_is_refused(name: str, data: st.DataObject) -> None:
    text, again = WRITTEN[name]
    position = data.draw(st.integers(0, len(text) - 1))
    character = data.draw(st.characters(exclude_characters=text[position]))
    with pytest.raises(InvalidInput):
        again(text[:position] + character + text[position + 1 :])


@given(origin=LINES, size=st.integers(0, 2**53 - 1), root=HASHES, extensions=st.lists(LINES, max_size=3))
def test_a_checkpoint_with_extensions_is_read_back(origin: str, size: int, root: bytes, extensions: list[str]) -> None:
    checkpoint = Checkpoint(origin=origin, size=size, root=root, extensions=tuple(extensions))
    assert Checkpoint.parse(checkpoint.encode()) == checkpoint


@given(name=NAMES, content=st.binary(min_size=5, max_size=100))
def test_a_signature_line_is_read_back(name: str, content: bytes) -> None:
    assert read_signature(signature_line(name, content).removesuffix("\n")) == (name, content)


@given(numbers=st.lists(st.integers(1, 5), unique=True))
def test_a_note_is_taken_apart_into_what_it_was_made_of(numbers: list[int]) -> None:
    text = LOG.head(300).encode()
    lines = tuple(line_of(number, text) for number in numbers)
    whole = with_cosignatures(NOTE, lines)
    told, signatures = take_apart(whole)
    assert (told, len(signatures)) == (text, 1 + len(numbers))
    assert f"{told}\n{''.join(signature_line(*each) for each in signatures)}" == whole


@given(old=st.integers(0, 300), proof=st.lists(HASHES, max_size=63))
def test_a_request_to_a_witness_is_read_back(old: int, proof: list[bytes]) -> None:
    request = AddCheckpoint(old=old, proof=tuple(proof), note=NOTE)
    assert AddCheckpoint.parse(request.encode()) == request


@given(data=st.data())
def test_a_changed_bit_of_a_tile_changes_all_that_is_built_on_it(data: st.DataObject) -> None:
    changed = data.draw(st.sampled_from([tile for tile in tiles_of(300, entries=False) if tile.level == 0]))
    position, bit = data.draw(st.integers(0, changed.width * 32 - 1)), data.draw(st.integers(0, 7))

    def served(tile: Tile) -> bytes:
        content = bytearray(encode_tile(LOG, tile))
        if tile == changed:
            content[position] ^= 1 << bit
        return bytes(content)

    # Up to the edge of its tile: what is above comes from another one, and is held against the checkpoint's root.
    nodes, true = TiledNodes(300, served), TiledNodes(300, LOG.tile)
    leaf = changed.index * 256 + position // 32
    above = [(level, leaf >> level) for level in range(8) if leaf >> level < 300 >> level]
    assert all(nodes.node(*place) != true.node(*place) for place in above)
    assert tree.inclusion_proof(nodes, leaf ^ 1, 300)[0] != tree.inclusion_proof(true, leaf ^ 1, 300)[0]


@given(st.lists(st.binary(max_size=20), min_size=1, max_size=10), st.data())
def test_a_changed_byte_of_a_bundle_is_refused_or_another_entry(entries: list[bytes], data: st.DataObject) -> None:
    content = bytearray(encode_bundle(entries))
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    with suppress(InvalidInput):
        assert decode_bundle(bytes(content)) != tuple(entries)


def test_a_log_that_serves_other_leaves_is_found_out_by_its_root() -> None:
    other = GrowingLog(300, history="other", forked_at=250)
    nodes = TiledNodes(300, other.tile)
    assert tree.root(nodes, 300) != LOG.head(300).root
    proof = ProofFile(index=251, hashes=tree.inclusion_proof(other, 251, 300), checkpoint=NOTE)
    with pytest.raises(IntegrityViolation):
        proof.verify(LOG.entries(251, 1)[0], KEY)

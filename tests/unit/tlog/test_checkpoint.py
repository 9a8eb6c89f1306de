from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import assume, given
from hypothesis import strategies as st

from wardline.errors import IntegrityViolation, InvalidInput
from wardline.tlog.checkpoint import Checkpoint, open_checkpoint, open_checkpoint_of, signers
from wardline.tlog.merkle import leaf_hash, root_hash, verify_consistency
from wardline.tlog.note import VerifierKey, open_note, sign_note, take_apart
from wardline.tlog.tree import completed_by, consistency_proof

PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
KEY = VerifierKey(name="wardline.example/log", raw=PRIVATE.public_key().public_bytes_raw())
OTHER_PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(32))
OTHER_KEY = VerifierKey(name="witness.example", raw=OTHER_PRIVATE.public_key().public_bytes_raw())
CHECKPOINT = Checkpoint(origin=KEY.name, size=7, root=leaf_hash(b"root"))
NOTE = CHECKPOINT.sign(KEY, sign=PRIVATE.sign)

# https://c2sp.org/signed-note, the example of golang.org/x/mod/sumdb/note
PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
PETER_TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
PETER_NOTE = (
    PETER_TEXT
    + "\n— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)

LOG = Path(__file__).resolve().parents[4] / "shared" / "data" / "tlog"
LOG_KEY = "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx"


def test_the_published_note_is_opened() -> None:
    assert open_note(PETER_NOTE, VerifierKey.parse(PETER)) == PETER_TEXT


@pytest.mark.parametrize("size", range(16))
def test_the_checkpoints_of_another_implementation_hold(size: int) -> None:
    if not LOG.is_dir():
        pytest.skip("the log of transparency-dev/tessera's tests is not beside this repository")
    checkpoint = open_checkpoint((LOG / f"checkpoint.{size}").read_text(), VerifierKey.parse(LOG_KEY))
    tiles = LOG / "tile" / "0" / "000.p"
    tile = (tiles / str(size)).read_bytes() if size else b""
    leaves = [tile[start : start + 32] for start in range(0, len(tile), 32)]
    entries = (LOG / "tile" / "entries" / "000.p" / str(size)).read_bytes() if size else b""
    found = []
    while entries:
        end = 2 + int.from_bytes(entries[:2], "big")
        found.append(leaf_hash(entries[2:end]))
        entries = entries[end:]
    assert checkpoint.size == size
    assert found == leaves
    assert root_hash(leaves) == checkpoint.root
    # The text that they signed is the one that we would sign.
    ours = Checkpoint(origin=checkpoint.origin, size=size, root=root_hash(leaves))
    assert take_apart((LOG / f"checkpoint.{size}").read_text())[0] == ours.encode()
    _check_that_it_extends_every_earlier_one(checkpoint, leaves)


def _check_that_it_extends_every_earlier_one(checkpoint: Checkpoint, leaves: list[bytes]) -> None:
    nodes = _Nodes(leaves)
    for earlier in range(1, checkpoint.size):
        old = open_checkpoint((LOG / f"checkpoint.{earlier}").read_text(), VerifierKey.parse(LOG_KEY))
        proof = consistency_proof(nodes, earlier, checkpoint.size)
        verify_consistency(earlier, checkpoint.size, proof, old.root, checkpoint.root)


class _Nodes:
    def __init__(self, leaves: list[bytes]) -> None:
        self._nodes: dict[tuple[int, int], bytes] = {}
        for size, leaf in enumerate(leaves):
            self._nodes |= {(node.level, node.index): node.hash for node in completed_by(leaf, self, size)}

    def node(self, level: int, index: int) -> bytes:
        return self._nodes[level, index]


@given(
    name=st.from_regex(r"[a-z0-9./ü-]{1,40}", fullmatch=True),
    size=st.integers(0, 2**53 - 1),
    root=st.binary(min_size=32, max_size=32),
)
def test_what_is_signed_is_read_back(name: str, size: int, root: bytes) -> None:
    key = VerifierKey(name=name, raw=KEY.raw)
    checkpoint = Checkpoint(origin=name, size=size, root=root)
    assert VerifierKey.parse(str(key)) == key
    assert Checkpoint.parse(checkpoint.encode()) == checkpoint
    assert open_checkpoint(checkpoint.sign(key, sign=PRIVATE.sign), key) == checkpoint


@given(position=st.integers(0, len(NOTE) - 1), character=st.characters(exclude_categories=["Cs"]))
def test_any_changed_character_is_refused(position: int, character: str) -> None:
    assume(NOTE[position] != character)
    changed = NOTE[:position] + character + NOTE[position + 1 :]
    with pytest.raises((IntegrityViolation, InvalidInput)):
        open_checkpoint(changed, KEY)


@given(st.text(max_size=300))
def test_any_text_at_all_is_refused_as_such(text: str) -> None:
    for act in (lambda: open_checkpoint(text, KEY), lambda: Checkpoint.parse(text), lambda: VerifierKey.parse(text)):
        with pytest.raises((IntegrityViolation, InvalidInput)):
            act()


def test_a_note_with_a_witness_is_opened_by_either_key() -> None:
    witness = sign_note(CHECKPOINT.encode(), OTHER_KEY, sign=OTHER_PRIVATE.sign).split("\n\n")[1]
    assert open_checkpoint(NOTE + witness, KEY) == CHECKPOINT
    assert open_note(NOTE + witness, OTHER_KEY) == CHECKPOINT.encode()


def test_a_signature_by_another_key_is_no_signature() -> None:
    stranger = VerifierKey(name=KEY.name, raw=OTHER_KEY.raw)
    with pytest.raises(IntegrityViolation, match="not signed by"):
        open_checkpoint(NOTE, stranger)


def test_a_second_broken_signature_by_the_key_is_refused() -> None:
    forged = sign_note("other\n", KEY, sign=PRIVATE.sign).split("\n\n")[1]
    with pytest.raises(IntegrityViolation, match="does not hold"):
        open_checkpoint(NOTE + forged, KEY)


def test_any_key_that_a_log_has_had_opens_what_it_signed() -> None:
    later = VerifierKey(name=KEY.name, raw=OTHER_KEY.raw)
    by_later = CHECKPOINT.sign(later, sign=OTHER_PRIVATE.sign)
    both = NOTE + by_later.split("\n\n")[1]
    for note in (NOTE, by_later, both):
        assert open_checkpoint_of(note, (KEY, later)) == open_checkpoint_of(note, (later, KEY)) == CHECKPOINT
    with pytest.raises(IntegrityViolation, match="with any of the keys"):
        open_checkpoint_of(by_later, (KEY,))
    assert signers(both, (later, OTHER_KEY, KEY)) == (later, KEY)


def test_of_several_keys_a_signature_that_does_not_hold_is_never_passed_over() -> None:
    later = VerifierKey(name=KEY.name, raw=OTHER_KEY.raw)
    forged = sign_note("other\n", later, sign=OTHER_PRIVATE.sign).split("\n\n")[1]
    for keys in ((KEY, later), (later, KEY)):
        with pytest.raises(IntegrityViolation, match="does not hold"):
            open_checkpoint_of(NOTE + forged, keys)
    assert open_checkpoint_of(NOTE + forged, (KEY,)) == CHECKPOINT


@pytest.mark.parametrize("keys", [(), (KEY, OTHER_KEY)])
def test_keys_of_no_log_or_of_two_open_nothing(keys: tuple[VerifierKey, ...]) -> None:
    with pytest.raises(InvalidInput, match="expected those of one"):
        open_checkpoint_of(NOTE, keys)


def test_a_checkpoint_of_another_log_is_refused() -> None:
    other = Checkpoint(origin="another.example/log", size=7, root=CHECKPOINT.root)
    with pytest.raises(IntegrityViolation, match="expected wardline"):
        open_checkpoint(sign_note(other.encode(), KEY, sign=PRIVATE.sign), KEY)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a+b",
        str(KEY).replace("+", "-", 1),
        str(KEY)[:-1],
        str(KEY) + "\n",
        "other" + str(KEY),  # the hash is of another name
        "name+00000000+AQ==",
        PETER.replace("+AR", "+Ax"),
        str(KEY).replace(KEY.name, "a\udc88b"),  # found by fuzzing: bytes that were no text
    ],
)
def test_a_mistyped_key_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        VerifierKey.parse(text)


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\u2003b", "x" * 256, "a\nb", "a\x01", "a\ud800b"])
def test_a_name_that_would_break_a_note_is_refused(name: str) -> None:
    with pytest.raises(InvalidInput):
        VerifierKey(name=name, raw=KEY.raw)


@pytest.mark.parametrize("size", ["-1", "07", "+7", " 7", "7 ", "1e3", "", "\u0667", "9" * 17])
def test_a_size_has_one_spelling(size: str) -> None:
    with pytest.raises(InvalidInput):
        Checkpoint.parse(CHECKPOINT.encode().replace("\n7\n", f"\n{size}\n"))


def test_a_checkpoint_is_signed_only_in_its_own_name() -> None:
    with pytest.raises(InvalidInput, match="the key is named"):
        CHECKPOINT.sign(OTHER_KEY, sign=OTHER_PRIVATE.sign)

import json
import tracemalloc
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardline import canonical
from wardline.canonical import Digest
from wardline.errors import InvalidInput

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=20,
)


@given(JSON)
def test_decoding_gives_back_what_was_encoded(value: canonical.JSON) -> None:
    assert canonical.decode(canonical.encode(value)) == value


@given(JSON)
def test_only_one_byte_sequence_is_accepted_for_a_value(value: canonical.JSON) -> None:
    loose = json.dumps(value, indent=1).encode()
    if loose == canonical.encode(value):
        assert canonical.decode(loose) == value
    else:
        with pytest.raises(InvalidInput):
            canonical.decode(loose)


@given(JSON, st.data())
def test_a_changed_byte_is_refused_or_another_value(value: canonical.JSON, data: st.DataObject) -> None:
    content = bytearray(canonical.encode(value))
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    with suppress(InvalidInput):
        read = canonical.decode(bytes(content))
        assert canonical.encode(read) == bytes(content) != canonical.encode(value)


@given(st.binary())
def test_a_digest_is_read_back(content: bytes) -> None:
    assert Digest.parse(str(Digest.of(content))) == Digest.of(content)


@given(st.binary(max_size=60))
def test_arbitrary_bytes_raise_nothing_but_our_own_error(content: bytes) -> None:
    try:
        canonical.decode(content)
    except InvalidInput:
        return


@given(st.dictionaries(st.text(st.characters(max_codepoint=127), max_size=3), JSON, max_size=6))
def test_keys_in_ascii_are_sorted_as_all_keys_are(value: dict[str, canonical.JSON]) -> None:
    by_utf16 = json.dumps(canonical._sorted(value), ensure_ascii=False, separators=(",", ":")).encode()
    assert canonical.encode(value) == by_utf16


def test_a_lone_surrogate_is_named_by_its_place() -> None:
    with pytest.raises(InvalidInput, match=r"\$\.a\[1\]\.b: text holds a lone surrogate"):
        canonical.encode({"a": [1, {"b": "\ud800"}]})


def test_a_place_is_named_without_repeating_what_a_stranger_wrote() -> None:
    deep: canonical.JSON = 2**53
    for _ in range(100):
        deep = {"k" * 1000: deep}
    with pytest.raises(InvalidInput) as refused:
        canonical.encode(deep)
    assert refused.value.what.startswith(f"$.{'k' * 40}.k")
    assert len(refused.value.what) < 2000


def test_where_something_stands_is_written_out_only_if_it_is_wrong() -> None:
    # Found by fuzzing: names of 20,000 characters in 400 levels of nesting took gigabytes of paths nobody read.
    deep: canonical.JSON = {"é": 1}
    for _ in range(200):
        deep = {"k" * 20_000: deep}
    content = canonical.encode(deep)
    tracemalloc.start()
    canonical.decode(content)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10 * len(content)


def test_keys_are_sorted_by_utf16_code_units() -> None:
    # RFC 8785 §3.2.3: U+1F600 is the pair D83D DE00 and sorts before U+FB33, which code points would put first.
    assert canonical.encode({"\ufb33": 1, "\U0001f600": 2}) == '{"\U0001f600":2,"\ufb33":1}'.encode()


@pytest.mark.parametrize(
    "content",
    [
        b'{"a":1.0}',
        b'{"a":1e3}',
        b'{"a":NaN}',
        b'{"a":1,"a":1}',
        b"9007199254740992",
        b'"\\ud800"',
        b"[" * 100_000,
        b"",
    ],
)
def test_what_has_no_canonical_form_is_refused(content: bytes) -> None:
    with pytest.raises(InvalidInput):
        canonical.decode(content)


@pytest.mark.parametrize("text", ["", "sha256:", "sha256:" + "A" * 64, "md5:" + "a" * 64, "sha256:" + "a" * 64 + "\n"])
def test_only_a_sha256_digest_in_lower_case_is_a_digest(text: str) -> None:
    with pytest.raises(InvalidInput):
        Digest.parse(text)

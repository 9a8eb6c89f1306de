"""Statements as they are read: one text for one value."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from told_story import Story, begun

from wardline import canonical
from wardline.errors import InvalidInput
from wardline.evidence.statements import Statement


@pytest.fixture(scope="module")
def payload(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    with begun(tmp_path_factory.mktemp("told")) as story:
        return found(story)


def found(story: Story) -> bytes:
    return story.found().envelope.payload


def test_what_is_written_is_read_back_byte_for_byte(payload: bytes) -> None:
    assert Statement.decode(payload).encode() == payload


@pytest.mark.parametrize(
    "spelled",
    [
        "2026-11-23T08:00:07Z",
        "2026-11-23T08:00:07.000000Z",
        "2026-11-23T08:00:07.000+00:00",
        "2026-11-23T10:00:07.000+02:00",
        "2026-11-23 08:00:07.000Z",
        "2026-W48-1T08:00:07.000Z",
        "0001-01-01T00:00:00.000+14:00",
    ],
)
def test_a_moment_has_one_spelling(payload: bytes, spelled: str) -> None:
    document = json.loads(payload)
    document["predicate"]["wardline"]["recordedAt"] = spelled
    with pytest.raises(InvalidInput):
        Statement.decode(canonical.encode(document))


@given(data=st.data())
def test_a_changed_byte_is_refused_or_says_something_else(payload: bytes, data: st.DataObject) -> None:
    position = data.draw(st.integers(0, len(payload) - 1))
    changed = bytearray(payload)
    changed[position] ^= data.draw(st.integers(1, 255))
    try:
        read = Statement.decode(bytes(changed))
    except InvalidInput:
        return
    assert read.encode() == bytes(changed) != payload

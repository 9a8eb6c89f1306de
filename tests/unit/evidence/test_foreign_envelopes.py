import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardline.errors import InvalidInput
from wardline.evidence.envelopes import Envelope, Signature
from wardline.evidence.foreign_envelopes import MAX_BYTES, read_foreign

TEXT = st.text(st.characters(codec="utf-8"), max_size=20)
ENVELOPES = st.builds(
    Envelope,
    payload_type=TEXT,
    payload=st.binary(max_size=60),
    signatures=st.lists(st.builds(Signature, keyid=TEXT, sig=st.binary(max_size=70)), min_size=1, max_size=3).map(
        tuple
    ),
)
SPELLINGS = (base64.b64encode, base64.urlsafe_b64encode)


def spelled(envelope: Envelope, encode, indent: int | None, **more: object) -> bytes:
    signatures = [{"sig": encode(s.sig).decode(), "keyid": s.keyid} | more for s in envelope.signatures]
    document = {"signatures": signatures, "payload": encode(envelope.payload).decode()}
    return json.dumps(document | {"payloadType": envelope.payload_type} | more, indent=indent).encode()


@given(ENVELOPES, st.sampled_from(SPELLINGS), st.sampled_from([None, 0, 3]))
def test_either_alphabet_and_any_white_space_give_one_canonical_form(envelope: Envelope, encode, indent) -> None:
    read = read_foreign(b" \n" + spelled(envelope, encode, indent, cert="-----", extra=[1.5, None]) + b"\t")
    assert read == envelope
    assert Envelope.decode(read.encode()) == envelope


@given(ENVELOPES)
def test_our_own_form_is_read_as_well_and_ours_stays_strict(envelope: Envelope) -> None:
    assert read_foreign(envelope.encode()) == envelope
    with pytest.raises(InvalidInput):
        Envelope.decode(b" " + envelope.encode())


def test_our_own_reader_takes_one_alphabet_only() -> None:
    envelope = Envelope(payload_type="t", payload=b"\xff\xff\xff", signatures=(Signature(keyid="k", sig=b"\xfb\xff"),))
    other = envelope.encode().replace(b"////", b"____")
    assert read_foreign(other) == envelope
    with pytest.raises(InvalidInput):
        Envelope.decode(other)


def test_a_signature_without_a_key_id_has_an_empty_one() -> None:
    read = read_foreign(b'{"payload":"","payloadType":"t","signatures":[{"sig":"AAAA"}]}')
    assert read.signatures == (Signature(keyid="", sig=b"\0\0\0"),)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"{}",
        b'{"payload":"","payloadType":"t","signatures":[]}',
        b'{"payload":"","payloadType":"t","signatures":[{"keyid":"k"}]}',
        b'{"payload":"","payloadType":"t","signatures":[{"keyid":1,"sig":""}]}',
        b'{"payload":"","payload":"AAAA","payloadType":"t","signatures":[{"sig":""}]}',
        b'{"payload":"-/AA","payloadType":"t","signatures":[{"sig":""}]}',
        b'{"payload":"AAA","payloadType":"t","signatures":[{"sig":""}]}',
        b'{"payload":"AAB=","payloadType":"t","signatures":[{"sig":""}]}',
        b'{"payload":"AA\\nA","payloadType":"t","signatures":[{"sig":""}]}',
        b'{"payload":"","payloadType":"\\ud800","signatures":[{"sig":""}]}',
        b'{"payload":"","payloadType":"t","signatures":[{"sig":""}],"x":NaN}',
        b'{"payload":"","payloadType":"t","signatures":[{"sig":""}]} trailing',
        b"\xff\xfe{}",
        b'{"payload":"","payloadType":"t","signatures":[' + b'{"sig":""},' * 1000 + b'{"sig":""}]}',
        b'{"payload":"","payloadType":"t","signatures":[{"sig":""}],"x":' + b"1" * 5000 + b"}",
        b"[" * 200_000,
        b" " * (MAX_BYTES + 1),
    ],
)
def test_what_is_no_envelope_is_invalid_and_nothing_else(content: bytes) -> None:
    with pytest.raises(InvalidInput):
        read_foreign(content)


@given(
    st.binary(max_size=100)
    | st.recursive(st.none() | st.integers() | TEXT, st.lists).map(lambda x: json.dumps(x).encode())
)
def test_nothing_but_our_own_error_escapes(content: bytes) -> None:
    with pytest.raises(InvalidInput):
        read_foreign(content)

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.ports.test_evidence_log import EARLIER, SIGNER, STRANGER, said

from wardline.errors import InvalidInput
from wardline.evidence.envelopes import seal, verify_signature
from wardline.evidence.signed import SignedStatement, sign_statement
from wardline.evidence.statements import Statement

STATEMENT = Statement.decode(said("build").payload)


@given(
    micros=st.integers(0, 10**9),
    body=st.dictionaries(st.text(max_size=9), st.none() | st.integers(0, 99) | st.text(max_size=9), max_size=4),
)
def test_what_was_signed_is_what_a_reader_finds(micros: int, body: dict[str, object]) -> None:
    context = replace(STATEMENT.context, recorded_at=EARLIER + timedelta(microseconds=micros))
    signed = sign_statement(replace(STATEMENT, context=context, body=body), SIGNER)
    assert SignedStatement.read(signed.envelope) == signed


def test_the_context_is_never_taken_from_the_body() -> None:
    signed = sign_statement(replace(STATEMENT, body={"wardline": "another", "n": 1}), SIGNER)
    assert signed.statement.body == {"n": 1}
    assert SignedStatement.read(signed.envelope) == signed


def test_each_signer_signs_the_same_statement() -> None:
    envelope = sign_statement(STATEMENT, SIGNER, STRANGER).envelope
    assert len(envelope.signatures) == 2
    for signer in (SIGNER, STRANGER):
        verify_signature(envelope, signer.public_key)


def test_what_nobody_could_read_again_is_not_signed() -> None:
    for wrong, signers in ((replace(STATEMENT, subjects=()), (SIGNER,)), (STATEMENT, ())):
        with pytest.raises(InvalidInput):
            sign_statement(wrong, *signers)


def test_what_carries_no_statement_is_refused() -> None:
    for wrong in (
        seal(said("build").payload, payload_type="text/plain", signer=SIGNER),
        replace(said("build"), payload=b"{}"),
    ):
        with pytest.raises(InvalidInput):
            SignedStatement.read(wrong)

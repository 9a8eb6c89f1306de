"""A statement that was just signed, with its envelope: so that the log need not read what was just written."""

from dataclasses import dataclass, replace
from datetime import UTC
from typing import Self

from wardline.clock import from_rfc3339, to_rfc3339
from wardline.errors import InvalidInput
from wardline.evidence.envelopes import Envelope, Signer, cosign, seal
from wardline.evidence.statements import PAYLOAD_TYPE, Statement


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedStatement:
    """`envelope` carries `statement`; made by `sign_statement` or `read` only, so that they belong together."""

    statement: Statement
    envelope: Envelope

    @classmethod
    def read(cls, envelope: Envelope) -> Self:
        """Return what `envelope` carries. Its signatures are not looked at.

        Raises:
            InvalidInput: It is of another type, or carries no statement of ours.
        """
        if envelope.payload_type != PAYLOAD_TYPE:
            raise InvalidInput(f"an envelope of {envelope.payload_type[:80]}; the log takes {PAYLOAD_TYPE}")
        return cls(statement=Statement.decode(envelope.payload), envelope=envelope)


def sign_statement(statement: Statement, *signers: Signer) -> SignedStatement:
    """Return `statement` as a reader will find it, signed by each of `signers`, who are at least one.

    Raises:
        InvalidInput: It says nothing of anything, or holds what has no canonical form.
    """
    if not statement.subjects or not signers:
        raise InvalidInput("a statement needs at least one subject, and somebody who signs it")
    first, *others = signers
    envelope = seal(statement.encode(), payload_type=PAYLOAD_TYPE, signer=first)
    for signer in others:
        envelope = cosign(envelope, signer)
    return SignedStatement(statement=_as_read(statement), envelope=envelope)


def _as_read(statement: Statement) -> Statement:
    """Return what decoding would: times are written in milliseconds, and the context is no part of the body."""
    context = statement.context
    moment = context.recorded_at
    if moment.tzinfo is UTC and moment.microsecond % 1000 == 0 and "wardline" not in statement.body:
        return statement
    written = from_rfc3339(to_rfc3339(moment))
    body = {name: value for name, value in statement.body.items() if name != "wardline"}
    return replace(statement, context=replace(context, recorded_at=written), body=body)

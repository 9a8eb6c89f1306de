"""DSSE envelopes that others wrote: either base64 alphabet, any white space, members we do not know.

Source: https://github.com/secure-systems-lab/dsse/blob/master/envelope.md. What is read becomes an `Envelope`, whose
`encode` writes our one canonical form; the signatures still hold, because DSSE signs the payload and not its spelling.
"""

import base64
import json
import re
from typing import NoReturn

from wardline.canonical import JSON
from wardline.errors import InvalidInput
from wardline.evidence.envelopes import Envelope, Signature
from wardline.ids import KeyId

MAX_BYTES = 16 * 1024 * 1024  # an SBOM of thousands of components signed whole has a few megabytes
_MOST_SIGNATURES = 1000  # each is held against every key that counts
_STANDARD = re.compile(r"[A-Za-z0-9+/]*={0,2}", re.ASCII)
_URL_SAFE = re.compile(r"[A-Za-z0-9_-]*={0,2}", re.ASCII)


def read_foreign(content: bytes) -> Envelope:
    """Return the envelope in `content`. Members that are not DSSE's are left out, as its specification asks.

    Raises:
        InvalidInput: Not JSON, a name given twice, or not an envelope with at least one signature.
    """
    if len(content) > MAX_BYTES:
        raise InvalidInput(f"a DSSE envelope of {len(content)} bytes; expected at most {MAX_BYTES}")
    match _parse(content):
        case {"payload": str(payload), "payloadType": str(payload_type), "signatures": list(signatures)} if signatures:
            if len(signatures) > _MOST_SIGNATURES:
                raise InvalidInput(
                    f"a DSSE envelope with {len(signatures)} signatures; expected {_MOST_SIGNATURES} at most"
                )
            envelope = Envelope(
                payload_type=payload_type,
                payload=_from_either_base64(payload),
                signatures=tuple(_signature(signature) for signature in signatures),
            )
        case _:
            raise InvalidInput("not a DSSE envelope: expected payload, payloadType and at least one signature")
    envelope.encode()  # a text without a UTF-8 form is found here, not where it is written
    return envelope


def _parse(content: bytes) -> JSON:
    try:
        parsed: JSON = json.loads(content.decode(), object_pairs_hook=_object, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise InvalidInput("not a DSSE envelope: not JSON in UTF-8") from error
    return parsed


def _object(members: list[tuple[str, JSON]]) -> dict[str, JSON]:
    found = dict(members)
    # Of a name given twice two readers may each take another value.
    if len(found) != len(members):
        raise ValueError("a name is given twice")
    return found


def _refuse(_constant: str) -> NoReturn:
    raise ValueError("NaN and Infinity are not JSON")


def _signature(document: JSON) -> Signature:
    match document:
        case {"sig": str(sig), **rest} if isinstance(keyid := rest.get("keyid", ""), str):
            return Signature(keyid=KeyId(keyid), sig=_from_either_base64(sig))
        case _:
            raise InvalidInput("DSSE signature: expected sig, and a text as keyid if there is one")


def _from_either_base64(text: str) -> bytes:
    if len(text) % 4 or not (_STANDARD.fullmatch(text) or _URL_SAFE.fullmatch(text)):
        raise InvalidInput("not base64 in one of its two alphabets (RFC 4648 §4, §5)")
    try:
        content = base64.b64decode(text.translate(_TO_STANDARD), validate=True)
    except ValueError as error:
        raise InvalidInput("not base64") from error
    if base64.b64encode(content).decode() != text.translate(_TO_STANDARD):
        raise InvalidInput("base64 is not in its canonical form")
    return content


_TO_STANDARD = str.maketrans("-_", "+/")

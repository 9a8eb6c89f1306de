"""Mutations that bytes alone do not come to: another value in a document, a piece repeated a thousand times."""

import base64
import json
import random

# What went wrong in parsers before, ours and others'.
WORDS = (
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-14:00",
    "9007199254740992",
    "1" * 64,
    "1_0",
    "-0",
    "1e999",
    "NaN",
    "[[[[[[[[",
    '{"a":',
    "\u0661\u0662",
    "\u2028",
    "\u2014 ",
    "\n\n",
    "AAA=",
    "AB==",
    "-_",
    "%00",
    "%ff",
    "x001/x001/",
    ".p/",
    "!!timestamp ",
    "!!int ''",
    "&a [*a]",
    "<<: *a",
    "? ",
)
_VALUES = (None, True, False, 0, -1, 1, 2**53, 10**400, 1.5, "", "\x00", "\ud800", "é", [], {}, [[]], *WORDS)
_DEPTHS = (2, 200, 254, 256, 400, 990, 2000)
_MOST = 3000  # times that a piece is repeated


def reshaped(content: bytes, rng: random.Random) -> bytes:
    """Return the JSON in `content` with one value changed, also where JSON lies in it as base64; else what came."""
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        return content
    try:
        spaces = (",", ":")
        return json.dumps(_changed(document, rng), ensure_ascii=False, separators=spaces, sort_keys=True).encode(
            errors="surrogatepass"
        )
    except (RecursionError, ValueError):
        return content


def repeated(content: bytes, rng: random.Random) -> bytes:
    """Return `content` with a piece of it again and again."""
    start = rng.randrange(len(content) + 1)
    end = min(len(content), start + rng.randrange(1, 16))
    return content[:end] + content[start:end] * rng.randrange(1, _MOST) + content[end:]


def _changed(value: object, rng: random.Random) -> object:
    if isinstance(value, dict) and value and rng.random() < 0.9:
        name = rng.choice(sorted(value))
        return value | {name: _changed(value[name], rng)}
    if isinstance(value, list) and value and rng.random() < 0.9:
        position = rng.randrange(len(value))
        return [*value[:position], _changed(value[position], rng), *value[position + 1 :]]
    if isinstance(value, str) and rng.random() < 0.7:
        return _inside(value, rng)
    return _another(value, rng)


def _inside(text: str, rng: random.Random) -> str:
    """Change what `text` encodes, or the text itself."""
    try:
        inner = base64.b64decode(text, validate=True)
    except ValueError:
        inner = b""
    if inner.startswith((b"{", b"[")):
        return base64.b64encode(reshaped(inner, rng)).decode()
    at = rng.randrange(len(text) + 1)
    return rng.choice((text[:at], text[at:], text[:at] + rng.choice(WORDS) + text[at:], rng.choice(WORDS), text * 2))


def _another(value: object, rng: random.Random) -> object:
    match rng.randrange(4):
        case 0:
            for _ in range(rng.choice(_DEPTHS)):
                value = [value]
            return value
        case 1 if isinstance(value, dict):
            return value | {rng.choice(("a", "é", "\ud800", *value)): rng.choice(_VALUES)}
        case 2 if isinstance(value, dict | list) and value:
            gone = rng.randrange(len(value))
            if isinstance(value, list):
                return [*value[:gone], *value[gone + 1 :], *value[: rng.randrange(2)]]
            return {name: value[name] for number, name in enumerate(value) if number != gone}
        case _:
            return rng.choice(_VALUES)

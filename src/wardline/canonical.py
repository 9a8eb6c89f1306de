"""Canonical bytes (RFC 8785, for the subset of JSON that evidence uses) and digests over them."""

import hashlib
import json
import re
from dataclasses import dataclass
from typing import Self, TypeAlias, Union

from wardline.errors import InvalidInput

# `dict` and `list` on purpose: what was parsed from JSON, and nothing else, is JSON.
JSON: TypeAlias = Union[bool, int, str, "list[JSON]", "dict[str, JSON]", None]  # `|` takes no forward name
JSONObject: TypeAlias = dict[str, JSON]

_SHA256 = re.compile(r"sha256:([0-9a-f]{64})", re.ASCII)
_MAX_SAFE_INTEGER = 2**53 - 1  # RFC 8785 §3.2.2.3: beyond it JSON numbers lose digits
_MOST_SHOWN = 40  # characters of a key, and steps of a path, in a message


@dataclass(frozen=True, slots=True, order=True)
class Digest:
    """A SHA-256 digest; written `sha256:` and 64 lower-case hexadecimal digits."""

    hex: str

    def __post_init__(self) -> None:
        if _SHA256.fullmatch(f"sha256:{self.hex}") is None:
            raise InvalidInput(f"not a sha256 digest: {self.hex[:80]!r}; expected 64 lower-case hex digits")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the digest that `text` spells.

        Raises:
            InvalidInput: `text` is not `sha256:` and 64 lower-case hex digits.
        """
        match = _SHA256.fullmatch(text)
        if match is None:
            raise InvalidInput(f"not a digest: {text[:80]!r}; expected sha256:<64 hex digits>")
        return cls(match[1])

    @classmethod
    def of(cls, content: bytes) -> Self:
        return cls(hashlib.sha256(content).hexdigest())

    @property
    def short(self) -> str:
        """The first twelve digits, for people; never for a decision."""
        return self.hex[:12]

    def __str__(self) -> str:
        return f"sha256:{self.hex}"


def encode(value: JSON) -> bytes:
    """Return the one canonical encoding of `value`: UTF-8, keys sorted by UTF-16, no white space.

    Floats are refused: evidence counts in integers (milliseconds, bytes, basis points),
    so that no two implementations can disagree on how a number is written.

    Raises:
        InvalidInput: `value` holds something outside the subset.
    """
    if _is_plain(value):
        try:
            return _SORTING.encode(value).encode()
        except UnicodeEncodeError:
            pass  # a lone surrogate; what follows says where
    _check(value, [])
    return json.dumps(_sorted(value), ensure_ascii=False, separators=(",", ":")).encode()


# Sorts by code point, which for keys in ASCII is the order of UTF-16. Made once: making it costs as much as using it.
_SORTING = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def decode(content: bytes) -> JSON:
    """Return the value that `content` canonically encodes.

    Raises:
        InvalidInput: `content` is not JSON, or is not the canonical encoding of its value.
    """
    try:
        value: JSON = json.loads(content)
        again = encode(value)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"not canonical JSON: {type(error).__name__}") from error
    if again != content:
        raise InvalidInput("JSON is not in its canonical form (RFC 8785): it was re-written or edited")
    return value


def digest_of(value: JSON) -> Digest:
    return Digest.of(encode(value))


def _is_plain(value: object) -> bool:
    """Return whether `value` is of the subset, with keys in ASCII: all we write is. Says not where it is not."""
    kind = type(value)
    if kind is dict:
        members: dict[object, object] = value  # type: ignore[assignment]  # mypy does not narrow by type()
        for key, item in members.items():
            if type(key) is not str or not key.isascii():
                return False
            if type(item) is not str and not _is_plain(item):
                return False
        return True
    if kind is list:
        items: list[object] = value  # type: ignore[assignment]  # as above
        return all(map(_is_plain, items))
    if kind is int:
        return -_MAX_SAFE_INTEGER <= value <= _MAX_SAFE_INTEGER  # type: ignore[operator]  # as above
    return value is None or kind is str or kind is bool


def _sorted(value: JSON) -> JSON:
    match value:
        case dict():
            return {key: _sorted(value[key]) for key in sorted(value, key=lambda k: k.encode("utf-16-be"))}
        case list():
            return [_sorted(item) for item in value]
        case _:
            return value


def _check(value: object, path: list[str | int]) -> None:
    """Refuse what is not of the subset. `path` says where: written out only if it is needed, for keys may be long."""
    match value:
        case None | bool():
            return
        case int():
            if abs(value) > _MAX_SAFE_INTEGER:
                raise InvalidInput(f"{_place(path)}: an integer beyond 2^53-1, the largest that JSON keeps exactly")
        case str():
            _check_text(value, path)
        case list():
            for position, item in enumerate(value):
                path.append(position)
                _check(item, path)
                path.pop()
        case dict():
            _check_members(value, path)
        case _:
            raise InvalidInput(
                f"{_place(path)}: no canonical form for {type(value).__name__}; use null, bool, int, str, list, dict"
            )


def _check_members(members: dict[object, object], path: list[str | int]) -> None:
    for key, item in members.items():
        if not isinstance(key, str):
            raise InvalidInput(f"{_place(path)}: a key is {type(key).__name__}, expected str")
        _check_text(key, path)
        path.append(key)
        _check(item, path)
        path.pop()


def _check_text(text: str, path: list[str | int]) -> None:
    # A lone surrogate has no UTF-8 form: two readers would disagree on its bytes.
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InvalidInput(f"{_place(path)}: text holds a lone surrogate") from error


def _place(path: list[str | int]) -> str:
    shown = "".join(f"[{step}]" if isinstance(step, int) else f".{step[:_MOST_SHOWN]}" for step in path[:_MOST_SHOWN])
    return f"${shown}" + ("…" if len(path) > _MOST_SHOWN else "")

"""PKCS#11 URIs (RFC 7512): which key on which token, and through which module."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from urllib.parse import unquote, unquote_to_bytes

from wardline.errors import InvalidInput

SCHEME = "pkcs11:"
_PATH = frozenset({"token", "serial", "object", "id", "type"})
_QUERY = frozenset({"module-path", "pin-source"})
_SPELLING = re.compile(r"[A-Za-z0-9._~%:\[\]@!$'()*+,=;?&/|-]*", re.ASCII)  # RFC 7512 §2.3, and what RFC 3986 allows


@dataclass(frozen=True, slots=True, kw_only=True)
class PKCS11URI:
    """A key on a token. Nothing secret is in it: a PIN in a URI would end in histories and logs.

    Attributes:
        id: CKA_ID, as bytes; None: not said.
        module: The library that speaks to the token.
        pin_file: Where the PIN lies (`pin-source`); None: it comes from elsewhere.
    """

    text: str
    token: str | None
    serial: bytes | None
    label: str | None
    id: bytes | None
    module: Path
    pin_file: Path | None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the URI that `text` spells.

        Raises:
            InvalidInput: Not a PKCS#11 URI, an attribute that is not supported or given twice, or no module, token
                or key named.
        """
        if "pin-value" in unquote(text):
            raise InvalidInput(
                "a PKCS#11 URI with pin-value: a PIN does not belong into a URI",
                remedy="Say pin-source=/file, set the variable for the PIN, or be asked.",
            )
        if not text.startswith(SCHEME) or _SPELLING.fullmatch(text) is None:
            raise InvalidInput(f"not a PKCS#11 URI (RFC 7512): {text[:80]!r}", remedy=_EXAMPLE)
        path, _, query = text.removeprefix(SCHEME).partition("?")
        named, asked = _attributes(path, ";", _PATH), _attributes(query, "&", _QUERY)
        if named.get("type", "private") != "private":
            raise InvalidInput(f"PKCS#11 URI: type={named['type'][:20]}; expected private", remedy=_EXAMPLE)
        if "module-path" not in asked or not {"token", "serial"} & named.keys() or not {"object", "id"} & named.keys():
            raise InvalidInput(
                "PKCS#11 URI: expected token (or serial), object (or id), and module-path", remedy=_EXAMPLE
            )
        module = Path(unquote(asked["module-path"]))
        if not module.is_absolute() or "\0" in str(module):
            raise InvalidInput("PKCS#11 URI: module-path is no absolute path", remedy=_EXAMPLE)
        return cls(
            text=text,
            token=_text(named.get("token")),
            serial=None if "serial" not in named else unquote_to_bytes(named["serial"]),
            label=_text(named.get("object")),
            id=None if "id" not in named else unquote_to_bytes(named["id"]),
            module=module,
            pin_file=_pin_file(asked.get("pin-source")),
        )

    def __str__(self) -> str:
        return self.text


_EXAMPLE = "For example: pkcs11:token=ward;object=signing?module-path=/usr/lib/softhsm/libsofthsm2.so"


def _attributes(text: str, separator: str, known: frozenset[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in text.split(separator) if text else ():
        name, equals, value = part.partition("=")
        if not equals or name not in known or not value:
            raise InvalidInput(
                f"PKCS#11 URI: {name[:40]!r} is not one of {', '.join(sorted(known))} with a value", remedy=_EXAMPLE
            )
        if name in found:
            raise InvalidInput(f"PKCS#11 URI: {name} is given twice", remedy=_EXAMPLE)
        found[name] = value
    return found


def _text(value: str | None) -> str | None:
    try:
        return None if value is None else unquote(value, errors="strict")
    except UnicodeDecodeError as error:
        raise InvalidInput("PKCS#11 URI: a value is not UTF-8", remedy=_EXAMPLE) from error


def _pin_file(source: str | None) -> Path | None:
    if source is None:
        return None
    path = Path(unquote(source).removeprefix("file:"))
    if not path.is_absolute() or "\0" in str(path):
        raise InvalidInput("PKCS#11 URI: pin-source is no absolute path", remedy=_EXAMPLE)
    return path

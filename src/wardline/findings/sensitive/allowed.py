"""Values that say nothing about anybody: kept for documentation, or plainly made up."""

import ipaddress
import re
from typing import Final

_EXAMPLE_DOMAINS: Final = re.compile(  # RFC 2606, RFC 6761
    r"(?:^|[.@/])(?:example\.(?:com|org|net|edu)|(?:[\w-]+\.)*(?:example|test|invalid|localhost|local|internal))(?:[:/]|$)",
    re.IGNORECASE,
)
_ROLES: Final = re.compile(
    r"(?:no-?reply|do-?not-?reply|git|noreply|postmaster|hostmaster|webmaster|mailer-daemon|abuse|security|support"
    r"|info|hello|contact|help|admin|sales|press|legal|privacy|team|bugs?|maintainers?|dev|users?|list|owner)(?:[+.-].*)?@",
    re.IGNORECASE,
)
_FAMOUS: Final = {
    "078-05-1120", "219-09-9999", "123-45-6789", "457-55-5462", "987-65-4321",  # printed in leaflets and manuals
    "4111111111111111", "4242424242424242", "5555555555554444", "5105105105105100", "378282246310005",
    "371449635398431", "6011111111111117", "6011000990139424", "30569309025904", "38520000023237",
    "3530111333300000", "3566002020360505", "4012888888881881", "4222222222222", "5500000000000004",
}  # fmt: skip
_PLACEHOLDER: Final = re.compile(
    r"(?i)^(?:x+|\*+|\.+|-+|_+|0+|9+|n/?a|none|null|nil|unknown|undefined|todo|tbd|redacted|masked|string|str|int|text"
    r"|value|true|false|required|optional|empty|test|foo|bar|baz|dummy|sample|example|placeholder|changeme|anonymous"
    r"|self|name|default|string\(?\d*\)?|var(?:char)?|.*\b(?:example|placeholder|redacted|dummy|your|changeme)\b.*"
    r"|\[redacted.*|\$\{.*|\{\{.*|\{.*\}|<[^>]*>|%\(?\w+\)?[sd]?|\$\w+|@\w+@)$"
)


_NOBODYS_DOMAINS: Final = re.compile(
    r"(?i)@(?:[\w-]+\.)*(?:foo|bar|bat|baz|qux|b|c|x|y|domain|company|mycompany|yourcompany|somewhere|test|acme|host|server|site|mysite)\.\w{2,4}$"
    r"|^(?:.|foo|bar|baz|someone|somebody|username|you|your\.?\w*|me|name)@|[-_.](?:users?|list|dev|devel|announce|discuss|bugs|security)@|@lists?\."
)
_NOBODYS_NAMES: Final = frozenset(
    [
        "alice",
        "bob",
        "carol",
        "dave",
        "eve",
        "mallory",
        "trent",
        "peggy",
        "victor",
        "cynthia",
        "foo",
        "bar",
        "baz",
        "qux",
        "john",
        "jane",
        "doe",
        "joe",
        "bloggs",
        "jack",
        "jill",
        "ed",
        "fred",
        "wendy",
        "mary",
        "sandy",
        "patrick",
        "spongebob",
        "squarepants",
        "admin",
        "root",
        "guest",
        "test",
        "user",
        "acme",
        "lorem",
        "ipsum",
        "first",
        "last",
    ]
)


def is_stock_name(text: str) -> bool:
    """A name that every manual uses. Only source is asked: in data Jane Doe may be a patient's name."""
    return all(word.strip(",.").lower() in _NOBODYS_NAMES for word in text.split())


def is_placeholder(text: str) -> bool:
    stripped = text.strip().strip("\"'`")
    return len(stripped) < 2 or _PLACEHOLDER.match(stripped) is not None  # one letter names nobody


def is_famous_number(text: str) -> bool:
    """A number that its issuer, or a payment scheme, gives for documentation and tests."""
    bare = re.sub(r"[ -]", "", text)
    ssn = f"{bare[:3]}-{bare[3:5]}-{bare[5:]}"
    return bare in _FAMOUS or (len(bare) == 9 and ssn in _FAMOUS) or len(set(bare)) == 1


def is_fictional_phone(text: str) -> bool:
    """555-0100 to 555-0199 are kept for fiction (North American Numbering Plan); so are Ofcom's drama numbers."""
    digits = re.sub(r"\D", "", text)
    drama = digits.removeprefix("44").removeprefix("0")
    return (
        len(set(digits[-7:])) <= 2
        or digits[-7:-2] == "55501"
        or (len(drama) == 10 and drama.startswith(("7700900", "2079460", "1632960")))
        or digits[-10:] in {"1234567890", "2345678901", "0123456789"}
    )


def is_nobodys_mail(text: str) -> bool:
    return (
        _EXAMPLE_DOMAINS.search(text) is not None
        or _ROLES.match(text) is not None
        or _NOBODYS_DOMAINS.search(text) is not None
        or text.endswith(("users.noreply.github.com", ".png", ".jpg", ".svg", ".gif", ".js", ".css", ".py", ".md"))
    )


def is_nobodys_address(text: str) -> bool:
    """An IP address that is no host's on the Internet (RFC 1918, 5737, 3849, 6598 …), or a well-known resolver."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return True
    return not address.is_global or text in {"8.8.8.8", "8.8.4.4", "1.1.1.1", "1.0.0.1", "9.9.9.9"}


def is_public_page(text: str) -> bool:
    return _EXAMPLE_DOMAINS.search(re.sub(r"^\w+://(?:[^/@]*@)?", "/", text).split("?")[0]) is not None

"""What the redactor looks for. No pattern matches across lines, and none matches more than 13 KiB.

Bounded repeats keep every pattern linear enough to run over output that nobody has vetted.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

KEY_BEGINS: Final = re.compile(rb"-----BEGIN (?:[A-Z0-9]{1,20} ){0,4}PRIVATE KEY(?: BLOCK)?-----")
KEY_ENDS: Final = re.compile(rb"-----END (?:[A-Z0-9]{1,20} ){0,4}PRIVATE KEY(?: BLOCK)?-----")


def _always(match: re.Match[bytes]) -> bool:  # noqa: ARG001  # the shape of a confirmer
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """One kind of sensitive value.

    Attributes:
        kind: What the mask says: `[REDACTED:kind]`.
        regex: Matches a candidate. Its one named group that took part, or all of it without any, is masked.
        needles: At least one of them, in lower case, is in any text that can match; empty: cannot tell.
        confirm: Says whether a candidate is one.
    """

    kind: str
    regex: re.Pattern[bytes]
    needles: tuple[bytes, ...] = ()
    confirm: Callable[[re.Match[bytes]], bool] = _always

    def mask(self, text: bytes, lowered: bytes) -> bytes:
        """Return `text` without the values; `lowered` is the same text in lower case."""
        if not self._may_match(lowered):
            return text
        pieces = []
        done = at = 0
        while match := self.regex.search(text, at):
            if not self.confirm(match):
                at = match.start() + 1  # a real one may begin inside
                continue
            start, end = match.span(match.lastgroup or 0)
            pieces += [text[done:start], b"[REDACTED:%s]" % self.kind.encode()]
            done = at = end
        return b"".join([*pieces, text[done:]]) if pieces else text

    def spans(self, text: bytes, lowered: bytes, *, start: int) -> list[tuple[int, int]]:
        """Return where candidates stand that begin at `start` or behind it, confirmed or not."""
        return [match.span() for match in self.regex.finditer(text, start)] if self._may_match(lowered) else []

    def _may_match(self, lowered: bytes) -> bool:
        return not self.needles or any(needle in lowered for needle in self.needles)


def _passes_luhn(match: re.Match[bytes]) -> bool:
    """ISO/IEC 7812-1 annex B: every payment card number checks."""
    digits = [byte - 48 for byte in match[0] if 48 <= byte <= 57]  # noqa: PLR2004  # 0 and 9 in ASCII
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0 and len(set(digits)) > 1


def _is_not_a_scheme(match: re.Match[bytes]) -> bool:
    """`Bearer` in front of a mask is what is left of a header that was masked before."""
    return not match.string[match.end() : match.end() + 20].lstrip(b" \t").startswith(b"[REDACTED:")


def _holds_a_digit(match: re.Match[bytes]) -> bool:
    """`Bearer authentication-required` is prose, `Bearer 8dj2…` is a token."""
    return any(48 <= byte <= 57 for byte in match["value"])  # noqa: PLR2004  # 0 and 9 in ASCII


def _is_a_value(match: re.Match[bytes]) -> bool:
    """`password=None` gives nothing away and helps who debugs."""
    return match[match.lastgroup or 0].lower() not in {b"none", b"null", b"nil", b"true", b"false"}


_SERVICE_TOKENS = rb"|".join(
    (
        rb"(?:AKIA|ASIA|AGPA|AIDA|AROA|ANPA)[A-Z0-9]{16}(?![A-Z0-9])",  # AWS access key ids
        rb"gh[pousr]_[A-Za-z0-9]{30,255}",  # GitHub
        rb"github_pat_[A-Za-z0-9_]{22,255}",
        rb"glpat-[A-Za-z0-9_-]{20,255}",  # GitLab
        rb"xox[abeoprs]-[A-Za-z0-9-]{10,255}",  # Slack
        rb"(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{10,255}",  # Stripe
        rb"sk-(?:[a-z]{2,10}-)?[A-Za-z0-9_-]{20,255}",  # OpenAI, Anthropic
        rb"AIza[A-Za-z0-9_-]{35}",  # Google
        rb"npm_[A-Za-z0-9]{36}",
        rb"pypi-A[A-Za-z0-9_-]{50,512}",
        rb"hf_[A-Za-z0-9]{30,255}",  # Hugging Face
        rb"dop_v1_[a-f0-9]{64}",  # DigitalOcean
        rb"hv[bs]\.[A-Za-z0-9_-]{24,255}",  # HashiCorp Vault
        rb"SG\.[A-Za-z0-9_-]{16,64}\.[A-Za-z0-9_-]{16,128}",  # SendGrid
    )
)

_SECRET_NAMES = (
    rb"(?:pass(?:word|wd|phrase)|pwd|secret|token|credential|(?:api|access|private|secret|signing|encryption)[_-]?key)"
)
# A value in quotes runs to the closing one; else to white space or a separator. A separator with more behind it
# belongs to the value: better one word too many masked than the end of a password shown.
_VALUE = (
    rb"(?:\"(?P<double>(?:[^\"\r\n\\]|\\.){1,12000})\"|'(?P<single>(?:[^'\r\n\\]|\\.){1,12000})'"
    rb"|\\?[\"']?(?P<bare>(?:[^\s\"'\\&<>,;)}\]]|\\(?![\"'])|[,;)}\]](?=[^\s\"'<>,;)}\]])){1,12000}))"
)

PATTERNS: Final = (
    Pattern(
        kind="token",
        regex=re.compile(rb"(?<![A-Za-z0-9_])(?:" + _SERVICE_TOKENS + rb")"),
        needles=(
            b"akia", b"asia", b"agpa", b"aida", b"aroa", b"anpa", b"gh", b"github_pat_", b"glpat-", b"xox", b"k_live_",
            b"k_test_", b"sk-", b"aiza", b"npm_", b"pypi-a", b"hf_", b"dop_v1_", b"hvs.", b"hvb.", b"sg.",
        ),
    ),
    Pattern(
        kind="jwt",  # RFC 7519 §3.1; three parts of at most 4,000 characters each
        regex=re.compile(rb"(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{8,4000}\.eyJ[A-Za-z0-9_-]{8,4000}\.[A-Za-z0-9_-]{0,4000}"),
        needles=(b"eyj",),
    ),
    Pattern(
        kind="authorization",  # RFC 9110 §11.6.2
        regex=re.compile(
            rb"(?i)\bauthorization[\"']?[ \t]{0,4}[:=][ \t]{0,4}[\"']?(?:[a-z]{2,16}[ \t]{1,4})?"
            rb"(?P<value>[A-Za-z0-9._~+/=:-]{4,12000})"
        ),
        needles=(b"authorization",),
        confirm=_is_not_a_scheme,
    ),
    Pattern(
        kind="authorization",
        regex=re.compile(rb"(?i)\bbearer[ \t]{1,4}(?P<value>[A-Za-z0-9._~+/=-]{8,12000})"),
        needles=(b"bearer",),
        confirm=_holds_a_digit,
    ),
    Pattern(
        kind="credentials",  # RFC 3986 §3.2.1: user information in an address
        regex=re.compile(rb"://(?P<value>[^\s/?#\"'<>@:]{0,256}:[^\s/?#\"'<>]{1,512})(?=@)"),
        needles=(b"://",),
    ),
    Pattern(
        kind="secret",
        regex=re.compile(
            rb"(?i)" + _SECRET_NAMES + rb"s?(?:_[a-z0-9_]{1,30})?\\?[\"']?[ \t]{0,4}(?:=>|:=|=|:(?!:))[ \t]{0,4}"
            rb"(?!\[REDACTED:)(?:[bruf]{1,2}(?=[\"']))?" + _VALUE
        ),
        needles=(b"passw", b"passphrase", b"pwd", b"secret", b"key", b"credential", b"token"),
        confirm=_is_a_value,
    ),
    Pattern(
        kind="email",  # the part of RFC 5322 §3.4.1 that people have
        regex=re.compile(rb"[A-Za-z0-9._%+-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24}(?![A-Za-z0-9])"),
        needles=(b"@",),
    ),
    Pattern(
        kind="ssn",
        regex=re.compile(rb"(?i)(?<!redacted:)(?:ssn|social[ _-]?security)[^\d\r\n]{0,20}?"
                         rb"(?P<value>\d{3}[ -]?\d\d[ -]?\d{4})(?!\d)"),
        needles=(b"ssn", b"social"),
    ),
    Pattern(
        kind="ssn",  # the Social Security Administration never issues area 000, 666, 9xx, group 00, serial 0000
        regex=re.compile(rb"(?<![\w-])(?!000|666|9)\d{3}-(?!00)\d\d-(?!0000)\d{4}(?![\w-])"),
    ),
    Pattern(
        kind="card",
        regex=re.compile(
            rb"(?<![\w.-])(?:"
            rb"(?:4\d{3}|5[1-5]\d\d|2[2-7]\d\d|6011|64[4-9]\d|65\d\d|35\d\d|62\d\d)(?:[ -]?\d{4}){3}"  # in fours
            rb"|3[47]\d\d[ -]?\d{6}[ -]?\d{5}"  # American Express
            rb"|3[068]\d\d[ -]?\d{6}[ -]?\d{4}"  # Diners
            rb"|4\d{12}|4\d{18}|62\d{15,17}"
            rb")(?!-?\w|\.\d)"
        ),
        confirm=_passes_luhn,
    ),
    Pattern(
        kind="phone",  # North American Numbering Plan: area and exchange never begin with 0 or 1
        regex=re.compile(
            rb"(?<![\w.+-])(?:\+?1[ .-]?)?(?:\([2-9]\d\d\)[ .-]?|[2-9]\d\d[ .-])[2-9]\d\d[ .-]\d{4}(?![\w-]|\.\d)"
        ),
    ),
    Pattern(
        kind="phone",  # ITU-T E.164: at most 15 digits after the plus
        regex=re.compile(rb"(?<![\w.+/=-])\+[1-9]\d{0,2}(?:[ .-]?(?:\(\d{1,4}\)|\d{1,4})){2,6}(?![\w-]|\.\d)"),
        needles=(b"+",),
        confirm=lambda match: sum(48 <= byte <= 57 for byte in match[0]) in range(8, 16),  # noqa: PLR2004
    ),
    Pattern(
        kind="phone",
        regex=re.compile(rb"(?i)(?:phone|mobile|\btel|\bfax|\bcell)[a-z_ ]{0,12}[\"']?[ \t]{0,4}[:=][ \t]{0,4}[\"']?"
                         rb"(?P<value>\+?\d[\d .()-]{5,18}\d)(?!\w)"),
        needles=(b"phone", b"mobile", b"tel", b"fax", b"cell"),
    ),
)  # fmt: skip

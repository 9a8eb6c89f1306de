"""The rules for running text: what a candidate looks like to RE2, and what confirms it.

The shapes of secrets, mail addresses, cards and telephone numbers are those of `findings.patterns`, which the redactor
masks by: there is one list of them. A rule adds what RE2 looks for first, which has no look-around and at most 1,000
repeats, and says when a match in a file is worth a finding; the redactor masks more, because a mask costs nothing.
"""

import math
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from wardline.findings.patterns import PATTERNS, Pattern
from wardline.findings.sensitive import allowed, checksums
from wardline.findings.sensitive.classes import SensitiveClass as C

_CODE_ONLY: Final = re.compile(rb"[(){}\[\];]|\bdef\b|\breturn\b")
_PERSONS: Final = re.compile(
    rb"(?i)patient|subscriber|member|insured|guarantor|beneficiary|\bmrn\b|\bdob\b|\bssn\b|birth|client|user|remote|login|visitor|caller|clinic|hospital|physician|diagnos|admit|discharg|\bname\b|\bfrom\b"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """What a rule matched. `line` is the line it stands on, at most a few KiB of it."""

    value: str
    line: bytes
    start: int
    end: int
    in_code: bool  # the file is source or documentation of a program

    def before(self, length: int = 40) -> bytes:
        return self.line[max(0, self.start - length) : self.start]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One thing to look for in text.

    Attributes:
        prefilter: For RE2; it matches wherever `regex` does.
        regex: Of one line. Its one named group, or all of it, is the value.
        confirm: Whether the candidate is one.
    """

    name: str
    kind: C
    prefilter: bytes
    regex: re.Pattern[bytes]
    confirm: Callable[[Candidate], bool]


def _known(kind: str) -> tuple[Pattern, ...]:
    return tuple(pattern for pattern in PATTERNS if pattern.kind == kind)


def entropy_bits(text: str) -> float:
    """Return Shannon's entropy per character."""
    counts = Counter(text)
    return -sum(n / len(text) * math.log2(n / len(text)) for n in counts.values()) if text else 0.0


def _secret(candidate: Candidate) -> bool:
    """A literal that looks random, behind the name of a secret; calls, variables, words and hashes are none."""
    value = candidate.value
    if (
        len(value) < 8
        or allowed.is_placeholder(value)
        or re.search(r"[\s(){}<>\[\]$%]|^\W*\w+\.\w+|^[/.@#&*]|://", value)
    ):
        return False
    quoted = candidate.line[candidate.start - 1 : candidate.start] in {b'"', b"'"}
    digits, letters = any(c.isdigit() for c in value), any(c.isalpha() for c in value)
    if candidate.in_code and not quoted:
        return False
    mixed = digits and letters and entropy_bits(value) > 3.0
    return mixed and (len(value) > 15 or not candidate.in_code or re.search(r"[^\w-]", value) is not None)


def _credentials(candidate: Candidate) -> bool:
    word = candidate.value.partition(":")[2]
    after = candidate.line[candidate.end + 1 : candidate.end + 60].decode(errors="replace")
    plain = re.fullmatch(r"(?i)(?:pass(?:word|wd)?|secret|pwd|pw|user|token|postgres|root|admin|guest|test\w*|p)", word)
    made_up = allowed.is_public_page("//" + after) or plain is not None
    if candidate.in_code and not re.search(r"\d", word):
        return False
    return len(word) > 3 and not made_up and not allowed.is_placeholder(word) and not re.search(r"[{}$<>*%]", word)


def _token(candidate: Candidate) -> bool:
    return (
        not re.search(r"EXAMPLE|(.)\1{7}|(?i:xxxx|your|placeholder|abcdefgh|12345678)", candidate.value)
        and entropy_bits(candidate.value) > 3.0
    )


def _mail(candidate: Candidate) -> bool:
    if candidate.in_code:  # who wrote the software says so, in comments and headers; data stands in quotes
        quoted = re.search(rb"[\"'`>]\s*$", candidate.before(4)) is not None or b"mail" in candidate.before(24).lower()
        author = re.search(
            rb"(?i)__\w*email__|-v\d\d@|author|maintainer|copyright|\(c\)|signed-off|git@|license|credit",
            candidate.line,
        )
        if not quoted or author is not None or allowed.is_stock_name(candidate.value.partition("@")[0]):
            return False
    return not allowed.is_nobodys_mail(candidate.value)


def _ssn_bare(candidate: Candidate) -> bool:
    return checksums.is_ssn(candidate.value) and not allowed.is_famous_number(candidate.value)


def _ssn_labelled(candidate: Candidate) -> bool:
    return len(set(checksums.digits_of(candidate.value))) > 2 and not allowed.is_famous_number(candidate.value)


def _card(candidate: Candidate) -> bool:
    labelled = (
        re.search(rb"(?i)card|\bcc\b|visa|amex|payment|account", candidate.line[: candidate.start][-60:]) is not None
    )
    separated = not candidate.value.isdigit()
    number = re.search(rb"[\d.]$|[\d,]\s*$", candidate.before(3)) is not None
    return (
        checksums.is_card(candidate.value)
        and not allowed.is_famous_number(candidate.value)
        and (labelled or separated or not (candidate.in_code or number))
    )


def _phone(candidate: Candidate) -> bool:
    labelled = re.search(rb"(?i)phone|tel|call|mobile|cell|contact|fax|patient|sms|text", candidate.line) is not None
    american = re.match(r"(?:\+?1[ .-]?)?(?:\(\d{3}\)|\d{3}-)", candidate.value) is not None
    plain = labelled or (american and not candidate.in_code)
    return plain and not allowed.is_fictional_phone(candidate.value)


def _fax_is_near(candidate: Candidate) -> bool:
    return re.search(rb"(?i)fax|facsimile", candidate.before(24)) is not None and not allowed.is_fictional_phone(
        candidate.value
    )


def _phone_not_fax(candidate: Candidate) -> bool:
    return re.search(rb"(?i)fax|facsimile", candidate.before(24)) is None and _phone(candidate)


def _labelled_id(candidate: Candidate) -> bool:
    value = candidate.value
    return (
        sum(letter.isdigit() for letter in value) > 3
        and not allowed.is_placeholder(value)
        and not re.fullmatch(r"(?:19|20)\d\d", value)
        and not (candidate.in_code and re.search(r"[a-f\d]{32}", value))
    )


def _checked(check: Callable[[str], bool]) -> Callable[[Candidate], bool]:
    return lambda candidate: check(candidate.value)


def _address(candidate: Candidate) -> bool:
    if allowed.is_nobodys_address(candidate.value):
        return False
    versions = re.search(
        rb"(?i)version|release|\bv$|==|>=|~=|oid|section|\brfc\b|chrome/|/$|[\w.-]$|\.\.$", candidate.before(12)
    )
    if versions is not None or re.match(rb"[\w.-]*[A-Za-z]", candidate.line[candidate.end : candidate.end + 3]):
        return False
    return not candidate.in_code or (
        _PERSONS.search(candidate.line) is not None and _CODE_ONLY.search(candidate.line) is None
    )


def _personal_page(candidate: Candidate) -> bool:
    return (
        not allowed.is_public_page(candidate.value)
        and not (
            candidate.in_code and re.search(r"~|(?i:^(?!.*/(?:patient|member|subscriber|mychart)s?/))", candidate.value)
        )
        and "{" not in candidate.value
        and "<" not in candidate.value
    )


def _date_near(candidate: Candidate) -> bool:
    return re.search(r"\d", candidate.value) is not None


def _name(candidate: Candidate) -> bool:
    words = candidate.value.split()
    if len(words) < 2 or _NO_NAME.search(candidate.value) is not None:
        return False
    if not candidate.in_code:
        return True
    labelled = re.search(rb"(?i)patient|guarantor|subscriber|insured|my name is", candidate.before(24)) is not None
    return labelled and not candidate.value.isupper() and not allowed.is_stock_name(candidate.value)


def _place(candidate: Candidate) -> bool:
    """Source holds the addresses of foundations and of lawyers."""
    return (
        not candidate.in_code
        or re.search(rb"(?i)patient|\blives?\b|address[\"' ]*[:=]", candidate.before(60)) is not None
    )


def _restricted_place(candidate: Candidate) -> bool:
    return not allowed.is_placeholder(candidate.value)


_NO_NAME: Final = re.compile(
    r"(?i)\b(?:the|id|name|list|record|data|type|class|file|not|and|with|details?|information|portal|safety|care|health|status|summary|service|number|date|history|room|unit|access|admin\w*|resource|demographics|identifier|api|consent|rights|system|model|schema|view|app|test\w*|example|unknown|server|database|request|response)\b"
)
_MONTH: Final = rb"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}"
_DATE: Final = (
    rb"(?:(?:19|20)\d\d[-/.](?:0?[1-9]|1[0-2])[-/.](?:0?[1-9]|[12]\d|3[01])|\d{1,2}[-/.]\d{1,2}[-/.](?:(?:19|20)\d\d|\d\d)"
    rb"|(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"
    rb"|" + _MONTH + rb"\.? \d{1,2}(?:st|nd|rd|th)?,? (?:19|20)\d\d|\d{1,2} " + _MONTH + rb",? (?:19|20)\d\d)"
)
_DATE_WORDS: Final = rb"(?:dob|d\.o\.b\.|birth ?dates?|dates? of (?:birth|death|admission|discharge|service|visit|surgery)|born(?: on)?|birthday|deceased|died(?: on)?|expired on|admitted|admission(?: date)?|admit date|discharged?(?: date)?|hospitali[sz]ed|(?:service|visit|encounter|appointment|surgery) date|seen(?: in clinic)? on|appointment (?:on|for)|surgery on)"
_SEP: Final = rb"\.?[\"']?[ \t]{0,4}(?:(?:number|num|no|nr|id|identifier|is|was|value|#)\.?[\"']?[ \t]{0,4}){0,3}[:=#]{0,2}[>]?[ \t]{0,4}[\"']?"
_ID: Final = rb"(?P<value>(?=[A-Z0-9/-]{0,20}\d)[A-Z0-9](?:[A-Z0-9-]|/(?=\d)){3,30})(?![A-Za-z0-9_(.])"
_CAPITAL: Final = (
    rb"(?:[A-Z]|\xc3[\x80-\x9e]|\xc5[\xa0\xbd])(?:[a-z'-]|[A-Z](?=[a-z])|[\xc3-\xc5][\x80-\xbf]){1,25}|[A-Z]\."
)
_NAMES: Final = (
    rb"(?P<value>(?:"
    + _CAPITAL
    + rb"|[A-Z]{2,20})(?:,? (?:"
    + _CAPITAL
    + rb"|[A-Z]{2,20}|van|von|de|der|la|bin|al)){0,3})(?![\w(])"
)


def _labelled(name: str, kind: C, words: bytes, confirm: Callable[[Candidate], bool] = _labelled_id) -> Rule:
    return Rule(
        name=f"{name}-labelled",
        kind=kind,
        prefilter=rb"(?i)\b(?:" + words + rb")\b",
        regex=re.compile(rb"(?<![A-Za-z])(?i:" + words + rb")(?![A-Za-z])(?i:" + _SEP + _ID + rb")"),
        confirm=confirm,
    )


def rules(*, record_number: str | None = None) -> tuple[Rule, ...]:
    """Return every rule for text.

    Args:
        record_number: How the organisation writes medical record numbers, as a regular expression; None: only what
            a label gives away.
    """
    own: tuple[Rule, ...] = ()
    if record_number is not None:
        pattern = record_number.encode()
        shape = re.compile(rb"(?<![\w-])(?P<value>" + pattern + rb")(?![\w-])")
        own = (Rule(name="mrn-pattern", kind=C.MEDICAL_RECORD, prefilter=pattern, regex=shape, confirm=lambda _: True),)
    return (*own, *_SECRETS, *_CONTACTS, *_NUMBERS, *_TEXTS)


_SECRETS: Final = (
    Rule(
        name="private-key", kind=C.SECRET, prefilter=rb"PRIVATE KEY(?: BLOCK)?-----",
        regex=re.compile(rb"-----BEGIN (?:[A-Z0-9]{1,20} ){0,4}PRIVATE KEY(?: BLOCK)?-----[^\"']{0,8}[A-Za-z0-9+/=\\]?"),
        confirm=lambda candidate: re.match(rb"-----[\"']", candidate.line[candidate.end - 5 :]) is None
        and re.search(rb"[\w(] *[\"']$", candidate.before(3)) is None,
    ),
    Rule(
        name="service-token", kind=C.SECRET,
        prefilter=rb"(?:AKIA|ASIA|AGPA|AIDA|AROA|ANPA)[A-Z0-9]{16}|gh[pousr]_[A-Za-z0-9]{30}|github_pat_|glpat-|xox[abeoprs]-|[srp]k_(?:live|test)_|sk-[A-Za-z0-9_-]{20}|AIza[A-Za-z0-9_-]{35}|npm_[A-Za-z0-9]{36}|pypi-A|hf_[A-Za-z0-9]{30}|dop_v1_|hv[bs]\.[A-Za-z0-9_-]{24}|SG\.[A-Za-z0-9_-]{16}",
        regex=_known("token")[0].regex, confirm=_token,
    ),
    Rule(name="jwt", kind=C.SECRET, prefilter=rb"eyJ[A-Za-z0-9_-]{8,500}\.eyJ", regex=_known("jwt")[0].regex, confirm=lambda _: True),
    Rule(
        name="bearer", kind=C.SECRET, prefilter=rb"(?i)\bbearer[ \t]", regex=_known("authorization")[1].regex,
        confirm=lambda candidate: _token(candidate) and len(candidate.value) > 15 and any(c.isdigit() for c in candidate.value),
    ),
    Rule(name="credentials", kind=C.SECRET, prefilter=rb"://[^\s/?#\"'<>@:]{0,256}:[^\s/?#\"'<>]{1,512}@", regex=_known("credentials")[0].regex, confirm=_credentials),
    Rule(
        name="assigned-secret", kind=C.SECRET,
        prefilter=rb"(?i)(?:pass(?:word|wd|phrase)|pwd|secret|token|credential|(?:api|access|private|secret|signing|encryption)[_-]?key)s?(?:_[a-z0-9_]{1,30})?\\?[\"']?[ \t]{0,4}(?:=>|:=|=|:)[ \t]{0,4}(?:[bruf]{1,2})?\\?[\"']?[^\s\"'(]{8}",
        regex=_known("secret")[0].regex, confirm=_secret,
    ),
)  # fmt: skip

_CONTACTS: Final = (
    Rule(name="email", kind=C.EMAIL, prefilter=rb"[A-Za-z0-9]@(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2}", regex=_known("email")[0].regex, confirm=_mail),
    Rule(name="ssn-labelled", kind=C.SSN, prefilter=rb"(?i)(?:ssn|social[ _-]?security)[^\d\r\n]{0,20}\d{3}", regex=_known("ssn")[0].regex, confirm=_ssn_labelled),
    Rule(name="ssn", kind=C.SSN, prefilter=rb"\b\d{3}-\d\d-\d{4}\b", regex=_known("ssn")[1].regex, confirm=_ssn_bare),
    Rule(name="card", kind=C.ACCOUNT, prefilter=rb"\b[2-6]\d{3}[ -]?\d{4,6}[ -]?\d{4,5}", regex=_known("card")[0].regex, confirm=_card),
    Rule(name="card-labelled", kind=C.ACCOUNT, prefilter=rb"(?i)\b(?:card|cc)\b[^\d\r\n]{0,16}\d{12}", regex=re.compile(rb"(?i)\b(?:card|cc)\b[^\d\r\n]{0,16}(?P<value>\d{12,19})(?!\d)"), confirm=lambda c: not c.in_code and not allowed.is_famous_number(c.value)),
    Rule(name="fax", kind=C.FAX, prefilter=rb"(?i)(?:fax|facsimile)[^\d\r\n]{0,20}\d", regex=re.compile(rb"(?i)(?:fax|facsimile)[^\d\r\n+(]{0,20}(?P<value>\+?[\d(][\d .()-]{5,18}\d)(?![\w-])"), confirm=_fax_is_near),
    Rule(name="phone-american", kind=C.PHONE, prefilter=rb"[2-9]\d\d\)?[ .-][2-9]\d\d[ .-]\d{4}\b", regex=_known("phone")[0].regex, confirm=_phone_not_fax),
    Rule(name="phone-american-tight", kind=C.PHONE, prefilter=rb"\([2-9]\d\d\)[2-9]\d\d[ .-]\d{4}\b", regex=_known("phone")[0].regex, confirm=_phone_not_fax),
    Rule(name="phone-international", kind=C.PHONE, prefilter=rb"\+[1-9]\d{0,2}[ .(-]{0,2}\d", regex=_known("phone")[1].regex, confirm=lambda c: _phone_not_fax(c) and len(checksums.digits_of(c.value)) in range(9, 16) and not (c.in_code and re.fullmatch(r"\+\d+", c.value) is not None and re.search(rb"(?i)phone|tel|mobile|sms", c.line) is None)),
    Rule(name="phone-labelled", kind=C.PHONE, prefilter=rb"(?i)(?:phone|mobile|\btel|\bcell|call)[^\d\r\n]{0,24}\d", regex=re.compile(rb"(?i)(?:phone|mobile|\btel|\bcell|\bcall)(?:[a-z_ ]{0,12})[\"']?(?:[ \t]{0,4}[:=#]|[ \t]is)?[ \t]{0,4}[\"']?(?P<value>\+?[\d(][\d .()-]{5,18}\d)(?![\w-])"), confirm=lambda c: _phone_not_fax(c) and len(checksums.digits_of(c.value)) in range(7, 16)),
    Rule(name="ip-v4", kind=C.IP_ADDRESS, prefilter=rb"\b\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}\b", regex=re.compile(rb"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w]|\.\d)"), confirm=_address),
    Rule(name="ip-v6", kind=C.IP_ADDRESS, prefilter=rb"(?i)\b[23][0-9a-f]{3}:[0-9a-f]{0,4}:[0-9a-f:]{2}", regex=re.compile(rb"(?i)(?<![\w:.])[23][0-9a-f]{3}(?::[0-9a-f]{0,4}){2,7}(?![\w:])"), confirm=_address),
    Rule(name="personal-page", kind=C.URL, prefilter=rb"(?i)(?:https?://[^\s\"'<>]{1,200}/(?:patients?|members?|subscribers?|mychart|~[a-z])|(?:website|home ?page|portal|profile|photos?)(?: is| at|:| link:?)* *https?://)", regex=re.compile(rb"(?i)(?P<value>https?://[^\s\"'<>]{1,200}/(?:(?:patients?|members?|subscribers?|mychart)/[\w.%-]*\d[^\s\"'<>]{0,200}|~[a-z]\w+[^\s\"'<>]{0,200}))|(?:website|home ?page|portal|profile|photos?)(?: is| at|:| link:?)* *(?P<page>https?://[^\s\"'<>,;)]{4,200})"), confirm=_personal_page),
)  # fmt: skip

_NUMBERS: Final = (
    _labelled("mrn", C.MEDICAL_RECORD, rb"mrn|m\.r\.n\.|medical[ _-]?rec(?:ord)?(?:[ _-]?(?:number|num|no|id))?|chart[ _-]?(?:number|no|id|#)|patient[ _-]?(?:id|number|no|identifier)|hospital[ _-]?(?:number|no)|nhs[ _-]?(?:number|no)"),
    _labelled("plan", C.HEALTH_PLAN, rb"mbi|hicn|(?:member|subscriber|beneficiary|insurance|policy|medicare|medicaid|health[ _-]?plan)[ _-]?(?:id|number|no|identifier|#)|medicare|medicaid|health plan(?: beneficiary)?(?: number)?"),
    _labelled("account", C.ACCOUNT, rb"(?:account|acct)[ _-]?(?:number|num|no|id|#)|acct|bank account|billing account|account"),
    _labelled("licence", C.LICENCE, rb"(?:drivers?'?s?[ _-]?|driving[ _-]?|medical[ _-]?|nursing[ _-]?)?licen[cs]e[ _-]?(?:number|num|no|id|#)|drivers?'?s?[ _-]licen[cs]e|dl[ _-]?(?:number|no|#)|certificate[ _-]?(?:number|no)|passport(?:[ _-]?(?:number|no))?|npi|dea(?:[ _-]?(?:number|no))?"),
    _labelled("plate", C.VEHICLE, rb"licen[cs]e[ _-]?plate|plate[ _-]?(?:number|no)|number[ _-]?plate|vehicle[ _-]?(?:registration|plate|id)|vin"),
    _labelled("device", C.DEVICE, rb"(?:device|implant|pacemaker|pump|defibrillator|equipment)[ _-]?(?:serial|id|identifier|sn|s/n)(?:[ _-]?(?:number|no))?|serial[ _-]?(?:number|no)|s/n|udi|imei"),
    _labelled("other", C.OTHER_ID, rb"(?:encounter|visit|accession|specimen|study|participant|subject|prescription|rx|referral)[ _-]?(?:id|number|no|#)|empi|csn"),
    Rule(name="mbi", kind=C.HEALTH_PLAN, prefilter=rb"\b[1-9][AC-HJKMNP-RT-Y][AC-HJKMNP-RT-Y0-9]\d-?[AC-HJKMNP-RT-Y][AC-HJKMNP-RT-Y0-9]\d-?[AC-HJKMNP-RT-Y]{2}\d\d\b", regex=re.compile(rb"(?<![\w-])[1-9][AC-HJKMNP-RT-Y][AC-HJKMNP-RT-Y0-9]\d-?[AC-HJKMNP-RT-Y][AC-HJKMNP-RT-Y0-9]\d-?[AC-HJKMNP-RT-Y]{2}\d\d(?![\w-])"), confirm=_checked(checksums.is_mbi)),
    Rule(name="npi", kind=C.LICENCE, prefilter=rb"(?i)\b(?:npi|provider)\b[^\d\r\n]{0,24}[12]\d{9}\b", regex=re.compile(rb"(?i)(?:npi|provider)[^\d\r\n]{0,24}(?P<value>[12]\d{9})(?![\w-])"), confirm=_checked(checksums.is_npi)),
    Rule(name="dea", kind=C.LICENCE, prefilter=rb"\b[ABCDEFGHJKLMPRSTUX][A-Z9]\d{7}\b", regex=re.compile(rb"(?<![\w-])[ABCDEFGHJKLMPRSTUX][A-Z9]\d{7}(?![\w-])"), confirm=lambda c: checksums.is_dea(c.value) and (not c.in_code or b"DEA" in c.line)),
    Rule(name="vin", kind=C.VEHICLE, prefilter=rb"\b[A-HJ-NPR-Z0-9]{8}[0-9X][A-HJ-NPR-Z0-9]{4}\d{4}\b", regex=re.compile(rb"(?<![\w/+=-])[A-HJ-NPR-Z0-9]{8}[0-9X][A-HJ-NPR-Z0-9]{4}\d{4}(?![\w/+=-])"), confirm=lambda c: checksums.is_vin(c.value) and not c.value.isdigit() and re.search(r"[A-Z].*[A-Z]", c.value) is not None),
    Rule(name="udi", kind=C.DEVICE, prefilter=rb"\(01\)\d{14}", regex=re.compile(rb"\(01\)\d{14}(?:\(\d\d\)[\w/.-]{1,20}){0,5}"), confirm=_checked(checksums.is_udi)),
    Rule(name="iban", kind=C.ACCOUNT, prefilter=rb"(?i)\b[A-Z]{2}\d\d ?[A-Z0-9]{4} ?[A-Z0-9]{4}", regex=re.compile(rb"(?i)(?<![\w/+=-])[A-Z]{2}\d\d(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?![\w/+=-])"), confirm=_checked(checksums.is_iban)),
)  # fmt: skip

_TEXTS: Final = (
    Rule(name="date-labelled", kind=C.DATE, prefilter=rb"(?i)\b" + _DATE_WORDS + rb"\b.{0,24}\d", regex=re.compile(rb"(?i)\b" + _DATE_WORDS + rb"\b[\"')]{0,2}(?:[ \t]{0,4}(?:is|was|on|date|at|of|[:=-]|\())*[ \t]{0,3}[\"']?(?P<value>" + _DATE + rb")(?![\d])"), confirm=_date_near),
    Rule(name="age-over-89", kind=C.DATE, prefilter=rb"(?i)\b(?:9\d|1[01]\d)[ -]?(?:y/?o\b|years?[ -]old|yr[ -]old)|\bage[ds]?[ :=]{1,3}(?:9\d|1[01]\d)\b", regex=re.compile(rb"(?i)(?<![\d.])(?P<value>9\d|1[01]\d)[ -]?(?:y/?o\b|years?[ -]old|yr[ -]old)|(?<![a-z])aged?[ :=]{1,3}(?P<other>9\d|1[01]\d)(?![\d.%])"), confirm=lambda c: not c.in_code or b"patient" in c.line.lower()),
    Rule(name="street", kind=C.GEOGRAPHY, prefilter=rb"\b\d{1,5} (?:[NSEW]\.? )?(?:[A-Z][\w'.-]+ ){1,4}(?:St(?:reet)?|Ave(?:nue)?|Rd|Road|Blvd|Boulevard|Ln|Lane|Dr(?:ive)?|Ct|Court|Pl(?:ace)?|Way|Ter(?:race)?|Cir(?:cle)?|Pkwy|Parkway|Hwy|Highway|Sq(?:uare)?|Trail|Loop)\b", regex=re.compile(rb"(?<![\w.-])\d{1,5} (?:[NSEW]\.? )?(?:[A-Z][\w'.-]{1,20} ){1,4}(?:St(?:reet)?|Ave(?:nue)?|Rd|Road|Blvd|Boulevard|Ln|Lane|Dr(?:ive)?|Ct|Court|Pl(?:ace)?|Way|Ter(?:race)?|Cir(?:cle)?|Pkwy|Parkway|Hwy|Highway|Sq(?:uare)?|Trail|Loop)\b(?:,? (?:Apt|Suite|Unit|#)\.? ?\w{1,5})?"), confirm=_place),
    Rule(name="zip-labelled", kind=C.GEOGRAPHY, prefilter=rb"(?i)\b(?:zip|zip ?code|postal ?code)\b[^\d\r\n]{0,8}\d{5}\b", regex=re.compile(rb"(?i)\b(?:zip|zip ?code|postal ?code)\b[\"']?(?: is|[ :=#])*[\"']?(?P<value>\d{5}(?:-\d{4})?)(?![\w.-])"), confirm=_restricted_place),
    Rule(name="zip-of-state", kind=C.GEOGRAPHY, prefilter=rb"[A-Z][a-z]+,? (?:A[KLRZ]|C[AOT]|D[CE]|FL|GA|HI|I[ADLN]|K[SY]|LA|M[ADEINOST]|N[CDEHJMVY]|O[HKR]|PA|RI|S[CD]|T[NX]|UT|V[AT]|W[AIVY]) +\d{5}\b", regex=re.compile(rb"(?<![A-Za-z])(?:[A-Z][a-z]+ ?){1,3},? (?:A[KLRZ]|C[AOT]|D[CE]|FL|GA|HI|I[ADLN]|K[SY]|LA|M[ADEINOST]|N[CDEHJMVY]|O[HKR]|PA|RI|S[CD]|T[NX]|UT|V[AT]|W[AIVY]) +\d{5}(?:-\d{4})?(?![\w.-])"), confirm=lambda c: b"Boston" not in c.line or not c.in_code),
    Rule(name="name-labelled", kind=C.NAME, prefilter=rb"\b(?i:(?:patient|member|subscriber|guarantor|insured|physician|doctor|nurse|provider|client|mother|father|spouse|wife|husband|daughter|son|guardian|attending|emergency contact|next of kin)(?:'s)?(?: full)?(?: name)?(?: is| was|:|=)?|my name is|full name:?|\bname:) ?[\"']?[A-Z]", regex=re.compile(rb"(?<![\w.-])(?i:(?:patient|pt|member|subscriber|guarantor|insured|physician|doctor|nurse|provider|client|mother|father|spouse|wife|husband|daughter|son|guardian|attending|emergency contact|next of kin)(?:'s)?(?: full)?(?:[ _]name)?|my name is|full name|name)(?: is| was|:|=)?[ \t]{0,3}[\"']?" + _NAMES), confirm=_name),
    Rule(name="name-titled", kind=C.NAME, prefilter=rb"\b(?:Mr|Mrs|Ms|Miss|Dr)\.? [A-Z]", regex=re.compile(rb"(?<![\w.-])(?:Mr|Mrs|Ms|Miss|Dr)\.? " + _NAMES), confirm=lambda c: (not c.in_code or _PERSONS.search(c.line) is not None) and len(c.value) > 2),
    Rule(name="photo-file", kind=C.PHOTO, prefilter=rb"(?i)(?:patient|face|head ?shot|portrait|mugshot|selfie)[\w/ .:=-]{0,40}\.(?:jpe?g|png|bmp|tiff?|heic)\b", regex=re.compile(rb"(?i)(?P<value>[\w/.-]{0,40}(?:patient|face|headshot|portrait|mugshot|selfie|photo)[\w/.-]{0,40}\d[\w/.-]{0,20}\.(?:jpe?g|png|bmp|tiff?|heic))\b"), confirm=lambda c: not c.in_code),
    Rule(name="biometric-labelled", kind=C.BIOMETRIC, prefilter=rb"(?i)(?:finger ?print|retina|iris|voice ?print|palm ?print|biometric)[ _-]?(?:template|scan|hash|id|data|code)", regex=re.compile(rb"(?i)(?:finger[ _-]?print|retina|iris|voice[ _-]?print|palm[ _-]?print|biometric)[ _-]?(?:template|scan|hash|id|data|code)(?:[ _-]?(?:id|hash))?[\"']?[ \t]{0,3}(?:is|[:=])[ \t]{0,3}[\"']?(?P<value>(?=[\w+/=-]{0,200}\d)[\w+/=-]{6,200})"), confirm=lambda c: not allowed.is_placeholder(c.value)),
)  # fmt: skip

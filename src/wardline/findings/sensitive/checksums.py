"""Check digits and rules of issue of identifiers; each function says whether a text can be one."""

import re
from typing import Final

_VIN_VALUES: Final = dict(zip("ABCDEFGHJKLMNPRSTUVWXYZ", (1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 7, 9, *range(2, 10)), strict=True))  # fmt: skip
_VIN_WEIGHTS: Final = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
_MBI: Final = re.compile(r"[1-9][AC-HJKMNP-RT-Y][AC-HJKMNP-RT-Y0-9]\d-?[AC-HJKMNP-RT-Y][AC-HJKMNP-RT-Y0-9]\d-?[AC-HJKMNP-RT-Y]{2}\d\d")  # fmt: skip
_SSN: Final = re.compile(r"(?!000|666|9)\d{3}[- ]?(?!00)\d\d[- ]?(?!0000)\d{4}")
_DEA: Final = re.compile(r"[ABCDEFGHJKLMPRSTUX][A-Z9]\d{7}")
_UDI: Final = re.compile(r"\(01\)\d{14}|\+[A-Z]\d{3}[A-Z0-9]{1,18}\d[A-Z0-9.$/+%-]")
_IBAN: Final = re.compile(r"[A-Z]{2}\d\d[A-Z0-9]{11,30}")
_IBAN_LENGTHS: Final = {
    "AD": 24, "AE": 23, "AT": 20, "BE": 16, "BG": 22, "CH": 21, "CY": 28, "CZ": 24, "DE": 22, "DK": 18, "EE": 20,
    "ES": 24, "FI": 18, "FR": 27, "GB": 22, "GR": 27, "HR": 21, "HU": 28, "IE": 22, "IL": 23, "IS": 26, "IT": 27,
    "LT": 20, "LU": 20, "LV": 21, "MC": 27, "MT": 31, "NL": 18, "NO": 15, "PL": 28, "PT": 25, "RO": 24, "SA": 24,
    "SE": 24, "SI": 19, "SK": 24, "SM": 27, "TR": 26,
}  # fmt: skip


def digits_of(text: str) -> str:
    return "".join(letter for letter in text if letter in "0123456789")


def passes_luhn(digits: str) -> bool:
    """ISO/IEC 7812-1 annex B."""
    numbers = [int(digit) for digit in digits]
    doubled = [sum(divmod(2 * number, 10)) for number in numbers[-2::-2]]
    return (sum(numbers[-1::-2]) + sum(doubled)) % 10 == 0


def is_card(text: str) -> bool:
    digits = digits_of(text)
    return len(digits) in range(13, 20) and len(set(digits)) > 2 and passes_luhn(digits)


def is_ssn(text: str) -> bool:
    """The Social Security Administration never issues area 000, 666, 9xx, group 00, serial 0000."""
    return _SSN.fullmatch(text) is not None and len(set(digits_of(text))) > 2


def is_npi(text: str) -> bool:
    """45 CFR 162.406: ten digits that begin with 1 or 2, Luhn over them behind 80840."""
    return re.fullmatch(r"[12]\d{9}", text) is not None and passes_luhn("80840" + text)


def is_dea(text: str) -> bool:
    """The last digit is that of the 1st, 3rd and 5th, plus twice the 2nd, 4th and 6th."""
    if _DEA.fullmatch(text.upper()) is None:
        return False
    numbers = [int(digit) for digit in text[2:]]
    return (sum(numbers[0:6:2]) + 2 * sum(numbers[1:6:2])) % 10 == numbers[6]


def is_mbi(text: str) -> bool:
    """The eleven places of a Medicare Beneficiary Identifier, without S, L, O, I, B, Z."""
    return _MBI.fullmatch(text) is not None


def is_vin(text: str) -> bool:
    """49 CFR 565.15: the ninth place checks the others."""
    vin = text.upper()
    if re.fullmatch(r"[A-HJ-NPR-Z0-9]{17}", vin) is None or len(set(vin)) < 6:
        return False
    rest = sum(w * (int(c) if c.isdigit() else _VIN_VALUES[c]) for c, w in zip(vin, _VIN_WEIGHTS, strict=True)) % 11
    return vin[8] == "0123456789X"[rest]


def is_iban(text: str) -> bool:
    """ISO 13616: the length of its country, and 1 modulo 97."""
    iban = text.replace(" ", "").upper()
    if _IBAN.fullmatch(iban) is None or _IBAN_LENGTHS.get(iban[:2], len(iban)) != len(iban):
        return False
    return int("".join(str(int(letter, 36)) for letter in iban[4:] + iban[:4])) % 97 == 1


def is_udi(text: str) -> bool:
    """A UDI by GS1 (application identifier 01 and its check digit) or HIBCC."""
    if _UDI.match(text) is None:
        return False
    if text.startswith("+"):
        return True
    gtin = [int(digit) for digit in text[4:18]]
    return (3 * sum(gtin[0:13:2]) + sum(gtin[1:13:2]) + gtin[13]) % 10 == 0

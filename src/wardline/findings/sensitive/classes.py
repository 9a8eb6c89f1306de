"""What is looked for: the identifiers of 45 CFR 164.514(b)(2)(i)(A)-(R), and secrets."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from wardline.findings.finding import Severity


class SensitiveClass(StrEnum):
    """The letter is that of the Safe Harbor list; a secret has none."""

    NAME = "name"  # (A)
    GEOGRAPHY = "geography"  # (B)
    DATE = "date"  # (C), ages over 89 among them
    PHONE = "phone"  # (D)
    FAX = "fax"  # (E)
    EMAIL = "email"  # (F)
    SSN = "ssn"  # (G)
    MEDICAL_RECORD = "medical-record"  # (H)
    HEALTH_PLAN = "health-plan"  # (I)
    ACCOUNT = "account"  # (J), cards and IBANs among them
    LICENCE = "licence"  # (K), NPI and DEA numbers among them
    VEHICLE = "vehicle"  # (L)
    DEVICE = "device"  # (M)
    URL = "url"  # (N)
    IP_ADDRESS = "ip-address"  # (O)
    BIOMETRIC = "biometric"  # (P)
    PHOTO = "photo"  # (Q)
    OTHER_ID = "other-id"  # (R)
    SECRET = "secret"  # noqa: S105  # a word, not one


SEVERITIES: Final[Mapping[SensitiveClass, Severity]] = dict.fromkeys(SensitiveClass, Severity.HIGH) | {
    SensitiveClass.SECRET: Severity.CRITICAL,
    SensitiveClass.SSN: Severity.CRITICAL,
    SensitiveClass.MEDICAL_RECORD: Severity.CRITICAL,
    SensitiveClass.URL: Severity.MEDIUM,
    SensitiveClass.IP_ADDRESS: Severity.MEDIUM,
    SensitiveClass.OTHER_ID: Severity.MEDIUM,
}  # fmt: skip
MESSAGES: Final[Mapping[SensitiveClass, str]] = {
    SensitiveClass.NAME: "name of a person",
    SensitiveClass.GEOGRAPHY: "address, or place smaller than a State",
    SensitiveClass.DATE: "date about a person, or age over 89",
    SensitiveClass.PHONE: "telephone number",
    SensitiveClass.FAX: "fax number",
    SensitiveClass.EMAIL: "e-mail address",
    SensitiveClass.SSN: "social security number",
    SensitiveClass.MEDICAL_RECORD: "medical record number",
    SensitiveClass.HEALTH_PLAN: "health plan beneficiary number",
    SensitiveClass.ACCOUNT: "account, card or bank number",
    SensitiveClass.LICENCE: "certificate or licence number",
    SensitiveClass.VEHICLE: "vehicle identifier",
    SensitiveClass.DEVICE: "device identifier or serial number",
    SensitiveClass.URL: "address on the web that belongs to a person",
    SensitiveClass.IP_ADDRESS: "IP address of a person's device",
    SensitiveClass.BIOMETRIC: "biometric identifier",
    SensitiveClass.PHOTO: "full-face photograph",
    SensitiveClass.OTHER_ID: "other number that is one person's",
    SensitiveClass.SECRET: "secret",
}

"""What the name of a field says about its value: a column, a key, an element, an attribute."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from wardline.findings.sensitive.allowed import is_placeholder
from wardline.findings.sensitive.checksums import digits_of
from wardline.findings.sensitive.classes import SensitiveClass as C

_PERSON: Final = r"(?:patient|pat|pt|member|subscriber|insured|beneficiary|guarantor|person|client|employee|emp|customer|user|contact|emergency_contact|next_of_kin|nok|kin|spouse|mother|father|parent|guardian|relative|provider|physician|doctor|dr|attending|referring|holder|resident|student|donor|owner|policy_?holder|responsible_party|caller|applicant|recipient|child|home|work|cell|mobile|primary|secondary|alternate|personal|mailing|billing|shipping|current|legal|birth)"
_PEOPLE: Final = rf"(?:{_PERSON}s?_)*"
_NUMBER: Final = r"(?:_?(?:number|num|nr|no|id|identifier|code|value|hash))"

# In this order: the first that matches the whole name says what it is.
_MEANINGS: Final[tuple[tuple[C, str], ...]] = (
    (C.SECRET, r"(?:\w+_)?(?:pass_?word|pass_?wd|pass_?phrase|(?:api|access|private|signing|encryption|secret)_?key|(?:client_?|app_?)?secret|(?:access_?|auth_?|api_?|refresh_?|bearer_?)token)"),
    (C.SSN, rf"{_PEOPLE}(?:ssn|social_?security{_NUMBER}?|soc_?sec{_NUMBER}?|ss_?n(?:um|o|br)|us_ssn|ssn_?(?:number|no|num|last_?4)|tax_?id(?:entification)?{_NUMBER}?|itin|national_?(?:id|insurance|identity){_NUMBER}?|nino|sin)"),
    (C.MEDICAL_RECORD, rf"{_PEOPLE}(?:mrn|mr_?n(?:o|um|umber)|med(?:ical)?_?rec(?:ord)?{_NUMBER}*|chart{_NUMBER}|(?:hospital|patient|pat|pt){_NUMBER}|emr_?id|ehr_?id|nhs{_NUMBER}|medical_?number|mrn_?(?:number|no|num|id)|patientid|case_?number)"),
    (C.HEALTH_PLAN, rf"{_PEOPLE}(?:mbi|hicn|(?:health_?)?plan_?(?:member_?|beneficiary_?)?(?:number|no|num|id)|(?:member|subscriber|beneficiary|insured|insurance|medicare|medicaid|policy|group|payer_?member|health_?plan|coverage){_NUMBER}|(?:insurance|health_?plan|medicare|medicaid)_?(?:member|policy|beneficiary|subscriber)?{_NUMBER}|medicare|medicaid|policy|beneficiary|subscriberid|memberid|health_?insurance{_NUMBER}?)"),
    (C.ACCOUNT, rf"{_PEOPLE}(?:(?:bank_?|billing_?|patient_?|financial_?|checking_?|savings_?|visit_?)?(?:account|acct|acc){_NUMBER}?|iban|(?:credit_?|debit_?|payment_?)?card_?(?:number|no|num)|credit_?card|cc_?(?:number|num|no)|ccn|pan|routing{_NUMBER}|swift|bic|invoice_number|account_?number|claim_?(?:number|id|no))"),
    (C.LICENCE, rf"{_PEOPLE}(?:(?:drivers?_?s?_?|driving_?|medical_?|state_?|professional_?|nursing_?|dea_?)?(?:licen[cs]e|lic|certificate|certification|cert){_NUMBER}|(?:drivers?_?s?_?|driving_?|medical_?|professional_?)licen[cs]e|dl{_NUMBER}|dln|npi{_NUMBER}?|dea{_NUMBER}?|passport{_NUMBER}?|upin|licen[cs]e)"),
    (C.VEHICLE, rf"{_PEOPLE}(?:vin|vehicle_?(?:id|identification|identifier|vin|serial|plate|registration){_NUMBER}?|vin_?(?:number|no|num)|(?:license_?|licence_?|number_?|registration_?|vehicle_?)plate{_NUMBER}?|plate{_NUMBER}?|vehicle_?(?:tag|reg)|reg_?plate)"),
    (C.DEVICE, rf"{_PEOPLE}(?:udi(?:_?(?:di|pi|carrier))?|(?:medical_?|implant_?|implanted_?)?device_?(?:id|identifier|serial|sn|udi|serial{_NUMBER}|number)|serial_?(?:number|no|num)|(?:device|implant|pacemaker|pump|equipment)_?(?:serial|sn|id|identifier){_NUMBER}?|imei|implant_?(?:number|lot)|mac_?addr(?:ess)?)"),
    (C.FAX, rf"{_PEOPLE}(?:fax|facsimile|telefax){_NUMBER}?|.*_fax(?:_number|_no)?"),
    (C.PHONE, rf"{_PEOPLE}(?:(?:tele)?phone|tel|mobile|cell|cellphone|msisdn|phone_?(?:home|work|cell|mobile|business)|telecom|pager|contact_?number|(?:home|work|cell|mobile)_?(?:tele)?phone){_NUMBER}?(?:_\d)?|.*_(?:phone|mobile|telephone)(?:_number|_no)?"),
    (C.EMAIL, rf"{_PEOPLE}e?_?mail(?:_?(?:addr(?:ess)?|id|home|work))?|.*_email(?:_address)?"),
    (C.IP_ADDRESS, rf"{_PEOPLE}(?:(?:client|remote|source|src|user|last|login|device|visitor|origin|host|patient)?_?ip(?:_?v[46])?(?:_?addr(?:ess)?)?|ipaddress|remote_?addr|x_forwarded_for|last_login_ip)"),
    (C.PHOTO, rf"{_PEOPLE}(?:photo(?:graph)?|face_?(?:image|photo|picture|img)|head_?shot|mug_?shot|selfie|portrait|profile_?(?:pic(?:ture)?|image|photo)|avatar|facial_?image|full_?face(?:_?photo)?|picture|id_?photo)(?:_?(?:url|uri|path|file|filename|ref|link|data|base64|id))?"),
    (C.BIOMETRIC, rf"{_PEOPLE}(?:biometrics?|finger_?prints?|thumb_?print|palm_?print|iris|retina|voice_?print|face_?(?:template|id|print|encoding|embedding)|dna|genome|gait)(?:_?(?:scan|template|hash|data|id|code|sample|file|url|path|ref|image|sequence|identifier|profile|minutiae))*"),
    (C.URL, rf"{_PEOPLE}(?:url|web_?site|web_?page|home_?page|personal_?(?:url|site|page|website)|blog|linkedin|facebook|portal_?(?:url|link)|(?:profile|patient|record)_?(?:url|link|uri)|web_?(?:url|address))(?:_url)?|.*_(?:website|homepage)"),
    (C.DATE, rf"{_PEOPLE}(?:dob|do_?b|d_o_b|birth_?da(?:te|y)|date_?of_?(?:birth|death|admission|discharge|service|visit|surgery|onset|injury)|birth_?dt|born(?:_on)?|dod|deceased_?(?:date|on|date_?time)|death_?(?:date|dt)|date_?deceased|(?:admit|admission|discharge|service|visit|encounter|appointment|appt|surgery|procedure|onset|diagnosis|enrol?lment|hire|collection|specimen|exam|study|treatment|immuni[sz]ation|vaccination|prescri(?:bed|ption)|fill)_?(?:date|dt|date_?time|ts|on)|admitted(?:_on|_at)?|discharged(?:_on|_at)?|birthdatetime|dos|birth)|bdate"),
    (C.GEOGRAPHY, rf"{_PEOPLE}(?:(?:street_?|home_?|mailing_?|postal_?|residential_?|billing_?|shipping_?|patient_?)?addr(?:ess)?(?:_?(?:line)?_?[1-4])?|address_?line_?\d?|address_?street|street(?:_?(?:name|number|line|address|addr))?(?:_?[12])?|city|town|county|parish|precinct|district|village|suburb|zip(?:_?code)?|zip_?(?:5|9|plus_?4)|postal_?code|post_?code|postcode|birth_?place|place_?of_?birth|geo_?code|lat(?:itude)?|lon(?:gitude)?|lng|apt|apartment|residence)"),
    (C.NAME, rf"{_PEOPLE}(?:(?:first|last|middle|given|family|sur|fore|maiden|full|legal|preferred|nick|alias|birth|display|mothers?_?maiden|mother_?s_?maiden|christian|fst|lst|f|l|fam)_?name|surname|forename|fname|lname|mname|firstname|lastname|family|given|patient|next_of_kin|emergency_contact|name_?(?:first|last|middle|family|given|full)|lastname_?firstname|guarantor|spouse|mother_?s?_?name|father_?s?_?name)"),
    (C.NAME, rf"(?:{_PERSON}s?_)+(?:full_?)?names?|(?:patient|subscriber|member|guarantor|insured|physician|doctor|provider|nurse|guardian|relative|employer|kin)_?name"),
    (C.DATE, rf"{_PEOPLE}(?:age|age_?(?:years|yrs|at_?\w+))"),
    (C.OTHER_ID, rf"{_PEOPLE}(?:encounter|visit|accession|specimen|order|admission|study|trial|subject|participant|registry|prescription|rx|referral|authorization|auth|episode|enterprise_?patient|empi|external|unique){_NUMBER}|empi|accession|csn|fin|participant|(?:study|series|sop)_?instance_?uid"),
)  # fmt: skip
_COMPILED: Final = tuple((kind, re.compile(pattern)) for kind, pattern in _MEANINGS)
# A field of these names means a person only among fields of a person: `address` may be one of memory.
_AMBIGUOUS: Final = re.compile(
    r"(?:name|address|addr|street|city|town|county|district|village|suburb|state|zip|lat|latitude|lon|lng|longitude|url|website|home_?page|web_?site|blog|ip|ip_?v[46]|host_?ip|serial_?(?:number|no|num)|device_?id|account|acct|acc|account_?id|acct_?id|policy|policy_?id|policy_?no|group_?id|group_?(?:number|no|num|code)|picture|photo|avatar|portrait|age|family|given|parish|precinct|iris|retina|pan|sin|fin|dna|patient|code|tel|cell|mobile|birth|licen[cs]e|cert_?id|certificate_?(?:id|hash)|lic_?id|order_?(?:id|no|number|num)|user_?id|client_?id|external_?id|unique_?id|subject_?id|study_?id|trial_?id|apt|swift|bic|full_?name|display_?name|nick_?name|alias_?name|guarantor|spouse|remote_?addr|source_?ip|origin_?ip|plate|iban|mac_?addr(?:ess)?|residence|genome|gait|medicare|medicaid|routing_?(?:id|no|code)|auth_?(?:id|code|value|hash)|authorization_?\w+|user_?(?:name|ip|url|photo|picture|avatar)|.*_?code|.*_?hash|.*_?value)"
)
_MARK: Final = frozenset({C.SSN, C.MEDICAL_RECORD, C.HEALTH_PLAN, C.DATE, C.NAME, C.PHONE, C.EMAIL, C.FAX})

_DATE_VALUE: Final = re.compile(
    r"(?:(?:19|20)\d\d[-/.]?(?:0?[1-9]|1[0-2])[-/.]?(?:0?[1-9]|[12]\d|3[01])(?:[T ]?\d\d.*)?"
    r"|(?:0?[1-9]|[12]\d|3[01])[-/.](?:0?[1-9]|[12]\d|3[01])[-/.](?:(?:19|20)?\d\d)(?:[ T].*)?"
    r"|(?:\d{1,2}(?:st|nd|rd|th)?[ -])?(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?[ ,-]+\d{1,2}?(?:st|nd|rd|th)?,?[ -]*(?:(?:19|20)\d\d)?"
    r"|\d{1,2}[ -](?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*[ -,]+\d{2,4}"
    r"|(?:9\d|1[01]\d)(?:\s*(?:y|yo|years?|yrs?)(?: old)?)?)",  # an age over 89
    re.IGNORECASE,
)
_NAME_VALUE: Final = re.compile(r"[^\W\d_][^\d_<>{}()\[\]=|/\\@#$%*+;:?!\"]{1,60}")
_ID_VALUE: Final = re.compile(r"(?=.*\d)[\w][\w .:/#()+*-]{2,60}")
_LOOSE: Final = re.compile(r"\S.{2,}", re.DOTALL)


def _digits(least: int, most: int) -> Callable[[str], bool]:
    return lambda text: least <= len(digits_of(text)) <= most and re.search(r"[A-Za-z]{4}", text) is None


_SHAPES: Final[Mapping[C, Callable[[str], bool]]] = {
    C.SECRET: lambda text: (
        re.fullmatch(r"(?=.*\d)(?=.*[A-Za-z])[^\s(){}<>\[\]$%]{8,}", text) is not None and "://" not in text
    ),
    C.SSN: _digits(4, 13),
    C.PHONE: _digits(7, 16),
    C.FAX: _digits(7, 16),
    C.EMAIL: lambda text: "@" in text and " " not in text.strip(),
    C.DATE: lambda text: _DATE_VALUE.fullmatch(text.strip()) is not None,
    C.NAME: lambda text: _NAME_VALUE.fullmatch(text) is not None and re.search(r"[a-z]{3}[A-Z]", text) is None,
    C.GEOGRAPHY: lambda text: len(text) > 1 and re.search(r"[<>{}=]|^[A-Z]{2}$", text) is None,
    C.IP_ADDRESS: lambda text: re.fullmatch(r"[0-9a-fA-F]{1,4}(?:[.:]{1,2}[0-9a-fA-F]{1,4}){3,7}", text) is not None,
    C.URL: lambda text: re.match(r"(?:https?|ftp)://\S+$|www\.\S+$|[\w-]+(?:\.[\w-]+)+(?:/\S*)?$", text) is not None,
    C.PHOTO: lambda text: _LOOSE.fullmatch(text) is not None,
    C.BIOMETRIC: lambda text: len(text) > 3,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    kind: C
    ambiguous: bool


@lru_cache(maxsize=4096)
def meaning_of(name: str) -> Meaning | None:
    """Return what a field called `name` holds; None: nothing that is looked for."""
    words = words_of(name)
    if not words or len(words) > 60:  # a sentence, not a name
        return None
    for kind, pattern in _COMPILED:
        if pattern.fullmatch(words):
            return Meaning(kind=kind, ambiguous=_AMBIGUOUS.fullmatch(words) is not None)
    return Meaning(kind=C.NAME, ambiguous=True) if words == "name" else None


def is_about_a_person(names: Iterable[str]) -> bool:
    """Say whether fields of these names stand together for a person: two that only people have."""
    kinds = set()
    for name in names:
        meaning = meaning_of(name)
        if meaning is not None and (not meaning.ambiguous):
            kinds.add(meaning.kind)
        if re.match(r"(?:patient|pid|subscriber|guarantor|insured|beneficiary|mrn|ssn|dob)", words_of(name)):
            return True
    return len(kinds & _MARK) > 1


def kind_of_field(name: str, value: str, *, of_person: bool) -> C | None:
    """Return what `value` in a field called `name` is, or None.

    Args:
        name: Of the column, key, element or attribute.
        value: As it stands there.
        of_person: The fields beside it tell of a person; then ambiguous names count as well.
    """
    meaning = meaning_of(name)
    if meaning is None or (meaning.ambiguous and not of_person) or is_placeholder(value):
        return None
    return meaning.kind if fits(meaning.kind, value.strip()) else None


def fits(kind: C, value: str) -> bool:
    """Say whether `value` has the shape that values of `kind` have."""
    shape = _SHAPES.get(kind)
    return shape(value) if shape is not None else _ID_VALUE.fullmatch(value) is not None


def words_of(name: str) -> str:
    """Return a name as words: `patientLastName`, `Patient Last-Name` and `PATIENT_LAST_NAME` are one."""
    split = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name.rpartition(":")[2])
    return re.sub(r"[^a-z0-9]+", "_", split.lower()).strip("_")

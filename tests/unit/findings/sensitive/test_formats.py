"""What is found in every form: by the meaning of a field, by its shape in text; and what is left alone."""

# ruff: noqa: E501  # messages are read in one piece

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wardline.findings.sensitive.classes import SensitiveClass as C
from wardline.findings.sensitive.formats import Formats
from wardline.findings.sensitive.sighting import hashed

FORMATS = Formats()

HL7 = (
    "MSH|^~\\&|A|B|C|D|2024||ADT^A01|1|P|2.5\r"
    "PID|1||12345^^^H^MR||Smith^Jane||19610304|F|||12 Oak St^^Springfield^IL^62704||(212)634-1234||||||524-45-6788\r"
    "NK1|1|Smith^Bob|SPO||2126344444^PRN^FX\r"
)
FHIR = (
    '{"resourceType":"Patient","identifier":[{"type":{"coding":[{"code":"MR"}]},"value":"A12345"},'
    '{"system":"http://hl7.org/fhir/sid/us-ssn","value":"524-45-6788"}],"name":[{"family":"Smith","given":["Jane"]}],'
    '"telecom":[{"system":"fax","value":"212 634 1235"},{"system":"email","value":"a@b.co"}],"birthDate":"1961-03-04",'
    '"address":[{"line":["12 Oak"],"city":"Springfield","state":"IL","postalCode":"62704"}],"photo":[{"url":"http://x/y.jpg"}]}'
)
X12 = (
    "ISA*00*          *00*          *ZZ*A              *ZZ*B              *240101*1200*^*00501*000000001*0*P*:~GS*HC~\n"
    "NM1*IL*1*SMITH*JANE****MI*W12345~N3*12 OAK~N4*SPRINGFIELD*IL*62704~DMG*D8*19610304*F~REF*SY*524456788~\n"
    "PER*IC*JANE*TE*2126341234*FX*2126341235~CLM*A123*100~"
)
FIELDS = {
    "a.hl7": (HL7, {C.MEDICAL_RECORD, C.NAME, C.DATE, C.GEOGRAPHY, C.PHONE, C.SSN, C.FAX}),
    "a.json": (FHIR, {C.MEDICAL_RECORD, C.SSN, C.NAME, C.FAX, C.EMAIL, C.DATE, C.GEOGRAPHY, C.PHOTO}),
    "a.x12": (X12, {C.NAME, C.HEALTH_PLAN, C.GEOGRAPHY, C.DATE, C.SSN, C.PHONE, C.FAX, C.ACCOUNT}),
    "a.csv": ("id,Last Name,DOB,SSN,MRN\n1,Smith,1961-03-04,524-45-6788,A12345\n", {C.NAME, C.DATE, C.SSN, C.MEDICAL_RECORD}),
    "a.tsv": ("patient_id\tvin\tphoto\nP12345\tX1234\tface.jpg\n", {C.MEDICAL_RECORD, C.VEHICLE, C.PHOTO}),
    "a.sql": ("INSERT INTO patients (name, dob, city) VALUES ('O''Hara','1961-03-04','Salem'),\n('B Ray','1962-03-04','Troy');", {C.NAME, C.DATE, C.GEOGRAPHY}),
    "a.yaml": ("patient:\n  name: Jane Smith\n  birth_date: 1961-03-04\n", {C.NAME, C.DATE}),
    "a.xml": ('<Patient xmlns="http://hl7.org/fhir"><name><family value="Smith"/></name><birthDate value="1961-03-04"/></Patient>', {C.NAME, C.DATE}),
    "a.py": ('p = Patient(last_name="Smith", mrn="A12345", dob="1961-03-04")\n', {C.NAME, C.MEDICAL_RECORD, C.DATE}),
}  # fmt: skip
TEXT = {
    C.NAME: ["Patient Jane Smith was seen", "by Dr. Turing"],
    C.GEOGRAPHY: ["lives at 12 Oak Street", "Springfield, IL 62704"],
    C.DATE: ["admitted on 03/14/2021", "DOB: 1961-03-04", "a 93-year-old man"],
    C.PHONE: ["call 212-634-1234", "phone: +44 20 7123 4567"],
    C.FAX: ["fax (212) 634-9981"],
    C.EMAIL: ["wrote jane.smith@gmail.com"],
    C.SSN: ["it is 524-45-6788"],
    C.MEDICAL_RECORD: ["MRN: 00123456", "medical record number is H-443211"],
    C.HEALTH_PLAN: ["on 1EG4-TE5-MK73 since"],
    C.ACCOUNT: ["to GB82WEST12345698765432", "account number: 88123-991", "card 4539 1488 0343 6467"],
    C.LICENCE: ["NPI 1234567893", "driver's license D1234567"],
    C.VEHICLE: ["VIN 1M8GDM9AXKP042788", "license plate 7ABC1234"],
    C.DEVICE: ["device serial: SN-44321-A1", "(01)00889842312348(17)270101"],
    C.URL: ["https://portal.hospital.com/patients/12345"],
    C.IP_ADDRESS: ["login from 73.12.44.9"],
    C.BIOMETRIC: ["fingerprint template: a9f3b2c4d5"],
    C.PHOTO: ["saved patient_4432_face.jpg"],
    C.OTHER_ID: ["encounter id 9934112"],
    C.SECRET: ["password: hunter2Xq9!z", "AKIAQ3EGR7WKT2MVLXZB", "-----BEGIN RSA PRIVATE KEY-----\nMIIE"],
}  # fmt: skip
HARMLESS = [
    "550e8400-e29b-41d4-a716-446655440000", "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "8b5417fdc20ce3d1c5f969e3a5c1dc3241f10df6", "version 1.2.3.4, oid 1.3.6.1.4.1.343.7", "2026-11-23T01:02:03.004Z INFO started",
    "lorem ipsum dolor sit amet", "1795395723004123456", "10.0.0.1 192.168.1.20 203.0.113.9 127.0.0.1", "mail user@example.com",
    "call 555-0123 or (212) 555-0199", "card 4111 1111 1111 1111", "password=changeme token=${TOKEN}", "000-12-3456",
]  # fmt: skip


def kinds(name, text):
    return {spot.kind for spot in FORMATS.spots(name, text.encode())}


@pytest.mark.parametrize("name", FIELDS)
def test_fields_are_known_by_their_meaning(name):
    text, expected = FIELDS[name]
    assert kinds(name, text) == expected


@pytest.mark.parametrize(("kind", "text"), [(kind, text) for kind, texts in TEXT.items() for text in texts])
@pytest.mark.parametrize("around", ["{}", "2026-01-01 INFO {}\nnext", "x\ny\n  {}, and more\n"])
def test_text_is_known_by_its_shape_and_what_stands_before_it(kind, text, around):
    assert kind in kinds("a.log", around.format(text))


@pytest.mark.parametrize("text", HARMLESS)
@pytest.mark.parametrize("name", ["a.log", "a.py", "a.json"])
def test_what_is_nobodys_is_left_alone(text, name):
    assert not kinds(name, text)


def test_a_spot_tells_line_and_column():
    spots = FORMATS.spots("a.log", "first\nsecond é MRN: 00123456\n".encode())
    assert [(spot.line, spot.column, spot.value) for spot in spots] == [(2, 15, "00123456")]
    spots = FORMATS.spots("a.csv", FIELDS["a.csv"][0].encode())
    assert [(spot.line, spot.column) for spot in spots] == [(2, 3), (2, 9), (2, 20), (2, 32)]


def test_a_finding_holds_no_value_and_its_hash_has_a_key():
    (spot,) = FORMATS.spots("a.log", b"ssn 524-45-6788")
    one, same = (hashed(spot, path="a.log", nth=1, key=b"k" * 32) for _ in range(2))
    other = hashed(spot, path="a.log", nth=1, key=b"l" * 32)
    assert "524" not in repr(spot) + str(one.to_json()) + repr(one)
    assert one == same
    assert one.keyed_hash != other.keyed_hash
    assert one.finding.id != other.finding.id


def test_an_own_pattern_of_record_numbers_is_looked_for():
    formats = Formats(record_number="H[0-9]{8}")
    assert [spot.kind for spot in formats.spots("a.log", b"see H12345678 there")] == [C.MEDICAL_RECORD]
    assert not FORMATS.spots("a.log", b"see H12345678 there")


def test_a_value_behind_a_long_line_is_found():
    text = b"word " * 100_000 + b"MRN: 00123456 " + b"word " * 100_000
    assert [spot.value for spot in FORMATS.spots("a.log", text)] == ["00123456"]


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(sorted(FIELDS)), st.binary(max_size=60), st.integers(0, 400), st.integers(0, 40))
def test_no_content_makes_it_fail(name, noise, at, gone):
    content = FIELDS[name][0].encode()
    FORMATS.spots(name, content[:at] + noise + content[at + gone :])


@pytest.mark.parametrize("name", sorted(set(FIELDS) - {"a.yaml"}))  # of which nothing is known before its end
def test_a_document_cut_short_is_still_looked_at(name):
    text = FIELDS[name][0]
    assert kinds(name, text[: len(text) * 3 // 4])


@pytest.mark.parametrize("text", ["[" * 5000, '{"a":' * 5000, "<a>" * 5000, "- " * 5000, "a: &a [*a]"])
@pytest.mark.parametrize("name", ["a.json", "a.xml", "a.yaml"])
def test_what_is_nested_without_end_is_no_crash(text, name):
    FORMATS.spots(name, text.encode() + b"\nMRN: 00123456")

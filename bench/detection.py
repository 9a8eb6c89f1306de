# ruff: noqa: ANN001, ANN201, E501, C416  # forms are read in one piece
"""Recall and precision of the scanner on a labelled corpus that is made with a seed; every value in it is made up.

Run as `python bench/detection.py [--seed N] [--second SET.json] [--source FOLDER …]`. SET is a list of sentences with
labelled spans, as microsoft/presidio-research writes them; FOLDER is ordinary source, whose every finding is counted as false.
"""

import argparse
import json
import random
from collections import Counter, defaultdict
from pathlib import Path

from wardline.adapters.scanners.sensitive.files import Looker, Memory, look_at_tree
from wardline.findings.sensitive.checksums import is_card, is_dea, is_iban, is_npi, is_ssn, is_vin
from wardline.findings.sensitive.classes import SensitiveClass as C
from wardline.findings.sensitive.formats import Formats

FIRST = [
    "Jane",
    "Omar",
    "Lucía",
    "Piotr",
    "Wen",
    "Aisha",
    "Gustav",
    "Keiko",
    "Dmitri",
    "Fatima",
    "Noor",
    "Caleb",
    "Imani",
    "Séverine",
    "Rahul",
    "Bridget",
]
LAST = [
    "Hartwell",
    "Okonkwo",
    "Núñez",
    "Kowalczyk",
    "Zhang",
    "O'Rourke",
    "Lindqvist",
    "Tanaka",
    "Abernathy",
    "Castellanos",
    "Haddad",
    "Vandermeer",
    "Iyer",
]
STREETS = ["Larkspur Lane", "Mulberry Street", "Old Mill Road", "Harbor View Drive", "Juniper Court", "Station Avenue"]
CITIES = ["Duluth", "Pocatello", "Yonkers", "Tallahassee", "Boise", "Amarillo"]
PATTERNED = {C.SSN, C.EMAIL, C.PHONE, C.FAX, C.VEHICLE, C.ACCOUNT, C.LICENCE, C.HEALTH_PLAN, C.SECRET, C.IP_ADDRESS}


def until(check, make):
    while not check(value := make()):
        pass
    return value


def person(r):
    """Return a made-up value of every class."""
    digits = lambda n: "".join(r.choice("0123456789") for _ in range(n))  # noqa: E731
    letters = lambda n, of="ABCDEFGHJKLMNPRSTUVWXYZ": "".join(r.choice(of) for _ in range(n))  # noqa: E731
    mbi = "ACDEFGHJKMNPQRTUVWXY"
    first, last = r.choice(FIRST), r.choice(LAST)
    phone = lambda: f"({r.randint(201, 989)}) {r.randint(201, 989)}-{digits(4)}"  # noqa: E731
    return {
        C.NAME: f"{first} {last}",
        C.GEOGRAPHY: f"{r.randint(2, 9899)} {r.choice(STREETS)}",
        C.DATE: r.choice((f"{r.randint(1920, 2023)}-{r.randint(1, 12):02}-{r.randint(1, 28):02}", f"{r.randint(1, 12):02}/{r.randint(1, 28):02}/{r.randint(1920, 2023)}")),
        C.PHONE: until(lambda v: "555" not in v, phone),
        C.FAX: until(lambda v: "555" not in v, phone),
        C.EMAIL: f"{first}.{last}{r.randint(1, 99)}@{r.choice(('gmail.com', 'outlook.com', 'rivermail.net'))}".lower().replace("'", ""),
        C.SSN: until(is_ssn, lambda: f"{digits(3)}-{digits(2)}-{digits(4)}"),
        C.MEDICAL_RECORD: r.choice((digits(8), f"M{digits(7)}", f"{digits(3)}-{digits(4)}")),
        C.HEALTH_PLAN: f"{r.randint(1, 9)}{letters(1, mbi)}{letters(1, mbi)}{digits(1)}{letters(1, mbi)}{letters(1, mbi)}{digits(1)}{letters(2, mbi)}{digits(2)}",
        C.ACCOUNT: r.choice((until(is_card, lambda: "4" + digits(15)), until(is_iban, lambda: f"DE{digits(20)}"), digits(10))),
        C.LICENCE: r.choice((until(is_npi, lambda: "1" + digits(9)), until(is_dea, lambda: f"B{letters(1)}{digits(7)}"), f"D{digits(7)}")),
        C.VEHICLE: until(is_vin, lambda: f"1{letters(1)}{letters(1)}{letters(2)}{digits(3)}{r.choice('0123456789X')}{letters(2)}{digits(6)}"),
        C.DEVICE: f"SN-{digits(5)}-{letters(2)}",
        C.URL: f"https://portal.stlukes.org/patients/{digits(6)}",
        C.IP_ADDRESS: f"{r.choice((23, 71, 98, 151))}.{r.randint(1, 254)}.{r.randint(1, 254)}.{r.randint(1, 254)}",
        C.BIOMETRIC: letters(10, "abcdef0123456789") + digits(6),
        C.PHOTO: f"photos/patient_{digits(5)}_face.jpg",
        C.OTHER_ID: f"E{digits(7)}",
        C.SECRET: letters(6) + digits(4) + letters(6, "abcdefghk") + "!x9",
    }  # fmt: skip


KEYS = {
    C.NAME: "patient_name", C.GEOGRAPHY: "street_address", C.DATE: "date_of_birth", C.PHONE: "home_phone", C.FAX: "fax_number", C.EMAIL: "email", C.SSN: "ssn",
    C.MEDICAL_RECORD: "mrn", C.HEALTH_PLAN: "member_id", C.ACCOUNT: "account_number", C.LICENCE: "license_number", C.VEHICLE: "vin", C.DEVICE: "device_serial_number",
    C.URL: "website", C.IP_ADDRESS: "ip_address", C.BIOMETRIC: "fingerprint_template", C.PHOTO: "photo_path", C.OTHER_ID: "encounter_id", C.SECRET: "api_key",
}  # fmt: skip
SAID = {
    C.NAME: "Patient {} was seen", C.GEOGRAPHY: "moved to {}", C.DATE: "born on {}", C.PHONE: "reached at {}", C.FAX: "fax {}", C.EMAIL: "wrote from {}",
    C.SSN: "number {}", C.MEDICAL_RECORD: "MRN {}", C.HEALTH_PLAN: "Medicare {}", C.ACCOUNT: "account number {}", C.LICENCE: "license no. {}", C.VEHICLE: "drives {}",
    C.DEVICE: "pacemaker serial {}", C.URL: "see {}", C.IP_ADDRESS: "connected from {}", C.BIOMETRIC: "fingerprint hash: {}", C.PHOTO: "stored {}",
    C.OTHER_ID: "encounter number {}", C.SECRET: 'password: "{}"',
}  # fmt: skip


def structured(r):
    """Yield (form, name, content, {class: value}) of a person in every form that has fields."""
    p = person(r)
    flat = {KEYS[kind]: value for kind, value in p.items()}
    keys, values = list(flat), list(flat.values())
    yield "csv", "a.csv", ",".join(keys) + "\n" + ",".join(values), p
    yield "json", "a.json", json.dumps([{"id": 7, "patient": flat}], indent=r.choice((None, 2)), ensure_ascii=False), p
    yield (
        "yaml",
        "a.yaml",
        "patient:\n" + "".join(f"  {k}: {json.dumps(v, ensure_ascii=False)}\n" for k, v in flat.items()),
        p,
    )
    yield "xml", "a.xml", "<patient>" + "".join(f"<{k}>{v}</{k}>\n" for k, v in flat.items()) + "</patient>", p
    quoted = ",".join("'" + value.replace("'", "''") + "'" for value in values)
    yield "sql", "a.sql", f"INSERT INTO patients ({','.join(keys)}) VALUES ({quoted});", {k: v for k, v in p.items()}
    yield (
        "code",
        "a.py",
        "\n".join(f"{k} = {json.dumps(v, ensure_ascii=False)}" for k, v in flat.items()),
        {k: v for k, v in p.items() if k is not C.URL},
    )
    first, _, last = p[C.NAME].partition(" ")
    born = f"{r.randint(1930, 2020)}{r.randint(1, 12):02}{r.randint(10, 28)}"
    hl7 = f"MSH|^~\\&|A|B|C|D|2024||ADT^A01|1|P|2.5\rPID|1||{p[C.MEDICAL_RECORD]}^^^H^MR||{last}^{first}||{born}|F|||{p[C.GEOGRAPHY]}^^Boise^ID^83702||{p[C.PHONE]}|||||{p[C.ACCOUNT]}|{p[C.SSN]}\rIN1|1|X|Y|||||||||||||{last}^{first}||||||||||||||||||||{p[C.HEALTH_PLAN]}\r"
    yield (
        "hl7",
        "a.hl7",
        hl7,
        {k: p[k] for k in (C.MEDICAL_RECORD, C.GEOGRAPHY, C.PHONE, C.ACCOUNT, C.SSN, C.HEALTH_PLAN)}
        | {C.NAME: last, C.DATE: born},
    )
    x12 = f"ISA*00*          *00*          *ZZ*A              *ZZ*B              *240101*1200*^*00501*000000001*0*P*:~NM1*IL*1*{last}*{first}****MI*{p[C.HEALTH_PLAN]}~N3*{p[C.GEOGRAPHY]}~DMG*D8*{born}*F~REF*SY*{p[C.SSN].replace('-', '')}~PER*IC**TE*{p[C.PHONE]}*FX*{p[C.FAX]}*EM*{p[C.EMAIL]}~CLM*{p[C.ACCOUNT]}*100~"
    yield (
        "x12",
        "a.x12",
        x12,
        {k: p[k] for k in (C.HEALTH_PLAN, C.GEOGRAPHY, C.PHONE, C.FAX, C.EMAIL, C.ACCOUNT)}
        | {C.NAME: last, C.DATE: born, C.SSN: p[C.SSN].replace("-", "")},
    )
    fhir = {"resourceType": "Patient", "identifier": [{"type": {"coding": [{"code": "MR"}]}, "value": p[C.MEDICAL_RECORD]}, {"system": "http://hl7.org/fhir/sid/us-ssn", "value": p[C.SSN]}],
            "name": [{"family": last, "given": [first]}], "telecom": [{"system": "phone", "value": p[C.PHONE]}, {"system": "fax", "value": p[C.FAX]}, {"system": "email", "value": p[C.EMAIL]}],
            "birthDate": "1961-03-04", "address": [{"line": [p[C.GEOGRAPHY]]}], "photo": [{"url": p[C.PHOTO]}]}  # fmt: skip
    yield (
        "fhir",
        "a.json",
        json.dumps(fhir, ensure_ascii=False),
        {k: p[k] for k in (C.MEDICAL_RECORD, C.SSN, C.PHONE, C.FAX, C.EMAIL, C.GEOGRAPHY, C.PHOTO)}
        | {C.NAME: last, C.DATE: "1961-03-04"},
    )


def said(r):
    """Yield a line of a log or a note for every class."""
    p = person(r)
    for kind, value in p.items():
        yield (
            "log",
            "a.log",
            f"2026-01-0{r.randint(1, 9)}T10:00:00Z INFO worker-{r.randint(1, 9)} {SAID[kind].format(value)}",
            {kind: value},
        )
        yield (
            "trace",
            "a.txt",
            f'  File "/srv/app/x.py", line {r.randint(1, 999)}, in load\nValueError: bad row: {KEYS[kind]}={value!r}',
            {kind: value},
        )


def negatives(r):
    """Yield what looks like something and is nobody's."""
    hexes = lambda n: "".join(r.choice("0123456789abcdef") for _ in range(n))  # noqa: E731
    for text in (
        f"request {hexes(8)}-{hexes(4)}-4{hexes(3)}-a{hexes(3)}-{hexes(12)}", f"sha256:{hexes(64)}", f"commit {hexes(40)}",
        f"package-{r.randint(0, 9)}.{r.randint(0, 99)}.{r.randint(0, 999)}.{r.randint(0, 9)}.whl", f"urn:oid:2.16.840.1.113883.{r.randint(1, 9)}.{r.randint(100, 999)}.{r.randint(1, 999)}",
        f"2026-0{r.randint(1, 9)}-1{r.randint(0, 9)}T0{r.randint(0, 9)}:00:00.123456+02:00 started", "lorem ipsum dolor sit amet, consectetur adipiscing elit",
        f"test_id_{r.randint(10**6, 10**9)} passed", f"epoch {r.randint(10**12, 2 * 10**12)}", f"10.{r.randint(0, 255)}.4.{r.randint(1, 254)} answered", f"user{r.randint(1, 99)}@example.com",
        f"call 555-01{r.randint(10, 99)}", f"build {r.randint(10**8, 10**9)} in {r.randint(100, 999)} ms", f"000-{r.randint(10, 99)}-{r.randint(1000, 9999)}", "password=changeme", f"port {r.randint(1024, 65535)}",
        f"order of {r.randint(10, 99)} items, total {r.randint(1000, 9999)}.{r.randint(10, 99)}", f"offset 0x{hexes(12)} size {r.randint(10**9, 10**10)}", f"{r.randint(10**15, 10**16 - 1)}0 ns",
        f"age of cache: {r.randint(90, 110)} s", "patient safety policy, version 2.1", "the doctor said that patients should rest",
    ):  # fmt: skip
        yield "negative", r.choice(("a.log", "a.txt", "a.py", "a.csv", "a.json")), text, {}


def measure(seed, people):
    r, formats = random.Random(seed), Formats()
    hit, total, extra, missed = Counter(), Counter(), Counter(), defaultdict(list)
    for _ in range(people):
        for form, name, content, labels in (*structured(r), *said(r), *negatives(r)):
            spots = formats.spots(name, content.encode())
            known = set()
            place = "fields" if form not in {"log", "trace", "negative"} else "text"
            for kind, value in labels.items():
                total[kind, place] += 1
                same = [s for s in spots if value in s.value or (s.value in value and len(s.value) > 3)]
                known.update(id(s) for s in same)
                if any(s.kind is kind for s in same):
                    hit[kind, place] += 1
                else:
                    missed[kind, place].append((form, value))
            # What belongs to a person of the corpus without being a label (given names, cities, links) is not false.
            if not labels or len(labels) == 1:
                for spot in spots:
                    if id(spot) not in known:
                        extra[spot.kind] += 1
                        missed["false", spot.rule].append((form, spot.value))
    return hit, total, extra, missed


def second_set(path):
    """Print recall on sentences with labelled spans; half of the labels are names in free text."""
    classes = {"CREDIT_CARD": C.ACCOUNT, "IBAN_CODE": C.ACCOUNT, "US_SSN": C.SSN, "EMAIL_ADDRESS": C.EMAIL, "PHONE_NUMBER": C.PHONE, "IP_ADDRESS": C.IP_ADDRESS,
               "US_DRIVER_LICENSE": C.LICENCE, "PERSON": C.NAME, "STREET_ADDRESS": C.GEOGRAPHY, "DOMAIN_NAME": C.URL, "ZIP_CODE": C.GEOGRAPHY}  # fmt: skip
    formats, hit, total, found, right = Formats(), Counter(), Counter(), Counter(), Counter()
    for item in json.loads(Path(path).read_text()):
        spots = formats.spots("a.txt", item["full_text"].encode())
        for span in item["spans"]:
            if span["entity_type"] in classes:
                total[span["entity_type"]] += 1
                hit[span["entity_type"]] += any(
                    s.value in span["entity_value"] or span["entity_value"] in s.value for s in spots
                )
        for spot in spots:
            found[spot.kind] += 1
            right[spot.kind] += any(
                spot.value in s["entity_value"] or s["entity_value"] in spot.value for s in item["spans"]
            )
    print("\nsecond set: recall by label")
    for label in sorted(total):
        print(f"  {label:20} {hit[label]:4}/{total[label]:<4} {hit[label] / total[label]:.3f}")
    print(
        f"  precision, all classes {sum(right.values())}/{sum(found.values())} = {sum(right.values()) / max(1, sum(found.values())):.3f}; wrong: { {k.value: found[k] - right[k] for k in found if found[k] > right[k]} }"
    )


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=20261125)
    parser.add_argument("--people", type=int, default=60)
    parser.add_argument("--second")
    parser.add_argument("--source", nargs="*", default=[])
    parser.add_argument("--show", action="store_true", help="print what was missed; the corpus is made up")
    told = parser.parse_args()
    hit, total, extra, missed = measure(told.seed, told.people)
    print(f"{'class':16} {'fields':>16} {'text':>16} {'false':>6}")
    for kind in C:
        cells = [
            f"{hit[kind, place]}/{total[kind, place]} {hit[kind, place] / max(1, total[kind, place]):.3f}"
            for place in ("fields", "text")
        ]
        print(f"{kind.value:16} {cells[0]:>16} {cells[1]:>16} {extra[kind]:>6}")
    for label, goal, chosen in (
        ("structured fields, recall", 0.99, [k for k in total if k[1] == "fields"]),
        ("patterned identifiers in text, recall", 0.97, [k for k in total if k[1] == "text" and k[0] in PATTERNED]),
        ("names in text, behind a label, recall", None, [(C.NAME, "text")]),
    ):
        share = sum(hit[k] for k in chosen) / sum(total[k] for k in chosen)
        print(f"{label}: {share:.4f}" + (f" (goal {goal}: {'met' if share >= goal else 'MISSED'})" if goal else ""))
    right, wrong = sum(hit.values()), sum(extra.values())
    print(
        f"precision: {right / (right + wrong):.4f} (goal 0.95: {'met' if right / (right + wrong) >= 0.95 else 'MISSED'})"
    )
    if told.show:
        for key, values in missed.items():
            print(key, len(values), values[:5])
    if told.second:
        second_set(told.second)
    for folder in told.source:
        looker = Looker(Formats(), b"b" * 32)
        look_at_tree(looker, Path(folder), Memory(None, rules=""))
        files = {finding.finding.path for finding in looker.looked.findings}
        print(
            f"source: {len(files)} of {looker.looked.files} files with findings, {len(looker.looked.findings)} findings: {Counter(f.kind.value for f in looker.looked.findings)}"
        )


if __name__ == "__main__":
    main()

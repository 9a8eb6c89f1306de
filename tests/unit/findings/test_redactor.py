"""The redactor: no planted value survives, however the stream is cut; what is harmless comes out as it went in."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wardline.findings.redactor import LONGEST_LINE, StreamingRedactor, redact

# Every value here is made up, or is the example that its own documentation gives.
SENSITIVE = {
    "ssn": ["123-45-6789", "899-99-9999", "001-01-0001"],
    "email": ["ada.lovelace@example.org", "x+y_z%1@mail.sub.example.co.uk"],
    "card": [
        "4111111111111111", "4111 1111 1111 1111", "5500-0000-0000-0004", "2223003122003222",
        "378282246310005", "3782 822463 10005", "30569309025904", "6011111111111117", "4222222222222",
    ],
    "phone": [
        "(212) 555-0199", "212-555-0199", "212.555.0199", "+1 212 555 0199", "1-800-555-0199", "+44 20 7946 0958",
    ],
    "token": [
        "AKIAIOSFODNN7EXAMPLE", "ghp_" + "a1B2" * 9, "github_pat_" + "11ABCDEFG0" * 3, "glpat-" + "x1_y-" * 4,
        "xoxb-123456789012-abcdefABCDEF", "sk_live_" + "4eC39HqLyjWD", "sk-ant-" + "api03-" * 5, "AIza" + "Sy0-_" * 7,
        "npm_" + "a1B2c3" * 6, "hf_" + "AbCdEf" * 6,
    ],
    "jwt": ["eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P"],
}  # fmt: skip
VALUES = [(kind, value) for kind, values in SENSITIVE.items() for value in values]

KEY = (
    "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\n"
    "MIIEpAIBAAKCAQEA\nq83vEjRWeJCrze8S\n-----END RSA PRIVATE KEY-----"
)

IN_CONTEXT = [
    ("password=hunter2!", "hunter2!"),
    ("DB_PASSWORD='two words'", "two words"),
    ('{"password": "hun\\"ter2", "user": "ada"}', 'hun\\"ter2'),
    ('{\\"client_secret\\": \\"s3cr3t\\"}', "s3cr3t"),
    ("AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
    ("api_key: 0123abcd", "0123abcd"),
    ("passphrase => correct-horse", "correct-horse"),
    ("token=a,b;c)d&next=1", "a,b;c)d"),
    ("pwd := b'raw-bytes'", "raw-bytes"),
    ("Authorization: Bearer abcdef", "abcdef"),
    ("authorization: Basic dXNlcjpwYXNz", "dXNlcjpwYXNz"),
    ("curl -H 'X: Bearer a1b2c3d4e5'", "a1b2c3d4e5"),
    ("postgresql://ada:p@ss:word@db.internal:5432/claims", "p@ss:word"),
    ("redis://:only-password@cache:6379/0", "only-password"),
    ("SSN: 123456789", "123456789"),
    ("social security number 123 45 6789", "123 45 6789"),
    ("phone: 2125550199", "2125550199"),
    ('"mobile_number": "+442079460958"', "+442079460958"),
    ("fax=212 555 0199", "212 555 0199"),
]

HARMLESS = [
    "2026-11-23T01:02:03.004Z INFO started",
    "2026-11-23 01:02:03,123 +0000 +00:00",
    "[01/Nov/2026:10:00:00 +0200] 200 1234 5678",
    "550e8400-e29b-41d4-a716-446655440000 12345678-1234-1234-1234-123456789012",
    "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "sha256:4444444444444444444444444444444444444444444444444444444444444444",
    "8b5417fdc20ce3d1c5f969e3a5c1dc3241f10df6",
    "127.0.0.1:8080 192.168.100.200 10.255.255.254 ::1 2001:db8::ff00:42:8329",
    "flask==3.1.3 gunicorn-27.0.1 Chrome/120.0.6099.109 1.0+20231101 v2.0.0-rc.1",
    "1795395723 1795395723004 1795395723004123 1795395723004123456 20261123012345678",
    "tests/test_auth.py::test_password PASSED [ 50%]",
    "password=None secret: null token = '' PASSWORD=true",
    "70 passed in 8.21s; 804 lines, 622 covered; exit code 0",
    "@pytest.fixture def f(x): return a @ b",
    "Downloading greenlet-2.0.2-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl (618 kB)",
    "http://127.0.0.1:8000/claims?page=2 https://user.example.org/a:b",
    "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
    "bearer authentication is required; basic auth as well",
    "000-12-3456 666-12-3456 123-00-4567 123-45-0000 900-12-3456",
    "4111111111111112 1234567812345678",
]


def in_chunks(content, sizes):
    redactor, out, at = StreamingRedactor(), [], 0
    for size in sizes:
        out.append(redactor.feed(content[at : at + size]))
        at += size
    return b"".join([*out, redactor.feed(content[at:]), redactor.finish()])


@pytest.mark.parametrize(("kind", "value"), VALUES)
@pytest.mark.parametrize("around", ["{}", "value {} end", "'{}'", '{{"x": "{}"}}', "<a>{}</a>", "x\n{}\ny", "({}),"])
def test_a_sensitive_value_is_masked_by_its_kind(kind, value, around):
    masked = redact(around.format(value))
    assert masked == around.format(f"[REDACTED:{kind}]")


@pytest.mark.parametrize(("text", "value"), IN_CONTEXT)
def test_a_value_that_its_label_betrays_is_masked(text, value):
    masked = redact(text)
    assert value not in masked
    assert "[REDACTED:" in masked


@pytest.mark.parametrize("text", HARMLESS)
def test_what_is_harmless_comes_out_as_it_went_in(text):
    assert redact(text) == text


@pytest.mark.parametrize("key", [KEY, KEY.replace("\n", "\\n"), KEY.replace("RSA ", ""), KEY.replace("RSA", "OPENSSH")])
def test_a_private_key_leaves_one_mask(key):
    assert redact(f"before {key} after\nnext") == "before [REDACTED:private-key] after\nnext"


def test_an_unfinished_private_key_hides_what_follows_but_not_for_ever():
    text = KEY.partition("-----END")[0] + "A" * 63 + "\n" + "x" * 20_000 + "\nfine\n"
    assert redact(text) == "[REDACTED:private-key]fine\n"


def test_a_mask_is_left_alone():
    once = redact("\n".join([text for text, _ in IN_CONTEXT] + [value for _, value in VALUES] + [KEY]))
    assert redact(once) == once


def test_a_value_in_a_line_without_end_is_masked():
    words = b"lorem ipsum dolor sit amet consectetur " * 1750  # 68 kB
    for at in range(LONGEST_LINE - 16_430, LONGEST_LINE - 16_330, 9):
        line = words[:at] + b" 123-45-6789 password='two words' +1 212 555 0199 " + words[at:]
        masked = in_chunks(line, [1000] * 60)
        assert b"123-45" not in masked
        assert b"two words" not in masked
        assert b"555 0199" not in masked
        assert len(masked) == len(line) - len("123-45-6789two words+1 212 555 0199") + len(
            "[REDACTED:ssn][REDACTED:secret][REDACTED:phone]"
        )


def test_what_is_held_back_is_bounded_and_lines_come_at_once():
    redactor = StreamingRedactor()
    fed = out = 0
    for _ in range(300):
        fed += 1000
        out += len(redactor.feed(b"a" * 1000))
        assert fed - out < LONGEST_LINE + 1000
    assert StreamingRedactor().feed(b"one\ntwo\nthr") == b"one\ntwo\n"


def test_bytes_that_are_no_text_pass():
    content = bytes(range(256)) * 3 + b"\n\xff\xfe 123-45-6789 \x00\n"
    assert in_chunks(content, [7] * 50) == content.replace(b"123-45-6789", b"[REDACTED:ssn]")


def test_every_split_in_two_gives_the_same():
    text = "\n".join(
        [text for text, _ in IN_CONTEXT] + [value for _, value in VALUES] + HARMLESS + [KEY, "end"]
    ).encode()
    whole = in_chunks(text, [])
    assert all(in_chunks(text, [at]) == whole for at in range(0, len(text), 17))
    assert in_chunks(text, [1] * len(text)) == whole


PLANTED = st.sampled_from([value for _, value in VALUES] + [text for text, _ in IN_CONTEXT] + [KEY])
NOISE = st.one_of(
    st.sampled_from(HARMLESS), st.text(max_size=30), st.sampled_from(["\n", "\r\n", " ", "'", '"', "{", "-----"])
)


@settings(max_examples=200)
@given(st.lists(st.one_of(PLANTED, NOISE), max_size=12), st.lists(st.integers(1, 80), max_size=40))
def test_any_split_of_any_text_gives_the_same(parts, sizes):
    content = " ".join(parts).encode(errors="replace")
    assert in_chunks(content, sizes) == in_chunks(content, [])


@settings(max_examples=200)
@given(st.lists(NOISE, max_size=4), st.sampled_from(VALUES), st.lists(NOISE, max_size=4), st.lists(st.integers(1, 9)))
def test_no_planted_value_survives(before, planted, after, sizes):
    _, value = planted
    content = "\n".join([*before, value, *after]).encode(errors="replace")
    assert value.encode() not in in_chunks(content, sizes)


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 2 * LONGEST_LINE), st.sampled_from(VALUES), st.lists(st.integers(1, 90_000), max_size=6))
def test_any_split_of_a_giant_line_gives_the_same(at, planted, sizes):
    filler = b"word, " * (LONGEST_LINE // 3)
    content = filler[:at] + b" " + planted[1].encode() + b" " + filler[at:]
    masked = in_chunks(content, sizes)
    assert masked == in_chunks(content, [])
    assert planted[1].encode() not in masked

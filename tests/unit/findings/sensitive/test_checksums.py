"""Check digits: the published examples pass, and any single wrong digit is seen."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardline.findings.sensitive import checksums as checks


@pytest.mark.parametrize(
    ("check", "value"),
    [
        (checks.is_npi, "1234567893"),  # the example of the NPI standard
        (checks.is_dea, "AB1234563"),
        (checks.is_mbi, "1EG4-TE5-MK73"),  # the example on the card of CMS
        (checks.is_vin, "1M8GDM9AXKP042788"),  # 49 CFR 565
        (checks.is_iban, "GB82 WEST 1234 5698 7654 32"),
        (checks.is_card, "4539 1488 0343 6467"),
        (checks.is_ssn, "899-12-3456"),
        (checks.is_udi, "(01)00889842312348(17)270101"),
    ],
)
def test_a_published_example_passes(check, value):
    assert check(value)


@pytest.mark.parametrize(
    "value", ["000-12-3456", "666-12-3456", "900-12-3456", "123-00-4567", "123-45-0000", "111111111"]
)
def test_an_ssn_that_is_never_issued_is_none(value):
    assert not checks.is_ssn(value)


@given(st.integers(0, 9), st.integers(0, 9))
def test_a_wrong_digit_of_an_npi_is_seen(position, digit):
    right = "1234567893"
    wrong = right[:position] + str(digit) + right[position + 1 :]
    assert checks.is_npi(wrong) == (wrong == right)


@given(st.text(max_size=40))
def test_no_text_makes_a_check_fail(text):
    for check in (
        checks.is_npi,
        checks.is_dea,
        checks.is_mbi,
        checks.is_vin,
        checks.is_iban,
        checks.is_card,
        checks.is_ssn,
        checks.is_udi,
    ):
        assert check(text) in {True, False}

"""Keys on a real PKCS#11 token: SoftHSM."""

from pathlib import Path

import pytest
from tests.fakes.softhsm import MODULE, PIN, softhsm, uri

from wardline.adapters.signing.pkcs11_uri import PKCS11URI
from wardline.adapters.signing.references import DeferredSigner, open_machine, open_personal
from wardline.errors import IntegrityViolation, InvalidInput, NotFound, Refused, Unavailable, WardlineError
from wardline.evidence.envelopes import seal, verify_signature
from wardline.identity.principals import Scheme


@softhsm
@pytest.mark.parametrize(("label", "scheme"), [("p256", Scheme.ECDSA_P256), ("ed25519", Scheme.ED25519)])
def test_what_a_token_signs_is_verified_by_its_public_half(token: Path, label: str, scheme: Scheme) -> None:
    signer = open_personal(uri(label), lambda: PIN)
    assert signer.public_key.scheme is scheme
    for number in range(20):  # half of all ECDSA signatures come with the greater s
        verify_signature(seal(bytes([number]), payload_type="text/plain", signer=signer), signer.public_key)


@softhsm
def test_a_key_is_found_by_its_id_where_two_have_one_name(token: Path) -> None:
    with pytest.raises(InvalidInput, match="more than one key fits"):
        open_machine(uri("twice"), lambda: PIN)
    by_id = [open_machine(uri("twice").replace("?", f";id=%0{number}?"), lambda: PIN) for number in (4, 5)]
    assert by_id[0].public_key != by_id[1].public_key


@softhsm
def test_the_pin_comes_from_a_private_file_where_the_uri_says_so(token: Path, tmp_path: Path) -> None:
    file = tmp_path / "pin"
    file.write_text(f"{PIN}\n")
    file.chmod(0o600)
    named = uri("p256", **{"pin-source": f"file:{file}"})

    def never() -> str:
        raise AssertionError("asked for a PIN that a file holds")

    assert open_machine(named, never).sign(b"message")
    file.chmod(0o644)
    with pytest.raises(Refused, match="0644"):
        open_machine(named, never)


@softhsm
@pytest.mark.parametrize("wrong", ["000000", "1", ""])
def test_a_wrong_pin_is_refused_and_never_shown(token: Path, wrong: str) -> None:
    with pytest.raises(Refused, match="PIN does not open") as caught:
        open_machine(uri("p256"), lambda: wrong or "999999999")
    assert wrong == "" or f" {wrong} " not in f" {caught.value.what} {caught.value.remedy} "
    open_machine(uri("p256"), lambda: PIN)  # and the right one still opens it


@softhsm
@pytest.mark.parametrize(
    ("named", "family", "said"),
    [
        (uri("nobody"), NotFound, "no such public key"),
        (uri("p256").replace("token=ward", "token=other"), NotFound, "no such token"),
        (uri("p256").replace("token=ward", "serial=00"), NotFound, "no such token"),
        (uri("p384"), InvalidInput, "another curve"),
        (uri("p256").replace(str(MODULE), "/nowhere.so"), Unavailable, "no module"),
        (uri("p256").replace(str(MODULE), __file__), Unavailable, "no PKCS#11 module"),
    ],
)
def test_what_is_wrong_with_a_token_is_said(token: Path, named: str, family: type[WardlineError], said: str) -> None:
    with pytest.raises(family, match=said):
        open_machine(named, lambda: PIN)


@softhsm
def test_a_deferred_key_is_opened_at_its_first_signature(token: Path) -> None:
    asked: list[None] = []

    def pin() -> str:
        asked.append(None)
        return PIN

    known = open_machine(uri("p256"), lambda: PIN).public_key
    signer = DeferredSigner(known, uri("p256"), pin)
    assert signer.public_key == known
    assert not asked
    verify_signature(seal(b"payload", payload_type="text/plain", signer=signer), known)
    signer.sign(b"again")
    assert len(asked) == 1


@softhsm
def test_a_key_that_was_replaced_on_its_token_signs_nothing(token: Path) -> None:
    known = open_machine(uri("ed25519"), lambda: PIN).public_key
    with pytest.raises(IntegrityViolation, match="it was replaced"):
        DeferredSigner(known, uri("p256"), lambda: PIN).sign(b"message")


GOOD = "pkcs11:token=ward;object=signing?module-path=/usr/lib/x.so"


def test_a_uri_names_token_key_and_module() -> None:
    parsed = PKCS11URI.parse(
        "pkcs11:token=a%20b;serial=1f;id=%01%ff;type=private?module-path=/x.so&pin-source=file:/pin"
    )
    assert (parsed.token, parsed.serial, parsed.id, parsed.label) == ("a b", b"1f", b"\x01\xff", None)
    assert (parsed.module, parsed.pin_file) == (Path("/x.so"), Path("/pin"))
    assert PKCS11URI.parse(GOOD).label == "signing"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "pkcs11:",
        "pkcs11:token=ward;object=signing",
        "pkcs11:object=signing?module-path=/x.so",
        "pkcs11:token=ward?module-path=/x.so",
        "pkcs11:token=ward;object=signing?module-path=x.so",
        "pkcs11:token=ward;token=ward;object=signing?module-path=/x.so",
        "pkcs11:token=ward;object=signing;slot-id=1?module-path=/x.so",
        "pkcs11:token=ward;object=signing;type=public?module-path=/x.so",
        "pkcs11:token=ward;object=%ff?module-path=/x.so",
        "pkcs11:token=ward;object=?module-path=/x.so",
        f"{GOOD}&pin-source=pin",
        f"{GOOD}&pin-source=/pin%00",  # a path that no system call takes
        f"{GOOD}%00",
        f"{GOOD} ",
        f"{GOOD}\n",
        GOOD.replace("ward", "wärd"),
    ],
)
def test_what_is_no_uri_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="PKCS#11 URI"):
        PKCS11URI.parse(text)


@pytest.mark.parametrize("spelled", ["pin-value=271828", "pin%2Dvalue=271828"])
def test_a_pin_in_a_uri_is_refused_and_not_repeated(spelled: str) -> None:
    with pytest.raises(InvalidInput, match="does not belong") as caught:
        PKCS11URI.parse(f"{GOOD}&{spelled}")
    assert "271828" not in f"{caught.value.what}{caught.value.remedy}"

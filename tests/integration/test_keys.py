import multiprocessing
import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from wardline.adapters.signing.keys import create_personal_key, installation_key, open_personal_key
from wardline.adapters.signing.references import open_personal
from wardline.errors import Conflict, InvalidInput, NotFound, Refused, Unavailable, WardlineError
from wardline.evidence.envelopes import seal, verify_signature

PASSPHRASE = "correct horse battery"


def test_the_installation_key_is_made_once_and_private(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "installation.pem"
    first, second = installation_key(path), installation_key(path)
    assert first.public_key == second.public_key
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]
    assert path.read_bytes().startswith(b"-----BEGIN PRIVATE KEY-----")


def test_what_a_key_signs_is_verified_by_its_public_half(tmp_path: Path) -> None:
    signer = installation_key(tmp_path / "installation.pem")
    verify_signature(seal(b"payload", payload_type="text/plain", signer=signer), signer.public_key)


def _make(path: Path, sender) -> None:
    sender.send(installation_key(path).public_key.keyid)


def test_processes_that_make_the_key_at_once_get_the_same_one(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    processes = [context.Process(target=_make, args=(tmp_path / "installation.pem", sender)) for _ in range(4)]
    for process in processes:
        process.start()
    keyids = {receiver.recv() for _ in processes}
    for process in processes:
        process.join(30)
    assert len(keyids) == 1


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o601])
def test_a_key_that_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "installation.pem"
    installation_key(path)
    path.chmod(mode)
    with pytest.raises(Refused, match=f"{mode:04o}") as caught:
        installation_key(path)
    assert "chmod 600" in str(caught.value.remedy)


def test_a_personal_key_opens_with_its_passphrase_only(tmp_path: Path) -> None:
    path = tmp_path / "me.pem"
    made = create_personal_key(path, PASSPHRASE)
    assert path.read_bytes().startswith(b"-----BEGIN ENCRYPTED PRIVATE KEY-----")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert open_personal_key(path, PASSPHRASE).public_key == made.public_key
    for wrong in ("", PASSPHRASE + " ", PASSPHRASE[:-1]):
        with pytest.raises((Refused, InvalidInput)):
            open_personal_key(path, wrong)
    with pytest.raises(Refused, match="does not open") as caught:
        open_personal_key(path, "wrong passphrase")
    assert "wrong passphrase" not in f"{caught.value.what}{caught.value.remedy}"


def test_a_personal_key_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "me.pem"
    create_personal_key(path, PASSPHRASE)
    content = path.read_bytes()
    with pytest.raises(Conflict, match="never overwritten"):
        create_personal_key(path, PASSPHRASE)
    assert path.read_bytes() == content
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


def test_a_short_passphrase_is_refused_and_makes_no_file(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="11 characters; expected at least 12"):
        create_personal_key(tmp_path / "me.pem", "x" * 11)
    assert list(tmp_path.iterdir()) == []


def test_a_missing_key_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no such file"):
        open_personal_key(tmp_path / "me.pem", PASSPHRASE)


def test_an_unprotected_key_is_no_personal_key_and_a_protected_one_no_installation_key(tmp_path: Path) -> None:
    installation_key(tmp_path / "installation.pem")
    create_personal_key(tmp_path / "me.pem", PASSPHRASE)
    with pytest.raises(InvalidInput, match="is not protected"):
        open_personal_key(tmp_path / "installation.pem", PASSPHRASE)
    with pytest.raises(InvalidInput, match="is protected"):
        installation_key(tmp_path / "me.pem")


def test_a_key_of_another_kind_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.pem"
    key = ec.generate_private_key(ec.SECP256R1())
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    path.chmod(0o600)
    with pytest.raises(InvalidInput, match="not an Ed25519 key"):
        installation_key(path)


@pytest.mark.parametrize("content", [b"", b"no key", b"-----BEGIN PRIVATE KEY-----\n????\n-----END PRIVATE KEY-----\n"])
def test_a_file_that_is_no_key_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "bad.pem"
    path.write_bytes(content)
    path.chmod(0o600)
    for act in (lambda: installation_key(path), lambda: open_personal_key(path, PASSPHRASE)):
        with pytest.raises(InvalidInput, match="damaged"):
            act()


def test_a_damaged_personal_key_never_ends_in_a_traceback(tmp_path: Path) -> None:
    path = tmp_path / "me.pem"
    create_personal_key(path, PASSPHRASE)
    content = path.read_bytes()
    for position in range(0, len(content), 7):
        path.write_bytes(content[:position] + b"A" + content[position + 1 :])
        try:
            open_personal_key(path, PASSPHRASE)
        except WardlineError:
            continue


def test_a_folder_that_is_a_file_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("")
    with pytest.raises(Unavailable):
        installation_key(tmp_path / "keys" / "installation.pem")
    with pytest.raises(Unavailable):
        create_personal_key(tmp_path / "keys" / "me.pem", PASSPHRASE)


def test_no_passphrase_is_asked_for_a_key_that_none_could_open(tmp_path: Path) -> None:
    def asked() -> str:
        pytest.fail("a passphrase was asked for in vain")

    create_personal_key(tmp_path / "me.key", PASSPHRASE)
    (tmp_path / "me.key.pub").write_text("wardline-person+…")
    installation_key(tmp_path / "installation.pem")
    for name, family, why in (
        ("missing.key", NotFound, "no such file"),
        ("me.key.pub", InvalidInput, "a public half"),
        ("installation.pem", InvalidInput, "not a private key under a passphrase"),
    ):
        with pytest.raises(family, match=why):
            open_personal(str(tmp_path / name), asked)
    assert open_personal(str(tmp_path / "me.key"), lambda: PASSPHRASE)

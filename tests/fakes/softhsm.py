"""A real PKCS#11 token for tests: SoftHSM. It takes Debian's package softhsm2 and the extra wardline[hsm]."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

MODULE = next(
    (
        path
        for path in map(Path, ("/usr/lib/softhsm/libsofthsm2.so", "/usr/lib64/softhsm/libsofthsm.so"))
        if path.is_file()
    ),
    None,
)
softhsm = pytest.mark.skipif(
    MODULE is None or shutil.which("softhsm2-util") is None, reason="takes SoftHSM: apt-get install softhsm2"
)
PIN = "271828"
SIGNS = "pkcs11:token=ward;object={label}?module-path={module}"


@contextmanager
def made_token(folder: Path) -> Iterator[None]:
    """Make a token with one key of each scheme and two keys of one name.

    Once in a process: the module reads its configuration once.
    """
    configuration = folder / "softhsm2.conf"
    (folder / "tokens").mkdir()
    configuration.write_text(f"directories.tokendir = {folder / 'tokens'}\nobjectstore.backend = file\n")
    made = ("softhsm2-util", "--init-token", "--free", "--label", "ward", "--pin", PIN, "--so-pin", "31415926")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOFTHSM2_CONF", str(configuration))
        subprocess.run(made, check=True, capture_output=True)
        _make_keys()
        yield


def uri(label: str, **more: str) -> str:
    return SIGNS.format(label=label, module=MODULE) + "".join(f"&{name}={value}" for name, value in more.items())


def _make_keys() -> None:
    pkcs11 = pytest.importorskip("pkcs11", reason="takes python-pkcs11: the extra wardline[hsm]")
    from asn1crypto.core import PrintableString
    from pkcs11.util.ec import encode_named_curve_parameters

    kinds = {
        "p256": (pkcs11.KeyType.EC, encode_named_curve_parameters("secp256r1"), pkcs11.Mechanism.EC_KEY_PAIR_GEN),
        "p384": (pkcs11.KeyType.EC, encode_named_curve_parameters("secp384r1"), pkcs11.Mechanism.EC_KEY_PAIR_GEN),
        "ed25519": (
            pkcs11.KeyType.EC_EDWARDS,
            PrintableString("edwards25519").dump(),
            pkcs11.Mechanism.EC_EDWARDS_KEY_PAIR_GEN,
        ),
    }
    with pkcs11.lib(str(MODULE)).get_token(token_label="ward").open(rw=True, user_pin=PIN) as session:
        for number, (label, kind) in enumerate(
            [("p256", "p256"), ("ed25519", "ed25519"), ("p384", "p384"), ("twice", "p256"), ("twice", "p256")], start=1
        ):
            key_type, parameters, mechanism = kinds[kind]
            domain = session.create_domain_parameters(key_type, {pkcs11.Attribute.EC_PARAMS: parameters}, local=True)
            domain.generate_keypair(mechanism=mechanism, store=True, label=label, id=bytes([number]))

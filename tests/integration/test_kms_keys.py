"""Keys in AWS KMS. KMS itself cannot be had here: moto's server stands in for it, real boto3 and HTTP between."""

import json
import logging
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256

from wardline.adapters.signing.references import DeferredSigner, open_machine, open_personal
from wardline.errors import InvalidInput, NotFound, Refused, Unavailable
from wardline.evidence.envelopes import seal, verify_signature
from wardline.identity.principals import Scheme

boto3 = pytest.importorskip("boto3", reason="takes the extra wardline[aws]")
ThreadedMotoServer = pytest.importorskip("moto.server", reason="takes moto[server]").ThreadedMotoServer

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning")


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    from moto.kms.utils import ECDSAPrivateKey

    hashing = ECDSAPrivateKey.sign

    def sign(key: ECDSAPrivateKey, message: bytes, signing_algorithm: str) -> bytes:
        # moto hashes a digest again, which KMS does not (github.com/getmoto/moto/pull/10202); ours are all digests.
        assert signing_algorithm == "ECDSA_SHA_256"
        assert len(message) == 32
        return key.private_key.sign(message, ec.ECDSA(Prehashed(SHA256())))

    ECDSAPrivateKey.sign = sign
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()
    ECDSAPrivateKey.sign = hashing


@pytest.fixture
def kms(endpoint: str, monkeypatch: pytest.MonkeyPatch):
    environ = {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "eu-central-1",
    }
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    return boto3.client("kms")


def made(kms, spec: str = "ECC_NIST_P256", usage: str = "SIGN_VERIFY") -> dict[str, str]:
    return kms.create_key(KeySpec=spec, KeyUsage=usage)["KeyMetadata"]


def test_what_kms_signs_is_verified_by_its_public_half(kms) -> None:
    key = made(kms)
    kms.create_alias(AliasName="alias/wardline", TargetKeyId=key["KeyId"])
    for name in (key["KeyId"], key["Arn"], "alias/wardline"):
        signer = open_personal(f"awskms:{name}", lambda: pytest.fail("KMS asks for no passphrase"))
        assert signer.public_key.scheme is Scheme.ECDSA_P256
        for number in range(6):  # half of all ECDSA signatures come with the greater s
            verify_signature(seal(bytes([number]), payload_type="text/plain", signer=signer), signer.public_key)


def test_an_arn_names_its_region(kms, monkeypatch: pytest.MonkeyPatch) -> None:
    key = made(kms)
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    known = open_machine(f"awskms:{key['Arn']}", str).public_key
    verify_signature(
        seal(b"payload", payload_type="text/plain", signer=DeferredSigner(known, f"awskms:{key['Arn']}", str)), known
    )


def test_a_key_that_is_not_there_is_not_found(kms) -> None:
    with pytest.raises(NotFound, match="NotFoundException"):
        open_machine("awskms:alias/nobody", str)


@pytest.mark.parametrize(
    ("spec", "usage", "said"),
    [
        ("ECC_NIST_P384", "SIGN_VERIFY", "expected Ed25519 or ECDSA P-256"),
        ("RSA_2048", "SIGN_VERIFY", "expected Ed25519 or ECDSA P-256"),
        ("RSA_2048", "ENCRYPT_DECRYPT", "not for signing"),
    ],
)
def test_a_key_of_another_kind_is_refused(kms, spec: str, usage: str, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        open_machine(f"awskms:{made(kms, spec, usage)['KeyId']}", str)


class Refusing(BaseHTTPRequestHandler):
    """Answers as KMS does where moto never would."""

    code = ""

    def do_POST(self) -> None:  # the name that http.server asks for
        self.rfile.read(int(self.headers["Content-Length"]))
        content = json.dumps({"__type": self.code, "message": "no"}).encode()
        self.send_response(400)
        self.send_header("Content-Type", "application/x-amz-json-1.1")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # as above
        pass


@pytest.mark.parametrize("code", ["AccessDeniedException", "DisabledException", "KMSInvalidStateException"])
def test_a_key_that_may_not_be_used_any_more_is_refused(kms, monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    key = made(kms)
    handler = type("Handler", (Refusing,), {"code": code})
    with HTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_port}")
            with pytest.raises(Refused, match=code):
                open_machine(f"awskms:{key['KeyId']}", str)
        finally:
            server.shutdown()
            thread.join()


def test_without_kms_it_is_unavailable(kms, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    with pytest.raises(Unavailable, match="not reached: EndpointConnectionError"):
        open_machine("awskms:alias/wardline", str)


def test_without_a_region_it_is_unavailable(kms, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    with pytest.raises(Unavailable, match="NoRegionError"):
        open_machine("awskms:alias/wardline", str)


@pytest.mark.parametrize("reference", ["awskms:", "awskms:a b", "awskms:\n"])
def test_what_names_no_key_is_refused(reference: str) -> None:
    with pytest.raises(InvalidInput, match="names no key"):
        open_machine(reference, str)

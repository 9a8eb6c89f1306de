"""Keys in AWS KMS, through securesystemslib's signer. Credentials and region are those of boto3 (environment, role)."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_der_public_key
from securesystemslib.signer import AWSSigner, SSlibKey  # type: ignore[attr-defined]  # re-exported without __all__

from wardline.adapters.signing.sslib import ForeignSigner, raw_public_key
from wardline.errors import InvalidInput, NotFound, Refused, Unavailable
from wardline.identity.principals import PublicKey, Scheme

SCHEME = "awskms:"
# KMS answers in milliseconds; whoever waits longer than this should be told.
_CONFIG = Config(connect_timeout=5, read_timeout=10, retries={"max_attempts": 3, "mode": "standard"})
_ARN_PARTS = 6  # arn:aws:kms:<region>:<account>:key/<id>


class _KMSSigner(AWSSigner):
    """securesystemslib's signer, with a client that gives up in time and asks the region that the ARN names."""

    def __init__(self, aws_key_id: str, public_key: SSlibKey, client: Any) -> None:  # noqa: ANN401  # boto3 has no types
        self.aws_key_id = aws_key_id
        self._public_key = public_key
        self.client = client
        self.aws_algo = self.aws_algos[public_key.scheme]


class KMSSigner(ForeignSigner):
    """A Signer over a key in KMS."""

    def __init__(self, signer: _KMSSigner, public_key: PublicKey, *, where: str) -> None:
        super().__init__(signer, public_key)
        self._where = where

    def sign(self, message: bytes) -> bytes:
        with _translated(self._where):
            return super().sign(message)


def open_kms_key(reference: str) -> KMSSigner:
    """Return the key that `reference` names: `awskms:` and a key id, key ARN, `alias/…` or alias ARN.

    Raises:
        InvalidInput: It names nothing, or a key that is not ECDSA P-256 for signing.
        NotFound: There is no such key.
        Refused: KMS does not let this process use it.
        Unavailable: KMS does not answer, or no region or credentials are known.
    """
    name = reference.removeprefix(SCHEME)
    if not name or not name.isprintable() or " " in name:
        raise InvalidInput("awskms: names no key", remedy="For example: awskms:alias/wardline")
    parts = name.split(":")
    region = parts[3] if name.startswith("arn:") and len(parts) >= _ARN_PARTS else None
    with _translated(reference):
        client = boto3.client("kms", region_name=region, config=_CONFIG)
        answer = client.get_public_key(KeyId=name)
    if answer.get("KeyUsage") != "SIGN_VERIFY":
        raise InvalidInput(f"key {reference}: it is not for signing")
    try:
        found = load_der_public_key(answer["PublicKey"])
    except (ValueError, UnsupportedAlgorithm) as error:
        raise InvalidInput(f"key {reference}: expected ECDSA P-256 (ECC_NIST_P256)") from error
    public_key = raw_public_key(found, where=reference)
    if public_key.scheme is not Scheme.ECDSA_P256:
        raise InvalidInput(f"key {reference}: expected ECDSA P-256 (ECC_NIST_P256)")
    return KMSSigner(_KMSSigner(name, SSlibKey.from_crypto(found), client), public_key, where=reference)


@contextmanager
def _translated(reference: str) -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", ""))
        if code in {"NotFoundException", "InvalidArnException"}:
            raise NotFound(f"key {reference}: KMS knows no such key here ({code})") from error
        if code in {
            "AccessDeniedException",
            "DisabledException",
            "UnrecognizedClientException",
            "KMSInvalidStateException",
        }:
            raise Refused(
                f"key {reference}: KMS does not let it be used ({code})",
                remedy="It takes kms:GetPublicKey and kms:Sign on an enabled key.",
            ) from error
        raise Unavailable(f"key {reference}: KMS answered {code or 'with an error'}") from error
    except BotoCoreError as error:
        raise Unavailable(
            f"key {reference}: KMS was not reached: {type(error).__name__}",
            remedy="Are region and credentials set, as for the aws command?",
        ) from error

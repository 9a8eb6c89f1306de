"""A real audit repository: rsyslog with TLS, on this machine, with an authority of its own."""

import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

RSYSLOGD = shutil.which("rsyslogd", path="/usr/sbin:/usr/bin:/sbin")
MISSING = RSYSLOGD is None or not any(Path("/usr/lib").glob("*/rsyslog/lmnsd_ossl.so"))
needs_rsyslog = pytest.mark.skipif(MISSING, reason="needs the Debian packages rsyslog and rsyslog-openssl")


class Authority:
    """A certificate authority; what it signs is written to `folder` as NAME.pem and NAME.key."""

    def __init__(self, folder: Path, name: str = "authority") -> None:
        folder.mkdir(exist_ok=True)
        self.folder, self.name = folder, x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.file = self._write(name, self._key, self._sign(self.name, self._key.public_key(), dns=None))

    def issue(self, dns: str) -> Path:
        """Return the certificate for `dns`; its key lies beside it."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, dns)])
        return self._write(dns, key, self._sign(subject, key.public_key(), dns=dns))

    def _sign(self, subject: x509.Name, key: ec.EllipticCurvePublicKey, *, dns: str | None) -> x509.Certificate:
        now = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=dns is None, path_length=None), critical=True)
        )
        if dns is not None:
            builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(dns)]), critical=False)
        return builder.sign(self._key, hashes.SHA256())

    def _write(self, name: str, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate) -> Path:
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        (self.folder / f"{name}.key").write_bytes(private)
        file = self.folder / f"{name}.pem"
        file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        return file


@dataclass
class Rsyslog:
    """An rsyslog on loopback that writes each message as it came into `output`, one a line."""

    folder: Path
    authority: Authority
    certificate: Path
    asks_for_certificate: bool
    port: int = 0
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def output(self) -> Path:
        return self.folder / "received.log"

    def __enter__(self) -> Self:
        self.port = self.port or free_port()
        self.folder.mkdir(exist_ok=True)
        config = self.folder / "rsyslog.conf"
        config.write_text(self._config())
        assert RSYSLOGD is not None
        with (self.folder / "rsyslogd.out").open("ab") as own:
            self.process = subprocess.Popen(
                [RSYSLOGD, "-n", "-C", "-f", str(config), "-i", str(self.folder / "pid")], stdout=own, stderr=own
            )
        until(self._answers)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end(signal.SIGTERM)

    def end(self, how: signal.Signals) -> None:
        """End it: SIGTERM writes what it has to disk, SIGKILL does not."""
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait(30)
            self.process = None

    def lines(self) -> list[bytes]:
        return self.output.read_bytes().split(b"\n")[:-1] if self.output.exists() else []

    def _answers(self) -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
            return True
        return False

    def _config(self) -> str:
        mode = "x509/certvalid" if self.asks_for_certificate else "anon"
        return f"""
global(workDirectory="{self.folder}" maxMessageSize="64k" defaultNetstreamDriver="ossl"
       defaultNetstreamDriverCAFile="{self.authority.file}"
       defaultNetstreamDriverCertFile="{self.certificate}"
       defaultNetstreamDriverKeyFile="{self.certificate.with_suffix(".key")}")
module(load="imtcp" streamDriver.name="ossl" streamDriver.mode="1" streamDriver.authMode="{mode}")
template(name="asItCame" type="list") {{ property(name="rawmsg") constant(value="\\n") }}
input(type="imtcp" port="{self.port}" address="127.0.0.1")
action(type="omfile" file="{self.output}" template="asItCame")
"""


@contextmanager
def running(folder: Path, *, asks_for_certificate: bool, name: str = "localhost") -> Iterator[Rsyslog]:
    """Yield an rsyslog whose certificate says `name`."""
    authority = Authority(folder / "certificates")
    with Rsyslog(
        folder=folder / "rsyslog",
        authority=authority,
        certificate=authority.issue(name),
        asks_for_certificate=asks_for_certificate,
    ) as server:
        yield server


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def until(holds: Callable[[], bool], *, within: float = 30) -> None:
    """Return once `holds`; fail when that takes longer than `within` seconds."""
    begun = time.monotonic()
    while not holds():
        assert time.monotonic() - begun < within, f"still not so after {within} s"
        time.sleep(0.02)

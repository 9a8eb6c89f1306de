"""Syslog over TLS: RFC 5424 messages, octet-counted (RFC 5425 §4.3), both sides authenticated by certificates.

IHE ATNA carries audit messages like this (ITI-20 over ITI-19). RFC 5425 knows no acknowledgement, but its §4.4 has the
receiver answer our close_notify with its own: TLS keeps the order, so by then it has read all that came before.
"""

import re
import select
import socket
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from wardline.clock import to_rfc3339
from wardline.errors import InvalidInput, Refused, Unavailable
from wardline.evidence.audit.exports import Outbound

PORT = 6514  # RFC 5425 §4.1
_CONNECT_SECONDS = 15.0  # a handshake over the slowest line we know takes two
_SILENCE_SECONDS = 60.0  # a receiver that takes nothing for so long is stuck
_READ = 1 << 12
_FACILITY = 10 << 3  # security and authorization, PS3.15 A.6
_NOTICE, _WARNING = 5, 4
_BOM = b"\xef\xbb\xbf"  # RFC 5424 §6.4: what follows is UTF-8
_HOST = r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252}[A-Za-z0-9])?"
_ADDRESS = re.compile(rf"(?:\[([0-9A-Fa-f:.]{{2,45}})\]|({_HOST}))(?::([0-9]{{1,5}}))?", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the address that `HOST`, `HOST:PORT` or `[IPv6]:PORT` spells.

        Raises:
            InvalidInput: It spells none.
        """
        match = _ADDRESS.fullmatch(text)
        port = 0 if match is None else int(match[3] or PORT)
        if match is None or not 0 < port < 1 << 16:
            raise InvalidInput(f"receiver {text[:100]!r}: expected HOST:PORT, e.g. audit.example.org:{PORT}")
        host: str = match[1] or match[2]
        return cls(host=host.lower(), port=port)

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """Whom we trust, and who we are.

    ca: The authorities that may vouch for the receiver, and no others.
    certificate, key: Ours, for receivers that ask; None: we stay unnamed. The key has no passphrase.
    """

    ca: Path
    certificate: Path | None = None
    key: Path | None = None

    def context(self) -> ssl.SSLContext:
        """Return what TLS needs to know.

        Raises:
            InvalidInput: A file holds no certificate or no key, or they do not belong together.
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # verifies the certificate and the name in it
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        # Some releases of Python 3.11 (Debian's) set it: a receiver that only hangs up would seem to have read.
        context.options &= ~ssl.OP_IGNORE_UNEXPECTED_EOF
        given = [file for file in (self.ca, self.certificate, self.key) if file is not None]
        missing = [file for file in given if not file.is_file()]
        if missing:  # what OpenSSL says of it names no file
            raise InvalidInput(
                f"certificates: there is no file {', '.join(map(str, missing))}",
                remedy="Check --ca, --cert and --cert-key.",
            )
        try:
            context.load_verify_locations(cafile=self.ca)
            if self.certificate is not None:
                context.load_cert_chain(self.certificate, self.key, password=_no_passphrase)
        except (OSError, ssl.SSLError) as error:
            raise InvalidInput(
                f"certificates: {', '.join(map(str, given))}: {_reason(error)}",
                remedy="Give PEM files: --ca, and together --cert and --cert-key, whose key has no passphrase.",
            ) from error
        return context


class SyslogTLS:
    """A Receiver of syslog messages with the MSGID `message_id`."""

    def __init__(self, address: Address, context: ssl.SSLContext, *, message_id: str) -> None:
        self._address = address
        self._context = context
        self._message_id = message_id.encode("ascii")

    @property
    def address(self) -> str:
        return str(self._address)

    @contextmanager
    def connect(self) -> Iterator["TLSLine"]:
        with self._secured() as secured:
            yield TLSLine(secured, self.address, self._message_id)

    def _secured(self) -> ssl.SSLSocket:
        try:
            plain = socket.create_connection((self._address.host, self._address.port), timeout=_CONNECT_SECONDS)
        except OSError as error:
            raise Unavailable(f"receiver {self.address} does not answer: {_reason(error)}") from error
        try:
            return self._context.wrap_socket(plain, server_hostname=self._address.host, suppress_ragged_eofs=False)
        except ssl.SSLCertVerificationError as error:
            plain.close()
            raise Refused(
                f"receiver {self.address} is not who it should be: {error.verify_message}",
                remedy="Nothing was sent. Check the host name, --ca, and the receiver's certificate.",
            ) from error
        except OSError as error:
            plain.close()
            raise Unavailable(f"receiver {self.address} breaks off the TLS handshake: {_reason(error)}") from error


class TLSLine:
    """A Line to a syslog receiver."""

    def __init__(self, secured: ssl.SSLSocket, address: str, message_id: bytes) -> None:
        self._secured = secured
        self._address = address
        self._message_id = message_id

    def deliver(self, messages: Sequence[Outbound]) -> None:
        self._secured.settimeout(_SILENCE_SECONDS)
        try:
            for outbound in messages:
                self._secured.sendall(framed(syslog_message(outbound, self._message_id)))
            self._say_goodbye()
            self._secured.close()
        except OSError as error:
            raise Unavailable(
                f"receiver {self._address} breaks off: {_reason(error)}",
                remedy="Mend it, then export again with --resume. If it asks who we are, give --cert and --cert-key.",
            ) from error

    def _say_goodbye(self) -> None:
        """Send our close_notify, then wait for the receiver's own: nothing else says that it has read.

        Waiting inside `unwrap` would not do: OpenSSL ends it as well where the receiver sends a fatal alert, which is
        how it says, after a handshake of TLS 1.3, that it does not take our certificate.
        """
        self._secured.settimeout(0)
        while True:
            try:
                self._secured.unwrap()
            except ssl.SSLWantReadError:
                break  # ours is sent; there is no answer yet
            except ssl.SSLWantWriteError:
                select.select([], [self._secured], [], _SILENCE_SECONDS)
            else:
                raise ConnectionAbortedError("it hung up before it could have read all")
        self._secured.settimeout(_SILENCE_SECONDS)
        try:
            while self._secured.recv(_READ):
                pass  # a receiver has nothing to say
        except ssl.SSLZeroReturnError:
            return


def syslog_message(outbound: Outbound, message_id: bytes) -> bytes:
    """Return the RFC 5424 message. It names no host: the receiver sees who connects, the message says which log."""
    priority = _FACILITY | (_WARNING if outbound.grave else _NOTICE)
    header = f"<{priority}>1 {to_rfc3339(outbound.recorded_at)} - wardline - ".encode("ascii")
    return header + message_id + b" - " + _BOM + outbound.message


def framed(message: bytes) -> bytes:
    """Return `message` behind its length in octets (RFC 5425 §4.3)."""
    return b"%d %s" % (len(message), message)


def _no_passphrase() -> str:
    raise ssl.SSLError("the key has a passphrase")


def _reason(error: OSError) -> str:
    return getattr(error, "reason", None) or error.strerror or str(error) or type(error).__name__

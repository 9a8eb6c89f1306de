"""Statements over syslog and TLS to rsyslog from Debian: all there, intact, and nothing to a stranger."""

import json
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from defusedxml.ElementTree import fromstring
from rsyslog import Authority, Rsyslog, needs_rsyslog, running, until
from test_audit_export import opened, records, say

from wardline.adapters.interop.dicom_audit import DICOMAuditMessages
from wardline.adapters.interop.export_files import FileCursors
from wardline.adapters.interop.syslog_tls import Address, Credentials, SyslogTLS, framed, syslog_message
from wardline.bootstrap.exporting import Destination, export_syslog
from wardline.bootstrap.home import Home
from wardline.delivery.export_audit import Handover, Sent, extent_of
from wardline.errors import InvalidInput, Refused, Unavailable
from wardline.evidence.audit.audit_codes import ExportFormat
from wardline.evidence.audit.exports import Line, Outbound, Wanted

_MESSAGE = re.compile(
    rb"<(84|85)>1 \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z - wardline - (\S+) - \xef\xbb\xbf(.+)", re.DOTALL
)
ITEM = Outbound(message="<é/>".encode(), recorded_at=datetime(2026, 11, 23, 1, 2, 3, 4000, tzinfo=UTC), grave=False)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    with opened(tmp_path / "home") as home:
        yield home


def destination(server: Rsyslog, *, host: str = "localhost", ours: Path | None = None) -> Destination:
    return Destination(
        address=f"{host}:{server.port}",
        ca=server.authority.file,
        certificate=ours,
        key=None if ours is None else ours.with_suffix(".key"),
        name=None,
    )


def export(home: Home, to: Destination, form: ExportFormat = ExportFormat.DICOM, *, resume: bool = True) -> Sent:
    return export_syslog(home, form, Wanted(), to, resume=resume)


def received(server: Rsyslog, count: int) -> list[tuple[bytes, bytes, bytes]]:
    """Return priority, MSGID and message of what it has, once that is `count`."""
    until(lambda: len(server.lines()) >= count)
    matches = [_MESSAGE.fullmatch(line) for line in server.lines()]
    assert all(matches)
    return [(match[1], match[2], match[3]) for match in matches if match is not None]


def index_of(message: bytes) -> int:
    parsed = fromstring(message.decode())
    assert parsed.tag == "AuditMessage"
    return int(parsed.find("ParticipantObjectIdentification/ParticipantObjectName").text.removeprefix("statement "))


def indices(server: Rsyslog, count: int) -> list[int]:
    return [index_of(message) for _, _, message in received(server, count)]


@needs_rsyslog
@pytest.mark.slow
@pytest.mark.parametrize("mutual", [False, True], ids=["server named", "both named"])
def test_every_statement_arrives_intact(home: Home, tmp_path: Path, mutual: bool) -> None:
    say(home, 40)
    with running(tmp_path, asks_for_certificate=mutual) as server:
        ours = server.authority.issue("wardline.example.org") if mutual else None
        assert export(home, destination(server, ours=ours)) == Sent(count=40, first=0, last=39, record=40)
        messages = received(server, 40)
        assert [index_of(message) for _, _, message in messages] == list(range(40))
        # Refusals have failed: a warning.
        assert {(priority, kind) for priority, kind, _ in messages} == {(b"84", b"IHE+RFC-3881")}
        expected = DICOMAuditMessages(home.log.key.name)
        assert [message for _, _, message in messages] == [expected.message(item) for item in home.log.every()][:40]
    assert home.check_log() == 41


@needs_rsyslog
@pytest.mark.slow
def test_whole_statements_arrive_as_json_too(home: Home, tmp_path: Path) -> None:
    say(home, 3)
    with running(tmp_path, asks_for_certificate=False) as server:
        export(home, destination(server), ExportFormat.JSONL)
        lines = [json.loads(message) for _, _, message in received(server, 3)]
    assert [line["index"] for line in lines] == [0, 1, 2]
    assert {line["size"] for line in lines} == {3}


@needs_rsyslog
@pytest.mark.slow
def test_who_asks_for_a_certificate_gets_nothing_without_one(home: Home, tmp_path: Path) -> None:
    say(home, 3)
    with running(tmp_path, asks_for_certificate=True) as server:
        with pytest.raises(Unavailable, match="nothing was handed over") as caught:
            export(home, destination(server))
        assert "--cert" in (caught.value.remedy or "")
        stranger = Authority(tmp_path / "elsewhere").issue("wardline.example.org")
        with pytest.raises(Unavailable):
            export(home, destination(server, ours=stranger))
        assert server.lines() == []


@needs_rsyslog
@pytest.mark.slow
def test_nothing_is_sent_to_a_stranger(home: Home, tmp_path: Path) -> None:
    say(home, 3)
    with running(tmp_path, asks_for_certificate=False) as server:
        other = Authority(tmp_path / "elsewhere").file
        with pytest.raises(Refused, match="not who it should be"):
            export(home, replace(destination(server), ca=other))
        # The right authority, but the certificate is for another host.
        with pytest.raises(Refused, match=r"127\.0\.0\.1"):
            export(home, destination(server, host="127.0.0.1"))
        assert server.lines() == []
    assert records(home) == []


@needs_rsyslog
@pytest.mark.slow
def test_a_receiver_that_is_down_is_served_when_it_is_back(home: Home, tmp_path: Path) -> None:
    say(home, 10)
    with running(tmp_path, asks_for_certificate=False) as server:
        server.end(signal.SIGTERM)
        with pytest.raises(Unavailable, match="does not answer"):
            export(home, destination(server))
        assert records(home) == []
        with server:
            export(home, destination(server))
            assert indices(server, 10) == list(range(10))


class Ends(SyslogTLS):
    """Ends the receiver once a connection is open, for the connection of this number."""

    def __init__(self, server: Rsyslog, how: signal.Signals, *, at: int) -> None:
        context = Credentials(ca=server.authority.file).context()
        super().__init__(Address(host="localhost", port=server.port), context, message_id="IHE+RFC-3881")
        self._server, self._how, self._left = server, how, at

    @contextmanager
    def connect(self) -> Iterator[Line]:
        with super().connect() as line:
            yield EndsAmid(line, self)

    def tick(self) -> None:
        self._left -= 1
        if self._left == 0:
            # What it read is on its disk: what is tested is our side of the line.
            until(lambda: len(self._server.lines()) >= 20)
            self._server.end(self._how)


class EndsAmid:
    def __init__(self, line: Line, receiver: Ends) -> None:
        self._line, self._receiver = line, receiver

    def deliver(self, messages: Sequence[Outbound]) -> None:
        self._receiver.tick()
        self._line.deliver(messages)


@needs_rsyslog
@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_what_a_receiver_missed_when_it_was_killed_is_sent_again(
    home: Home, tmp_path: Path, how: signal.Signals
) -> None:
    say(home, 95)
    with running(tmp_path, asks_for_certificate=False) as server:
        extent = extent_of(home.log, Wanted())
        made = Handover(
            collect=home.collect,
            origin=home.log.key.name,
            form=DICOMAuditMessages(home.log.key.name),
            receiver=Ends(server, how, at=3),
            cursors=FileCursors(home.settings.home / "exports"),
            name=f"localhost-{server.port}",
            most=10,
        )
        with pytest.raises(Unavailable, match="the last statement handed over for certain is 19"):
            made.send(extent, resume=True)
        with server:
            sent = export(home, destination(server))
            assert sent.first == 20
            found = indices(server, 95)
            until(lambda: set(indices(server, 95)) >= set(range(96)))  # the record of what broke off came too
            assert found[:20] == list(range(20))
    broken, whole = records(home)
    assert broken.statement.context.outcome == "errored"
    assert whole.statement.context.outcome == "passed"


@needs_rsyslog
@pytest.mark.slow
def test_the_command_says_how_it_went(tmp_path: Path) -> None:
    with opened(tmp_path / "home") as home:
        say(home, 4)

    def command(server: Rsyslog, *more: str) -> "subprocess.CompletedProcess[str]":
        words = ["log", "export", "--format", "dicom", "--syslog", f"localhost:{server.port}", *more]
        return subprocess.run(
            [sys.executable, "-c", "from wardline.cli.main import main; main()", *words],
            env=os.environ | {"WARDLINE_HOME": str(tmp_path / "home")},
            capture_output=True,
            text=True,
            check=False,
        )

    with running(tmp_path, asks_for_certificate=False) as server:
        ca = str(server.authority.file)
        assert command(server).returncode == 2
        stranger = command(server, "--ca", str(Authority(tmp_path / "elsewhere").file))
        assert (stranger.returncode, "not who it should be" in stranger.stderr) == (4, True)
        done = command(server, "--ca", ca, "--resume", "--output", "json")
        assert json.loads(done.stdout) == {"count": 4, "first": 0, "last": 3, "record": 4}
        again = command(server, "--ca", ca, "--resume")
        assert (again.returncode, again.stdout) == (0, "nothing new\n")
        assert indices(server, 4) == [0, 1, 2, 3]
        server.end(signal.SIGTERM)
        assert command(server, "--ca", ca).returncode == 1


@contextmanager
def listening(folder: Path, *, says_goodbye: bool) -> Iterator[tuple[Address, Path, list[bytes]]]:
    """Yield a TLS server that reads one connection to its end; one without manners just hangs up."""
    authority = Authority(folder)
    certificate = authority.issue("localhost")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, certificate.with_suffix(".key"))
    got: list[bytes] = []

    def serve(listener: socket.socket) -> None:
        plain, _ = listener.accept()
        with context.wrap_socket(plain, server_side=True, suppress_ragged_eofs=True) as secured:
            while chunk := secured.recv(1 << 16):
                got.append(chunk)
            if says_goodbye:
                secured.unwrap()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,))
        thread.start()
        try:
            yield Address(host="localhost", port=listener.getsockname()[1]), authority.file, got
        finally:
            thread.join(30)


def test_the_frame_is_counted_in_octets(tmp_path: Path) -> None:
    with listening(tmp_path, says_goodbye=True) as (address, ca, got):
        receiver = SyslogTLS(address, Credentials(ca=ca).context(), message_id="wardline-statement")
        with receiver.connect() as line:
            line.deliver([ITEM, replace(ITEM, grave=True)])
    one, two = (
        b"<%d>1 2026-11-23T01:02:03.004Z - wardline - wardline-statement - \xef\xbb\xbf<\xc3\xa9/>" % priority
        for priority in (85, 84)
    )
    assert b"".join(got) == b"%d %s%d %s" % (len(one), one, len(two), two)
    assert framed(syslog_message(ITEM, b"wardline-statement")) == b"%d %s" % (len(one), one)


def test_who_only_hangs_up_has_not_said_that_it_read(tmp_path: Path) -> None:
    with listening(tmp_path, says_goodbye=False) as (address, ca, _):
        receiver = SyslogTLS(address, Credentials(ca=ca).context(), message_id="x")
        with receiver.connect() as line, pytest.raises(Unavailable, match="breaks off"):
            line.deliver([ITEM])


def test_old_tls_is_not_spoken(tmp_path: Path) -> None:
    context = Credentials(ca=Authority(tmp_path).file).context()
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    assert context.check_hostname
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert len(context.get_ca_certs()) == 1  # and none of the machine's own


def test_fhir_does_not_go_over_syslog(home: Home, tmp_path: Path) -> None:
    to = Destination(address="localhost", ca=tmp_path / "ca.pem", certificate=None, key=None, name=None)
    with pytest.raises(InvalidInput, match="fhir"):
        export(home, to, ExportFormat.FHIR)


def test_files_that_hold_no_certificate_are_refused(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "one")
    ours = authority.issue("wardline.example.org")
    (tmp_path / "empty").write_bytes(b"")
    private = serialization.load_pem_private_key(ours.with_suffix(".key").read_bytes(), None)
    locked = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"secret")
    )
    (tmp_path / "locked.key").write_bytes(locked)
    for wrong in (
        Credentials(ca=tmp_path / "missing"),
        Credentials(ca=tmp_path / "empty"),
        Credentials(ca=authority.file, certificate=ours, key=authority.file.with_suffix(".key")),
        Credentials(ca=authority.file, certificate=ours, key=tmp_path / "locked.key"),
    ):
        with pytest.raises(InvalidInput, match="certificates"):
            wrong.context()


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("audit.example.org", "audit.example.org:6514"),
        ("Audit.Example.org:7000", "audit.example.org:7000"),
        ("[::1]:6515", "[::1]:6515"),
        ("10.0.0.7:1", "10.0.0.7:1"),
    ],
)
def test_addresses_are_read(text: str, address: str) -> None:
    assert str(Address.parse(text)) == address


@pytest.mark.parametrize(
    "text", ["", ":6514", "a b", "host:0", "host:65536", "host:x", "::1", "host:1:2", "-h", "h\n", "[x]", "[::1"]
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="HOST:PORT"):
        Address.parse(text)

"""TLS: versions, one port for both, certificates that change under living connections."""

import signal
import socket
import ssl
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.engine.conftest import Certificates, EngineProcess, StartEngine

TLS_1_1 = b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00"


def secure(engine: "EngineProcess", context: ssl.SSLContext) -> ssl.SSLSocket:
    return context.wrap_socket(engine.connect(), server_hostname="localhost")


def ping(sock: socket.socket) -> bytes:
    sock.sendall(b"PING\r\n")
    return sock.recv(100)


def common_name(sock: ssl.SSLSocket) -> str:
    certificate = sock.getpeercert()
    assert certificate is not None
    ((_, name),) = certificate["subject"][0]  # type: ignore[misc, str-unpack]  # typeshed allows more shapes than ssl returns
    return str(name)


@pytest.mark.parametrize(
    ("version", "name"), [(ssl.TLSVersion.TLSv1_2, "TLSv1.2"), (ssl.TLSVersion.TLSv1_3, "TLSv1.3")]
)
def test_both_versions_are_spoken(
    start_engine: "StartEngine", certificates: "Certificates", version: ssl.TLSVersion, name: str
) -> None:
    engine = start_engine(*certificates.arguments("server"), tls="required")
    context = certificates.client_context()
    context.minimum_version = context.maximum_version = version
    with secure(engine, context) as sock:
        assert sock.version() == name
        assert ping(sock) == b"+PONG\r\n"


def test_tls_protocols_narrows_the_versions(start_engine: "StartEngine", certificates: "Certificates") -> None:
    engine = start_engine(*certificates.arguments("server"), "--tls-protocols", "TLSv1.3", tls="required")
    context = certificates.client_context()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with pytest.raises(ssl.SSLError), engine.connect() as plain:
        context.wrap_socket(plain, server_hostname="localhost")
    engine.wait_for_log("TLS handshake failed")


STRONG = "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES256-GCM-SHA384"
LIGHT = "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES128-GCM-SHA256"


def chosen(engine: "EngineProcess", certificates: "Certificates", ciphers: str) -> str:
    """The cipher that a client with these, in this order, gets for TLS 1.2."""
    context = certificates.client_context()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(ciphers)
    with secure(engine, context) as sock:
        cipher = sock.cipher()
    assert cipher is not None
    return cipher[0]


def test_tls_ciphers_names_those_of_tls_1_2(start_engine: "StartEngine", certificates: "Certificates") -> None:
    engine = start_engine(*certificates.arguments("server"), "--tls-ciphers", LIGHT, tls="required")
    assert "AES128" in chosen(engine, certificates, f"{STRONG}:{LIGHT}")
    with pytest.raises(ssl.SSLError):
        chosen(engine, certificates, STRONG)
    with secure(engine, certificates.client_context()) as sock:
        sock.sendall(b"CONFIG SET tls-ciphers DEFAULT\r\n")
        assert sock.recv(100) == b"+OK\r\n"
        assert "AES256" in chosen(engine, certificates, STRONG)
        sock.sendall(b"CONFIG SET tls-ciphers nonsense\r\n")
        assert sock.recv(200).startswith(b"-ERR CONFIG SET failed (possibly related to argument 'tls-ciphers')")
    assert "AES256" in chosen(engine, certificates, STRONG)


def test_whose_order_of_ciphers_counts(start_engine: "StartEngine", certificates: "Certificates") -> None:
    engine = start_engine(*certificates.arguments("server"), "--tls-ciphers", f"{LIGHT}:{STRONG}", tls="required")
    assert "AES256" in chosen(engine, certificates, f"{STRONG}:{LIGHT}")
    with secure(engine, certificates.client_context()) as sock:
        sock.sendall(b"CONFIG SET tls-prefer-server-ciphers yes\r\n")
        assert sock.recv(100) == b"+OK\r\n"
    assert "AES128" in chosen(engine, certificates, f"{STRONG}:{LIGHT}")


def test_plain_text_on_a_tls_port_is_dropped(start_engine: "StartEngine", certificates: "Certificates") -> None:
    engine = start_engine(*certificates.arguments("server"), tls="required")
    with engine.connect() as sock:
        sock.sendall(b"PING\r\nPING\r\n")
        assert b"PONG" not in read_until_closed(sock)
    with secure(engine, certificates.client_context()) as sock:
        assert ping(sock) == b"+PONG\r\n"


def read_until_closed(sock: socket.socket) -> bytes:
    data = b""
    try:
        while chunk := sock.recv(4096):
            data += chunk
    except ConnectionResetError:
        pass
    return data


def test_preferred_speaks_both_on_one_port(start_engine: "StartEngine", certificates: "Certificates") -> None:
    engine = start_engine(*certificates.arguments("server"), tls="preferred")
    with engine.connect() as plain, secure(engine, certificates.client_context()) as tls, engine.connect() as silent:
        assert ping(plain) == b"+PONG\r\n"
        assert ping(tls) == b"+PONG\r\n"
        assert ping(silent) == b"+PONG\r\n"


def test_large_values_cross_tls(start_engine: "StartEngine", certificates: "Certificates") -> None:
    engine = start_engine(*certificates.arguments("server"), tls="required")
    value = b"v" * 20_000_000
    with secure(engine, certificates.client_context()) as sock:
        sock.sendall(b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$%d\r\n" % len(value) + value + b"\r\n")
        assert sock.recv(5) == b"+OK\r\n"
        sock.sendall(b"*2\r\n$3\r\nGET\r\n$1\r\nk\r\n")
        expected = b"$%d\r\n" % len(value) + value + b"\r\n"
        with sock.makefile("rb") as replies:
            assert replies.read(len(expected)) == expected


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_records_may_arrive_in_pieces_and_the_end_is_answered(
    start_engine: "StartEngine", certificates: "Certificates", version: ssl.TLSVersion
) -> None:
    engine = start_engine(*certificates.arguments("server"), tls="required")
    context = certificates.client_context()
    context.minimum_version = context.maximum_version = version
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing, server_hostname="localhost")
    with engine.connect() as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

        def send_bytewise() -> None:
            for byte in outgoing.read():
                sock.sendall(bytes([byte]))

        def until_done(step: Callable[[], object]) -> object:
            while True:
                try:
                    return step()
                except ssl.SSLWantReadError:
                    send_bytewise()
                    received = sock.recv(1000)
                    if received:
                        incoming.write(received)
                    else:
                        incoming.write_eof()

        until_done(tls.do_handshake)
        tls.write(b"ECHO one\r\n")
        tls.write(b"ECHO two\r\n")
        send_bytewise()
        replies = b""
        while len(replies) < len(b"$3\r\none\r\n$3\r\ntwo\r\n"):
            piece = until_done(lambda: tls.read(100))
            assert isinstance(piece, bytes)
            replies += piece
        assert replies == b"$3\r\none\r\n$3\r\ntwo\r\n"
        until_done(tls.unwrap)  # the engine says goodbye, too
        assert sock.recv(100) == b""


def test_a_new_certificate_serves_new_connections_and_old_ones_live_on(
    start_engine: "StartEngine", certificates: "Certificates"
) -> None:
    first, key = certificates.issue("first")
    engine = start_engine("--tls-cert-file", str(first), "--tls-key-file", str(key), tls="required")
    context = certificates.client_context()
    with secure(engine, context) as old:
        assert common_name(old) == "first"
        second, second_key = certificates.issue("second")
        second.replace(first)
        second_key.replace(key)
        engine.signal(signal.SIGHUP)
        engine.wait_for_log("certificate loaded")
        with secure(engine, context) as new:
            assert common_name(new) == "second"
            assert ping(new) == b"+PONG\r\n"
        assert ping(old) == b"+PONG\r\n"


def test_a_certificate_that_cannot_be_used_leaves_the_old_one_in_use(
    start_engine: "StartEngine", certificates: "Certificates"
) -> None:
    first, key = certificates.issue("first")
    engine = start_engine("--tls-cert-file", str(first), "--tls-key-file", str(key), tls="required")
    stranger, _ = certificates.issue("stranger")
    stranger.replace(first)
    engine.signal(signal.SIGHUP)
    line = engine.wait_for_log("certificate not reloaded")
    assert str(first) in line["error"]
    with secure(engine, certificates.client_context()) as sock:
        assert common_name(sock) == "first"


def test_client_certificates_are_checked_when_asked_for(
    start_engine: "StartEngine", certificates: "Certificates"
) -> None:
    trust = ["--tls-auth-clients", "yes", "--tls-ca-cert-file", str(certificates.ca_file)]
    engine = start_engine(*certificates.arguments("server"), *trust, tls="required")
    context = certificates.client_context()
    # In TLS 1.3 the client's handshake is over before the server has looked at its certificate.
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with pytest.raises((ssl.SSLError, ConnectionError)), secure(engine, context):
        pass
    context.load_cert_chain(*certificates.issue("client"))
    with secure(engine, context) as sock:
        assert ping(sock) == b"+PONG\r\n"


def test_a_broken_handshake_is_logged_and_costs_nobody_else(
    start_engine: "StartEngine", certificates: "Certificates"
) -> None:
    engine = start_engine(*certificates.arguments("server"), tls="preferred")
    with engine.connect() as sock:
        sock.sendall(TLS_1_1)
        read_until_closed(sock)
    engine.wait_for_log("TLS handshake failed")
    with engine.connect() as sock:
        assert ping(sock) == b"+PONG\r\n"


def test_a_client_that_reads_late_gets_all_replies_in_their_order(
    start_engine: "StartEngine", certificates: "Certificates"
) -> None:
    engine = start_engine(*certificates.arguments("server"), tls="required")
    numbers = range(400)
    value = b"v" * 40_000
    with secure(engine, certificates.client_context()) as sock:
        sock.settimeout(30)
        sock.sendall(b"SET k %b\r\n" % value)
        assert sock.recv(100) == b"+OK\r\n"
        for number in numbers:  # each reply is one that waits for other sockets; together more than the kernel takes
            sock.sendall(b"GET k\r\nECHO %d\r\n" % number)
        wanted = b"".join(b"$40000\r\n%b\r\n$%d\r\n%d\r\n" % (value, len(str(one)), one) for one in numbers)
        received = bytearray()
        while len(received) < len(wanted) and (data := sock.recv(1 << 16)):
            received += data
    assert received == wanted

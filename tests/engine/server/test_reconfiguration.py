"""A running server that is given other sockets, files and limits, and one that starts from what CONFIG REWRITE left."""

import contextlib
import resource
import socket
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.processes import free_port

if TYPE_CHECKING:
    from tests.engine.conftest import Certificates, EngineProcess, StartEngine


def request(*words: str) -> bytes:
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%b\r\n" % (len(word), word.encode()) for word in words)


def ask(sock: socket.socket, *words: str) -> bytes:
    """The reply to a request, which is short enough to come in one piece."""
    sock.sendall(request(*words))
    return sock.recv(65536)


def connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=10)


def refuses(port: int) -> bool:
    """Does nobody listen there?"""
    try:
        connect(port).close()
    except ConnectionRefusedError:
        return True
    return False


def wait_until_refused(port: int) -> None:
    """The listening socket goes on the event loop's next turn."""
    deadline = time.monotonic() + 10
    while not refuses(port):
        assert time.monotonic() < deadline, f"port {port} is still open"


def test_another_port_takes_new_clients_and_keeps_the_old_ones(start_engine: "StartEngine") -> None:
    engine = start_engine()
    port = free_port()
    with engine.connect() as old:
        assert ask(old, "CONFIG", "SET", "port", str(port)) == b"+OK\r\n"
        with connect(port) as new:
            assert ask(new, "PING") == b"+PONG\r\n"
            assert f"tcp_port:{port}".encode() in ask(new, "INFO", "server")
        assert ask(old, "PING") == b"+PONG\r\n"
        wait_until_refused(engine.port)


def test_a_port_in_use_is_refused_and_nothing_changes(start_engine: "StartEngine") -> None:
    engine = start_engine()
    with socket.create_server(("127.0.0.1", 0)) as taken, engine.connect() as sock:
        reply = ask(sock, "CONFIG", "SET", "maxmemory", "1mb", "port", str(taken.getsockname()[1]))
        assert reply == (
            b"-ERR CONFIG SET failed (possibly related to argument 'port') - Unable to listen on this port. Check server "
            b"logs.\r\n"
        )
        assert ask(sock, "CONFIG", "GET", "maxmemory") == b"*2\r\n$9\r\nmaxmemory\r\n$1\r\n0\r\n"
        with engine.connect() as other:
            assert ask(other, "PING") == b"+PONG\r\n"


def test_addresses_come_and_go_with_bind(start_engine: "StartEngine") -> None:
    engine = start_engine()
    with engine.connect() as sock:
        assert ask(sock, "CONFIG", "SET", "bind", "999.999.999.999") == (
            b"-ERR CONFIG SET failed (possibly related to argument 'bind') - Failed to bind to specified addresses.\r\n"
        )
        assert not refuses(engine.port)
        assert ask(sock, "CONFIG", "SET", "bind", "127.0.0.2 127.0.0.1") == b"+OK\r\n"
        with socket.create_connection(("127.0.0.2", engine.port), timeout=10) as other:
            assert ask(other, "PING") == b"+PONG\r\n"
        assert ask(sock, "CONFIG", "SET", "bind", "") == b"+OK\r\n"
        wait_until_refused(engine.port)
        assert ask(sock, "CONFIG", "SET", "bind", "127.0.0.1") == b"+OK\r\n"
        assert not refuses(engine.port)


def test_a_tls_port_opens_with_its_certificate(start_engine: "StartEngine", certificates: "Certificates") -> None:
    engine = start_engine()
    port = free_port()
    words = certificates.arguments("server")
    pairs = [word.removeprefix("--") for word in words]
    with engine.connect() as sock:
        assert ask(sock, "CONFIG", "SET", "tls-port", str(port), *pairs) == b"+OK\r\n"
        with certificates.client_context().wrap_socket(connect(port), server_hostname="localhost") as secure:
            secure.sendall(b"PING\r\n")
            assert secure.recv(100) == b"+PONG\r\n"
        assert ask(sock, "CONFIG", "SET", "tls-cert-file", "/nowhere.pem") == (
            b"-ERR CONFIG SET failed (possibly related to argument 'tls-cert-file') - Unable to update TLS "
            b"configuration. Check server logs.\r\n"
        )


def test_a_rewritten_file_starts_the_same_server(start_engine: "StartEngine", tmp_path: Path) -> None:
    path = tmp_path / "server.conf"
    path.write_text("# mine\nmaxmemory 1gb\nuser ann on nopass ~a* +@all\n")
    engine = start_engine(str(path), "--requirepass", "secret")
    with engine.connect() as sock:
        assert ask(sock, "AUTH", "secret") == b"+OK\r\n"
        for name, value in (("maxmemory", "2mb"), ("shutdown-on-sigterm", "nosave now"), ("hz", "20")):
            assert ask(sock, "CONFIG", "SET", name, value) == b"+OK\r\n"
        assert ask(sock, "CONFIG", "REWRITE") == b"+OK\r\n"
    engine.stop()
    assert path.read_text().startswith("# mine\nmaxmemory 2mb\nuser ann on nopass")
    again = start_engine(str(path))
    with again.connect() as sock:
        assert ask(sock, "AUTH", "secret") == b"+OK\r\n"
        assert b"nosave now" in ask(sock, "CONFIG", "GET", "shutdown-on-sigterm")
        assert b"2097152" in ask(sock, "CONFIG", "GET", "maxmemory")
        assert b"~a*" in ask(sock, "ACL", "GETUSER", "ann")


def test_dir_is_told_in_full(start_engine: "StartEngine") -> None:
    with start_engine().connect() as sock:
        folder = str(Path.cwd()).encode()
        assert ask(sock, "CONFIG", "GET", "dir") == b"*2\r\n$3\r\ndir\r\n$%d\r\n%b\r\n" % (len(folder), folder)


def test_users_come_from_the_file_that_aclfile_names_below_dir(start_engine: "StartEngine", tmp_path: Path) -> None:
    (tmp_path / "users.acl").write_text("user default off\nuser ann on >pw ~* &* +@all\n")
    engine = start_engine("--dir", str(tmp_path), "--aclfile", "users.acl")
    with engine.connect() as sock:
        assert ask(sock, "GET", "k") == b"-NOAUTH Authentication required.\r\n"
        assert ask(sock, "AUTH", "ann", "pw") == b"+OK\r\n"
        assert ask(sock, "ACL", "SETUSER", "bob", "on") == b"+OK\r\n"
        assert ask(sock, "ACL", "SAVE") == b"+OK\r\n"
    assert "user bob on" in (tmp_path / "users.acl").read_text()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--aclfile", "/nowhere/users.acl"), "opening file '/nowhere/users.acl'"),
        (("--user", "ann", "on", "--user", "ann", "off"), "Duplicate user 'ann'"),
        (("--user", "ann", "+nonsense"), "Error in ACL SETUSER modifier '+nonsense'"),
        (("--rename-command", "GET"), "rename-command takes a command and its new name, got 1 words"),
        (("--rename-command", "NOPE", "X"), "rename-commands must name commands, got 'nope'"),
        (("--dir", "/nowhere"), "dir '/nowhere': No such file or directory"),
    ],
)
def test_what_cannot_be_had_at_start_is_said(
    start_engine: "StartEngine", arguments: tuple[str, ...], words: str
) -> None:
    with pytest.raises(AssertionError) as error:
        start_engine(*arguments)
    assert words in str(error.value).replace("\\'", "'")


def test_commands_are_renamed_and_taken_away_at_start(start_engine: "StartEngine") -> None:
    engine = start_engine("--rename-command", "GET", "FETCH", "--rename-command", "FLUSHALL", "")
    with engine.connect() as sock:
        assert ask(sock, "FETCH", "k") == b"$-1\r\n"
        assert ask(sock, "GET", "k").startswith(b"-ERR unknown command 'GET'")
        assert ask(sock, "FLUSHALL").startswith(b"-ERR unknown command 'FLUSHALL'")


def read_until_closed(sock: socket.socket) -> bytes:
    received = b""
    try:
        while chunk := sock.recv(1 << 20):
            received += chunk
    except ConnectionResetError:
        pass
    return received


def test_a_request_over_the_query_buffers_limit_is_not_waited_for(start_engine: "StartEngine") -> None:
    engine = start_engine("--client-query-buffer-limit", "1mb")
    with engine.connect() as sock, engine.connect() as other:
        with contextlib.suppress(ConnectionError):  # closed while we were sending
            sock.sendall(request("SET", "k", "v" * 3_000_000))
        assert read_until_closed(sock) == b""
        engine.wait_for_log("over client-query-buffer-limit")
        assert ask(other, "EXISTS", "k") == b":0\r\n"
        assert b"client_query_buffer_limit_disconnections:1" in ask(other, "INFO", "stats")


def buffered(engine: "EngineProcess", size: int) -> socket.socket:
    """A client with an unfinished request of ``size`` bytes that the server has taken in."""
    sock = engine.connect()
    sock.sendall(b"*1\r\n$%d\r\n" % (2 * size) + b"v" * size)
    return sock


def test_the_largest_client_goes_when_all_are_over_their_memory(start_engine: "StartEngine") -> None:
    engine = start_engine("--maxmemory-clients", "3mb")
    with engine.connect() as small:
        assert ask(small, "PING") == b"+PONG\r\n"
        with buffered(engine, 1_000_000), buffered(engine, 2_500_000) as large:
            assert read_until_closed(large) == b""
            engine.wait_for_log("over maxmemory-clients")
            assert b"evicted_clients:1" in ask(small, "INFO", "stats")


def test_who_may_not_be_evicted_stays(start_engine: "StartEngine") -> None:
    engine = start_engine("--maxmemory-clients", "1mb")
    with engine.connect() as sock, engine.connect() as control:
        assert ask(control, "CLIENT", "NO-EVICT", "ON") == b"+OK\r\n"
        assert ask(sock, "CLIENT", "NO-EVICT", "ON") == b"+OK\r\n"
        sock.sendall(request("SET", "k", "v" * 3_000_000))
        assert sock.recv(100) == b"+OK\r\n"


def test_who_never_logged_in_gets_no_replies_kept(start_engine: "StartEngine") -> None:
    engine = start_engine("--requirepass", "secret")
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.settimeout(20)
        sock.connect((engine.host, engine.port))
        flood = b"PING\r\n" * 10_000
        try:
            for _ in range(1000):  # 10 million refusals are more than any kernel keeps for us
                sock.sendall(flood)
        except (ConnectionError, TimeoutError):
            pass
        engine.wait_for_log("over its output buffer limit")


def test_more_clients_than_the_system_allows_are_refused_with_what_it_does(start_engine: "StartEngine") -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    engine = start_engine("--maxclients", "10")
    with engine.connect() as sock:
        assert ask(sock, "CONFIG", "SET", "maxclients", "20") == b"+OK\r\n"
        if hard != resource.RLIM_INFINITY:
            assert ask(sock, "CONFIG", "SET", "maxclients", str(hard)) == (
                b"-ERR CONFIG SET failed (possibly related to argument 'maxclients') - The operating system is not able to "
                b"handle the specified number of clients, try with %d\r\n" % (hard - 32)
            )
        assert ask(sock, "CONFIG", "GET", "maxclients") == b"*2\r\n$10\r\nmaxclients\r\n$2\r\n20\r\n"


def test_maxclients_is_lowered_to_what_the_system_allows_at_start(start_engine: "StartEngine") -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = hard if hard != resource.RLIM_INFINITY else 0
    if not wanted or wanted > 4_294_967_295:
        pytest.skip("the hard limit on open files is too high to be reached by maxclients")
    engine = start_engine("--maxclients", str(wanted))
    assert engine.wait_for_log("too few open files")["maxclients"] == wanted - 32
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == (soft, hard)

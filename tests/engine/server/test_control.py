"""The control channel, from the supervisor's end of the socketpair."""

import json
import signal
import socket
import ssl
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.engine.supervised import Supervise, Supervisor
from tests.engine.topologies import node_id, topology
from tests.processes import wait_until

from cachetwin_engine.server.config import OptionError, parse_arguments
from cachetwin_engine.server.valkey.run import new_engine

if TYPE_CHECKING:
    from tests.engine.conftest import Certificates, StartEngine


def command(port: int, *words: str, context: ssl.SSLContext | None = None) -> bytes:
    """The first bytes answered to one command on a connection of its own."""
    request = b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%b\r\n" % (len(word), word.encode()) for word in words)
    with socket.create_connection(("127.0.0.1", port), timeout=10) as plain:
        sock = context.wrap_socket(plain, server_hostname="localhost") if context else plain
        with sock:
            sock.sendall(request)
            return sock.recv(4096)


def test_a_supervised_node_says_when_it_is_ready_and_listens_nowhere_by_itself(supervise: Supervise) -> None:
    supervisor = supervise()
    assert supervisor.ready["event"] == "ready"
    assert supervisor.ready["pid"] == supervisor.engine.process.pid
    assert supervisor.ready["version"]
    assert not [line for line in supervisor.engine.log if line["message"] == "listening"]


def test_a_listening_socket_can_be_handed_over_and_taken_back(supervise: Supervise) -> None:
    supervisor = supervise()
    port = supervisor.listen("primary")
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        client.sendall(b"PING\r\n")
        assert client.recv(100) == b"+PONG\r\n"
        assert supervisor.ask("close_listener", name="primary")["ok"]
        assert client.recv(100) == b""
    # The socket itself stays the supervisor's: whoever connects now waits for the next node.
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        client.sendall(b"PING\r\n")
        assert supervisor.ask("listen", name="primary", descriptors=(supervisor.sockets[0].fileno(),))["ok"]
        assert client.recv(100) == b"+PONG\r\n"


def test_one_socket_may_be_served_by_two_nodes_one_after_the_other(supervise: Supervise) -> None:
    first, second = supervise(), supervise()
    port = first.listen("primary")
    assert command(port, "SET", "who", "first") == b"+OK\r\n"
    assert first.ask("close_listener", name="primary")["ok"]
    assert second.ask("listen", name="primary", descriptors=(first.sockets[0].fileno(),))["ok"]
    assert command(port, "GET", "who") == b"$-1\r\n"


def test_tls_listeners_use_the_certificate_they_were_told_of(
    supervise: Supervise, certificates: "Certificates"
) -> None:
    supervisor = supervise()
    sock = socket.create_server(("127.0.0.1", 0))
    supervisor.sockets.append(sock)
    refused = supervisor.ask("listen", name="tls", tls="required", descriptors=(sock.fileno(),))
    assert refused["ok"] is False
    assert "needs a certificate" in refused["error"]
    certificate, key = certificates.issue("told")
    ca_file = str(certificates.ca_file)
    assert supervisor.ask("tls", certificate_file=str(certificate), key_file=str(key), ca_file=ca_file)["ok"]
    port = supervisor.listen("tls", "required")
    assert command(port, "PING", context=certificates.client_context()) == b"+PONG\r\n"
    both = supervisor.listen("both", "preferred")
    assert command(both, "PING", context=certificates.client_context()) == b"+PONG\r\n"
    assert command(both, "PING") == b"+PONG\r\n"


def test_a_missing_certificate_is_named_and_changes_nothing(supervise: Supervise, certificates: "Certificates") -> None:
    supervisor = supervise()
    certificate, _key = certificates.issue("told")
    answer = supervisor.ask("tls", certificate_file=str(certificate), key_file="/nowhere/key.pem")
    assert answer["ok"] is False
    assert "/nowhere/key.pem" in answer["error"]
    assert supervisor.ask("info")["ok"]


def test_users_replace_all_others(supervise: Supervise) -> None:
    supervisor = supervise("--elasticache")
    port = supervisor.listen("primary")
    app = {
        "user_name": "app",
        "access_string": "on ~app:* -@all +get +set",
        "authentication": "password",
        "passwords": ["correct-horse-battery", "second-password-too"],
    }
    assert supervisor.ask("users", users=[app])["ok"]
    assert command(port, "GET", "app:1").startswith(b"-NOAUTH")
    for password in ("correct-horse-battery", "second-password-too"):
        assert command(port, "AUTH", "app", password) == b"+OK\r\n"
    assert command(port, "AUTH", "app", "wrong").startswith(b"-WRONGPASS")
    lines = json.dumps(supervisor.engine.log)
    assert "correct-horse" not in lines


@pytest.mark.parametrize(
    ("user", "complaint"),
    [
        ({}, "user_name must be a string"),
        ({"user_name": "a", "access_string": "on", "authentication": "maybe"}, "authentication must be one of"),
        ({"user_name": "a", "access_string": "on +nosuch", "authentication": "iam"}, "+nosuch"),
        ({"user_name": "a", "access_string": "on", "authentication": "password", "passwords": "p"}, "list of strings"),
    ],
)
def test_a_user_that_cannot_be_used_is_named_and_nothing_changes(
    supervise: Supervise, user: dict[str, object], complaint: str
) -> None:
    supervisor = supervise()
    port = supervisor.listen("primary")
    answer = supervisor.ask("users", users=[user])
    assert answer["ok"] is False
    assert complaint in answer["error"]
    assert command(port, "PING") == b"+PONG\r\n"


def test_parameters_are_set_all_or_none(supervise: Supervise) -> None:
    supervisor = supervise()
    port = supervisor.listen("primary")
    good = {"maxmemory": "100mb", "maxmemory-policy": "allkeys-lru"}
    assert supervisor.ask("parameters", parameters=good)["ok"]
    assert b"104857600" in command(port, "CONFIG", "GET", "maxmemory")
    for bad in ({"maxmemory": "1mb", "maxmemory-policy": "nonsense"}, {"maxmemory": "1mb", "no-such-parameter": "1"}):
        answer = supervisor.ask("parameters", parameters=bad)
        assert answer["ok"] is False
        assert list(bad)[1] in answer["error"]
        assert b"104857600" in command(port, "CONFIG", "GET", "maxmemory")


def test_a_parameter_group_may_speak_the_services_words(supervise: Supervise) -> None:
    supervisor = supervise("--elasticache")
    group = {
        "client-output-buffer-limit-pubsub-hard-limit": "1000000",
        "reserved-memory-percent": "25",
        "maxmemory-policy": "volatile-lru",
    }
    answer = supervisor.ask("parameters", parameters=group)
    assert answer["ok"], answer
    assert answer["not_of_the_engine"] == ["reserved-memory-percent"]
    assert "maxmemory_policy:volatile-lru" in supervisor.ask("info")["info"]


def test_info_describes_the_node(supervise: Supervise) -> None:
    supervisor = supervise("--profile", "valkey-8.1")
    port = supervisor.listen("primary")
    info = supervisor.ask("info")["info"]
    assert "valkey_version:8.1" in info
    assert f"tcp_port:{port}" in info
    assert f"process_id:{supervisor.engine.process.pid}" in info


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        (b"not json\n", "one JSON object a line"),
        (b"[1]\n", "got a list"),
        (b'{"id": 5, "op": "dance"}\n', "op must be one of"),
        (b'{"id": 5, "op": "close_listener", "name": "x"}\n', "no listener is called 'x'"),
        (b'{"id": 5, "op": "listen", "name": "x"}\n', "needs the descriptor"),
        (b'{"id": 5, "op": "parameters", "parameters": 7}\n', "parameters must be a dict, got int"),
    ],
)
def test_a_bad_request_is_answered_and_the_node_goes_on(supervise: Supervise, line: bytes, complaint: str) -> None:
    supervisor = supervise()
    supervisor.channel.sendall(line)
    answer = supervisor.read()
    assert answer["ok"] is False
    assert complaint in answer["error"]
    assert supervisor.ask("info")["ok"]


def test_requests_may_come_in_pieces_and_in_bunches(supervise: Supervise) -> None:
    supervisor = supervise()
    bunch = b"".join(b'{"id": %d, "op": "close_listener", "name": "x"}\n' % number for number in range(1500))
    for start in range(0, len(bunch), 7919):
        supervisor.channel.sendall(bunch[start : start + 7919])
    assert [supervisor.read()["id"] for _ in range(1500)] == list(range(1500))


def test_shutdown_is_answered_then_the_node_ends(supervise: Supervise) -> None:
    supervisor = supervise()
    assert supervisor.ask("shutdown")["ok"]
    assert supervisor.engine.wait() == 0


def test_the_end_of_the_channel_ends_the_node(supervise: Supervise) -> None:
    supervisor = supervise()
    port = supervisor.listen("primary")
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        client.sendall(b"PING\r\n")
        assert client.recv(100) == b"+PONG\r\n"
        supervisor.close()
        assert client.recv(100) == b""
    assert supervisor.engine.wait() == 0


def test_signals_still_end_a_supervised_node(supervise: Supervise) -> None:
    supervisor = supervise()
    supervisor.engine.signal(signal.SIGTERM)
    assert supervisor.engine.wait() == 0


def write(port: int) -> None:
    """Set k to v and return when a replica has it."""
    with socket.create_connection(("127.0.0.1", port), timeout=70) as sock, sock.makefile("rb") as replies:
        sock.sendall(b"SET k v\r\nWAIT 1 60000\r\n")
        assert [replies.readline(), replies.readline()] == [b"+OK\r\n", b":1\r\n"]


def replicates(primary: Supervisor, replica: Supervisor) -> None:
    """Hand both the ends of a new connection."""
    theirs, ours = socket.socketpair()
    with theirs, ours:
        assert primary.ask("replica", descriptors=(theirs.fileno(),))["ok"]
        answer = replica.ask("follow", host="primary.test", port=6379, descriptors=(ours.fileno(),))
        assert answer["ok"], answer


def test_a_supervisor_connects_a_replica_to_its_primary(supervise: Supervise) -> None:
    primary, replica = supervise("--elasticache"), supervise("--elasticache")
    first, second = primary.listen("client"), replica.listen("client")
    replicates(primary, replica)
    write(first)
    assert command(second, "GET", "k") == b"$1\r\nv\r\n"
    assert command(second, "SET", "k", "w").startswith(b"-READONLY")
    assert command(first, "PSYNC", "?", "-1").startswith(b"-ERR unknown command")
    assert "master_host:primary.test" in replica.ask("info")["info"]


def test_a_link_that_breaks_is_asked_for_and_goes_on(supervise: Supervise) -> None:
    primary, replica = supervise("--elasticache"), supervise("--elasticache")
    first = primary.listen("client")
    replicates(primary, replica)
    write(first)
    assert command(first, "CLIENT", "KILL", "TYPE", "replica") == b":1\r\n"
    assert replica.read()["event"] == "link lost"
    replicates(primary, replica)
    write(first)
    assert "sync_partial_ok:1" in primary.ask("info")["info"]


def test_a_replica_is_made_the_primary(supervise: Supervise) -> None:
    primary, replica = supervise("--elasticache"), supervise("--elasticache")
    replicates(primary, replica)
    second = replica.listen("client")
    assert replica.ask("lead")["ok"]
    assert command(second, "SET", "k", "v") == b"+OK\r\n"
    assert primary.ask("replica")["error"].startswith("replica: needs the descriptor of a connected socket")


def test_a_topology_makes_a_node_one_of_a_cluster(supervise: Supervise) -> None:
    supervisor = supervise("--cluster-enabled", "yes")
    port = supervisor.listen("primary")
    document = topology(shards=2, epoch=3)
    assert supervisor.ask("topology", topology={**document, "me": node_id(1, 1)})["ok"]
    assert command(port, "GET", "a") == b"-MOVED 15495 127.0.2.1:7000\r\n"
    assert command(port, "SET", "b", "1") == b"+OK\r\n"
    assert command(port, "CLUSTER", "MYID") == b"$40\r\n%b\r\n" % node_id(1, 1).encode()
    refused = supervisor.ask("topology", topology={**document, "me": node_id(1, 1), "epoch": 2})
    assert refused["error"] == "topology: the epoch must be at least 3, got 2"
    refused = supervisor.ask("topology", topology={**document, "me": "x"})
    assert refused["error"] == "topology: me must be 40 hexadecimal digits, got 'x'"


def test_a_topology_needs_cluster_mode(supervise: Supervise) -> None:
    refused = supervise().ask("topology", topology={**topology(), "me": node_id(1, 1)})
    assert refused["error"] == "topology: a topology needs cluster-enabled yes"


def test_a_node_tells_its_role_and_how_far_it_is(supervise: Supervise) -> None:
    first, second = supervise(), supervise()
    one, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    with one, other:
        assert first.ask("replica", descriptors=(one.fileno(),))["ok"]
        assert second.ask("follow", host="127.0.0.1", port=6379, descriptors=(other.fileno(),))["ok"]
    for _ in range(1000):
        replica = second.ask("state")
        if replica["link"] == "connected":
            break
    primary = first.ask("state")
    assert (primary["role"], primary["link"], primary["replicas"]) == ("primary", "", 1)
    assert (replica["role"], replica["link"], replica["offset"]) == ("replica", "connected", primary["offset"])


def test_a_listener_can_be_closed_without_its_connections(supervise: Supervise) -> None:
    supervisor = supervise()
    port = supervisor.listen("reader")
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        client.sendall(b"PING\r\n")
        assert client.recv(100) == b"+PONG\r\n"
        assert supervisor.ask("close_listener", name="reader", keep_connections=True)["ok"]
        client.sendall(b"PING\r\n")
        assert client.recv(100) == b"+PONG\r\n"


def test_a_topology_may_come_from_a_file(start_engine: "StartEngine", tmp_path: Path) -> None:
    file = tmp_path / "topology.json"
    file.write_text(json.dumps({**topology(), "me": node_id(2, 1)}))
    engine = start_engine("--cluster-enabled", "yes", "--cluster-topology", str(file))
    assert command(engine.port, "GET", "b") == b"-MOVED 3300 127.0.1.1:7000\r\n"


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (None, "cannot read"),
        ("{", "must be one JSON object"),
        ("[]", "a topology must be an object, got a list"),
        ('{"epoch": 1, "me": "", "shards": []}', "me must be 40 hexadecimal digits, got ''"),
        ('{"epoch": -1}', "epoch must be a number from 0, got -1"),
    ],
)
def test_a_file_that_is_no_topology_ends_the_start(content: str | None, complaint: str, tmp_path: Path) -> None:
    file = tmp_path / "topology.json"
    if content is not None:
        file.write_text(content)
    arguments = parse_arguments(["--cluster-enabled", "yes", "--cluster-topology", str(file)])
    with pytest.raises(OptionError, match=complaint):
        new_engine(arguments)


def test_a_node_writes_its_data_while_clients_go_on_and_another_starts_with_it(
    supervise: Supervise, tmp_path: Path
) -> None:
    supervisor, other = supervise(), supervise()
    port = supervisor.listen("clients")
    for number in range(200):
        command(port, "SET", f"key:{number}", "x" * 100)
    path = tmp_path / "shop-0001.rdb"
    assert supervisor.ask("save", path=str(path))["ok"]
    assert command(port, "SET", "later", "1") == b"+OK\r\n"
    wait_until(lambda: not supervisor.ask("saving")["in_progress"], "the file")
    assert supervisor.ask("saving")["error"] == ""
    assert path.stat().st_mode & 0o777 == 0o600
    assert [file.name for file in tmp_path.iterdir()] == ["shop-0001.rdb"]
    assert other.ask("load", paths=[str(path)])["keys"] == 200
    assert command(other.listen("clients"), "DBSIZE") == b":200\r\n"


def test_a_node_says_why_it_cannot_write_or_load_a_file(supervise: Supervise, tmp_path: Path) -> None:
    supervisor = supervise()
    refused = supervisor.ask("save", path=str(tmp_path / "missing" / "shop-0001.rdb"))
    assert refused["error"] == "save: no such file or directory"
    wrong = tmp_path / "wrong.rdb"
    wrong.write_bytes(b"not a snapshot")
    assert supervisor.ask("load", paths=[str(wrong)])["error"].startswith(
        f"load: {wrong} is no snapshot that can be loaded: "
    )
    assert "no such file" in supervisor.ask("load", paths=[str(tmp_path / "none.rdb")])["error"]

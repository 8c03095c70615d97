"""IAM users and the clock over the control channel, with real clients."""

import socket
import time
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest
import redis
import valkey
from redis.backoff import NoBackoff
from redis.retry import Retry
from tests.engine.supervised import Supervise, Supervisor
from tests.engine.tokens import KEY, REGION, SECRET, SESSION, presigned
from tests.processes import wait_until

if TYPE_CHECKING:
    from tests.engine.conftest import Certificates

USERS = [
    {"user_name": "app", "access_string": "on ~* +@all", "authentication": "iam", "passwords": []},
    {"user_name": "robot", "access_string": "on ~* +@all", "authentication": "password", "passwords": ["robots-own-1"]},
]
TWELVE_HOURS_MS = 12 * 3600 * 1000


def keys(reason: str = "") -> list[dict[str, Any]]:
    return [{"access_key_id": KEY, "secret_access_key": SECRET, "session_token": SESSION, "users": {"app": reason}}]


def move_clock(supervisor: Supervisor, ahead_ms: int = TWELVE_HOURS_MS) -> None:
    assert supervisor.ask("clock", moves=[[int(time.time() * 1000), ahead_ms]])["ok"]


def has_ended(client: Any, number: int) -> bool:  # noqa: ANN401  (of either library)
    """Whether the connection of this number has ended; a client that noticed it has another one."""
    try:
        return bool(client.client_id() != number)
    except redis.ConnectionError:
        return True


@dataclass
class Node:
    """A node with an IAM user, behind TLS."""

    supervisor: Supervisor
    port: int
    ca_file: str

    def client(self, library: ModuleType, provider: object, **options: object) -> Any:  # noqa: ANN401  (of either library)
        """A client of redis-py or valkey-py that gets its credentials from `provider`."""
        kind = library.Redis if library is redis else library.Valkey
        return kind(
            host="127.0.0.1",
            port=self.port,
            ssl=True,
            ssl_ca_certs=self.ca_file,
            credential_provider=provider,
            socket_timeout=20,
            **options,
        )


@pytest.fixture
def node(supervise: Supervise, certificates: "Certificates") -> Node:
    supervisor = supervise("--elasticache")
    assert supervisor.ask("users", users=USERS)["ok"]
    certificate, key = certificates.issue("node")
    files = (str(certificate), str(key), str(certificates.ca_file))
    assert supervisor.ask("tls", certificate_file=files[0], key_file=files[1], ca_file=files[2])["ok"]
    assert supervisor.ask("iam", cache="sessions", serverless=False, region=REGION, keys=keys())["ok"]
    return Node(supervisor, supervisor.listen("primary", "required"), str(certificates.ca_file))


class RedisProvider(redis.CredentialProvider):
    """AWS's documentation's example: a new token for each connection."""

    def __init__(self, ahead_ms: int = 0, cache: str = "sessions") -> None:
        self.ahead_ms = ahead_ms
        self.cache = cache

    def get_credentials(self) -> tuple[str, str]:
        return "app", presigned(self.cache, "app", now_ms=int(time.time() * 1000) + self.ahead_ms)


class ValkeyProvider(valkey.CredentialProvider):
    """The same for valkey-py."""

    def get_credentials(self) -> tuple[str, str]:
        return RedisProvider().get_credentials()


@pytest.mark.parametrize("protocol", [2, 3])
@pytest.mark.parametrize(("library", "provider"), [(redis, RedisProvider()), (valkey, ValkeyProvider())])
def test_clients_log_in_with_a_credential_provider(
    node: Node, library: ModuleType, provider: object, protocol: int
) -> None:
    with node.client(library, provider, protocol=protocol) as client:
        assert client.set("k", "v")
        assert client.get("k") == b"v"
        assert client.acl_whoami() in {"app", b"app"}


def test_a_refusal_says_nothing_to_the_client_and_everything_to_the_log(node: Node) -> None:
    with node.client(redis, RedisProvider(cache="other")) as client, pytest.raises(redis.AuthenticationError) as raised:
        client.ping()
    assert "invalid username-password pair or user is disabled." in str(raised.value)
    wait_until(
        lambda: any("for the cache other, and this is sessions" in str(line) for line in node.supervisor.engine.log),
        "the reason in the log",
    )
    assert SESSION not in str(node.supervisor.engine.log)
    assert SECRET not in str(node.supervisor.engine.log)


def test_policies_can_change_while_it_runs(node: Node) -> None:
    with node.client(redis, RedisProvider()) as client:
        assert client.ping()
        reason = "no policy allows elasticache:Connect"
        assert node.supervisor.ask("iam", cache="sessions", serverless=False, region=REGION, keys=keys(reason))["ok"]
        assert client.ping(), "a session that exists goes on"
        with node.client(redis, RedisProvider()) as other, pytest.raises(redis.AuthenticationError):
            other.ping()


def test_a_connection_ends_when_the_clock_has_moved_by_twelve_hours(node: Node) -> None:
    provider = RedisProvider()
    with node.client(redis, provider, retry=Retry(NoBackoff(), 0)) as client:
        client.set("short", "v", ex=3600)
        client.set("long", "v", ex=24 * 3600)
        first = client.client_id()
        move_clock(node.supervisor)
        assert has_ended(client, first)
        client.connection_pool.disconnect()
        provider.ahead_ms = -60_000  # a token of before the move
        with pytest.raises(redis.AuthenticationError):
            client.ping()
        provider.ahead_ms = 0
        assert client.get("short") is None
        assert 0 < client.ttl("long") <= 12 * 3600
    wait_until(
        lambda: any("its login with an IAM token has ended" in str(line) for line in node.supervisor.engine.log),
        "the end of the login in the log",
    )


def test_the_clock_does_not_go_back(node: Node) -> None:
    move_clock(node.supervisor, 5000)
    move_clock(node.supervisor, 5000)
    refused = node.supervisor.ask("clock", moves=[])
    assert refused["error"] == "clock: must be at least 5000 ms ahead, got 0"
    wrong = node.supervisor.ask("clock", moves=[1])
    assert wrong["error"] == "clock: a move must be two numbers, got 1"


def test_a_primary_and_its_replica_stay_linked_when_their_clocks_move(supervise: Supervise) -> None:
    primary, replica = supervise(), supervise()
    one, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    with one, other:
        assert primary.ask("replica", descriptors=(one.fileno(),))["ok"]
        assert replica.ask("follow", host="127.0.0.1", port=1, descriptors=(other.fileno(),))["ok"]
    wait_until(lambda: replica.ask("state")["link"] == "connected", "the link")
    for each in (primary, replica):
        move_clock(each)
    time.sleep(0.5)  # several ticks, in which a silent replica would be noticed
    assert primary.ask("state")["replicas"] == 1
    assert replica.ask("state")["link"] == "connected"
    assert not replica.events


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"keys": {}}, "iam: keys must be a list, got dict"),
        ({"keys": [1]}, "iam: a key must be an object, got int"),
        ({"keys": [{"users": {"a": 1}}]}, "iam: users of a key must be an object of strings"),
        ({"keys": [{"users": {}, "access_key_id": 1}]}, "iam: access_key_id must be a str, got int"),
        ({"keys": [], "region": None}, "iam: region must be a str, got NoneType"),
    ],
)
def test_a_request_that_cannot_be_used_is_refused(node: Node, fields: dict[str, object], message: str) -> None:
    whole: dict[str, Any] = {"cache": "x", "region": REGION, **fields}
    answer = node.supervisor.ask("iam", **whole)
    assert answer["error"] == message
